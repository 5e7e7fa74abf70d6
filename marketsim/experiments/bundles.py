"""Bundles: what one process makes together from a factual run, its forks or its probes.

A bundle is done when its note stands in the study's folder `bundles`; the forks themselves are run directories like any
other, the rows of probes one file. A bundle that failed keeps its reason there, and is tried again with `again` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl

from marketsim.datasets import provenance
from marketsim.datasets.run import Run
from marketsim.datasets.storage import is_full, storing
from marketsim.errors import MarketsimError
from marketsim.experiments.design import PlannedRun
from marketsim.experiments.ledger import RUNS
from marketsim.experiments.order import Answer
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import StudySpec
from marketsim.simulation.forks import ForkOrder, run_forks, spans_around
from marketsim.simulation.probing import Probe, ProbeOrder, run_probes
from marketsim.streams import Stream
from marketsim.units import NS_PER_DAY, to_atoms

Kind = Literal["forks", "probes"]
BUNDLES, PROBES = "bundles", "probes"


@dataclass(frozen=True)
class Bundle:
    """Forks or probes of one factual run, which has to be finished first."""

    kind: Kind
    run: PlannedRun

    @property
    def name(self) -> str:
        """Its name, and that of its note."""
        return f"{self.kind}-{self.run.run_id}"


@dataclass(frozen=True)
class BundleOrder:
    """What a worker is told to make; `world` is the factual one, `identity` the hash of its cell's."""

    bundle: Bundle
    world: Scenario
    spec: StudySpec
    study: Path
    code: str
    identity: str
    again: bool = False
    time_limit: int | None = None

    @property
    def source(self) -> Path:
        """The factual run's directory."""
        return self.study / RUNS / self.bundle.run.run_id


def bundles_of(spec: StudySpec, runs: Iterable[PlannedRun]) -> list[Bundle]:
    """The bundles that a study asks for beside whole runs: of each factual run its forks, its probes."""
    kinds: list[Kind] = []
    if spec.fork is not None:
        kinds.append("forks")
    if "crowding_number" in (*spec.measures, spec.primary):
        kinds.append("probes")
    factual = {arm.id for arm in spec.arms if arm.arm == "factual" and not arm.set}
    return [Bundle(kind, run) for run in runs if run.arm in factual for kind in kinds]


def standing(study: Path, bundle: Bundle, code: str) -> str | None:
    """What is known of a bundle: `ok`, `failed`, or None where it is still to be made by this code."""
    note = read_note(study, bundle)
    return None if note is None or note["code"] != code else str(note["status"])


def read_note(study: Path, bundle: Bundle) -> dict[str, Any] | None:
    """A bundle's note, where there is one."""
    path = study / BUNDLES / f"{bundle.name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def perform_bundle(order: BundleOrder) -> Answer:
    """Make a bundle here; it never raises."""
    try:
        events = _fork(order) if order.bundle.kind == "forks" else _probe(order)
        _note(order, "ok", None)
        return Answer("ok", None, events)
    except Exception as error:  # whatever it was is the reason of a failed bundle
        if is_full(error):
            return Answer("refused", f"the disk is full: could not write below {order.study}; make room or use --out")
        return leave_bundle(
            order, str(error) if isinstance(error, MarketsimError) else f"{type(error).__name__}: {error}"
        )


def leave_bundle(order: BundleOrder, reason: str) -> Answer:
    """Leave the note of a bundle that could not be made."""
    try:
        _note(order, "failed", reason)
    except MarketsimError as error:
        return Answer("refused", f"{reason}; {error}")
    return Answer("failed", reason)


def _note(order: BundleOrder, status: str, reason: str | None) -> None:
    folder = order.study / BUNDLES
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{order.bundle.name}.json"
        waiting = path.with_suffix(".writing")
        run = order.bundle.run
        told = {"kind": order.bundle.kind, "cell": run.cell, "replication": run.replication, "factual": run.run_id}
        provenance.write_json(waiting, {**told, "code": order.code, "status": status, "reason": reason})
        waiting.replace(path)


# -- forks ------------------------------------------------------------------------------------------------------------


