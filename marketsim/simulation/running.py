"""From a scenario to a run directory: run it whole, or leave a failed directory that says why, or nothing at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.recorder import Recorder
from marketsim.datasets.run import Run
from marketsim.datasets.store import RunDirectory, find_run
from marketsim.datasets.writer import TableSummary
from marketsim.errors import EnvironmentLackError, ResultError, UsageError
from marketsim.kernel.warm import warm_up
from marketsim.scenario.schema import Scenario
from marketsim.simulation.agents import NO_AGENTS, OwnAgents
from marketsim.simulation.model import MarketModel
from marketsim.simulation.record import RunRecord

NS_PER_S = 10**9
PACKAGE = Path(__file__).resolve().parent.parent
SLICE_S = 0.25  # wall time between two looks at progress and the time limit

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class RunResult:
    """A run on disk: its directory, its manifest, and whether it was there before."""

    path: Path
    manifest: dict[str, Any]
    already_there: bool = False

    def table(self, name: str) -> Any:
        """A table of the run as a polars DataFrame."""
        return Run(self.path).table(name)


def run(
    scenario: Scenario,
    *,
    out: Path = Path("results"),
    again: bool = False,
    report: Callable[[Path], Path] | None = None,
    progress: Progress | None = None,
    time_limit: int | None = None,
    replication: int = 0,
    arm: str = "factual",
    agents: OwnAgents = NO_AGENTS,
) -> RunResult:
    """Run one resolved scenario, with a researcher's own agents if there are any, into one run directory.

    report: writes the page of a run directory, called before it gets its place. time_limit: wall time [ns]; a run that
    meets it is kept as failed. A run that fails by itself leaves what it recorded and the reason; an interrupted one
    leaves nothing. Raises ResultError when another version of the code made the run that stands there.
    """
    resolved = scenario.canonical()
    sha = scenario.sha256()
    run_id = agents.run_id(provenance.run_id(sha, scenario.seed, replication, arm))
    code = agents.code(provenance.code_version(PACKAGE))
    found, place = find_run(out, scenario.name, run_id, code)
    if found == "done" and not again:
        return RunResult(place, Run(place).manifest, already_there=True)
    if found == "other code" and not again:
        raise ResultError(
            f"{place} was made by another version of the code; --again replaces it, --out writes elsewhere"
        )
    with RunDirectory.create(out, scenario.name, run_id, again=again) as directory:
        _write_scenario(resolved, directory.path)
        job = _Job(scenario, directory, sha, run_id, code, replication, arm, agents)
        return job.run(report, progress, time_limit)


def _write_scenario(resolved: dict[str, Any], folder: Path) -> None:
    """The resolved scenario twice: for programs, and as a scenario file (JSON is YAML) that runs again as it stands."""
    provenance.write_json(folder / "resolved.json", resolved)
    text = (folder / "resolved.json").read_text(encoding="utf-8")
    (folder / "scenario.yaml").write_text(
        f"# The resolved scenario of this run; it runs as it stands.\n{text}", encoding="utf-8"
    )


class _Job:
    """One run on its way."""

    def __init__(
        self,
        scenario: Scenario,
        directory: RunDirectory,
        sha: str,
        run_id: str,
        code: str,
        replication: int,
        arm: str,
        agents: OwnAgents,
    ) -> None:
        self.scenario, self.directory = scenario, directory
        self.sha, self.run_id, self.code = sha, run_id, code
        self.replication, self.arm, self.agents = replication, arm, agents
        self.started_utc = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.began = perf_counter()
        self.compile_s = 0.0
        self.waited_s = 0.0
        self.tables: dict[str, TableSummary] = {}

    def run(self, report: Callable[[Path], Path] | None, progress: Progress | None, limit: int | None) -> RunResult:
        self.compile_s = warm_up(_say)
        model = MarketModel(self.scenario, replication=self.replication)
        try:
            self.agents.join(model)
            recorder = Recorder(self.directory.path)
            record = RunRecord(model, recorder)
            failure = self._turn(model, record, progress, limit)
            self.waited_s = recorder.waited_s
            self.tables = self._close(recorder, failure)
            self.agents.write(model, self.directory.path)
            manifest = self._manifest(model, failure)
            if failure is None and manifest["conservation"]["residual_atoms"]:
                failure = (
                    f"money is not conserved: {manifest['conservation']['residual_atoms']} atoms are over or short"
                )
                manifest = {**manifest, "status": "failed", "reason": failure}
            if report is not None:
                provenance.write_json(self.directory.path / "manifest.json", manifest)
                report(self.directory.path)
            place = self.directory.commit(manifest)
        finally:
            model.close()
        return RunResult(place, manifest)

    def _turn(self, model: MarketModel, record: RunRecord, progress: Progress | None, limit: int | None) -> str | None:
        """Turn the clock to the end; return why it could not, if so."""
        try:
            record.start()
            self._slices(model, progress, limit)
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

    def _slices(self, model: MarketModel, progress: Progress | None, limit: int | None) -> None:
        end, step = model.env.end_ns, max(1, model.env.end_ns // 1_000)
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
                    f"the time limit of {limit / NS_PER_S:g} s was met "
                    f"at {model.env.now / NS_PER_S:g} s of simulated time"
                )

    def _close(self, recorder: Recorder, failure: str | None) -> dict[str, TableSummary]:
        try:
            return recorder.close()
        except ResultError:
            if failure is None:
                raise
            return {}

    def _manifest(self, model: MarketModel, failure: str | None) -> dict[str, Any]:
        world = model.world
        names = {market.currency for market in self.scenario.markets}
        counts = {
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
                f"{side}s": sum(desk.counter.settled[side] for desk in model.desks if desk.counter is not None)
                for side in ("creation", "redemption")
            },
        }
        return provenance.manifest(
            name=self.scenario.name,
            run_id=self.run_id,
            scenario_sha256=self.sha,
            seed=self.scenario.seed,
            started_utc=self.started_utc,
            wall_s=perf_counter() - self.began,
            compile_s=self.compile_s,
            kernel_s=model.env.kernel_s + self.waited_s,
            simulated_ns=model.env.now,
            traders=model.wired.traders,
            counts=counts,
            residual_by_asset={asset: residual_atoms(model, asset) for asset in sorted(names)},
            markets=[market.id for market in model.wired.market_specs],
            tables=self.tables,
            code=self.code,
            status="ok" if failure is None else "failed",
            reason=failure,
            replication=self.replication,
            arm=self.arm,
        )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


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
