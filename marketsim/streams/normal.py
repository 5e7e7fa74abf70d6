"""The normal quantile: a uniform number in, a standard normal out, by rational functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from marketsim.streams.elementary import log_

__all__ = ["normal_quantile"]

Float64Array = npt.NDArray[np.float64]

# Wichura 1988, AS 241, PPND16, highest power first. Numerators a, c, e and denominators b, d, f of the paper.
_CENTRE = (
    (
        2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
        1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
        5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
    ),
)  # fmt: skip
_SHOULDER = (
    (
        7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
        3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
        6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
    ),
)  # fmt: skip
_TAIL = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
        2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
        1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
    ),
)  # fmt: skip


def normal_quantile(p: npt.ArrayLike) -> Float64Array:
    """The value below which a standard normal falls with probability p, 0 < p < 1; relative error about 1e-15.

    Source: Wichura 1988, AS 241 (PPND16), Applied Statistics 37, 477-484, on our own logarithm. ValueError outside (0,
    1).
    """
    probability = np.asarray(p, np.float64)
    if not bool(np.all((probability > 0.0) & (probability < 1.0))):
        raise ValueError("normal quantile: allowed are probabilities strictly between 0 and 1")
    q = probability - 0.5
    centre = q * _rational(_CENTRE, 0.180625 - q * q)
    # Both tails are evaluated everywhere: the same operations for each element, whatever its neighbours
    distance = np.sqrt(-log_(np.where(q < 0.0, probability, 1.0 - probability)))
    tail = np.where(distance <= 5.0, _rational(_SHOULDER, distance - 1.6), _rational(_TAIL, distance - 5.0))
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0.0, -tail, tail))


def _rational(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Float64Array) -> Float64Array:
    """Ratio of two polynomials by Horner's rule."""
    numerator, denominator = (np.full_like(x, polynomial[0]) for polynomial in coefficients)
    for above, below in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        numerator = numerator * x + above
        denominator = denominator * x + below
    return np.asarray(numerator / denominator, np.float64)
