"""Resets in turn: what later resets of the same funds send and push, each answering what is left of the earlier ones.

    o_k = m_k + sum_(j<k) o_j [Lambda(t_k - e_j) - Lambda(t_(k-1) - e_j)]
    push_k = sum_(j<=k) o_j Lambda(e_k - e_j)

Orders o in units of K r, pushes in units of r, the first move since the last reset: funds that size once, t_k when
reset k is decided, e_k its last fill, m_k the baseline's own return between decisions. Lambda(h) is what the probe of
the first reset, of its size and schedule, left a time h after its last fill, straight between the horizons at which it
was looked at, and nothing before its reset was decided (docs/theory.md#several-funds-and-several-resets,
docs/theory.md#transient-impact). It is linear: where impact is concave, later orders, which are smaller, push further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.factual_pairs import factual_pairs
from marketsim.analysis.crowding.reset_impact import reset_impacts
from marketsim.analysis.inference.equivalence import equivalence
from marketsim.analysis.loop_hypotheses.hypothesis_row import COLUMNS, HypothesisRow
from marketsim.analysis.loop_hypotheses.registered_tests import RegisteredTurns
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.analysis.run_data.reset_demand import own_demand
from marketsim.analysis.run_data.reset_moves import move_before
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.scenario.study.horizon import horizon_ns

Response = Callable[[float], float]
"""Lambda a time after the last fill [ns], 0 before the reset was decided."""


@dataclass(frozen=True)
class TurnSums:
    """abs(r); all orders and the push at the last fill of all, times abs(r): measured and predicted."""

    move: float
    orders: float
    orders_predicted: float
    push: float
    push_predicted: float


def predicted_in_turn(
    decided: Sequence[float], ended: Sequence[float], own_moves: Sequence[float], response: Response
) -> tuple[list[float], list[float]]:
    """Orders o_1, o_2, .. [K r] and pushes [r] at each last fill, of resets decided and ended at these times [ns].

    own_moves: m_k, the first of them 1.
    """
    orders: list[float] = []
    pushes: list[float] = []
    for k, (at, end) in enumerate(zip(decided, ended, strict=True)):
        before = decided[k - 1] if k else at
        seen = (o * (response(at - ended[j]) - response(before - ended[j])) for j, o in enumerate(orders))
        orders.append(own_moves[k] + sum(seen))
        pushes.append(sum(o * response(end - ended[j]) for j, o in enumerate(orders)))
    return orders, pushes


def response_of(horizons: Sequence[float], levels: Sequence[float]) -> Response:
    """Lambda straight between the horizons [ns] at which it was read, 0 before the first and flat after the last."""

    def response(after_ns: float) -> float:
        return 0.0 if after_ns < horizons[0] else float(np.interp(after_ns, horizons, levels))

    return response


def hypotheses_in_turn(study: Study, tests: RegisteredTurns) -> pl.DataFrame:
    """What was sent and pushed in each cell with several resets, against predictions; columns of hypotheses."""
    rows = []
    for cell, pairs in factual_pairs(study).items():
        read = [read_in_turn(factual, baseline, tests.horizons) for factual, baseline in pairs]
        rows += [asdict(row) for row in _rows(cell, [sums for sums in read if sums is not None], tests)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def read_in_turn(factual: Run, baseline: Run, horizons: Sequence[str]) -> TurnSums | None:
    """The sums of a pair of runs of one market; None for one reset, or where something could not be read."""
    resets = measured_resets(factual)
    if len(resets) < 2 or len({reset.market for reset in resets}) > 1 or any(r.last_ns is None for r in resets):
        return None
    first, move = resets[0], move_before(resets[0], factual, baseline)
    impacts = [next((i.own for i in reset_impacts(factual, baseline, h) if i.reset == first), None) for h in horizons]
    if move is None or not move.r or any(own is None for own in impacts):
        return None
    market = first.market
    levels = [own.x[market] / abs(move.r) for own in impacts if own is not None]
    decided = np.array([reset.decide_ns for reset in resets], np.int64)
    ended = np.array([reset.last_ns for reset in resets], np.int64)
    response = response_of([float(horizon_ns(word)) for word in horizons], levels)
    without = mids_of(baseline).standing(market, decided) / move.price - 1
    own_moves = np.diff(without, prepend=0.0) / move.r
    lot = dict(factual.table("instruments").select("market", "lot").iter_rows())[market]
    sent = np.array([reset.filled_lots for reset in resets]) * lot * move.price * (1 + move.r)
    orders = sent / (own_demand(factual, first) * move.r)
    last = ended[-1:]
    pushed = (mids_of(factual).standing(market, last) - mids_of(baseline).standing(market, last)) / move.price
    told, pushes = predicted_in_turn(decided.tolist(), ended.tolist(), own_moves.tolist(), response)
    read = (orders.sum(), sum(told), float(pushed[0]) / move.r, pushes[-1])
    return TurnSums(*(float(value) * abs(move.r) for value in (1.0, *read))) if np.isfinite(read).all() else None


def _rows(cell: int, found: Sequence[TurnSums], tests: RegisteredTurns) -> Iterator[HypothesisRow]:
    if not found:
        return
    move, orders, orders_predicted, push, push_predicted = np.array([astuple(each) for each in found]).T
    missed = push - push_predicted
    yield _row("orders", "traded / (K r) = sum o_k", cell, (orders, orders_predicted), 1.0, tests)
    yield _row("push", "push / r less what is predicted", cell, (missed, move), 0.0, tests)


def _row(
    name: str, statement: str, cell: int, parts: tuple[Floats, Floats], predicted: float, tests: RegisteredTurns
) -> HypothesisRow:
    """A ratio of sums over replications (n,) against what is predicted of it."""
    over, under = parts
    n, margin = len(over), tests.margins[name]
    left_out = (over.sum() - over) / (under.sum() - under) if n > 1 else np.empty(0)
    held = equivalence(float(over.sum() / under.sum()), left_out, predicted, margin)
    interval = "" if held.lo is None or held.hi is None else f" (95 % interval {held.lo:.3f} to {held.hi:.3f})"
    is_ratio = predicted == 1.0
    found = f"{held.estimate:.3f} of predicted" if is_ratio else f"{held.estimate:+.3f} r beside the prediction"
    sentence = (
        f"Resets in turn, {name}, cell {cell}: measured is {found}{interval}, margin +-{margin:g}: {held.verdict} "
        f"({n} replications)."
    )
    return HypothesisRow(
        f"in turn: {name}", "once", statement, 1, n, sentence, predicted, margin, held.estimate, held.lo, held.hi,
        held.lo_90, held.hi_90, None, None, held.verdict, held.method,
    )  # fmt: skip
