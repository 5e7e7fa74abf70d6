"""Which orders a study's probes try: at the instant of each reset of the factual run, what its funds sent, once more.

A probe of size 1 sends what all orders of that instant and market were together, in their children and at their times;
others the same in another proportion; one of size 0 sends nothing, and the others' mids are compared with its.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.scenario.study.horizon import NEXT, horizon_word
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.scenario.study.study import StudySpec
from marketsim.simulation.probing import Look, Probe, ProbeOrder, ProbePlan
from marketsim.simulation.running import children_of

CHILD, LAG = "child", "lag"
"""The schedule of a probe that is the first child of a reset alone, looked at after the times between children."""

FRICTIONLESS = ArmSpec(id="frictionless", arm="frictionless")


def probe_arm(spec: StudySpec) -> ArmSpec:
    """The arm probes are sent in: the baseline, or, where its funds trade in the book themselves, without their flow.

    Beside the funds' own orders a probe would measure another order on top of them.
    """
    baseline = next(arm for arm in spec.arms if arm.id == spec.baseline_arm)
    if baseline.arm in ("factual", "blind"):
        return FRICTIONLESS.model_copy(update={"set": baseline.set})
    return baseline


def probe_plan(world: Scenario, spec: StudySpec, source: Path, replication: int) -> ProbePlan:
    """The probes of one replication of a cell. world: of the arm that they are sent in; source: the factual run."""
    run, arm, asked = Run(source), probe_arm(spec), spec.probe or ProbeSpec()
    answering = {token.id for token in world.tokens if token.execution.resizes}
    children = run.table("children").filter(purpose="rebalance")
    probes: list[Probe] = []
    for reset in resets_of(run):
        if reset.decide_ns < world.clock.warmup or not reset.sign or reset.last_ns is None:
            continue
        rows = children.filter(pl.col("parent").is_in([order.id for order in reset.orders])).sort("t_ns", "parent")
        is_answered = any(order.token in answering for order in reset.orders)
        sent = [_child(row, reset, is_answered) for row in rows.iter_rows(named=True)]
        probes += _of_reset(reset, sent, asked)
        if is_answered:
            probes += _of_first_child(reset, sent, asked)
    again = tuple(children_of(arm, source))
    return ProbePlan(world, tuple(probes), arm, spec.fork is not None, again, replication)


@dataclass(frozen=True)
class SentChild:
    """A child of a reset: when it was sent [ns], its part of the whole, and how it may trade (`ProbeOrder`)."""

    t_ns: int
    part: int
    offset: float | None
    lasts_ns: int


def _child(row: Mapping[str, Any], reset: MarketReset, is_answered: bool) -> SentChild:
    """A row of table `children` as part of its reset: what it filled where all was, else what was sent.

    Where each child was sized anew all have the same part, so that the order is what it was before they answered.
    """
    is_filled = reset.filled_lots == reset.target_lots
    lots = row["filled_lots"] if is_filled else row["size_lots"]
    limit, mid = row["limit_price"], row["mid_price"]
    side = 1 if row["size_lots"] > 0 else -1
    return SentChild(
        t_ns=row["t_ns"],
        part=reset.sign if is_answered else lots,
        offset=None if limit is None or not mid else float((limit - mid) / mid) * side,
        lasts_ns=row["t_end_ns"] - row["t_ns"] if row["order_type"] == "resting" else 0,
    )


def _of_reset(reset: MarketReset, sent: Sequence[SentChild], asked: ProbeSpec) -> Iterator[Probe]:
    """Every size of a reset, size 0 among them."""
    looks = tuple(_looks(reset, asked))
    for size in (Decimal(0), *asked.sizes):
        lots = round(abs(reset.target_lots) * size)
        yield Probe(reset.market, reset.decide_ns, float(size), lots, _orders(sent, lots), looks)


def _looks(reset: MarketReset, asked: ProbeSpec) -> Iterator[Look]:
    """When the mids are looked at; without the next reset where the run has none."""
    assert reset.last_ns is not None
    for horizon in asked.horizons:
        if horizon != NEXT:
            yield Look(horizon_word(horizon), reset.last_ns + int(horizon))
        elif reset.next_ns is not None:
            yield Look(NEXT, reset.next_ns - 1)


def _orders(sent: Sequence[SentChild], lots: int) -> tuple[ProbeOrder, ...]:
    """The children of a reset in proportion, so that all together are `lots`, to the side of the reset's sign."""
    total, so_far, orders = sum(child.part for child in sent), 0, []
    if not lots or not total:
        return ()
    for child in sent:
        so_far += child.part
        orders.append(ProbeOrder(child.t_ns, round(lots * so_far / total), child.offset, child.lasts_ns))
    return tuple(orders)


def _of_first_child(reset: MarketReset, sent: Sequence[SentChild], asked: ProbeSpec) -> Iterator[Probe]:
    """One child of an equal share of the reset, looked at after every time between children, and with each horizon."""
    assert reset.last_ns is not None
    instants = sorted({child.t_ns for child in sent})
    between = {b - a for a in instants for b in instants if b >= a}
    ends = {look.t_ns - t_ns for look in _looks(reset, asked) for t_ns in instants}
    looks = tuple(Look(LAG, reset.decide_ns + lag) for lag in sorted(between | ends))
    share = round(abs(reset.target_lots) / len(instants))
    first = ProbeOrder(reset.decide_ns, share, sent[0].offset)
    yield Probe(reset.market, reset.decide_ns, 0.0, 0, (), looks, CHILD)
    yield Probe(reset.market, reset.decide_ns, share / abs(reset.target_lots), share, (first,), looks, CHILD)
