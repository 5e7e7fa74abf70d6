"""The ledger of a study is its folder: what is done is what stands there, and nothing else remembers it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.store import Found, RunDirectory, find_run
from marketsim.errors import ResultError, UsageError
from marketsim.experiments.design import PlannedRun
from marketsim.scenario.schema import Scenario

RUNS = "runs"


@dataclass(frozen=True)
class Entry:
    """A planned run and what stands in its place."""

    run: PlannedRun
    found: Found
    path: Path


@dataclass(frozen=True)
class Shard:
    """The I-th of N parts of a study: whole units of (cell, replication), so that arms stay together."""

    number: int = 0
    of: int = 1

    @classmethod
    def read(cls, text: str) -> Shard:
        """A shard from `I/N`; raises `UsageError` for anything else than 0 <= I < N."""
        number, slash, of = text.partition("/")
        if not (slash and number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
            raise UsageError(f"a shard is I/N; was {text!r}; allowed: 0/N to (N-1)/N")
        if not int(number) < int(of):
            raise UsageError(f"there is no such shard; was {text!r}; allowed: 0/{of} to {max(int(of) - 1, 0)}/{of}")
        return cls(int(number), int(of))

    def part(self, runs: Iterable[PlannedRun]) -> list[PlannedRun]:
        """The runs of this shard, in their order."""
        units: dict[tuple[int, int], int] = {}
        return [
            run for run in runs if units.setdefault((run.cell, run.replication), len(units)) % self.of == self.number
        ]


def look_up(folder: Path, runs: Iterable[PlannedRun], code: str) -> list[Entry]:
    """What stands in the study `folder` for each run; runs of equal worlds share one directory."""
    seen: dict[str, tuple[Found, Path]] = {}
    for run in runs:
        if run.run_id not in seen:
            seen[run.run_id] = find_run(folder, RUNS, run.run_id, code)
    return [Entry(run, *seen[run.run_id]) for run in runs if run.run_id in seen]


def due(entries: Sequence[Entry], *, again: bool) -> list[PlannedRun]:
    """The runs still to be made, each once.

    Failed ones stay as they are unless `again`; what this code finished always stays: it would come out the same.
    Raises `ResultError` where other code made a run and `again` is not said.
    """
    others = [entry for entry in entries if entry.found == "other code"]
    if others and not again:
        raise ResultError(
            f"{len(others)} runs in {others[0].path.parent} were made by another version of the code; "
            "--again makes them anew, --out writes elsewhere"
        )
    wanted = {"absent", "failed", "other code"} if again else {"absent"}
    return list({entry.run.run_id: entry.run for entry in entries if entry.found in wanted}.values())


def reason_of(entry: Entry) -> str:
    """Why a failed run failed."""
    return str(json.loads((entry.path / "manifest.json").read_text(encoding="utf-8")).get("reason"))


def leave_failed(folder: Path, world: Scenario, run: PlannedRun, code: str, reason: str) -> Path:
    """Leave a failed run with its reason for one that could not even begin, or whose workers died; returns its place.

    A run that meanwhile stands there finished stays.
    """
    found, place = find_run(folder, RUNS, run.run_id, code)
    if found == "done":
        return place
    with RunDirectory.create(folder, RUNS, run.run_id, again=True) as directory:
        provenance.write_json(directory.path / "resolved.json", world.canonical())
        return directory.fail(reason, _empty_manifest(world, run, code))


def _empty_manifest(world: Scenario, run: PlannedRun, code: str) -> dict[str, Any]:
    return provenance.manifest(
        name=world.name,
        run_id=run.run_id,
        scenario_sha256=world.sha256(),
        seed=world.seed,
        started_utc=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        wall_s=0.0,
        compile_s=0.0,
        kernel_s=0.0,
        simulated_ns=0,
        traders=0,
        counts={},
        residual_by_asset={},
        markets=[market.id for market in world.markets],
        tables={},
        code=code,
        replication=run.replication,
        cell=run.cell,
        arm=run.arm,
    )
