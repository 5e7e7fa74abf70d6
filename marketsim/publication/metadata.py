"""What only people know of a dataset: its authors, licences, purpose and limits, as `metadata.yaml` has it.

Every field has a default that says what is true without anybody having said more, or names what is missing;
`unedited` tells which fields nobody has written yet. Fields follow CITATION.cff 1.2.0 (authors), the Data and Code
Availability Standard 1.0 (statements) and the Croissant RAI vocabulary 1.0 (`responsible_use`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marketsim.errors import ScenarioError, UsageError
from marketsim.publication.yaml_text import yaml_text
from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems, plain

TO_BE_WRITTEN = "TO BE WRITTEN"
"""What a field holds that nobody has written: `dataset check --strict` refuses it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Author(_Part):
    """One author; an ORCID is sixteen characters in groups of four."""

    family_names: str = TO_BE_WRITTEN
    given_names: str = TO_BE_WRITTEN
    affiliation: str = TO_BE_WRITTEN
    email: str = TO_BE_WRITTEN
    orcid: str | None = Field(None, pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")

    @property
    def name(self) -> str:
        """Given names, then family names."""
        return f"{self.given_names} {self.family_names}"


class ResponsibleUse(_Part):
    """The fields of Croissant RAI 1.0 that simulated data have an answer to."""

    data_collection: str = (
        "No data were collected from people or markets: every row was simulated by marketsim from the scenario in "
        "scenario/, with the seeds in data/runs.parquet."
    )
    data_collection_type: str = "Software collection: simulation"
    data_annotation: str = "None: no row was labelled by a person. What the simulator knows of a row is in its columns."
    data_use_cases: str = TO_BE_WRITTEN
    data_limitations: str = (
        "The rows show a model of a market, not a market. They are as good as the model: ODD.md says what it has and "
        "leaves out. Estimates from them carry over to real markets only as far as the model does."
    )
    data_biases: str = TO_BE_WRITTEN
    data_social_impact: str = TO_BE_WRITTEN
    personal_sensitive_information: str = "None: accounts are simulated and belong to nobody."
    data_maintenance_plan: str = TO_BE_WRITTEN


class Metadata(_Part):
    """The whole of `metadata.yaml`."""

    title: str = TO_BE_WRITTEN
    description: str = TO_BE_WRITTEN
    version: str = "1.0.0"
    authors: tuple[Author, ...] = (Author(),)
    contact: str = TO_BE_WRITTEN
    keywords: tuple[str, ...] = ("leveraged tokens", "perpetual futures", "agent-based simulation")
    data_license: str = "CC-BY-4.0"
    code_license: str = "Apache-2.0"
    url: str = TO_BE_WRITTEN
    doi: str | None = None
    article: str = TO_BE_WRITTEN
    funding: str = TO_BE_WRITTEN
    availability: str = (
        "All data are simulated and are in this package. No data of third parties are needed to make the results again "
        "but those that scenario/ holds. There are no restrictions on access."
    )
    responsible_use: ResponsibleUse = Field(default_factory=ResponsibleUse)

    def unedited(self) -> tuple[str, ...]:
        """The paths of the fields that nobody has written yet: `authors.0.email`."""
        return tuple(_to_be_written(self.model_dump(mode="json")))


def _to_be_written(value: Any, path: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [found for key, each in value.items() for found in _to_be_written(each, f"{path}{key}.")]
    if isinstance(value, list | tuple):
        return [found for i, each in enumerate(value) for found in _to_be_written(each, f"{path}{i}.")]
    return [path.rstrip(".")] if isinstance(value, str) and TO_BE_WRITTEN in value else []


def read_metadata(path: Path) -> Metadata:
    """Read `metadata.yaml`; raises `UsageError` that names the field, what was there and what is allowed."""
    problems = Problems()
    try:
        node = read(path, problems)
        if problems.found:
            raise ScenarioError(problems.found)
        return Metadata.model_validate_json(json.dumps(plain(node), default=str))
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_explained(error)}") from error


def _explained(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}, got {each['input']!r}"
        for each in error.errors()
    )


def metadata_yaml(metadata: Metadata) -> str:
    """The text of `metadata.yaml`, with what is still to be written marked as such."""
    head = (
        "# What only people know of this dataset. Edit a copy of it, then run `marketsim dataset build` again with\n"
        "# `--metadata COPY --again`; the data stay as they are and every descriptor is written anew from it.\n"
    )
    return head + yaml_text(metadata.model_dump(mode="json"))
