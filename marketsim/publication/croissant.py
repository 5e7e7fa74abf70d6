"""croissant.json: the package for readers of Croissant 1.0, with the fields of its responsible-AI vocabulary.

Sources: Croissant format specification 1.0 and Croissant RAI specification 1.0 (docs.mlcommons.org/croissant). Parts
are file objects, not a file set, and are of type application/x-parquet: what is inside an archive validates but does
not load. The sample of each table is a record set of its own, which loads in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from marketsim.publication.layout import LICENSE_URL
from marketsim.publication.metadata import ResponsibleUse
from marketsim.publication.parts import Part
from marketsim.publication.published_tables import PublishedTable, Type
from marketsim.publication.record import PackageRecord, TableRecord

PARQUET = "application/x-parquet"
_TYPES: dict[Type, str] = {
    "int64": "sc:Integer",
    "float64": "sc:Float",
    "text": "sc:Text",
    "bool": "sc:Boolean",
    "instant": "sc:DateTime",
}
_SAME = (
    "citeAs column conformsTo:dct equivalentProperty extract field fileProperty fileObject fileSet format includes "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
    "separator source subField transform"
).split()


def _context() -> dict[str, Any]:
    """The context of Croissant 1.0, term by term as its specification has it."""
    context: dict[str, Any] = {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
    }
    for term in _SAME:
        name, _, prefix = term.partition(":")
        context[name] = f"{prefix or 'cr'}:{name}"
    return dict(sorted(context.items()))


def croissant_json(record: PackageRecord) -> str:
    """The text of croissant.json."""
    about = record.metadata
    told = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": record.study.name,
        "alternateName": about.title,
        "description": about.description,
        "version": about.version,
        "license": LICENSE_URL.format(about.data_license),
        "url": about.url,
        "citeAs": f"{'; '.join(author.name for author in about.authors)}: {about.title} ({record.built_utc[:4]})",
        "datePublished": record.built_utc[:10],
        "keywords": list(about.keywords),
        "creator": [{"@type": "sc:Person", "name": author.name} for author in about.authors],
        "isLiveDataset": False,
        **_responsible_use(about.responsible_use),
        "distribution": [entry for table in record.tables for entry in _distribution(table)],
        "recordSet": [entry for table in record.tables for entry in _record_sets(table)],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _responsible_use(told: ResponsibleUse) -> dict[str, str]:
    """The fields under the names of the vocabulary."""
    names = {
        "data_collection": "dataCollection",
        "data_collection_type": "dataCollectionType",
        "data_annotation": "dataAnnotationProtocol",
        "data_use_cases": "dataUseCases",
        "data_limitations": "dataLimitations",
        "data_biases": "dataBiases",
        "data_social_impact": "dataSocialImpact",
        "personal_sensitive_information": "personalSensitiveInformation",
        "data_maintenance_plan": "dataReleaseMaintenancePlan",
    }
    return {f"rai:{name}": getattr(told, field) for field, name in names.items()}


def _distribution(told: TableRecord) -> Iterator[dict[str, Any]]:
    name = told.table.name
    yield _file(f"{name}-sample.parquet", told.sample)
    for number, part in enumerate(told.parts):
        yield _file(f"{name}-{number:05d}.parquet", part)


def _file(name: str, part: Part) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": part.path,
        "contentSize": f"{part.bytes} B",
        "encodingFormat": PARQUET,
        "sha256": part.sha256,
    }


def _record_sets(told: TableRecord) -> Iterator[dict[str, Any]]:
    name = told.table.name
    yield _records(f"{name}_sample", f"{name}-sample.parquet", told.table)
    for number in range(len(told.parts)):
        record_set = name if len(told.parts) == 1 else f"{name}_{number:05d}"
        yield _records(record_set, f"{name}-{number:05d}.parquet", told.table)


def _records(name: str, file: str, table: PublishedTable) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": table.description,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column.name}",
                "name": f"{name}/{column.name}",
                "description": column.meaning + (f" [{column.unit}]" if column.unit else ""),
                "dataType": _TYPES[column.dtype],
                "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
            }
            for column in table.columns
        ],
    }
