"""A group as the kernel takes it: what its rule needs to know of its market, and the record and tables it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marketsim.spec import Distribution
from marketsim.streams import Stream, draw
from marketsim.streams.elementary import power_
from marketsim.units import ATOMS_PER_UNIT, Money

if TYPE_CHECKING:
    from marketsim.kernel.external import ExternalRule  # imports numba, which a scenario without it need not


@dataclass(frozen=True)
class GroupTerms:
    """What a group's rule needs to know of its market, and its random streams.

    atoms: per tick and lot; mark_every_ns: the market's cadence; opening_ticks: its opening mark; volatility: of the
    index per year, if it declares one. draws: `draws(name)` is the stream `<group id>/<name>`. is_of_coin: whether the
    market is a coin's spot market.
    """

    atoms: int
    mark_every_ns: int
    opening_ticks: int
    volatility: float | None
    draws: Callable[[str], Stream]
    is_of_coin: bool = False

    def ticklots(self, money: Money) -> float:
        """Money as price [ticks] x size [lots], the form sizes have in the kernel."""
        return float(money.amount) * ATOMS_PER_UNIT / self.atoms

    def ticklots_drawn(self, law: Distribution, name: str, who: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each trader's own amount of money, as tick-lots; name: of the stream."""
        return draw(law, self.draws(name), who) * ATOMS_PER_UNIT / self.atoms


@dataclass(frozen=True)
class GroupRule:
    """A group as the kernel takes it: the rule by which its traders act, and the numbers the rule reads.

    rule: the name of a file of `kernel/rules`, a rule of another package (`kernel.external`), or None for a group that
    never wakes. parameters: of the group, tables as arrays; own: of each trader, an array (traders,) or one number for
    all; both by the names that the rule has for them, all of which must be there. slots_each: resting orders a trader
    may have. on_index: it wakes at every update of the index, too. counts_from: the own number that is the position a
    trader opens with, where the rule counts from there. view: the record of the view by which makers of the market
    quote (`kernel/views`); makers: what each of them has of its own, by names of `kernel.maker_layout.MAKER`; both of
    makers that learn.
    """

    rule: str | ExternalRule | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, NDArray[Any] | float] = field(default_factory=dict)
    slots_each: int = 1
    on_index: bool = False
    counts_from: str = ""
    view: Mapping[str, Any] | None = None
    makers: Mapping[str, Any] | None = None


TABLE = 4096
"""Quantiles in a table of sizes or distances."""


UNLIMITED = 1e300
"""A limit that nothing reaches, of a fraction or a notional."""

MOST_TICKLOTS = 1e18
"""A notional [tick-lots] that no order of a rule reaches, and whose lots an int64 holds."""


def middle_quantiles() -> NDArray[np.float64]:
    """Mid-points of `TABLE` equal parts of (0, 1)."""
    return (np.arange(TABLE) + 0.5) / TABLE


def spread_out(scale: Decimal, offset: Decimal, exponent: Decimal, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """offset + scale x u^exponent, with the project's own power."""
    return float(offset) + float(scale) * power_(u, float(exponent))
