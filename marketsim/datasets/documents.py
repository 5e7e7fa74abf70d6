"""The form of the JSON documents of runs and studies; asked where a command fell over what it had read.

A document whose hashes were put right by hand may say anything. Nothing is checked beforehand: documents of other
versions and of plugins that are not installed here stay readable as far as they go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from marketsim.datasets.integrity import MANIFEST, documents_read, read_json
from marketsim.datasets.provenance import run_id
from marketsim.errors import DamagedResultError, ResultError, ScenarioError

AGENTS = "agents.json"
"""Of a run with a researcher's own agents, whose names are in its id."""


class _Form(BaseModel):
    """Keys and what they hold; further keys may be there."""

    model_config = ConfigDict(strict=True)


class TableForm(_Form):
    """A table, as the manifest names it."""

    rows: int
    bytes: int
    content_sha256: str
    file_sha256: str


class ConservationForm(_Form):
    """What is left over when all balances are added up."""

    residual_atoms: int
    by_asset: dict[str, int]


class ForkForm(_Form):
    """Where a run left another one."""

    from_ns: int
    at_ns: int
    until_ns: int


class ManifestForm(_Form):
    """manifest.json, as `provenance.manifest` makes it and `integrity.sealed` closes it."""

    name: str
    run_id: str
    status: str
    reason: str | None
    scenario_sha256: str
    seed: int
    replication: int
    cell: int | None
    arm: str
    versions: dict[str, str]
    platform: dict[str, str | int | None]
    started_utc: str
    wall_s: float
    compile_s: float
    kernel_s: float
    simulated_ns: int
    traders: int
    counts: dict[str, int]
    events_per_s: float
    peak_rss_mb: float
    conservation: ConservationForm
    crowding: dict[str, dict[str, Any]]
    tables: dict[str, TableForm]
    liquidations_queued: dict[str, int]
    envelope: dict[str, list[str]] = {}
    intervention: dict[str, Any]
    identity_sha256: str
    plugins: list[dict[str, str]]
    fork: ForkForm | None = None
    files: dict[str, str]
    manifest_sha256: str


class StudyForm(_Form):
    """study.json, as `study.create_study` writes it."""

    name: str
    study_id: str
    scenario_sha256: str
    seed: int
    cells: int
    replications: int
    arms: list[str]
    runs: int
    primary: str | None
    versions: dict[str, str]
    created_utc: str
    study: dict[str, Any]
    scenario: dict[str, Any]
    files: dict[str, str]
    study_sha256: str


def suspect() -> DamagedResultError | None:
    """The first document read in this process that cannot have been written as it stands; None where all can."""
    for path in documents_read():
        try:
            check_document(path)
        except DamagedResultError as error:
            return error
        except (ResultError, OSError):  # it is gone meanwhile
            continue
    return None


def check_document(path: Path) -> None:
    """Raise DamagedResultError, naming file and key, for a document of another form than ours have."""
    check = _CHECKS.get(path.name)
    if check is not None:
        check(path, read_json(path))


def _check_manifest(path: Path, document: Mapping[str, Any]) -> None:
    _check_form(path, ManifestForm, document)
    arm, fork = document["arm"], document.get("fork")
    arm = arm if fork is None else f"{arm}@{fork['from_ns']}-{fork['until_ns']}"
    identity = run_id(document["scenario_sha256"], document["seed"], document["replication"], arm)
    if AGENTS not in document["files"] and identity != document["run_id"]:
        raise _damaged(path, "run_id: it is not that of this world, seed, replication and arm")


def _check_study(path: Path, document: Mapping[str, Any]) -> None:
    _check_form(path, StudyForm, document)
    _check_scenario(path, {**document["scenario"], "study": document["study"]}, "given")


def _check_form(path: Path, form: type[_Form], document: Mapping[str, Any]) -> None:
    try:
        form.model_validate_json(json.dumps(document))
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"{key}: {first['msg'][:1].lower()}{first['msg'][1:]}") from failure


def _check_resolved(path: Path, document: Mapping[str, Any]) -> None:
    identity = _check_scenario(path, document)
    if identity != read_json(path.with_name(MANIFEST)).get("scenario_sha256"):
        raise _damaged(path, "it is not the world that its manifest names")


def _check_scenario(path: Path, document: Mapping[str, Any], files: str = ".") -> str:
    """The identity of the world of a document, whose files stand below the folder `files` beside it."""
    from marketsim.scenario import load_text

    try:
        return load_text(json.dumps(document), folder=path.parent / files).sha256()
    except ScenarioError as error:
        first = error.problems[0]
        raise _damaged(path, f"{first.path}: {first.message}; was {first.text!r}") from error


def _damaged(path: Path, what: str) -> DamagedResultError:
    return DamagedResultError(f"{path} is damaged: nothing of ours wrote this ({what}); --again makes it anew")


_CHECKS: dict[str, Callable[[Path, Mapping[str, Any]], None]] = {
    MANIFEST: _check_manifest,
    "study.json": _check_study,
    "resolved.json": _check_resolved,
}
