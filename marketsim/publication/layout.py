"""The names of the files of a package, each written down once."""

from __future__ import annotations

RECORD = "package.json"
METADATA = "metadata.yaml"
README = "README.md"
MAKEFILE = "Makefile"
CHECKSUMS = "SHA256SUMS"
DICTIONARY = "DATA_DICTIONARY.md"
ODD = "ODD.md"
CITATION = "CITATION.cff"
CODEMETA = "codemeta.json"
CROISSANT = "croissant.json"
DATAPACKAGE = "datapackage.json"
RO_CRATE = "ro-crate-metadata.json"
DATA_LICENSE = "LICENSE-DATA"
CODE_LICENSE = "LICENSE-CODE"

LICENSE_URL = "https://spdx.org/licenses/{}.html"

DATA = "data"
SAMPLE = "sample"
SCENARIO = "scenario"
ENVIRONMENT = "environment"
LEDGER = "building.json"


def part_path(table: str, number: int) -> str:
    """Where one part of a table stands in the package."""
    return f"{DATA}/{table}/part-{number:05d}.parquet"


def sample_path(table: str) -> str:
    """Where a table's sample stands in the package."""
    return f"{SAMPLE}/{table}.parquet"
