"""CITATION.cff and codemeta.json: how the dataset is cited, by people and by machines.

Sources: Citation File Format 1.2.0 (citation-file-format.github.io); CodeMeta 3.0 (codemeta.github.io/terms).
"""

from __future__ import annotations

import json

from marketsim.publication.metadata import TO_BE_WRITTEN, Author
from marketsim.publication.record import PackageRecord
from marketsim.publication.yaml_text import yaml_text


def citation_cff(record: PackageRecord) -> str:
    """The text of CITATION.cff."""
    about = record.metadata
    told = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": about.title,
        "abstract": about.description,
        "authors": [_author(author) for author in about.authors],
        "version": about.version,
        "date-released": record.built_utc[:10],
        "license": about.data_license,
        "keywords": list(about.keywords),
    }
    if about.doi:
        told["doi"] = about.doi
    if about.url != TO_BE_WRITTEN:
        told["url"] = about.url
    return yaml_text(told)


def _author(author: Author) -> dict[str, str]:
    told = {
        "family-names": author.family_names,
        "given-names": author.given_names,
        "affiliation": author.affiliation,
    }
    if author.orcid:
        told["orcid"] = f"https://orcid.org/{author.orcid}"
    return told


def codemeta_json(record: PackageRecord) -> str:
    """The text of codemeta.json: the program that made the data, and all that takes part in a run."""
    versions = dict(record.study.versions)
    code = versions.pop("marketsim")
    told = {
        "@context": "https://w3id.org/codemeta/3.0",
        "type": "SoftwareSourceCode",
        "name": "marketsim",
        "description": "Simulates leveraged-token issuers, traders and a perpetual-futures market together.",
        "version": code,
        "license": f"https://spdx.org/licenses/{record.metadata.code_license}",
        "programmingLanguage": {"type": "ComputerLanguage", "name": "Python", "version": versions.pop("python")},
        "softwareRequirements": [
            {"type": "SoftwareApplication", "name": name, "version": version} for name, version in versions.items()
        ],
        "author": [
            {
                "type": "Person",
                **({"id": f"https://orcid.org/{author.orcid}"} if author.orcid else {}),
                "givenName": author.given_names,
                "familyName": author.family_names,
                "affiliation": {"type": "Organization", "name": author.affiliation},
            }
            for author in record.metadata.authors
        ],
        "keywords": list(record.metadata.keywords),
        "dateModified": record.built_utc[:10],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
