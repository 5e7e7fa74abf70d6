"""Correlations and autocorrelations as functions of sums over blocks, so that their intervals cost little."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.blocks import Blocks
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_sums

FEWEST_PAIRS = 20


def correlation(
    x: Floats, y: Floats, t_ns: Integers, blocks: Blocks | None, *, rank: bool = False, note: str = ""
) -> Estimate:
    """Pearson's correlation of pairs (n,) at instants (n,), or Spearman's of ranks over the whole record.

    Pairs without a value are left out; raises `NotMeasurableError` below twenty.
    """
    there = np.isfinite(x) & np.isfinite(y)
    x, y, t_ns = x[there], y[there], t_ns[there]
    if len(x) < FEWEST_PAIRS:
        raise NotMeasurableError(f"{len(x)} pairs; {FEWEST_PAIRS} are needed")
    if rank:
        x, y = rankdata(x), rankdata(y)
    x, y = x - x.mean(), y - y.mean()
    columns = (np.ones(len(x)), x, y, x * x, y * y, x * y)
    return from_sums(
        None if blocks is None else blocks.sums(t_ns, *columns),
        np.array([column.sum() for column in columns]), _pearson, blocks, note,
    )  # fmt: skip


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    found: Floats = (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
    return found


def autocorrelation(x: Floats, lag: int, t_ns: Integers, blocks: Blocks | None, note: str = "") -> Estimate:
    """The autocorrelation at one lag of a series (n,) with mean zero; NaN are gaps."""
    if np.isfinite(x).sum() < lag + FEWEST_PAIRS:
        raise NotMeasurableError(f"{np.isfinite(x).sum()} values; {lag + FEWEST_PAIRS} are needed")
    product, square = x[:-lag] * x[lag:], x * x
    is_pair, is_value = np.isfinite(product), np.isfinite(square)
    padded = np.zeros((2, len(x)))
    padded[0, :-lag], padded[1, :-lag] = np.where(is_pair, product, 0.0), is_pair
    columns = (padded[0], padded[1], np.where(is_value, square, 0.0), is_value.astype(np.float64))
    return from_sums(
        None if blocks is None else blocks.sums(t_ns, *columns),
        np.array([column.sum() for column in columns]), _ratio_of_means, blocks, note,
    )  # fmt: skip


def _ratio_of_means(sums: Floats) -> Floats:
    product, pairs, square, values = np.moveaxis(sums, -1, 0)
    found: Floats = (product / pairs) / (square / values)
    return found


def autocorrelations(x: Floats, most: int) -> Floats:
    """The autocorrelations at lags 1 to `most` (most,) of a series (n,) with mean zero, by FFT; NaN of a constant."""
    n = len(x)
    size = 1 << (n + most - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    products = np.fft.irfft(spectrum * np.conj(spectrum), size)[: most + 1]
    means = products / (n - np.arange(most + 1))
    found: Floats = means[1:] / means[0] if means[0] > 0 else np.full(most, np.nan)
    return found
