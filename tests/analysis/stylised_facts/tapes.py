"""Records of a market that are made up, with what is true of them known."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.tape import Depth, Fills, Quotes, Tape

S = 10**9
MIN, HOUR, DAY = 60 * S, 3_600 * S, 86_400 * S


def tape(length_ns: int, **parts: Any) -> Tape:
    """A record from midnight UTC on, 1 January 2024."""
    return Tape("made up", "P", "BTC", 1_704_067_200 * S, 0, length_ns, 1.0, **parts)


def fills(t_ns: Any, sign: Any = None, price: Any = 100.0, size: Any = 1.0) -> Fills:
    """Fills, each an order of its own."""
    times = np.asarray(t_ns, np.int64)
    n = len(times)
    signs = np.ones(n) if sign is None else np.asarray(sign)
    return Fills(
        times, np.broadcast_to(np.asarray(price, np.float64), n).copy(),
        np.broadcast_to(np.asarray(size, np.float64), n).copy(), signs.astype(np.int8), np.arange(n),
    )  # fmt: skip


def quotes(t_ns: Any, mid: Any, spread: Any = 0.02, every_ns: int = 0) -> Quotes:
    """Quotes around a mid."""
    middle = np.broadcast_to(np.asarray(mid, np.float64), len(t_ns))
    half = np.asarray(spread, np.float64) / 2
    return Quotes(np.asarray(t_ns, np.int64), middle - half, middle + half, every_ns)


def quotes_of_returns(returns: Floats) -> Quotes:
    """Quotes at whole minutes whose log returns are these."""
    prices = 100 * np.exp(np.append(0.0, np.cumsum(returns)))
    return quotes(np.arange(len(prices)) * MIN, prices)


def depth(t_ns: Integers, bids: Any, asks: Any, every_ns: int, bps: float = 10.0) -> Depth:
    """Depth within one distance."""
    n = len(t_ns)
    sides = tuple(np.broadcast_to(np.asarray(side, np.float64), n).copy() for side in (bids, asks))
    return Depth(np.asarray(t_ns, np.int64), {bps: sides}, every_ns)  # type: ignore[dict-item]


def poisson(rate: float, length_ns: int, rng: np.random.Generator) -> Integers:
    """Instants of a Poisson clock, `rate` a second."""
    return np.sort(rng.integers(0, length_ns, rng.poisson(rate * length_ns / S)))


def markov_signs(n: int, stays: float, rng: np.random.Generator) -> Integers:
    """Signs that stay with a probability: their autocorrelation at lag k is (2 stays - 1)^k."""
    return np.cumprod(np.where(rng.random(n) < stays, 1, -1))
