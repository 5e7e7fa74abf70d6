"""One run directory in the making: who the run is, whether it is there already, and its tables and manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.integrity import MANIFEST, damage, sealed
from marketsim.datasets.recorder import Recorder, RowHook
from marketsim.datasets.run import Run
from marketsim.datasets.store import Found, RunDirectory, find_run
from marketsim.datasets.writer import TableSummary
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.kinds import plugins_of
from marketsim.scenario.beyond_envelope import beside_envelope
from marketsim.scenario.run_block import ForkedPartSpec, RunSpec
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.agents import NO_AGENTS, OwnAgents
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording.model_recorder import ModelRecorder
from marketsim.simulation.run_counts import RunCounts, liquidations_queued, residual_atoms
from marketsim.simulation.stepping import ProgressHook, run_to_end
from marketsim.units import format_duration

ReportWriter = Callable[[Path], Path]
CrowdingEstimator = Callable[[Path], Mapping[str, Any]]


class RunResult(Run):
    """A run that was asked for, as it stands on the disk; `already_there` says whether it was there before."""

    def __init__(self, path: Path, *, already_there: bool = False) -> None:
        super().__init__(path)
        self.already_there = already_there


@dataclass(frozen=True)
class ForkWindow:
    """The part of a run that a fork covers [ns from the start]: taken before from_ns, about an event at at_ns."""

    from_ns: int
    at_ns: int
    until_ns: int

    @classmethod
    def of(cls, part: ForkedPartSpec) -> ForkWindow:
        """The window that a stored scenario names."""
        return cls(part.from_, part.at, part.until)

    @property
    def part(self) -> ForkedPartSpec:
        """The window as a stored scenario names it."""
        instants = {"from": self.from_ns, "at": self.at_ns, "until": self.until_ns}
        return ForkedPartSpec.model_validate({key: format_duration(ns) for key, ns in instants.items()})


@dataclass(frozen=True)
class RunBuilder:
    """Makes one run directory, `<folder>/<run_id>`.

    identity: scenario_sha256 of the world without the arm's `set`. window: None for a whole run. agents: a researcher's
    own. again: replace a run that is there.
    """

    scenario: Scenario
    replication: int
    arm: ArmSpec
    cell: int | None
    folder: Path
    identity: str
    window: ForkWindow | None = None
    agents: OwnAgents = NO_AGENTS
    again: bool = False

    @cached_property
    def scenario_sha256(self) -> str:
        """Hash of the world."""
        return self.scenario.sha256()

    @cached_property
    def run_id(self) -> str:
        """Hash of world, seed, replication, arm, of a fork its window too, and of the agents."""
        arm = self.arm.id if self.window is None else f"{self.arm.id}@{self.window.from_ns}-{self.window.until_ns}"
        return self.agents.run_id(provenance.run_id(self.scenario_sha256, self.scenario.seed, self.replication, arm))

    @cached_property
    def block(self) -> RunSpec:
        """Which run of the world it is."""
        declared = self.scenario.run or RunSpec()
        return declared.model_copy(
            update={
                "cell": self.cell,
                "replication": self.replication,
                "arm": self.arm,
                "cell_sha256": self.identity if self.arm.set else None,
                "fork": None if self.window is None else self.window.part,
                "agents": self.agents.names,
            }
        )

    @cached_property
    def code(self) -> str:
        """The version of the code, agents included."""
        return self.agents.code(provenance.code_here())

    def find(self) -> tuple[Found, Path]:
        """What stands in its place, and where that is."""
        return find_run(self.folder.parent, self.folder.name, self.run_id, self.code)

    def finished(self) -> RunResult | None:
        """The finished run that is there and stays; raises ResultError for a damaged one, or one of other code."""
        found, place = self.find()
        if found == "done" and not self.again:
            return RunResult(place, already_there=True)
        if found == "damaged" and not self.again:
            raise ResultError(str(damage(place)))
        if found == "other code" and not self.again:
            raise ResultError(
                f"{place} was made by another version of the code; --again replaces it, --out writes elsewhere"
            )
        return None

    def build(
        self,
        open_model: Callable[[], MarketModel],
        *,
        report: ReportWriter | None = None,
        crowding: CrowdingEstimator | None = None,
        progress: ProgressHook | None = None,
        limit: int | None = None,
        compile_s: float = 0.0,
        live: RowHook | None = None,
    ) -> RunResult:
        """Run a model to its end and write its directory; the model is closed. limit: wall time [ns].

        crowding: called with the directory before it gets its place; report: afterwards, when nothing of the run can be
        lost any more; where it fails the error says so. compile_s: counts as wall time of the run. live: told of each
        row of the slower tables.
        """
        started = _Start(compile_s)
        with RunDirectory.create(self.folder.parent, self.folder.name, self.run_id, again=self.again) as directory:
            write_scenario(self.scenario.of_a_run(), self.block, directory.path)
            model = open_model()
            try:
                manifest = self._recorded(
                    model, Recorder(directory.path, live=live), directory.path, started, progress, limit
                )
            finally:
                model.close()
            if crowding is not None and manifest["status"] == "ok":
                provenance.write_json(directory.path / MANIFEST, sealed(manifest, directory.path))
                manifest["crowding"] = dict(crowding(directory.path))
            place = directory.commit(manifest)
        if report is not None:
            _write_report(report, place)
        return RunResult(place)

    def _recorded(
        self,
        model: MarketModel,
        tables: Recorder,
        folder: Path,
        started: _Start,
        progress: ProgressHook | None,
        limit: int | None,
    ) -> dict[str, Any]:
        """Run a model to its end, write its tables, and return its manifest."""
        before = RunCounts(model) if self.window is not None else None
        self.agents.join(model)
        failure = run_to_end(model, ModelRecorder(model, tables), progress, limit)
        written = _close(tables, failure)
        self.agents.write(model, folder)
        manifest = self._manifest(model, failure, written, tables.waited_s, started, before)
        residual = manifest["conservation"]["residual_atoms"]
        if residual and failure is None:
            return {
                **manifest,
                "status": "failed",
                "reason": f"money is not conserved: {residual} atoms are over or short",
            }
        return manifest

    def _manifest(
        self,
        model: MarketModel,
        failure: str | None,
        tables: dict[str, TableSummary],
        waited_s: float,
        started: _Start,
        before: RunCounts | None,
    ) -> dict[str, Any]:
        scenario, window, now = self.scenario, self.window, RunCounts(model)
        names = {market.currency for market in scenario.markets}
        manifest = provenance.manifest(
            name=scenario.name,
            run_id=self.run_id,
            scenario_sha256=self.scenario_sha256,
            seed=scenario.seed,
            started_utc=started.utc,
            wall_s=perf_counter() - started.at + started.compile_s,
            compile_s=started.compile_s,
            kernel_s=now.kernel_s - (before.kernel_s if before else 0.0) + waited_s,
            simulated_ns=model.env.now - (window.from_ns if window else 0),
            traders=model.wired.traders,
            counts=now.since(before),
            residual_by_asset={asset: residual_atoms(model, asset) for asset in sorted(names)},
            markets=[market.id for market in model.wired.market_specs],
            liquidations_queued=liquidations_queued(model),
            envelope=beside_envelope(scenario),
            tables=tables,
            code=self.code,
            status="ok" if failure is None else "failed",
            reason=failure,
            replication=self.replication,
            cell=self.cell,
            arm=self.arm.id,
            intervention=self.arm.model_dump(mode="json"),
            identity=self.identity,
            plugins=plugins_of(scenario),
            over=self.block.over,
            source_sha256=self.block.source_sha256,
        )
        return manifest if window is None else {**manifest, "fork": vars(window)}


def _write_report(report: ReportWriter, place: Path) -> None:
    """Write the page of a run that stands already; raises, saying that the run is kept, where that fails."""
    kept = f"the run is finished and kept in {place}; `marketsim report` writes its page"
    try:
        report(place)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(kept) from None
    except EnvironmentLackError as error:
        raise EnvironmentLackError(f"{error}; {kept}") from error
    except Exception as error:
        raise ResultError(f"its report failed ({type(error).__name__}: {error}); {kept}") from error


class _Start:
    """When a run began."""

    def __init__(self, compile_s: float) -> None:
        self.compile_s = compile_s
        self.utc = provenance.utc_now()
        self.at = perf_counter()


def write_scenario(resolved: dict[str, Any], block: RunSpec, folder: Path) -> None:
    """The resolved scenario twice: for programs, and as a scenario file (JSON is YAML) that makes this run again."""
    provenance.write_json(folder / "resolved.json", resolved)
    about = "The resolved scenario of this run; `marketsim run` makes the same run of it."
    if not block.is_plain:
        about = f"One run: {block.sentence()}. `marketsim run` makes it again."
        resolved = {**resolved, "run": block.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    text = provenance.json_text(resolved)
    (folder / "scenario.yaml").write_text(f"# {about}\n{text}", encoding="utf-8", newline="\n")


def _close(recorder: Recorder, failure: str | None) -> dict[str, TableSummary]:
    try:
        return recorder.close()
    except ResultError:
        if failure is None:
            raise
        return {}
