"""A study on disk: its plan, written before anything runs, and the runs and effects it has so far.

    <out>/<scenario name>/<study id>/study.json       what was declared; its presence marks a study
                                     design.parquet   a row per cell: what each varied path is set to
                                     plan.parquet     a row per run of the plan: cell, replication, arm, run_id
                                     runs/<run id>/   run directories, finished or failed
                                     effects.parquet  paired differences, once they are computed

The folder is the ledger: which runs are done is read from the run directories, and from nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from marketsim.datasets import provenance
from marketsim.datasets.frame import labels
from marketsim.datasets.integrity import check_file, check_signed, file_sha256, read_json, read_manifest, signed
from marketsim.datasets.registration import (
    Registration,
    kept_registration,
    registration_in,
    registration_now,
)
from marketsim.datasets.run import Run
from marketsim.datasets.shown import drawn
from marketsim.datasets.storage import named_in_text, storing
from marketsim.datasets.store import resolve_path, write_whole
from marketsim.datasets.tables import table_named
from marketsim.errors import DamagedResultError, ResultError, UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import StudySpec, study_of

PLAN = {"cell": pl.Int64, "replication": pl.Int64, "arm": pl.String, "run_id": pl.String}
RUNS = {**PLAN, "status": pl.String, "reason": pl.String, "path": pl.String, "fork_ns": pl.Int64, "jump": pl.Float64}
"""Columns of `Study.runs`: status is `ok`, `failed`, `damaged` where its manifest is not what was written, or `planned`
where there is no run directory yet; fork_ns is null for whole runs, the instant of the event [ns] for runs forked from
another; jump: of the index at a fork's start, null where it has none."""


