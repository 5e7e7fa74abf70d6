"""Which orders a study's probes try: at the instant of each reset of the factual run, what its funds sent, once more.

A probe of size 1 sends what all orders of that instant and market were together, in their children and at their times;
others the same in another proportion; one of size 0 sends nothing, and the others' mids are compared with its.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study import NEXT, ArmSpec, ProbeSpec, StudySpec, horizon_word
from marketsim.simulation.probing import Look, Probe, ProbeOrder, ProbePlan
from marketsim.simulation.running import children_of

RESET, CHILD, LAG = "reset", "child", "lag"
"""Schedules of probes: a whole reset, or its first child alone, which is looked at after the times between children."""

Row = Mapping[str, Any]
"""A row of table `children`."""

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
    answered = {token.id for token in world.tokens if getattr(token.execution, "resize", "never") == "each_child"}
    children = run.table("children").filter(purpose="rebalance")
    probes: list[Probe] = []
    for reset in resets_of(run):
        if reset.decide_ns < world.clock.warmup or not reset.sign or reset.last_ns is None:
            continue
        sent = children.filter(pl.col("parent").is_in([order.id for order in reset.orders])).sort("t_ns", "parent")
        probes += _of_reset(reset, list(sent.iter_rows(named=True)), asked)
        if answered & {order.token for order in reset.orders}:
            probes += _of_first_child(reset, list(sent.iter_rows(named=True)), asked)
    again = tuple(children_of(arm, source))
    return ProbePlan(world, tuple(probes), arm, spec.fork is not None, again, replication)


def _of_reset(reset: MarketReset, sent: Sequence[Row], asked: ProbeSpec) -> Iterator[Probe]:
    """Every size of a reset, size 0 among them."""
    looks = tuple(_looks(reset, asked))
    for size in (Decimal(0), *asked.sizes):
        lots = round(abs(reset.target_lots) * size)
        yield Probe(reset.market, reset.decide_ns, float(size), lots, _orders(reset, sent, lots), looks)


def _looks(reset: MarketReset, asked: ProbeSpec) -> Iterator[Look]:
    """When the mids are looked at; without the next reset where the run has none."""
    assert reset.last_ns is not None
    for horizon in asked.horizons:
        if horizon != NEXT:
            yield Look(horizon_word(horizon), reset.last_ns + int(horizon))
        elif reset.next_ns is not None:
            yield Look(NEXT, reset.next_ns - 1)


def _orders(reset: MarketReset, sent: Sequence[Row], lots: int) -> tuple[ProbeOrder, ...]:
    """The children of a reset in proportion, so that all together are `lots`, to the side of the reset's sign.

    In proportion to what they filled where that is all that was wanted, else to what was sent.
    """
    is_filled = reset.filled_lots == reset.target_lots
    column = "filled_lots" if is_filled else "size_lots"
    total = sum(row[column] for row in sent)
    if not lots or not total:
        return ()
    orders, so_far = [], 0
    for row in sent:
        so_far += row[column]
        orders.append(ProbeOrder(row["t_ns"], round(lots * so_far / total), _offset(row), _lasts_ns(row)))
    return tuple(orders)


def _offset(row: Row) -> float | None:
    """How far beyond the mid of its time a child might trade, over that mid."""
    limit, mid = row["limit_price"], row["mid_price"]
    if limit is None or not mid:
        return None
    return float((limit - mid) / mid) * (1 if row["size_lots"] > 0 else -1)


def _lasts_ns(row: Row) -> int:
    return int(row["t_end_ns"] - row["t_ns"]) if row["order_type"] == "resting" else 0


def _of_first_child(reset: MarketReset, sent: Sequence[Row], asked: ProbeSpec) -> Iterator[Probe]:
    """One child of an equal share of the reset, looked at after every time between children, and with each horizon."""
    assert reset.last_ns is not None
    instants = sorted({int(row["t_ns"]) for row in sent})
    between = {b - a for a in instants for b in instants if b >= a}
    ends = [look.t_ns - t_ns for look in _looks(reset, asked) for t_ns in instants]
    looks = tuple(Look(LAG, reset.decide_ns + lag) for lag in sorted(between | set(ends)))
    share = round(abs(reset.target_lots) / len(instants))
    first = ProbeOrder(reset.decide_ns, share, _offset(sent[0]))
    yield Probe(reset.market, reset.decide_ns, 0.0, 0, (), looks, CHILD)
    yield Probe(reset.market, reset.decide_ns, share / abs(reset.target_lots), share, (first,), looks, CHILD)
