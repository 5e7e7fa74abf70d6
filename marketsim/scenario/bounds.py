"""How large the numbers of a world may become: what could leave 64 bits is refused before anything runs.

| number | bound | reason |
|---|---|---|
| deposits of one currency | 2**62 atoms (46 G) | a balance is an int64; half of it is headroom for profit |
| opening positions of all at the highest plausible price | 2**62 atoms | `outside` holds the other side |
| one position at the opening price | `LARGEST_POSITION_ATOMS` | cash + position x price of one account |
| highest plausible price | 2**40 ticks | deviations are counted as (bid + ask - 2 index) x 500,000 in an int64 |
| lowest plausible price | 1 tick | below it there is no price |
| traders | 10**9 | tokens, agents and the ledger are numbered from there |

The plausible range of an index is what it can reach in a run: exactly for a constant, a path and a file; for a random
index 8 standard deviations of its logarithm about its drift (`venues.index.random_index`); times the listed jumps.
Distributions without an upper end count at the share of a billion that is largest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from marketsim.spec import Distribution
from marketsim.streams import upper_end

LARGEST_TOTAL_ATOMS = 2**62
LARGEST_PRICE_TICKS = 2**40
LARGEST_NUMBER_OF_TRADERS = 10**9

_RAREST = 1e-9
_NORMAL_AT_RAREST = 6.0


def jump_range(sizes: Iterable[Decimal]) -> tuple[float, float]:
    """Lowest and highest factor by which listed jumps may move an index, in whichever order they come."""
    low, high = 1.0, 1.0
    for size in sizes:
        factor = 1.0 + max(float(size), -1.0)
        if factor == 0:
            continue
        low, high = (low * factor, high) if factor < 1 else (low, high * factor)
    return low, high


def mean(law: Distribution) -> float:
    """Expected value of a distribution, at most its largest value."""
    get = {name: float(value) for name, value in law.parameters.items()}
    if law.kind == "choice":
        return float(sum(Fraction(value) * Fraction(weight) for value, weight in law.choices))
    if law.kind == "lognormal":
        return get["median"] * math.exp(min(get["sigma"] ** 2 / 2, 700.0))
    if law.kind == "pareto":
        heavy = get["alpha"] <= 1
        return min(largest(law), get["min"] * 30 if heavy else get["min"] * get["alpha"] / (get["alpha"] - 1))
    return (get["lo"] + get["hi"]) / 2 if law.kind == "uniform" else get.get("value", get.get("mean", 0.0))


def largest(law: Distribution) -> float:
    """The largest value of a distribution that one draw in a billion exceeds, or its upper end."""
    end = upper_end(law)
    if end is not None:
        return float(end)
    get = {name: float(value) for name, value in law.parameters.items()}
    if law.kind == "lognormal":
        return get["median"] * math.exp(min(_NORMAL_AT_RAREST * get["sigma"], 700.0))
    if law.kind == "pareto":
        return float(get["min"] * math.exp(min(-math.log(_RAREST) / get["alpha"], 600.0)))
    return -math.log(_RAREST) * get["mean"]