class Study:
    """A study directory, or a folder that holds exactly one, opened for reading."""

    def __init__(self, path: str | Path) -> None:
        self.path = resolve_path(path, kind="study").path

    def __repr__(self) -> str:
        return f"Study({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """In a notebook: the question, the answer, how many runs are done."""
        return str(drawn("study_summary", self))

    @property
    def plot(self) -> Any:
        """The charts of the study's page one by one, as Altair charts: `plot.effects()`, `plot.impact()`."""
        return drawn("StudyPlots", self)

    @cached_property
    def declared(self) -> dict[str, Any]:
        """study.json: what the study is, of which scenario, by which code."""
        path = self.path / "study.json"
        declared = read_json(path)
        check_signed(declared, "study_sha256", path)
        if not {"scenario", "study", "versions"} <= set(declared):
            raise DamagedResultError(f"{path} is damaged: it is not what was written; --again makes it anew")
        return declared

    @property
    def scenario(self) -> dict[str, Any]:
        """The resolved scenario that the cells vary."""
        return dict(self.declared["scenario"])

    @cached_property
    def spec(self) -> StudySpec:
        """The block `study` of the scenario, paths in their order."""
        names = {underlying["id"] for underlying in self.scenario["underlyings"]}
        try:
            return StudySpec.model_validate(self.declared["study"], context={"currencies": names})
        except ValidationError as error:
            why = "; ".join(f"study.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise ResultError(
                f"{self.path} cannot be read by this installation: {why}; install the plugin or the version it was "
                "made with"
            ) from error

    @property
    def registration(self) -> Registration | None:
        """The file it was registered by before its runs, and when; None for a study that was not."""
        return registration_in(self.declared)

    def design(self) -> pl.DataFrame:
        """A row per cell: what each path is set to.

        Columns `cell`, for each path its value as scenario files write it, `PATH:value` where that is a quantity (in
        seconds, units of the currency, fractions of one, events per second), and `PATH:unit`, the place in [0, 1] on
        the axis, where the design is a sample.
        """
        return self.read("design.parquet")

    def plan(self) -> pl.DataFrame:
        """A row per whole run that the study consists of: cell, replication, arm, run_id."""
        return self.read("plan.parquet")

    def runs(self) -> pl.DataFrame:
        """What became of every planned run, and every fork that was made: the columns of `RUNS`."""
        found = self._found()
        whole = self.plan().join(
            found.drop("cell", "replication", "arm"), on="run_id", how="left", maintain_order="left"
        )
        forks = found.filter(pl.col("fork_ns").is_not_null())
        return (
            pl.concat([whole.select(*RUNS), forks.select(*RUNS)])
            .with_columns(pl.col("status").fill_null("planned"))
            .sort("cell", "replication", "fork_ns", "jump", nulls_last=False, maintain_order=True)
        )

    def run(self, cell: int, replication: int, arm: str, fork_ns: int | None = None) -> Run:
        """One run of the study; raises `UsageError` for one that is not of it, `ResultError` for one not finished."""
        named = f"cell {cell}, replication {replication}, arm {arm!r}"
        rows = self.runs().filter(
            pl.col("cell") == cell,
            pl.col("replication") == replication,
            pl.col("arm") == arm,
            pl.col("fork_ns").eq_missing(pl.lit(fork_ns, pl.Int64)),
        )
        if rows.is_empty():
            raise UsageError(f"{self.path} has no run of {named}; allowed: what plan.parquet lists")
        if rows["path"][0] is None:
            raise ResultError(f"the run of {named} is not there yet; `marketsim sweep` goes on with the study")
        return Run(rows["path"][0])

    def frame(self, name: str, *, cell: int | None = None, arm: str | None = None) -> pl.DataFrame:
        """A table of all finished runs of the study, whole and forked, one after the other, as `Run.frame` labels it.

        cell, arm: of these runs alone. Runs that failed or are not there yet are left out (`runs` lists them). Raises
        `UsageError` for an unknown table or where no run is left.
        """
        design, spec = self.design(), table_named(name)
        axes = [path for path in design.columns if path != "cell" and not path.endswith((":value", ":unit"))]
        cells = {row["cell"]: row for row in design.iter_rows(named=True)}
        frames = []
        for row in self.runs().filter(status="ok").iter_rows(named=True):
            if cell in (None, row["cell"]) and arm in (None, row["arm"]):
                set_here = cells[row["cell"]]
                beside = labels(
                    run_id=row["run_id"],
                    cell=row["cell"],
                    over={path: set_here[path] for path in axes},
                    amounts={path: set_here[f"{path}:value"] for path in axes if f"{path}:value" in set_here},
                    replication=row["replication"],
                    arm=row["arm"],
                    fork_ns=row["fork_ns"],
                    jump=row["jump"],
                )
                frames.append(Run(row["path"]).labelled(spec.name, beside))
        if not frames:
            raise UsageError(f"{self.path} has no finished run of cell {cell}, arm {arm!r}; `runs()` lists what it has")
        return pl.concat(frames).collect()

    def failures(self) -> pl.DataFrame:
        """The runs that failed, each with its reason."""
        return self.runs().filter(status="failed")

    def effects(self) -> pl.DataFrame:
        """Paired differences across arms with their intervals, as computed when the study was complete."""
        path = self.path / "effects.parquet"
        if not path.is_file():
            raise ResultError(
                f"{self.path} has no effects yet; `marketsim sweep` computes them when its runs are there"
            )
        return self.read(path.name)

    def sensitivity(self) -> pl.DataFrame:
        """Which of the varied values matter for a measure: the indices that `study.sensitivity` asks for."""
        path = self.path / "sensitivity.parquet"
        if not path.is_file():
            asked = self.spec.sensitivity is not None
            why = "its runs are not all there yet" if asked else "the study does not ask for it (study.sensitivity)"
            raise ResultError(f"{self.path} has no table of sensitivity: {why}")
        return self.read(path.name)

    def read(self, name: str) -> pl.DataFrame:
        """One of the study's own tables (`plan.parquet`), its bytes compared with study.json where that has its hash.

        Raises `DamagedResultError` where it is not what was written.
        """
        path = check_file(self.path, self.declared, name)
        try:
            return pl.read_parquet(path)
        except pl.exceptions.PolarsError as error:
            raise DamagedResultError(
                f"{path} is damaged: it is no Parquet file ({error}); --again makes it anew"
            ) from error

    def write_effects(self, effects: pl.DataFrame) -> Path:
        """Write effects.parquet in one step; returns where it is."""
        path = self.path / "effects.parquet"
        write_whole(path, effects.write_parquet)
        return path

    def _found(self) -> pl.DataFrame:
        """A row for every run directory of the study."""
        folder = self.path / "runs"
        rows: list[dict[str, Any]] = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith(".") or not (path / "manifest.json").is_file():
                continue
            try:
                manifest = read_manifest(path)
            except ResultError as error:
                rows.append({"run_id": path.name, "status": "damaged", "reason": str(error), "path": str(path)})
                continue
            fork = manifest.get("fork") or {}
            place = {"path": str(path), "fork_ns": fork.get("at_ns"), "jump": fork.get("jump")}
            rows.append({**{name: manifest.get(name) for name in RUNS}, **place})
        return pl.DataFrame(rows, schema=RUNS)


