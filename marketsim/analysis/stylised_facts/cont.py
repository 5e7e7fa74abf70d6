"""What is left of the eleven facts of Cont (2001, Quantitative Finance 1:223) beside tails, clustering and volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import minimize
from scipy.signal import lfilter

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.clustering import decay_exponent
from marketsim.analysis.stylised_facts.correlation import autocorrelations
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, from_items, from_sums
from marketsim.analysis.stylised_facts.tails import kurtosis_estimate, kurtosis_of_sums
from marketsim.analysis.stylised_facts.tape import MINUTE_NS, Tape

_LONG = 30
"""Minutes of the coarser return that is compared with one of a minute."""
_LEADS = 10
_COARSE = 10
FEWEST_MINUTES = 300


def _returns(tape: Tape) -> Floats:
    returns = tape.minute_returns
    if len(returns) < FEWEST_MINUTES or not returns.any():
        raise NotMeasurableError(f"{len(returns)} minutes; {FEWEST_MINUTES} with moves are needed")
    return returns


def linear_autocorrelation(tape: Tape) -> Estimate:
    """The mean autocorrelation of returns over 1 min at lags of 5 to 30 min."""
    returns = _returns(tape)
    times = tape.minutes[:-1]

    def mean(places: Integers) -> float:
        some = returns[places]
        return float(autocorrelations(some - some.mean(), _LONG)[4:].mean())

    return from_items(times, mean, tape.blocks(_LONG * MINUTE_NS))


def skewness(tape: Tape) -> Estimate:
    """The skewness of returns over 1 min: below zero where falls are larger than rises."""
    returns = _returns(tape)
    columns = tuple(returns**power for power in range(4))
    blocks = tape.blocks(MINUTE_NS)
    sums = None if blocks is None else blocks.sums(tape.minutes[:-1], *columns)
    return from_sums(sums, np.array([column.sum() for column in columns]), _skewness, blocks)


def _skewness(sums: Floats) -> Floats:
    n, a, b, c = np.moveaxis(sums, -1, 0)
    mean = a / n
    found: Floats = (c / n - 3 * mean * b / n + 2 * mean**3) / (b / n - mean**2) ** 1.5
    return found


def aggregation(tape: Tape) -> Estimate:
    """Kurtosis of returns over 1 min less that over 30 min: above zero where longer returns are nearer to a normal."""
    returns = _returns(tape)
    whole = len(returns) // _LONG * _LONG
    long, blocks = returns[:whole].reshape(-1, _LONG).sum(axis=1), tape.blocks(_LONG * MINUTE_NS)
    short, longer = (tuple(each**power for power in range(5)) for each in (returns, long))
    sums = None
    if blocks is not None:
        times = tape.minutes[:-1]
        sums = np.hstack([blocks.sums(times, *short), blocks.sums(times[:whole:_LONG], *longer)])
    totals = np.array([column.sum() for column in (*short, *longer)])
    return from_sums(sums, totals, lambda s: kurtosis_of_sums(s[..., :5]) - kurtosis_of_sums(s[..., 5:]), blocks)


def intermittency(tape: Tape) -> Estimate:
    """Variation of realised variance over 10 min, over what the same returns in any order have: 1 without bursts."""
    squares = _returns(tape) ** 2
    whole = len(squares) // _COARSE * _COARSE
    windows = squares[:whole].reshape(-1, _COARSE).sum(axis=1)
    times, blocks = tape.minutes[:-1][:whole:_COARSE], tape.blocks(_COARSE * MINUTE_NS)
    inner = (squares[:whole] ** 2).reshape(-1, _COARSE).sum(axis=1)
    columns = (np.ones(len(windows)), windows, windows**2, inner)
    sums = None if blocks is None else blocks.sums(times, *columns)
    return from_sums(sums, np.array([column.sum() for column in columns]), _bursts, blocks)


def _bursts(sums: Floats) -> Floats:
    n, total, squared, inner = np.moveaxis(sums, -1, 0)
    mean = total / n
    alone = _COARSE * (inner / (n * _COARSE) - (mean / _COARSE) ** 2)
    found: Floats = np.sqrt((squared / n - mean**2) / alone)
    return found


def garch_residuals(returns: Floats) -> tuple[Floats, float, float]:
    """Returns over the volatility of a GARCH(1, 1), fitted by quasi-likelihood, its variance that of the sample.

    Also alpha and beta (Bollerslev 1986). The recursion is a linear filter of squares.
    """
    scaled = (returns - returns.mean()) / returns.std()
    squares = scaled**2

    def variance(alpha: float, beta: float) -> Floats:
        driven = (1 - alpha - beta) + alpha * np.append(1.0, squares[:-1])
        found: Floats = lfilter([1.0], [1.0, -beta], driven, zi=[beta])[0]
        return found

    def loss(point: Floats) -> float:
        alpha, beta = (float(each) for each in point)
        if alpha < 0 or beta < 0 or alpha + beta >= 0.9999:
            return 1e12
        h = variance(alpha, beta)
        return float(np.sum(np.log(h) + squares / h))

    starts = [(0.05, 0.9), (0.2, 0.6), (0.01, 0.1)]
    best = min((minimize(loss, start, method="Nelder-Mead") for start in starts), key=lambda fit: float(fit.fun))
    alpha, beta = (float(each) for each in best.x)
    residuals: Floats = scaled / np.sqrt(variance(alpha, beta))
    return residuals, alpha, beta


def conditional_tails(tape: Tape) -> Estimate:
    """Kurtosis of returns over 1 min after a GARCH(1, 1): above 3 where tails are more than clustered volatility."""
    residuals, alpha, beta = garch_residuals(_returns(tape))
    return kurtosis_estimate(residuals, tape.minutes[:-1], tape, MINUTE_NS, f"alpha {alpha:.2f}, beta {beta:.2f}")


def leverage_effect(tape: Tape) -> Estimate:
    """The mean correlation of a return over 1 min with the abs returns of the ten minutes after it."""
    returns = _returns(tape)
    size = np.abs(returns) - np.abs(returns).mean()
    running = np.append(0.0, np.cumsum(size))
    later = (running[_LEADS + 1 :] - running[1:-_LEADS]) / _LEADS
    first = returns[: len(later)] - returns.mean()
    columns = (first * later, first**2, size[: len(later)] ** 2)
    blocks = tape.blocks(_LEADS * MINUTE_NS)
    sums = None if blocks is None else blocks.sums(tape.minutes[: len(later)], *columns)
    whole = np.array([column.sum() for column in columns])
    return from_sums(sums, whole, lambda s: s[..., 0] / np.sqrt(s[..., 1] * s[..., 2]), blocks)


def time_scales(tape: Tape) -> Estimate:
    """Corr(coarse, next fine) - corr(fine, next coarse) of 10 min: above zero where coarse leads (Mueller 1997).

    Coarse: the abs return over 10 min; fine: the mean abs return over 1 min in them.
    """
    returns = _returns(tape)
    whole = len(returns) // _COARSE * _COARSE
    windows = returns[:whole].reshape(-1, _COARSE)
    coarse, fine = np.abs(windows.sum(axis=1)), np.abs(windows).mean(axis=1)
    coarse, fine = (each - each.mean() for each in (coarse, fine))
    columns = (coarse[:-1] * fine[1:] - fine[:-1] * coarse[1:], coarse[:-1] ** 2, fine[:-1] ** 2)
    blocks = tape.blocks(_COARSE * MINUTE_NS)
    sums = None if blocks is None else blocks.sums(tape.minutes[:-1][: whole - _COARSE : _COARSE], *columns)
    totals = np.array([column.sum() for column in columns])
    return from_sums(sums, totals, lambda s: s[..., 0] / np.sqrt(s[..., 1] * s[..., 2]), blocks)


CONT: Mapping[str, Callable[[Tape], Estimate]] = {
    "linear_autocorrelation": linear_autocorrelation,
    "skewness": skewness,
    "aggregational_gaussianity": aggregation,
    "intermittency": intermittency,
    "conditional_kurtosis": conditional_tails,
    "abs_return_acf_exponent": decay_exponent,
    "leverage_effect": leverage_effect,
    "time_scale_asymmetry": time_scales,
}
