"""All that is written about a package, each from its record alone, so that no two of them can disagree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marketsim.datasets.storage import storing
from marketsim.publication.checksums import checksums
from marketsim.publication.citation import citation_cff, codemeta_json
from marketsim.publication.croissant import croissant_json
from marketsim.publication.datapackage import datapackage_json
from marketsim.publication.dictionary import data_dictionary
from marketsim.publication.layout import (
    CHECKSUMS,
    CITATION,
    CODE_LICENSE,
    CODEMETA,
    CROISSANT,
    DATA_LICENSE,
    DATAPACKAGE,
    DICTIONARY,
    METADATA,
    ODD,
    README,
    RECORD,
    RO_CRATE,
)
from marketsim.publication.licences import code_licence, data_licence
from marketsim.publication.metadata import metadata_yaml
from marketsim.publication.odd import odd_text
from marketsim.publication.readme import readme
from marketsim.publication.record import PackageRecord
from marketsim.publication.ro_crate import ro_crate_json

WRITERS: dict[str, Callable[[PackageRecord], str]] = {
    RECORD: PackageRecord.to_json,
    METADATA: lambda record: metadata_yaml(record.metadata),
    README: readme,
    ODD: odd_text,
    DICTIONARY: data_dictionary,
    DATA_LICENSE: data_licence,
    CODE_LICENSE: code_licence,
    CITATION: citation_cff,
    CODEMETA: codemeta_json,
    DATAPACKAGE: datapackage_json,
    CROISSANT: croissant_json,
    RO_CRATE: ro_crate_json,
}
"""The file of each descriptor, and what writes its text."""


def write_descriptors(record: PackageRecord, package: Path) -> None:
    """Write every descriptor of the package in a folder, the checksums last."""
    for name, write in WRITERS.items():
        with storing(package / name):
            (package / name).write_text(write(record), encoding="utf-8", newline="\n")
    known = {part.path: part.sha256 for table in record.tables for part in table.parts}
    with storing(package / CHECKSUMS):
        (package / CHECKSUMS).write_text(checksums(package, known), encoding="utf-8", newline="\n")