def study_id(scenario: Scenario) -> str:
    """The identity of a study, 16 hexadecimal digits of the hash of its world, its declaration and its root seed.

    The order of its paths counts: it says which varies slowest, and which coordinate of a sample is whose. Its
    registration does not: a study with runs would become another one by it.
    """
    block = {key: value for key, value in declared_study(scenario).items() if key != "registration"}
    identity = [scenario.sha256(), block, list(block["over"]), scenario.seed]
    return hashlib.sha256(provenance.canonical_json(identity)).hexdigest()[:16]


def declared_study(scenario: Scenario) -> dict[str, Any]:
    """The block `study` as JSON, complete, in the order it was declared."""
    block = study_of(scenario.study).model_dump(mode="json", by_alias=True)
    return dict(json.loads(json.dumps(block, default=str)))


def study_folder(out: str | Path, scenario: Scenario) -> Path:
    """Where a study has its place: the same study is the same folder."""
    return named_in_text(out) / scenario.name / study_id(scenario)


def create_study(
    out: str | Path, scenario: Scenario, design: pl.DataFrame, plan: pl.DataFrame, code: str, *, again: bool = False
) -> Study:
    """Write down a study before anything runs, or open the same one that stands there already.

    design, plan: as `Study.design` and `Study.plan` give them. code: the version of the code that will run. Raises
    `ResultError` where another code version or another plan stands there and `again` does not replace it, and where
    the registration is not the one it was begun with; runs that are there stay in any case. Several processes may
    create the same study at once.
    """
    folder = study_folder(out, scenario)
    now = registration_now(scenario)  # its time is taken before one looks: another process' runs are later than it
    with storing(folder):
        is_there = (folder / "study.json").is_file()
    held = _held_registration(folder, again=again) if is_there else None
    registration = kept_registration(now, held, folder, again=again)
    if is_there and not again:
        _check_same(Study(folder), design, plan, code)
        if registration == held:
            return Study(folder)
    with storing(folder):
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    write_whole(folder / "design.parquet", design.write_parquet)
    write_whole(folder / "plan.parquet", plan.write_parquet)
    files = {name: file_sha256(folder / name) for name in ("design.parquet", "plan.parquet")}
    declared = {**_declaration(scenario, design, plan, code), "files": files}
    if registration is not None:
        declared["registration"] = registration.as_object()
    declared = signed(declared, "study_sha256")
    write_whole(folder / "study.json", lambda path: provenance.write_json(path, declared))
    return Study(folder)


def _held_registration(folder: Path, *, again: bool) -> Registration | None:
    """The registration in a study.json; of one that is damaged and to be made anew, none."""
    try:
        return Study(folder).registration
    except DamagedResultError:
        if not again:
            raise
        return None


def _declaration(scenario: Scenario, design: pl.DataFrame, plan: pl.DataFrame, code: str) -> dict[str, Any]:
    study = study_of(scenario.study)
    return {
        "schema": provenance.SCHEMA,
        "name": scenario.name,
        "study_id": study_id(scenario),
        "scenario_sha256": scenario.sha256(),
        "seed": scenario.seed,
        "cells": design.height,
        "replications": study.replications,
        "arms": [arm.id for arm in study.arms],
        "runs": plan.height,
        "primary": study.primary,
        "baseline": study.baseline_arm,
        "versions": provenance.versions(code),
        "created_utc": provenance.utc_now(),
        "study": declared_study(scenario),
        "scenario": scenario.canonical(),
    }


def _check_same(study: Study, design: pl.DataFrame, plan: pl.DataFrame, code: str) -> None:
    made_by = study.declared["versions"]["marketsim"]
    if made_by != code:
        raise ResultError(
            f"{study.path} was begun by another version of the code ({made_by}, this is {code}); "
            "--again replaces it, --out writes elsewhere"
        )
    if not (study.plan().equals(plan) and study.design().equals(design)):
        raise ResultError(
            f"{study.path} has another design than this machine lays out (another version of SciPy?); "
            "--again replaces it, --out writes elsewhere"
        )
