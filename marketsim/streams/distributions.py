"""The distributions of the scenario language: single draws, exact means, and quantile tables for the kernel.

| kind | parameters | quantile at p |
|---|---|---|
| `constant` | `value` | value |
| `uniform` | `lo`, `hi` | lo + p (hi - lo) |
| `lognormal` | `median`, `sigma` | median exp(sigma z(p)), z the standard normal quantile |
| `exponential` | `mean` | -mean ln(1 - p) |
| `pareto` | `min`, `alpha`, perhaps `max` | min (1 - p (1 - (min/max)^alpha))^(-1/alpha), the bracket 1 - p without
`max` |
| `choice` | pairs (value, weight) | the value into whose share of the weights, in the order written, p falls |

Parameters are exact; results are float64 in the distribution's own unit (whoever asked turns them into lots, atoms or
nanoseconds).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from marketsim.streams.elementary import exp_, log_, power_
from marketsim.streams.normal import normal_quantile
from marketsim.streams.stream import Stream

if TYPE_CHECKING:
    from marketsim.spec import Distribution

__all__ = [
    "draw",
    "lower_end",
    "mean",
    "quantile",
    "quantile_table",
    "relative_noise",
    "tail_quantile_table",
    "upper_end",
]

Float64Array = npt.NDArray[np.float64]

_CONTEXT = Context(prec=40)

TAIL_HALVINGS, TAIL_SEGMENTS = 32, 128
"""Shape of a tail table: the first set bit of a word of 32 bits, and the seven bits behind it."""


def draw(
    distribution: Distribution, stream: Stream, entities: npt.ArrayLike, *, count: npt.ArrayLike = 0, part: int = 0
) -> Float64Array:
    """Each entity's own value, by inversion of one uniform number (shape of `entities`), in the distribution's unit."""
    return quantile(distribution, stream.uniform(entities, count, part))


def relative_noise(stream: Stream, sd: float, entity: int, count: int, part: int = 0) -> float:
    """What an estimate is of the truth: lognormal with mean one, exp(sd z - sd^2 / 2); exactly one where sd is 0."""
    if sd == 0.0:
        return 1.0
    return float(exp_(sd * stream.normal(entity, count, part) - 0.5 * sd * sd))


def quantile(distribution: Distribution, p: npt.ArrayLike) -> Float64Array:
    """The value that a share p of all draws does not exceed, 0 < p < 1; ValueError for an unknown kind."""
    if distribution.kind not in _QUANTILES:
        raise ValueError(f"distribution: was {distribution.kind!r}, allowed are {', '.join(sorted(_QUANTILES))}")
    return _QUANTILES[distribution.kind](distribution, np.asarray(p, np.float64))


def quantile_table(distribution: Distribution, n: int) -> Float64Array:
    """The n mid-point quantiles (i + 1/2) / n, scaled so that their average is the distribution's mean (shape (n,)).

    A kernel rule that draws an index 0 .. n - 1 with equal chances so moves the right volume on average, whatever the
    tail beyond the last mid-point held. Ascending, but for `choice`, which like `constant` is not scaled: its values
    are meant. ValueError where the mean is infinite (pareto without `max`, alpha <= 1).
    """
    if n < 1:
        raise ValueError(f"size of a quantile table: was {n}, allowed is 1 or more")
    values = quantile(distribution, (np.arange(n, dtype=np.float64) + 0.5) / n)
    if distribution.kind in ("choice", "constant"):
        return values
    total = math.fsum(values.tolist())  # exactly rounded, so independent of the order of addition
    wanted = float(_CONTEXT.multiply(mean(distribution), Decimal(n)))
    return np.asarray(values * (wanted / total), np.float64) if total else values


def tail_quantile_table(distribution: Distribution) -> Float64Array:
    """Quantiles for a kernel rule that needs the far tail, shape (`TAIL_HALVINGS` * `TAIL_SEGMENTS`,).

    Entry 128 h + s is the value that is exceeded with probability 2^-(h + 1) (1 + (s + 1/2) / 128): each halving of
    what is left above has 128 entries, so the tail is as fine as the body, up to probabilities of 2^-32
    (`kernel.draw.tail_segment` has the same). Descending in s, ascending in h.
    """
    halving, segment = np.divmod(np.arange(TAIL_HALVINGS * TAIL_SEGMENTS), TAIL_SEGMENTS)
    above = np.ldexp(1.0 + (segment + 0.5) / TAIL_SEGMENTS, -(halving.astype(np.int32) + 1))
    return quantile(distribution, 1.0 - above)


def mean(distribution: Distribution) -> Decimal:
    """The expected value, to 40 digits. ValueError where it is infinite."""
    if distribution.kind == "choice":
        weighted = (_CONTEXT.multiply(Decimal(value), weight) for value, weight in distribution.choices)
        return _CONTEXT.divide(_sum(weighted), _sum(weight for _, weight in distribution.choices))
    of = {name: Decimal(value) for name, value in distribution.parameters.items()}
    if distribution.kind == "constant":
        return of["value"]
    if distribution.kind == "uniform":
        return _CONTEXT.divide(_CONTEXT.add(of["lo"], of["hi"]), Decimal(2))
    if distribution.kind == "lognormal":
        half_variance = _CONTEXT.divide(_CONTEXT.multiply(of["sigma"], of["sigma"]), Decimal(2))
        return _CONTEXT.multiply(of["median"], _CONTEXT.exp(half_variance))
    if distribution.kind == "exponential":
        return of["mean"]
    if distribution.kind == "pareto":
        return _pareto_mean(of["min"], of["alpha"], of.get("max"))
    raise ValueError(f"distribution: was {distribution.kind!r}, allowed are {', '.join(sorted(_QUANTILES))}")


def upper_end(law: Distribution) -> Decimal | int | None:
    """The largest value a distribution can give; None when it has no upper end."""
    if law.kind == "choice":
        return max(value for value, _ in law.choices)
    return {"constant": law.parameters.get("value"), "uniform": law.parameters.get("hi")}.get(
        law.kind, law.parameters.get("max")
    )


def lower_end(law: Distribution) -> Decimal | int:
    """The smallest value a distribution can give."""
    if law.kind == "choice":
        return min(value for value, _ in law.choices)
    known = {"constant": "value", "uniform": "lo", "pareto": "min"}
    return law.parameters[known[law.kind]] if law.kind in known else 0


def _sum(values: Iterable[Decimal]) -> Decimal:
    """Sum to 40 digits."""
    total = Decimal(0)
    for value in values:
        total = _CONTEXT.add(total, value)
    return total


def _pareto_mean(least: Decimal, alpha: Decimal, most: Decimal | None) -> Decimal:
    """Mean of a Pareto law, truncated at `most`.

    alpha min (1 - (min/max)^(alpha - 1)) / ((alpha - 1) (1 - (min/max)^alpha)), and min ln(max/min) / (1 - min/max) at
    alpha = 1 (Johnson, Kotz & Balakrishnan 1994, Continuous Univariate Distributions I, section 20.8).
    """
    one = Decimal(1)
    if most is None:
        if alpha <= 1:
            raise ValueError(f"pareto: alpha was {alpha}, whose mean is infinite; allowed is alpha above 1, or a `max`")
        return _CONTEXT.divide(_CONTEXT.multiply(alpha, least), _CONTEXT.subtract(alpha, one))
    if most == least:
        return least
    ratio = _CONTEXT.divide(least, most)
    within = _CONTEXT.subtract(one, _CONTEXT.power(ratio, alpha))
    if alpha == 1:
        return _CONTEXT.divide(_CONTEXT.multiply(least, _CONTEXT.minus(_CONTEXT.ln(ratio))), within)
    above = _CONTEXT.subtract(alpha, one)
    share = _CONTEXT.divide(_CONTEXT.subtract(one, _CONTEXT.power(ratio, above)), _CONTEXT.multiply(above, within))
    return _CONTEXT.multiply(_CONTEXT.multiply(alpha, least), share)


def _constant(distribution: Distribution, p: Float64Array) -> Float64Array:
    return np.full(p.shape, float(distribution.parameters["value"]), np.float64)


def _uniform(distribution: Distribution, p: Float64Array) -> Float64Array:
    low, high = float(distribution.parameters["lo"]), float(distribution.parameters["hi"])
    return np.asarray(low + p * (high - low), np.float64)


def _lognormal(distribution: Distribution, p: Float64Array) -> Float64Array:
    median, sigma = float(distribution.parameters["median"]), float(distribution.parameters["sigma"])
    return np.asarray(median * exp_(sigma * normal_quantile(p)), np.float64)


def _exponential(distribution: Distribution, p: Float64Array) -> Float64Array:
    return np.asarray(-float(distribution.parameters["mean"]) * log_(1.0 - p), np.float64)


def _pareto(distribution: Distribution, p: Float64Array) -> Float64Array:
    least, alpha = Decimal(distribution.parameters["min"]), Decimal(distribution.parameters["alpha"])
    tail = 0.0
    if "max" in distribution.parameters:
        ratio = _CONTEXT.divide(least, Decimal(distribution.parameters["max"]))
        tail = float(_CONTEXT.power(ratio, alpha))
    return np.asarray(float(least) * power_(1.0 - p * (1.0 - tail), -1.0 / float(alpha)), np.float64)


def _choice(distribution: Distribution, p: Float64Array) -> Float64Array:
    total = _sum(weight for _, weight in distribution.choices)
    values = np.array([float(value) for value, _ in distribution.choices], np.float64)
    reached, edges = Decimal(0), []
    for _, weight in distribution.choices[:-1]:
        reached = _CONTEXT.add(reached, weight)
        edges.append(float(_CONTEXT.divide(reached, total)))
    return np.asarray(values[np.searchsorted(np.array(edges, np.float64), p, side="right")], np.float64)


_QUANTILES: dict[str, Callable[[Distribution, Float64Array], Float64Array]] = {
    "constant": _constant,
    "uniform": _uniform,
    "lognormal": _lognormal,
    "exponential": _exponential,
    "pareto": _pareto,
    "choice": _choice,
}
