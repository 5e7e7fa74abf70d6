"""ro-crate-metadata.json: the package as an RO-Crate 1.1 of the Process Run Crate profile 0.5.

Sources: w3id.org/ro/crate/1.1 and w3id.org/ro/wfrun/process/0.5: the sweep is a CreateAction, its instrument marketsim,
its objects the scenario, its results the data.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from marketsim.publication.layout import CHECKSUMS, DICTIONARY, LICENSE_URL, ODD, README, SCENARIO
from marketsim.publication.record import PackageRecord

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
PROFILE_ID = "process-run-crate"
_TERMS = (
    "about actionStatus affiliation agent author contentSize CreateAction CreativeWork Dataset datePublished "
    "description encodingFormat endTime hasPart instrument keywords license mentions name object Person result "
    "SoftwareApplication softwareVersion startTime url version"
).split()
SCHEMA_TERMS = {
    **{term: f"http://schema.org/{term}" for term in _TERMS},
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}
"""The terms of the RO-Crate 1.1 context that are used here, each with what it stands for."""
_SWEEP = "#sweep"
_PROGRAM = "#marketsim"


def ro_crate_json(record: PackageRecord) -> str:
    """The text of ro-crate-metadata.json."""
    parts = [part for table in record.tables for part in table.parts]
    files = [path for path in record.files if "/" in path]
    texts = {README: "text/markdown", DICTIONARY: "text/markdown", ODD: "text/markdown", CHECKSUMS: "text/plain"}
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        _root(record, [part.path for part in parts] + files + list(texts)),
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        _license(record),
        *_people(record),
        _program(record),
        _action(record, [part.path for part in parts], files),
    ]
    for table in record.tables:
        for part in table.parts:
            graph.append(_file(part.path, table.table.description, "application/vnd.apache.parquet", part.bytes))
    for path in files:
        graph.append(_file(path, record.files[path], _media_type(path)))
    for path, kind in texts.items():
        graph.append(_file(path, path, kind))
    told = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _root(record: PackageRecord, parts: list[str]) -> dict[str, Any]:
    about = record.metadata
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": about.title,
        "description": about.description,
        "datePublished": record.built_utc,
        "version": about.version,
        "license": {"@id": LICENSE_URL.format(about.data_license)},
        "conformsTo": {"@id": PROFILE},
        "author": [{"@id": person["@id"]} for person in _people(record)],
        "keywords": ", ".join(about.keywords),
        "hasPart": [{"@id": path} for path in parts],
        "mentions": {"@id": _SWEEP},
    }


def _license(record: PackageRecord) -> dict[str, Any]:
    name = record.metadata.data_license
    return {"@id": LICENSE_URL.format(name), "@type": "CreativeWork", "name": name, "description": f"SPDX {name}"}


def _people(record: PackageRecord) -> list[dict[str, Any]]:
    return [
        {
            "@id": f"https://orcid.org/{author.orcid}" if author.orcid else f"#author-{number}",
            "@type": "Person",
            "name": author.name,
            "affiliation": author.affiliation,
        }
        for number, author in enumerate(record.metadata.authors)
    ]


def _program(record: PackageRecord) -> dict[str, Any]:
    return {
        "@id": _PROGRAM,
        "@type": "SoftwareApplication",
        "name": "marketsim",
        "softwareVersion": record.study.versions["marketsim"],
        "url": "https://pypi.org/project/marketsim-lab/",
    }


def _action(record: PackageRecord, results: list[str], objects: list[str]) -> dict[str, Any]:
    began = record.study.created_utc
    ended = datetime.fromisoformat(began) + timedelta(seconds=record.study.wall_s)
    return {
        "@id": _SWEEP,
        "@type": "CreateAction",
        "name": f"marketsim sweep of {record.study.name}",
        "description": f"{record.study.runs:,} runs of {record.study.cells:,} cells",
        "instrument": {"@id": _PROGRAM},
        "agent": {"@id": _people(record)[0]["@id"]},
        "startTime": began,
        "endTime": ended.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "object": [{"@id": path} for path in objects if path.startswith(f"{SCENARIO}/")],
        "result": [{"@id": path} for path in results],
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }


def _file(path: str, description: str, media_type: str, size: int | None = None) -> dict[str, Any]:
    told = {"@id": path, "@type": "File", "name": path.rsplit("/", 1)[-1], "description": description}
    told["encodingFormat"] = media_type
    return told if size is None else {**told, "contentSize": str(size)}


def _media_type(path: str) -> str:
    kinds = {"json": "application/json", "yaml": "application/yaml", "whl": "application/zip", "lock": "text/plain"}
    return kinds.get(path.rsplit(".", 1)[-1], "application/octet-stream")
