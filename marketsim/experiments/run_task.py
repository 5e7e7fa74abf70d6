"""One whole run of a study as a worker's task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketsim.datasets import provenance
from marketsim.datasets.storage import is_full
from marketsim.errors import EnvironmentLackError, MarketsimError
from marketsim.experiments.design import PlannedRun
from marketsim.experiments.memory import MB, forget_peak, resident_bytes
from marketsim.experiments.study_runs import RUNS, leave_failed
from marketsim.experiments.task import Receipt, disk_full, error_text
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.units import NS_PER_SECOND


@dataclass(frozen=True)
class RunTask:
    """A run to be made. `world` is that of its cell and arm, `identity` the hash of its cell's alone.

    source: the factual run's directory, for arms that send its orders again. code: the version that must run it.
    time_limit [ns] of wall time and memory_limit [bytes]: a run that meets one is kept as failed.
    """

    world: Scenario
    run: PlannedRun
    arm: ArmSpec
    study: Path
    code: str
    identity: str
    source: Path | None = None
    again: bool = False
    time_limit: int | None = None
    memory_limit: int | None = None

    @property
    def name(self) -> str:
        """The id of the run."""
        return self.run.run_id

    def perform(self) -> Receipt:
        """Make the run here.

        What the disk or another code version forbids is refused; all else that goes wrong is the reason of a failed
        run.
        """
        forget_peak()
        here = provenance.code_here()
        if here != self.code:
            return Receipt("refused", f"a worker has another version of the code ({here}, the study {self.code})")
        try:
            return _receipt(self._manifest())
        except EnvironmentLackError as error:
            return Receipt("refused", str(error))
        except Exception as error:  # a world that cannot be wired, too little memory: whatever it was is the reason
            return disk_full(self.study) if is_full(error) else self.fail(error_text(error))

    def fail(self, reason: str) -> Receipt:
        """Leave a failed run with the reason."""
        try:
            leave_failed(self.study, self.world, self.run, self.code, reason)
        except MarketsimError as error:
            return Receipt("refused", f"{reason}; {error}")
        return Receipt("failed", reason)

    def _manifest(self) -> dict[str, Any]:
        """Run the world; returns the manifest of its directory."""
        from marketsim.simulation.running import run

        result = run(
            self.world,
            folder=self.study / RUNS,
            replication=self.run.replication,
            arm=self.arm,
            cell=self.run.cell,
            source=self.source,
            identity=self.identity,
            again=self.again,
            time_limit=self.time_limit,
            progress=memory_watch(self.memory_limit) if self.memory_limit else None,
        )
        return result.manifest


def _receipt(manifest: dict[str, Any]) -> Receipt:
    events = int(manifest["counts"]["micro_events"])
    if manifest["status"] == "ok":
        return Receipt("ok", None, events)
    return Receipt("failed", str(manifest["reason"]), events)


def memory_watch(limit: int) -> Callable[[int, int, int], None]:
    """A progress hook that ends a run which holds more than `limit` [bytes]."""

    def watch(simulated_ns: int, _duration_ns: int, _micro_events: int) -> None:
        held = resident_bytes()
        if held > limit:
            raise MemoryError(
                f"the memory limit of {limit / MB:,.0f} MB was met at {simulated_ns / NS_PER_SECOND:g} s of simulated "
                f"time: {held / MB:,.0f} MB"
            )

    return watch
