"""The flow of takers' orders: memory of their signs, and how they bunch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.stylised_facts.correlation import FEWEST_PAIRS, autocorrelations
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_sums
from marketsim.analysis.stylised_facts.tape import HOUR_NS, MINUTE_NS, SECOND_NS, Tape

FEWEST_SIGNS = 100_000
"""Signs that an exponent needs: with 18,000 a true .5 reads .59 +- .10."""
EXPONENT_LAGS = (10, 1_000)
_BINS = 13  # lags of equal steps of the logarithm
_PIECES = 20


def sign_memory(tape: Tape, lag: int) -> Estimate:
    """The autocorrelation of the signs of orders, at a lag in orders."""
    orders = tape.signed_orders
    if orders.number < lag + FEWEST_PAIRS:
        raise NotMeasurableError(f"{orders.number} orders; {lag + FEWEST_PAIRS} are needed")
    sign = orders.sign.astype(np.float64)
    product = np.append(sign[:-lag] * sign[lag:], np.zeros(lag))
    pairs = np.append(np.ones(len(sign) - lag), np.zeros(lag))
    columns = (product, pairs, sign, np.ones(len(sign)))
    blocks = tape.blocks(lag * (tape.end_ns - tape.begin_ns) / orders.number)
    sums = None if blocks is None else blocks.sums(orders.t_ns, *columns)
    whole = np.array([column.sum() for column in columns])
    return from_sums(sums, whole, _of_signs, blocks, f"{orders.number:,} orders")


def _of_signs(sums: Floats) -> Floats:
    product, pairs, sign, n = np.moveaxis(sums, -1, 0)
    mean = sign / n
    found: Floats = (product / pairs - mean**2) / (1 - mean**2)
    return found


def sign_exponent(tape: Tape) -> Estimate:
    """The exponent of a power law through the autocorrelations of signs at lags of 10 to 1,000 orders.

    A line through their logarithms at 13 ranges of lags, of 20 equal pieces of the tape together.
    """
    orders = tape.signed_orders
    if orders.number < FEWEST_SIGNS:
        raise NotMeasurableError(f"{orders.number:,} signs; {FEWEST_SIGNS:,} are needed")
    sign = orders.sign - orders.sign.mean()
    edges = np.unique(np.round(np.geomspace(*EXPONENT_LAGS, _BINS + 1)).astype(np.int64))
    pieces = []
    for piece in np.array_split(sign, _PIECES):
        at_lags = autocorrelations(piece, EXPONENT_LAGS[1])
        pieces.append([at_lags[a - 1 : b - 1].mean() for a, b in pairwise(edges)])
    sums, lags = np.array(pieces), np.sqrt(edges[:-1] * (edges[1:] - 1))
    if (sums.mean(axis=0) <= 0).any():
        raise NotMeasurableError("signs are not correlated over lags of 10 to 1,000 orders")
    return from_sums(sums, sums.sum(axis=0), partial(_slope, lags), tape.blocks(1), f"{orders.number:,} orders")


def _slope(lags: Floats, sums: Floats) -> Floats:
    x = np.log(lags) - np.log(lags).mean()
    found: Floats = -(np.log(sums) @ x) / (x @ x)
    return found


def fano(tape: Tape, window_ns: int) -> Estimate:
    """Variance over mean of the numbers of orders in windows, inside hours of UTC; of a Poisson clock 1."""
    return _of_counts(tape, window_ns, _ratio)


def branching(tape: Tape) -> Estimate:
    """1 - F(60 s)^-1/2: the share of orders that orders cause if all bunching is theirs (Hardiman, Bouchaud 2014)."""
    return _of_counts(tape, MINUTE_NS, lambda sums: 1 - _ratio(sums) ** -0.5)


def _of_counts(tape: Tape, window_ns: int, statistic: Callable[[Floats], Floats]) -> Estimate:
    times, edges = tape.orders.t_ns, tape.edges(window_ns)
    if len(edges) < FEWEST_PAIRS:
        raise NotMeasurableError(f"{max(0, len(edges) - 1)} windows of {window_ns / SECOND_NS:g} s; 20 are needed")
    counts = np.diff(np.searchsorted(times, edges)).astype(np.float64)
    _, hour = np.unique((edges[:-1] + tape.start_ns) // HOUR_NS, return_inverse=True)
    windows = np.bincount(hour)
    deviation = (counts - (np.bincount(hour, counts) / windows)[hour]) ** 2
    free = np.where(windows > 1, windows / np.maximum(windows - 1, 1), 0.0)[hour]  # the mean of an hour is its own
    columns = (deviation * free, counts)
    blocks = tape.blocks(window_ns)
    sums = None if blocks is None else blocks.sums(edges[:-1], *columns)
    return from_sums(sums, np.array([column.sum() for column in columns]), statistic, blocks)


def _ratio(sums: Floats) -> Floats:
    found: Floats = sums[..., 0] / sums[..., 1]
    return found


ORDER_FLOW: Mapping[str, Callable[[Tape], Estimate]] = {
    "sign_acf_10": partial(sign_memory, lag=10),
    "sign_acf_100": partial(sign_memory, lag=100),
    "sign_exponent": sign_exponent,
    "fano_1s": partial(fano, window_ns=SECOND_NS),
    "fano_60s": partial(fano, window_ns=MINUTE_NS),
    "branching": branching,
}
