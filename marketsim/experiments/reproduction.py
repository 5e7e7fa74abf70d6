"""A stored run made again: its world, seed, replication and arm, in a temporary place, and its content compared.

What a run directory has is enough: resolved.json is the world, the manifest says which run of it. Two things may stand
beside it: the run whose orders a placebo sends again, where that is of another world, and the probes of a study, which
are no runs and are made again with the run that they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from marketsim.datasets.difference import Difference, difference_of_frames, differing_tables, first_difference
from marketsim.datasets.integrity import read_json
from marketsim.datasets.provenance import code_here
from marketsim.datasets.run import Run
from marketsim.errors import ResultError, UsageError
from marketsim.experiments.bundle_task import PROBES, probe_table
from marketsim.experiments.probe_design import probe_arm
from marketsim.files import SHIPPED
from marketsim.scenario.resolve import load_map
from marketsim.scenario.run_block import RunSpec
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import PLACEBOS
from marketsim.scenario.study.study import study_of
from marketsim.simulation.agents import NO_AGENTS, AgentFactory, OwnAgents
from marketsim.simulation.run_builder import ForkWindow
from marketsim.simulation.running import run
from marketsim.simulation.stepping import ProgressHook

AGENTS_FILE = "agents.json"


@dataclass(frozen=True)
class Reproduction:
    """What came of making a run again.

    tables: how many were compared; differing: those with other content, `probes` and `agents.json` among them. first:
    the first difference, the stored run's value before the new one's. made_by, made_again_by: versions of the code.
    """

    path: str
    run_id: str
    sentence: str
    tables: int
    differing: tuple[str, ...]
    first: Difference | None
    made_by: str
    made_again_by: str

    @property
    def is_same(self) -> bool:
        """Whether all content came out the same."""
        return not self.differing

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        first = None if self.first is None else asdict(self.first)
        if first is not None:
            first = {**first, "stored": first.pop("a"), "again": first.pop("b")}
        return {**asdict(self), "is_same": self.is_same, "differing": list(self.differing), "first": first}


def reproduce(
    stored: Run,
    *,
    agents: Sequence[AgentFactory] = (),
    folder: Path | None = None,
    progress: ProgressHook | None = None,
) -> Reproduction:
    """Make a stored run again and compare its content hashes, table by table.

    agents: those it was made with, if any. folder: where files of prices that its world reads begin; absent, they are
    looked for from the run's directory and the working one upwards. Raises UsageError for a run that was made with
    agents where none are given, and ResultError for one that failed: there is nothing whole to compare.
    """
    manifest = stored.manifest
    if manifest["status"] != "ok":
        raise ResultError(f"{stored.path} is a failed run ({manifest['reason']}); there is nothing whole to compare")
    world = world_of_run(stored, folder)
    own = _agents(stored, agents)
    source = _source(stored, world, folder)
    with TemporaryDirectory(prefix="marketsim-") as place:
        made = Run(run(world, folder=Path(place) / "runs", source=source, agents=own, progress=progress).path)
        if made.manifest["status"] != "ok":
            raise ResultError(f"{stored.path}: made again, the run failed: {made.manifest['reason']}")
        differing = differing_tables(stored, made)
        first = first_difference(stored, made)
        for name, other in (
            (AGENTS_FILE, _difference_of_agents(stored, made)),
            (PROBES, _difference_of_probes(stored, made, world)),
        ):
            if other is not None:
                differing, first = [*differing, name], first or other
    return Reproduction(
        str(stored.path),
        str(manifest["run_id"]),
        (world.run or RunSpec()).sentence(),
        len(made.manifest["tables"]),
        tuple(differing),
        first,
        str(manifest["versions"]["marketsim"]),
        own.code(code_here()),
    )


def world_of_run(stored: Run, folder: Path | None = None) -> Scenario:
    """The world of a stored run, with the block that says which run of it it is.

    folder: where files of prices begin; raises ScenarioError where one is not there, or is another one.
    """
    manifest = stored.manifest
    block = {
        "cell": manifest.get("cell"),
        "over": manifest.get("over", {}),
        "replication": manifest["replication"],
        "arm": manifest.get("intervention") or {"id": manifest["arm"]},
        "agents": _made_by(stored),
    }
    window = manifest.get("fork")
    if window is not None:
        block["fork"] = ForkWindow(**window).part
    world = _loaded(stored, folder)
    return world.model_copy(update={"run": RunSpec.model_validate(block)})


def _loaded(stored: Run, folder: Path | None) -> Scenario:
    """The resolved world; its files of prices are looked for in every folder that they may begin at."""
    places = [folder] if folder is not None else list(_places(stored.path))
    files = [path for path in _files_in(stored.resolved) if not path.startswith(SHIPPED)]
    chosen = next((place for place in places if all((place / path).is_file() for path in files)), places[0])
    return load_map(Scenario, stored.resolved, chosen)


def _files_in(document: Any) -> Iterator[str]:
    """The paths of all files that a resolved document names."""
    if isinstance(document, dict) and {"path", "sha256"} <= document.keys():
        yield str(document["path"])
    below = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for part in below:
        yield from _files_in(part)


def _places(run: Path) -> Iterator[Path]:
    for start in (run.resolve(), Path.cwd()):
        for around in (start, *start.parents):
            yield from (around, around / "scenarios")


def _made_by(stored: Run) -> list[str]:
    """The names of the agents that a run was made with."""
    path = stored.path / AGENTS_FILE
    return list(read_json(path)["made_by"]) if path.is_file() else []


def _agents(stored: Run, factories: Sequence[AgentFactory]) -> OwnAgents:
    """The agents of a run, called as they were then."""
    names = _made_by(stored)
    if not names:
        if factories:
            raise UsageError(f"{stored.path} was made without agents; allowed: none")
        return NO_AGENTS
    if not factories:
        raise UsageError(
            f"{stored.path} was made with agents ({', '.join(names)}), which are Python and stand in no file; give "
            "them in Python: marketsim.reproduce(run, agents=[..])"
        )
    return OwnAgents(tuple(factories), tuple(names))


def _source(stored: Run, world: Scenario, folder: Path | None) -> Scenario | None:
    """The world of the run whose orders a placebo sends again, where that is another one: of the run beside it."""
    sha256, arm = stored.manifest.get("source_sha256"), (world.run or RunSpec()).arm
    if sha256 is None or arm.arm not in PLACEBOS:
        return None
    wanted = (sha256, stored.manifest["replication"], "factual")
    for other in _runs_beside(stored):
        told = other.manifest
        kind = (told.get("intervention") or {}).get("arm")
        if (told["scenario_sha256"], told["replication"], kind) == wanted and told.get("fork") is None:
            return world_of_run(other, folder)
    raise UsageError(
        f"{stored.path} sends again the orders of a factual run of another world ({sha256[:16]}..), which "
        "does not stand beside it; put that run's directory there"
    )


def _difference_of_probes(stored: Run, made: Run, world: Scenario) -> Difference | None:
    """The first difference of the probes that a study made of a run, or in its world; None where it made none."""
    block, spec, folder = world.run or RunSpec(), study_of(world.study), stored.path.parent.parent / PROBES
    is_factual = block.arm.id == spec.factual_arm
    if not folder.is_dir() or block.fork is not None or not (is_factual or block.arm.id == spec.baseline_arm):
        return None
    factual = stored if is_factual else _beside(stored, spec.factual_arm)
    path = None if factual is None else folder / f"{factual.path.name}.parquet"
    if factual is None or path is None or not path.is_file():
        return None
    arm = probe_arm(spec)
    probed = stored if arm.set == block.arm.set else _beside(stored, spec.baseline_arm)
    if probed is None:
        raise UsageError(
            f"{stored.path}: its probes were sent in the world of {arm.id!r}, which does not stand beside it"
        )
    where = world if probed is stored else world_of_run(probed, world.root)
    source = made.path if is_factual else factual.path
    again = probe_table(where, spec, source, block.cell, block.replication)
    try:
        return difference_of_frames(PROBES, pl.scan_parquet(path), again.lazy())
    except pl.exceptions.PolarsError:
        return Difference(PROBES, None, None, "no Parquet file", "can be read")


def _beside(stored: Run, arm: str | None) -> Run | None:
    """The whole run of another arm, of the same cell and replication, in the same folder."""
    wanted = (stored.manifest["cell"], stored.manifest["replication"], arm)
    return next((run for run in _runs_beside(stored) if _place_of(run) == wanted), None)


def _place_of(run: Run) -> tuple[Any, Any, Any]:
    told = run.manifest
    return told["cell"], told["replication"], None if "fork" in told else told["arm"]


def _runs_beside(stored: Run) -> Iterator[Run]:
    for path in sorted(stored.path.parent.iterdir()):
        if (path / "manifest.json").is_file() and not path.name.startswith("."):
            yield Run(path)


def _difference_of_agents(stored: Run, made: Run) -> Difference | None:
    """The first difference of what agents recorded."""
    paths = [each.path / AGENTS_FILE for each in (stored, made)]
    if not any(path.is_file() for path in paths):
        return None
    a, b = (read_json(path)["records"] if path.is_file() else {} for path in paths)
    for name in dict.fromkeys([*a, *b]):
        first, second = a.get(name, []), b.get(name, [])
        if first != second:
            row = next((i for i, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), None)
            row = min(len(first), len(second)) if row is None else row
            told = [rows[row] if row < len(rows) else None for rows in (first, second)]
            return Difference(AGENTS_FILE, row, name, *told)
    return None
