"""One run on its way: a model is turned to its end while it is recorded, and its directory gets its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.integrity import damage, read_manifest
from marketsim.datasets.recorder import Recorder
from marketsim.datasets.run import Run
from marketsim.datasets.store import Found, RunDirectory, find_run
from marketsim.datasets.writer import TableSummary
from marketsim.errors import EnvironmentLackError, ResultError, UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import ArmSpec
from marketsim.simulation.agents import NO_AGENTS, OwnAgents
from marketsim.simulation.model import MarketModel
from marketsim.simulation.record import RunRecord

NS_PER_S = 10**9
SLICE_S = 0.25  # wall time between two looks at progress and the time limit

Progress = Callable[[int, int, int], None]
Report = Callable[[Path], Path]
Crowding = Callable[[Path], Mapping[str, Any]]


@dataclass(frozen=True)
class RunResult:
    """A run on disk: its directory, its manifest, and whether it was there before."""

    path: Path
    manifest: dict[str, Any]
    already_there: bool = False

    def table(self, name: str) -> Any:
        """A table of the run as a polars DataFrame."""
        return Run(self.path).table(name)


@dataclass(frozen=True)
class Span:
    """The part of a run that a fork covers [ns from the start]: taken before from_ns, about an event at at_ns."""

    from_ns: int
    at_ns: int
    until_ns: int


@dataclass(frozen=True)
class Errand:
    """What is to be run, and where its directory goes: `<above>/<name>/<run_id>`.

    identity: scenario_sha256 of the world without the arm's `set`. span: None for a whole run. agents: a researcher's
    own.
    """

    scenario: Scenario
    replication: int
    arm: ArmSpec
    cell: int | None
    above: Path
    name: str
    identity: str
    span: Span | None = None
    agents: OwnAgents = NO_AGENTS

    def label(self) -> Label:
        """Its hashes."""
        sha = self.scenario.sha256()
        arm = self.arm.id if self.span is None else f"{self.arm.id}@{self.span.from_ns}-{self.span.until_ns}"
        run_id = provenance.run_id(sha, self.scenario.seed, self.replication, arm)
        return Label(sha, self.agents.run_id(run_id), self.agents.code(provenance.code_here()))


@dataclass(frozen=True)
class Label:
    """What an errand is called: hash of its world, of the run, and the version of the code."""

    scenario_sha256: str
    run_id: str
    code: str


class Job:
    """One errand that is being done."""

    def __init__(self, errand: Errand, *, again: bool = False) -> None:
        self.errand, self.again = errand, again
        self.label = errand.label()
        self.compile_s = 0.0

    def find(self) -> tuple[Found, Path]:
        """What stands in its place already."""
        return find_run(self.errand.above, self.errand.name, self.label.run_id, self.label.code)

    def there_already(self) -> RunResult | None:
        """The finished run that is there; raises ResultError for a damaged one and one of another code version."""
        found, place = self.find()
        if found == "done" and not self.again:
            return RunResult(place, Run(place).manifest, already_there=True)
        if found == "damaged" and not self.again:
            raise ResultError(str(damage(place)))
        if found == "other code" and not self.again:
            raise ResultError(
                f"{place} was made by another version of the code; --again replaces it, --out writes elsewhere"
            )
        return None

    def record(
        self,
        open_model: Callable[[], MarketModel],
        *,
        report: Report | None = None,
        crowding: Crowding | None = None,
        progress: Progress | None = None,
        limit: int | None = None,
    ) -> RunResult:
        """Turn a model to its end and write its directory; the model is closed. limit: wall time [ns].

        crowding, report: called with the directory before it gets its place.
        """
        self.started_utc = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.began = perf_counter()
        with RunDirectory.create(self.errand.above, self.errand.name, self.label.run_id, again=self.again) as directory:
            write_scenario(self.errand.scenario.canonical(), directory.path)
            model = open_model()
            try:
                manifest = self._recorded(model, directory.path, progress, limit)
            finally:
                model.close()
            if crowding is not None and manifest["status"] == "ok":
                provenance.write_json(directory.path / "manifest.json", manifest)
                manifest["crowding"] = dict(crowding(directory.path))
            if report is not None:
                provenance.write_json(directory.path / "manifest.json", manifest)
                report(directory.path)
            place = directory.commit(manifest)
            return RunResult(place, read_manifest(place))

    def _recorded(
        self, model: MarketModel, folder: Path, progress: Progress | None, limit: int | None
    ) -> dict[str, Any]:
        """Turn a model to its end, write its tables, and return its manifest."""
        before = _Tally(model) if self.errand.span is not None else None
        self.errand.agents.join(model)
        recorder = Recorder(folder)
        failure = _turn(model, RunRecord(model, recorder), progress, limit)
        tables = _close(recorder, failure)
        self.errand.agents.write(model, folder)
        manifest = self._manifest(model, failure, tables, recorder.waited_s, before)
        if failure is None and manifest["conservation"]["residual_atoms"]:
            failure = f"money is not conserved: {manifest['conservation']['residual_atoms']} atoms are over or short"
            manifest = {**manifest, "status": "failed", "reason": failure}
        return manifest

    def _manifest(
        self,
        model: MarketModel,
        failure: str | None,
        tables: dict[str, TableSummary],
        waited_s: float,
        before: _Tally | None,
    ) -> dict[str, Any]:
        errand, scenario, now = self.errand, self.errand.scenario, _Tally(model)
        counts = now.counts if before is None else {k: n - before.counts[k] for k, n in now.counts.items()}
        names = {market.currency for market in scenario.markets}
        manifest = provenance.manifest(
            name=scenario.name,
            run_id=self.label.run_id,
            scenario_sha256=self.label.scenario_sha256,
            seed=scenario.seed,
            started_utc=self.started_utc,
            wall_s=perf_counter() - self.began + self.compile_s,
            compile_s=self.compile_s,
            kernel_s=now.kernel_s - (before.kernel_s if before else 0.0) + waited_s,
            simulated_ns=model.env.now - (errand.span.from_ns if errand.span else 0),
            traders=model.wired.traders,
            counts=counts,
            residual_by_asset={asset: residual_atoms(model, asset) for asset in sorted(names)},
            markets=[market.id for market in model.wired.market_specs],
            tables=tables,
            code=self.label.code,
            status="ok" if failure is None else "failed",
            reason=failure,
            replication=errand.replication,
            cell=errand.cell,
            arm=errand.arm.id,
            intervention=errand.arm.model_dump(mode="json"),
            identity=errand.identity,
        )
        return manifest if errand.span is None else {**manifest, "fork": vars(errand.span)}


class _Tally:
    """What a model has counted so far."""

    def __init__(self, model: MarketModel) -> None:
        world = model.world
        self.kernel_s = model.env.kernel_s
        self.counts = {
            "micro_events": world.get("micro_events"),
            "strategic_events": model.env.strategic_events,
            "orders": world.get("order_count") + world.get("cancel_count"),
            "cancels": world.get("cancel_count"),
            "rejected_orders": world.get("reject_count"),
            "trades": world.get("trade_count"),
            "liquidations": world.get("liquidation_count"),
            "deleveragings": world.get("deleveraging_count"),
            "rebalances": model.journal.counts["rebalances"],
            **{
                f"{side}s": sum(desk.primary.settled[side] for desk in model.desks if desk.primary is not None)
                for side in ("creation", "redemption")
            },
        }


def write_scenario(resolved: dict[str, Any], folder: Path) -> None:
    """The resolved scenario twice: for programs, and as a scenario file (JSON is YAML) that runs again as it stands."""
    provenance.write_json(folder / "resolved.json", resolved)
    text = (folder / "resolved.json").read_text(encoding="utf-8")
    (folder / "scenario.yaml").write_text(
        f"# The resolved scenario of this run; it runs as it stands.\n{text}", encoding="utf-8"
    )


def _turn(model: MarketModel, record: RunRecord, progress: Progress | None, limit: int | None) -> str | None:
    """Turn the clock to the end; return why it could not, if so."""
    try:
        record.start()
        _slices(model, progress, limit)
        record.finish()
    except (UsageError, EnvironmentLackError):
        raise
    except KeyboardInterrupt:
        record.recorder.abandon()
        raise
    except Exception as error:  # whatever went wrong is the reason that the failed run keeps
        record.flush()
        return str(error) if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
    return None


def _slices(model: MarketModel, progress: Progress | None, limit: int | None) -> None:
    end = model.env.end_ns
    step = max(1, (end - model.env.now) // 1_000)
    began = perf_counter()
    while model.env.now < end:
        before = perf_counter()
        model.env.run(min(end, model.env.now + step))
        took = perf_counter() - before
        step = max(1_000_000, int(step * min(4.0, max(0.25, SLICE_S / max(took, 1e-4)))))
        if progress is not None:
            progress(model.env.now, end, model.world.get("micro_events"))
        if limit is not None and (perf_counter() - began) * NS_PER_S > limit:
            raise TimeoutError(
                f"the time limit of {limit / NS_PER_S:g} s was met at {model.env.now / NS_PER_S:g} s of simulated time"
            )


def _close(recorder: Recorder, failure: str | None) -> dict[str, TableSummary]:
    try:
        return recorder.close()
    except ResultError:
        if failure is None:
            raise
        return {}


def residual_atoms(model: MarketModel, asset: str) -> int:
    """All balances at mark less all deposits of one currency: 0, or money was made or lost."""
    world = model.world
    n = world.get("n_accounts")
    mine = [a == asset for a in model.wired.cohorts.assets]
    accounts = world.accounts[:n]
    chosen = [mine[c] for c in accounts["cohort"]]
    equity = world.equity_atoms()[chosen]
    deposits = accounts["deposit_atoms"][chosen]
    return sum(int(x) for x in equity) - sum(int(x) for x in deposits)
