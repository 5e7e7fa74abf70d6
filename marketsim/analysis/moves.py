"""What rebalancing did to the price: the factual run's moves beside the counterfactual's, terms to be summed.

Formulas of CONTRACT section 7; f and c are the factual and the counterfactual, x = log move of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from marketsim.analysis.mids import Floats, mids_of
from marketsim.analysis.span import own_markets, span_of
from marketsim.analysis.windows import LONGEST_AFTER_NS, MINUTE_NS, Window, log_mids, windows_of
from marketsim.datasets.run import Run

Term = dict[str, Any]
"""Sums of one cluster (a window, a UTC day, a run; `day` is its number, -1 of a whole run), as plain numbers."""

RETURN_NS = 5 * MINUTE_NS
"""Realised variance is of 5-minute returns: finer ones see the spread (Liu, Patton and Sheppard 2015)."""

AFTER_NS = (
    *range(0, MINUTE_NS, MINUTE_NS // 6),
    *range(MINUTE_NS, 10 * MINUTE_NS, MINUTE_NS),
    *range(10 * MINUTE_NS, 60 * MINUTE_NS, 5 * MINUTE_NS),
    *range(60 * MINUTE_NS, LONGEST_AFTER_NS + 1, 15 * MINUTE_NS),
)
"""The grid of tau behind the last fill [ns]: 10 s, 1 min, 5 min and 15 min apart, to four hours."""


def price_share_terms(factual: Run, counterfactual: Run) -> list[Term]:
    """A term for each window: x_f (x_f - x_c) over x_f^2."""
    return [
        {"day": window.day, "num": f * (f - c), "den": f * f}
        for window, f, c in _moves(factual, counterfactual, "price_share")
    ]


def amplification_terms(factual: Run, counterfactual: Run) -> list[Term]:
    """A term for each window: x_f x_c over x_c^2."""
    return [
        {"day": window.day, "num": f * c, "den": c * c}
        for window, f, c in _moves(factual, counterfactual, "amplification")
    ]


def _moves(factual: Run, counterfactual: Run, what_for: str) -> list[tuple[Window, float, float]]:
    """Each window with both runs' log moves over it; none where a market had no mid yet.

    Where a run begins with the decision itself (a fork, or the end of the warm-up), both had the mid before it.
    """
    windows = windows_of(factual)
    instants = np.array([(w.begin_ns, w.last_ns + w.after_ns) for w in windows], np.int64).reshape(-1, 2)
    at_once = np.array([w.begin_ns >= w.decide_ns for w in windows], bool)
    arrivals = np.log([w.arrival_mid or np.nan for w in windows])
    moved = []
    for run in (factual, counterfactual):
        before, after = log_mids(run, windows, instants, what_for).reshape(-1, 2).T
        moved.append(after - np.where(at_once, arrivals, before))
    f, c = moved
    known = np.isfinite(f) & np.isfinite(c)
    return [(window, float(f[i]), float(c[i])) for i, window in enumerate(windows) if known[i]]


def volatility_terms(factual: Run, counterfactual: Run) -> list[Term]:
    """A term for each market and UTC day: both runs' realised variances of 5-minute returns of the mid."""
    span, terms = span_of(factual), []
    ends = np.arange(span.begin_ns, span.end_ns + 1, RETURN_NS)
    days = np.array([span.day_of(int(t) - 1) for t in ends[1:]])
    for market in own_markets(factual):
        f, c = (_squared_returns(run, market, ends) for run in (factual, counterfactual))
        known = np.isfinite(f) & np.isfinite(c)
        for day in np.unique(days[known]):
            chosen = known & (days == day)
            terms.append({"day": int(day), "num": float(f[chosen].sum()), "den": float(c[chosen].sum())})
    return terms


def _squared_returns(run: Run, market: str, ends: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    mids = mids_of(run).require("volatility", RETURN_NS // 5)
    squared: Floats = np.diff(np.log(mids.at(market, ends))) ** 2
    return squared


def reversal_terms(factual: Run, counterfactual: Run) -> list[Term]:
    """A term for each window: s ln(M_f / M_c) at t_last + tau for each tau of `AFTER_NS`.

    Behind a window's own H its value at H is held, so that D is of the same windows at every tau, and D at four hours
    is D(H). A window in which as much was bought as sold has no sign and no term.
    """
    windows = [window for window in windows_of(factual) if window.side]
    grid = np.array(AFTER_NS, np.int64)
    instants = np.array([w.last_ns + np.minimum(grid, w.after_ns) for w in windows], np.int64).reshape(-1, len(grid))
    f, c = (log_mids(run, windows, instants, "reversal") for run in (factual, counterfactual))
    gap = (f - c) * np.array([window.side for window in windows]).reshape(-1, 1)
    known = np.isfinite(gap).all(axis=1)
    return [{"day": w.day, "count": 1, "gap": gap[i].tolist()} for i, w in enumerate(windows) if known[i]]


def reversal_curve(terms: Sequence[Term]) -> Floats | None:
    """D(tau) = E[s ln(M_f / M_c)(t_last + tau)] on the grid `AFTER_NS`; None without a window."""
    count = sum(term["count"] for term in terms)
    if not count:
        return None
    gaps = np.fromiter(chain.from_iterable(term["gap"] for term in terms), np.float64)
    curve: Floats = gaps.reshape(-1, len(AFTER_NS)).sum(axis=0) / count
    return curve


def share_left(terms: Sequence[Term]) -> float | None:
    """D(H) / D(0): 0 when all of the gap at the last fill went back, 1 when none did."""
    curve = reversal_curve(terms)
    return None if curve is None or curve[0] == 0.0 else float(curve[-1] / curve[0])


def half_life_s(terms: Sequence[Term]) -> float | None:
    """First tau [s] with D <= (D(0) + D(H)) / 2; None where there is none (censored), or D did not fall at all."""
    curve = reversal_curve(terms)
    if curve is None or not curve[-1] < curve[0]:
        return None
    reached = np.flatnonzero(curve <= (curve[0] + curve[-1]) / 2)
    return AFTER_NS[int(reached[0])] / 1e9 if len(reached) else None


def gap_bps(terms: Sequence[Term]) -> float | None:
    """D(0) in basis points: how far the last fill stands from the counterfactual, in the direction of the orders."""
    curve = reversal_curve(terms)
    return None if curve is None else float(curve[0] * 1e4)
