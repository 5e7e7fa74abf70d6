"""Logarithm and exponential of one number from + - x / alone, the same bits on every machine.

`marketsim.streams.elementary` has the same series for arrays, and says why.
"""

import numpy as np

from marketsim.kernel.draw import LN2
from marketsim.kernel.records import compiled

SQRT_HALF = 0.7071067811865476
SQRT_TWO = 1.4142135623730951
MOST = 40.0  # exponents are kept within +- this: e^40 is no ratio of prices


@compiled
def logarithm(x):
    """Natural logarithm of a positive number: x = 2^k m with m in [0.707, 1.414), ln m = 2 atanh((m - 1) / (m + 1))."""
    k = 0.0
    while x >= SQRT_TWO:
        x *= 0.5
        k += 1.0
    while x < SQRT_HALF:
        x *= 2.0
        k -= 1.0
    s = (x - 1.0) / (x + 1.0)
    z = s * s
    series = 0.0
    for n in range(10, -1, -1):  # up to s^21: the next term is below 2^-58
        series = series * z + 2.0 / np.float64(2 * n + 1)
    return k * LN2 + s * series


@compiled
def exponential_of(x):
    """e^x for x within +- `MOST`, beyond which it stays what it is there: x = k ln 2 + r, a series of 14 terms in r."""
    x = min(max(x, -MOST), MOST)
    k = 0
    while x > 0.5 * LN2:
        x -= LN2
        k += 1
    while x < -0.5 * LN2:
        x += LN2
        k -= 1
    series = 1.0
    for n in range(13, 0, -1):
        series = 1.0 + series * x / np.float64(n)
    for _ in range(k):
        series *= 2.0
    for _ in range(-k):
        series *= 0.5
    return series
