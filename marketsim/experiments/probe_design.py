"""Which orders a study's probes try, and when: by its block `probe`, and by what the factual run's funds did."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from marketsim.datasets.run import Run
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import StudySpec
from marketsim.simulation.probing import Probe, ProbePlan
from marketsim.streams import Stream
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, NS_PER_SECOND, to_atoms

MINUTE_NS = 60 * NS_PER_SECOND


def probe_plan(world: Scenario, spec: StudySpec, source: Path, replication: int) -> ProbePlan:
    """Which orders to try when: by the study's `probe`, and by what the factual run's funds did.

    Instants are uniform behind the warm-up, where the first horizon still fits, from the stream `probe/time`.
    """
    rebalances = Run(source).table("rebalances").filter(pl.col("filled_lots") != 0)
    probe = spec.probe
    window = _mean_window(rebalances) if probe.over is None else probe.over
    horizons = probe.horizons or _horizons(rebalances, window, world.clock.duration - world.clock.warmup)
    room = world.clock.duration - world.clock.warmup - min(horizons)
    places = Stream(world.seed, replication, "probe/time").uniform(range(probe.count), 0)
    instants = [world.clock.warmup + int(u * max(room, 0)) for u in places]
    slices = probe.slices if window else 1
    probes = tuple(
        Probe(market, t_ns, lots, window, slices)
        for market, sizes in _sizes(world, spec, source, rebalances).items()
        for lots in sizes
        for t_ns in instants
    )
    return ProbePlan(world, probes, tuple(horizons), replication)


def _mean_window(rebalances: pl.DataFrame) -> int:
    """How long orders were worked, on the mean [ns]."""
    spent = (rebalances["t_last_ns"] - rebalances["t_decide_ns"]).mean()
    return int(float(spent)) if isinstance(spent, (int, float)) else 0


def _horizons(rebalances: pl.DataFrame, window_ns: int, most_ns: int) -> list[int]:
    """The end of a window, and the next reset: the median gap between decisions, a day where there is one alone."""
    instants = rebalances["t_decide_ns"].unique().sort().to_list()
    gaps = sorted(b - a for a, b in pairwise(instants) if b - a > max(window_ns, MINUTE_NS))
    next_ns = gaps[len(gaps) // 2] if gaps else NS_PER_DAY
    return sorted({max(window_ns, NS_PER_SECOND), min(next_ns, max(most_ns // 2, NS_PER_SECOND))})


def _sizes(world: Scenario, spec: StudySpec, source: Path, rebalances: pl.DataFrame) -> dict[str, Sequence[int]]:
    """Probe sizes by market [lots]: those declared, else what its funds together traded at an instant, on the mean."""
    run = Run(source)
    marks = dict(run.table("marks").group_by("market").agg(pl.col("mark_price").first()).iter_rows())
    found: dict[str, Sequence[int]] = {}
    for market in world.markets:
        if spec.probe.sizes:
            price = marks.get(market.id)
            worth = [
                to_atoms(size.amount) / ATOMS_PER_UNIT
                for size in spec.probe.sizes
                if size.currency in (market.currency, "")
            ]
            lots = [round(size / (price * float(market.lot.amount))) for size in worth] if price else []
        else:
            mine = rebalances.filter(pl.col("market") == market.id)
            total = mine.group_by("t_decide_ns").agg(pl.col("filled_lots").sum().abs())["filled_lots"].mean()
            lots = [round(float(total))] if isinstance(total, (int, float)) else []
        found[market.id] = sorted({n for n in lots if n > 0})
    return {market: sizes for market, sizes in found.items() if sizes}