def _fork(order: BundleOrder) -> int:
    """Run every arm from the state just before each event; returns their micro events."""
    fork, world = order.spec.fork, order.world
    assert fork is not None
    instants = decided(order.source, world.clock.warmup) if fork.at == "rebalances" else list(fork.at)
    spans = spans_around(instants, before=fork.before, horizon=fork.horizon, end_ns=world.clock.duration)
    run = order.bundle.run
    paths = run_forks(
        ForkOrder(
            world, spans, order.spec.arms, order.study / RUNS, run.replication, run.cell, order.source,
            order.identity, order.again, order.time_limit,
        )
    )  # fmt: skip
    return sum(int(Run(path).manifest["counts"]["micro_events"]) for path in paths)


def decided(source: Path, warmup_ns: int) -> list[int]:
    """The instants at which a run decided rebalances, behind its warm-up [ns]."""
    instants = Run(source).table("rebalances")["t_decide_ns"].unique().sort().to_list()
    return [t_ns for t_ns in instants if t_ns >= warmup_ns]


# -- probes -----------------------------------------------------------------------------------------------------------


def _probe(order: BundleOrder) -> int:
    run = order.bundle.run
    plan = probe_plan(order.world, order.spec, order.source, run.replication)
    rows = run_probes(plan)
    told = [
        {**row, "cell": run.cell, "replication": run.replication, "net_change": json.dumps(row["net_change"])}
        for row in rows
    ]
    folder = order.study / PROBES
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{run.run_id}.parquet"
        waiting = path.with_suffix(".writing")
        pl.DataFrame(told, infer_schema_length=None).write_parquet(waiting)
        waiting.replace(path)
    return 0


def probe_plan(world: Scenario, spec: StudySpec, source: Path, replication: int) -> ProbeOrder:
    """Which orders to try when: by the study's `probe`, and by what the factual run's funds did.

    Instants are uniform behind the warm-up, where the first horizon still fits, from the stream `probe/time`.
    """
    rebalances = Run(source).table("rebalances").filter(pl.col("filled_lots") != 0)
    probe = spec.probe
    window = _mean_window(rebalances) if probe.over is None else probe.over
    horizons = probe.horizons or _horizons(rebalances, window, world.clock.duration - world.clock.warmup)
    room = world.clock.duration - world.clock.warmup - min(horizons)
    luck = Stream(world.seed, replication, "probe/time").uniform(range(probe.count), 0)
    instants = [world.clock.warmup + int(u * max(room, 0)) for u in luck]
    slices = probe.slices if window else 1
    probes = tuple(
        Probe(market, t_ns, lots, window, slices)
        for market, sizes in _sizes(world, spec, source, rebalances).items()
        for lots in sizes
        for t_ns in instants
    )
    return ProbeOrder(world, probes, tuple(horizons), replication)


def _mean_window(rebalances: pl.DataFrame) -> int:
    """How long orders were worked, on the mean [ns]."""
    spent = (rebalances["t_last_ns"] - rebalances["t_decide_ns"]).mean()
    return int(float(spent)) if isinstance(spent, (int, float)) else 0


def _horizons(rebalances: pl.DataFrame, window_ns: int, most_ns: int) -> list[int]:
    """The end of a window, and the next reset: the median gap between decisions, a day where there is one alone."""
    instants = rebalances["t_decide_ns"].unique().sort().to_list()
    gaps = sorted(b - a for a, b in pairwise(instants) if b - a > max(window_ns, 60 * 10**9))
    next_ns = gaps[len(gaps) // 2] if gaps else NS_PER_DAY
    return sorted({max(window_ns, 10**9), min(next_ns, max(most_ns // 2, 10**9))})


def _sizes(world: Scenario, spec: StudySpec, source: Path, rebalances: pl.DataFrame) -> dict[str, Sequence[int]]:
    """Probe sizes by market [lots]: those declared, else what its funds together traded at an instant, on the mean."""
    run = Run(source)
    marks = dict(run.table("marks").group_by("market").agg(pl.col("mark_price").first()).iter_rows())
    found: dict[str, Sequence[int]] = {}
    for market in world.markets:
        if spec.probe.sizes:
            price = marks.get(market.id)
            worth = [to_atoms(size.amount) / 1e8 for size in spec.probe.sizes if size.currency in (market.currency, "")]
            lots = [round(size / (price * float(market.lot.amount))) for size in worth] if price else []
        else:
            mine = rebalances.filter(pl.col("market") == market.id)
            total = mine.group_by("t_decide_ns").agg(pl.col("filled_lots").sum().abs())["filled_lots"].mean()
            lots = [round(float(total))] if isinstance(total, (int, float)) else []
        found[market.id] = sorted({n for n in lots if n > 0})
    return {market: sizes for market, sizes in found.items() if sizes}
