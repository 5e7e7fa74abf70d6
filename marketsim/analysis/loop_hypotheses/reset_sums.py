"""What one replication of a cell says of the loop: sums over its resets of moves, pushes, orders and probes.

Everything a prediction needs stands here as a number that can be added up over replications, so that nothing is divided
before all are put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.predicted_multiplier import end_of, rule_of
from marketsim.analysis.crowding.probe_impact import RESET, pushes_of
from marketsim.analysis.crowding.reset_impact import OWN_SIZE, Kernel, ResetImpact, kernel_of, nearest, reset_impacts
from marketsim.analysis.measures.reset_pushes import ResetPush, reset_pushes
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.run_data.reset_demand import own_demand
from marketsim.datasets.resets import MarketReset
from marketsim.datasets.run import Run
from marketsim.errors import ResultError


@dataclass(frozen=True)
class ResetSums:
    """Sums over the resets of a replication, or of several.

    move: abs(r). wanted: K abs(r) [currency]. traded: fills at the baseline's price [currency]. push: at the horizon
    [return]. size, end, later: of each size of probe what it wanted [currency] and what it pushed at the last fill and
    at the horizon (s,); of the order's own size in `own`, `own_end`, `own_later`. sent: what each child traded
    [currency]; moves: the baseline's return since the last reset at its instant, to the side of the order (n,).
    child: what the probe of one child wanted; seen: what the mark shows of it m children later; alive and alive_later:
    the mid, of child k at the last fill and at the horizon (n,); at_once: the mid just after it. bounds: probes that
    emptied the side they traded at, which moved it at least as far as stands here.
    """

    move: float
    wanted: float
    traded: float
    push: float
    own: float
    own_end: float
    own_later: float
    size: Floats
    end: Floats
    later: Floats
    sent: Floats
    moves: Floats
    child: float
    at_once: float
    seen: Floats
    alive: Floats
    alive_later: Floats
    bounds: float = 0.0


@dataclass(frozen=True)
class ReadResets:
    """What could be read of a pair of runs: its sums, None where nothing could; `rule` and how many were left out."""

    sums: ResetSums | None
    rule: str | None
    unread: int


def total(found: Sequence[ResetSums]) -> ResetSums:
    """The sums of several, one or more; raises `ResultError` where they are not of one schedule and set of probes."""
    told: dict[str, Any] = {}
    for field in fields(ResetSums):
        parts = [np.asarray(getattr(each, field.name), np.float64) for each in found]
        if len({part.shape for part in parts}) > 1:
            raise ResultError(
                "the resets of a cell have different numbers of children or of probes; one schedule is needed to put "
                "them together"
            )
        added = np.sum(parts, axis=0)
        told[field.name] = float(added) if added.ndim == 0 else added
    return ResetSums(**told)


def read_resets(factual: Run, baseline: Run, horizon: str) -> ReadResets:
    """Sums of the measured resets of a pair of runs, `horizon` a word such as `0s` at which probes were looked at."""
    pushes = reset_pushes(factual, baseline, factual, horizon)
    probes = [_probes(factual, baseline, size, horizon) for size in _sizes(factual)]
    found, rules = [], set[str | None]()
    for place, push in enumerate(pushes):
        of_reset = [each[place] for each in probes]
        one = _of_reset(factual, baseline, push, of_reset, horizon) if of_reset else None
        if one is not None:
            found.append(one)
            rules.add(rule_of(factual, push.reset))
    rule = rules.pop() if len(rules) == 1 else None
    return ReadResets(total(found) if found else None, rule, len(pushes) - len(found))


@dataclass(frozen=True, slots=True)
class _SizeOfProbe:
    """What the probe of one size pushed on the side of a reset's orders, at their last fill and at the horizon."""

    size: float
    end: ResetImpact
    later: ResetImpact


def _sizes(run: Run) -> list[float]:
    """The sizes that were tried, in multiples of the orders."""
    pushes = [push for found in pushes_of(run).values() for push in found if push is not None]
    return sorted({push.size for push in pushes if push.schedule == RESET})


def _probes(run: Run, versus: Run, size: float, horizon: str) -> list[_SizeOfProbe]:
    """The probes of one size at every measured reset."""
    both = zip(reset_impacts(run, versus, "0s", size), reset_impacts(run, versus, horizon, size), strict=True)
    return [_SizeOfProbe(size, end, later) for end, later in both]


def _of_reset(
    run: Run, baseline: Run, push: ResetPush, probes: Sequence[_SizeOfProbe], horizon: str
) -> ResetSums | None:
    """The sums of one reset; None where its move, its push or a probe of it could not be read."""
    reset, move = push.reset, push.move
    sides = [(each.size, each.end.own, each.later.own) for each in probes]
    known = [(size, end, later) for size, end, later in sides if end is not None and later is not None]
    if move is None or push.push is None or len(known) < len(sides):
        return None
    market, rule = reset.market, rule_of(run, reset)
    rows = [(size, end.notional, end.x[market], later.x[market]) for size, end, later in known]
    size, notional, end, later = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    own = int(np.flatnonzero(size == OWN_SIZE)[0])
    kernel = None if rule == "once" else kernel_of(run, reset, move.price)
    if rule != "once" and kernel is None:
        return None
    instants, lots = _children(run, reset)
    lot = dict(run.table("instruments").select("market", "lot").iter_rows())[market]
    sent = lots * reset.sign * lot * move.price * (1 + move.r)
    moves = reset.sign * (mids_of(baseline).standing(market, np.array(instants, np.int64)) / move.price - 1)
    if not np.isfinite(moves).all():
        return None
    return ResetSums(
        move=abs(move.r), wanted=abs(own_demand(run, reset) * move.r), traded=float(sent.sum()), push=push.push,
        own=notional[own], own_end=end[own], own_later=later[own], size=notional, end=end, later=later, sent=sent,
        moves=moves, bounds=sum(one.is_bound or two.is_bound for _, one, two in known),
        **_of_kernel(kernel, reset, instants, horizon),
    )  # fmt: skip


def _of_kernel(kernel: Kernel | None, reset: MarketReset, instants: Sequence[int], horizon: str) -> dict[str, Any]:
    """What the probe of one child says; nothing for orders that are sized once."""
    if kernel is None:
        nothing: dict[str, Any] = dict.fromkeys(("seen", "alive", "alive_later"), np.zeros(0))
        return {**nothing, "child": 0.0, "at_once": 0.0}
    assert reset.last_ns is not None  # its push was read
    ends_ns, first = end_of(reset, horizon), instants[0]
    return {
        "child": kernel.notional,
        "at_once": kernel.mid.get(0, 0.0),
        "seen": np.array([nearest(kernel.mark, t - first) for t in instants]),
        "alive": np.array([nearest(kernel.mid, reset.last_ns - t) for t in instants]),
        "alive_later": np.array([nearest(kernel.mid, ends_ns - t) for t in instants]),
    }


def _children(run: Run, reset: MarketReset) -> tuple[list[int], Floats]:
    """When the children of a reset were sent [ns], and what all of each instant filled [lots], + bought."""
    ids = [order.id for order in reset.orders]
    rows = run.table("children").filter(pl.col("purpose") == "rebalance", pl.col("parent").is_in(ids))
    found = rows.group_by("t_ns").agg(pl.col("filled_lots").sum()).sort("t_ns")
    return found["t_ns"].to_list(), found["filled_lots"].to_numpy().astype(np.float64)
