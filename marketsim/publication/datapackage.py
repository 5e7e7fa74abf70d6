"""datapackage.json: the package for readers of Data Package descriptors (specs.frictionlessdata.io).

A table that is one small file is described as a table, with its schema. Of a larger one the sample is, and its parts
are files with their hash: a validator that reads a table whole would not hold them. (A table has no hash here, since
validators count the bytes of what they read as text; SHA256SUMS has it.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from marketsim.publication.layout import LICENSE_URL, sample_path
from marketsim.publication.published_tables import PublishedColumn, PublishedTable, Type
from marketsim.publication.record import PackageRecord, TableRecord

SMALL_ROWS = 5_000
PARQUET = "application/x-parquet"
_TYPES: dict[Type, str] = {
    "int64": "integer",
    "float64": "number",
    "text": "string",
    "bool": "boolean",
    "instant": "datetime",
}


def datapackage_json(record: PackageRecord) -> str:
    """The text of datapackage.json."""
    about = record.metadata
    told = {
        "profile": "data-package",
        "name": record.study.name.lower().replace("_", "-"),
        "id": record.identity,
        "title": about.title,
        "description": about.description,
        "version": about.version,
        "created": record.built_utc,
        "keywords": list(about.keywords),
        "licenses": [{"name": about.data_license, "path": LICENSE_URL.format(about.data_license)}],
        "contributors": [{"title": author.name, "role": "author"} for author in about.authors],
        "resources": [resource for table in record.tables for resource in _resources(table)],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def is_small(table: TableRecord) -> bool:
    """Whether a reader may take the table whole."""
    return len(table.parts) == 1 and table.rows <= SMALL_ROWS


def resource_name(name: str) -> str:
    """A table's name as the descriptor allows it."""
    return name.lower().replace("_", "-")


def _resources(told: TableRecord) -> Iterator[dict[str, Any]]:
    name = resource_name(told.table.name)
    if is_small(told):
        yield _table(name, told.parts[0].path, told.table)
        return
    yield _table(f"{name}-sample", sample_path(told.table.name), told.table)
    for number, part in enumerate(told.parts):
        yield {
            "name": f"{name}-part-{number:05d}",
            "type": "file",
            "path": part.path,
            "format": "parquet",
            "mediatype": PARQUET,
            "description": f"{told.table.description} Its columns are those of {name}-sample.",
            "bytes": part.bytes,
            "hash": f"sha256:{part.sha256}",
        }


def _table(name: str, path: str, table: PublishedTable) -> dict[str, Any]:
    return {
        "name": name,
        "type": "table",
        "path": path,
        "format": "parquet",
        "mediatype": PARQUET,
        "description": table.description,
        "schema": {
            "fields": [_field(column) for column in table.columns],
            "primaryKey": list(table.keys) if not any(column.null for column in _keys(table)) else [],
        },
    }


def _keys(table: PublishedTable) -> list[PublishedColumn]:
    return [column for column in table.columns if column.name in table.keys]


def _field(column: PublishedColumn) -> dict[str, Any]:
    constraints: dict[str, Any] = {} if column.null else {"required": True}
    if column.values:
        constraints["enum"] = list(column.values)
    unit = f" [{column.unit}]" if column.unit else ""
    null = f"; null: {column.null}" if column.null else ""
    return {
        "name": column.name,
        "type": "number" if column.null and column.dtype == "int64" else _TYPES[column.dtype],
        "description": f"{column.meaning}{unit}{null}",
        **({"constraints": constraints} if constraints else {}),
    }
