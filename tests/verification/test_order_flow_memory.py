"""Memory of order signs: what parents of power-law size leave in the flow (docs/literature.md#order-books).

A crowd of parents of the kernel's `metaorder` rule trades with quotes that never move, so that nothing but the parents
is in the flow. Lillo, Mike and Farmer 2005: parents whose size exceeds n with probability n^-alpha, worked one at a
time, leave signs whose autocorrelation is C(tau) = sum over l > tau of (l - tau) p(l) / E[l], which falls as
tau^(1 - alpha): the exponent of the signs is that of the parents, less 1. Where several are at work together the next
order is of the same parent with a probability q while that lives, and C(tau) = q sum over k of B(k - 1; tau - 1, q)
P(k more children), B binomial. Writes order_flow_memory_*.csv.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from marketsim.kernel import codes
from marketsim.spec import Distribution
from marketsim.streams import tail_quantile_table
from tests.kernel.rule_worlds import RuleWorld
from tests.verification.results import write_table

MOST = 3_000  # children: few enough that the largest parents are in every sample
LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
ORDERS = 12_000_000
ALONE = 1e-3  # parents at work on average, where they hardly ever meet
Floats = NDArray[np.float64]


def at_least(alpha: float, most: int) -> Floats:
    """P(N >= n) for n = 0 .. most: a Pareto law from 1 to `most`, rounded down."""
    n = np.maximum(1.0, np.arange(most + 1.0))
    return (n**-alpha - float(most) ** -alpha) / (1.0 - float(most) ** -alpha)


def alive(alpha: float, most: int) -> Floats:
    """P(k children or more follow a random one of a parent), k = 0 .. most: sum over l > k of (l - k) p(l) / E[l]."""
    beyond = at_least(alpha, most)[1:]
    tails = np.append(np.cumsum(beyond[::-1])[::-1], 0.0)  # sum over n > k of P(N >= n)
    return tails / tails[0]


def signs(alpha: float, together: float, gap_ns: int) -> NDArray[np.int8]:
    """Signs, in order of arrival, of a flow with `together` parents at work on average; gap: between children."""
    law = Distribution("pareto", {"min": 1, "alpha": alpha, "max": MOST}, "1", "number")  # type: ignore[dict-item]
    number = np.maximum(1, np.floor(tail_quantile_table(law)))
    mean = float(at_least(alpha, MOST)[1:].sum())
    same = np.ones(4_096)
    parameters: dict[str, Any] = dict(buy_threshold=32_768, informed_threshold=0, stop_past=1e300, shortest_gap_ns=0)
    parameters |= dict(protection=0.01, number_table=number, slowing_table=same, gap_table=gap_ns * same)
    parameters |= dict(size_table=same, error_table=0 * same)
    crowd = RuleWorld("metaorder", parameters, count=1_000, gap_ns=int(1_000 * mean * gap_ns / together))
    crowd.offer(10**9, 9_990)
    crowd.offer(-(10**9), 10_010)
    found: list[NDArray[np.int8]] = []
    while sum(map(len, found)) < ORDERS:
        stop = crowd.world.advance(10**18, codes.PH_RECORD)
        if stop == codes.STOP_SPACE:
            crowd.world.grow()
            continue
        assert stop == codes.STOP_LOG
        found.append(1 - 2 * crowd.world.take_log("trades")["taker_side"].astype(np.int8))
    return np.concatenate(found)[:ORDERS]


def autocorrelation(of: NDArray[np.int8]) -> list[float]:
    """Of signs with a mean of zero, at `LAGS`."""
    return [float((of[lag:] * of[:-lag]).mean(dtype=np.float64)) for lag in LAGS]


def fitted(correlations: list[float]) -> float:
    """The tail index whose parents, worked one at a time, come closest to these autocorrelations (in logarithms)."""
    candidates = np.arange(1.1, 2.0, 0.005)
    log = np.log(correlations)
    return float(min(candidates, key=lambda alpha: ((np.log(alive(alpha, MOST)[list(LAGS)]) - log) ** 2).sum()))


def write_down(alpha: float, together: float, found: list[float], theory: list[float]) -> None:
    """What was measured beside what was to be expected."""
    shared = {"alpha": alpha, "parents_together": together}
    rows = [
        {**shared, "lag": lag, "measured": one, "theory": other}
        for lag, one, other in zip(LAGS, found, theory, strict=True)
    ]
    write_table(f"order_flow_memory_{alpha}_{together:g}", rows)


@pytest.mark.parametrize("alpha", [1.3, 1.5, 1.7])
def test_parents_one_at_a_time_leave_the_memory_of_lillo_mike_and_farmer(alpha: float) -> None:
    found = autocorrelation(signs(alpha, ALONE, 100))
    theory = alive(alpha, MOST)[list(LAGS)].tolist()
    write_down(alpha, ALONE, found, theory)
    assert found == pytest.approx(theory, rel=0.06, abs=1e-3)
    assert fitted(found) == pytest.approx(alpha, abs=0.02)


def test_parents_together_thin_the_memory_out() -> None:
    alpha, together = 1.5, 10.0
    found = autocorrelation(signs(alpha, together, 10_000))
    # In a mean gap M / E[N] parents begin, each with an order at once. Others that still have children to send are a
    # Poisson number A of mean M - M / E[N] (a queue M/G/infinity), and any of them, or this one, may be next.
    starts = together / float(at_least(alpha, MOST)[1:].sum())
    others = np.arange(100)
    same = float((stats.poisson.pmf(others, together - starts) / (1 + others + starts)).sum())
    left = alive(alpha, MOST)
    theory = [
        same * float(sum(stats.binom.pmf(k - 1, lag - 1, same) * left[k] for k in range(1, lag + 1))) for lag in LAGS
    ]
    write_down(alpha, together, found, theory)
    assert found == pytest.approx(theory, rel=0.05)
