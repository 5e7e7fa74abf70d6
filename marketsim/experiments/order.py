"""What a worker is told to run, and what it answers. All it needs comes with the order; nothing is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from marketsim.datasets import provenance
from marketsim.datasets.storage import is_full
from marketsim.errors import EnvironmentLackError, MarketsimError
from marketsim.experiments.design import PlannedRun
from marketsim.experiments.ledger import RUNS, leave_failed
from marketsim.experiments.memory import MB, forget_peak, resident_bytes
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import ArmSpec

NS_PER_S = 10**9

Status = Literal["ok", "failed", "refused"]


@dataclass(frozen=True)
class Order:
    """One whole run of a study. `world` is that of its cell and arm, `identity` the hash of its cell's alone.

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


@dataclass(frozen=True)
class Answer:
    """What became of an order: `ok` and `failed` have a directory, `refused` left nothing and stops the sweep."""

    status: Status
    reason: str | None = None
    micro_events: int = 0
    peak_mb: float = 0.0


def perform(order: Order) -> Answer:
    """Run an order here; it never raises.

    What the disk or another code version forbids is refused; all else that goes wrong is the reason of a failed run.
    """
    forget_peak()
    here = provenance.code_here()
    if here != order.code:
        return Answer("refused", f"a worker has another version of the code ({here}, the study {order.code})")
    try:
        return _answer(_simulated(order))
    except EnvironmentLackError as error:
        return Answer("refused", str(error))
    except Exception as error:  # a world that cannot be wired, too little memory: whatever it was is the reason
        if is_full(error):
            return Answer("refused", f"the disk is full: could not write below {order.study}; make room or use --out")
        return leave(order, str(error) if isinstance(error, MarketsimError) else f"{type(error).__name__}: {error}")


def leave(order: Order, reason: str) -> Answer:
    """Leave a failed run for an order that could not be carried out."""
    try:
        leave_failed(order.study, order.world, order.run, order.code, reason)
    except MarketsimError as error:
        return Answer("refused", f"{reason}; {error}")
    return Answer("failed", reason)


def _simulated(order: Order) -> dict[str, Any]:
    from marketsim.simulation.running import run

    result = run(
        order.world,
        folder=order.study / RUNS,
        replication=order.run.replication,
        arm=order.arm,
        cell=order.run.cell,
        source=order.source,
        identity=order.identity,
        again=order.again,
        time_limit=order.time_limit,
        progress=memory_watch(order.memory_limit) if order.memory_limit else None,
    )
    return result.manifest


def _answer(manifest: dict[str, Any]) -> Answer:
    events, peak_mb = int(manifest["counts"]["micro_events"]), float(manifest["peak_rss_mb"])
    if manifest["status"] == "ok":
        return Answer("ok", None, events, peak_mb)
    return Answer("failed", str(manifest["reason"]), events, peak_mb)


def memory_watch(limit: int) -> Callable[[int, int, int], None]:
    """What ends a run that holds more than `limit` [bytes], looked at a few times a second between two instants."""

    def watch(simulated_ns: int, _duration_ns: int, _micro_events: int) -> None:
        held = resident_bytes()
        if held > limit:
            raise MemoryError(
                f"the memory limit of {limit / MB:,.0f} MB was met at {simulated_ns / NS_PER_S:g} s of simulated time: "
                f"{held / MB:,.0f} MB"
            )

    return watch
