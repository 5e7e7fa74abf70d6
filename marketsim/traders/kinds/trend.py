"""Trend followers: they go with the return over their look-back when it is large against the volatility."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np

from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE
from marketsim.spec import (
    QUOTE,
    AnnualRate,
    Distribution,
    DurationDistribution,
    EventRate,
    Factor,
    Fault,
    MoneyDistribution,
    constant,
    distribution_words,
)
from marketsim.streams import draw, quantile_table, upper_end
from marketsim.traders.group import TRADERS, Surroundings, TraderGroupSpec
from marketsim.traders.rule import TABLE, GroupRule, GroupTerms
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND, NS_PER_YEAR, Money, format_number

_LOOKBACK = Distribution("uniform", {"lo": 60 * NS_PER_SECOND, "hi": 1_800 * NS_PER_SECOND}, "ns", "duration")
_LONGEST = 4 * 3_600 * NS_PER_SECOND  # of a law of look-backs without an upper end
_PLAIN_VOLATILITY = 0.7  # of an index that declares none
_PROTECTION = 0.005  # how far behind the best price a market order may reach


@TRADERS.register
class TrendSpec(TraderGroupSpec):
    """Enters beyond `enter`, leaves inside `exit`, both in volatility * sqrt(lookback).

    size: of a position, drawn when it is entered. volatility: absent = the index's own, else 70%/yr; written in when a
    scenario loads.
    """

    sign: ClassVar[float] = 1.0  # with the move

    kind: Literal["trend"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(12, 3_600)
    lookback: DurationDistribution = _LOOKBACK
    enter: Annotated[Factor, ZERO_OR_MORE] = Decimal("1.5")
    exit: Annotated[Factor, ZERO_OR_MORE] = Decimal("0.3")
    size: MoneyDistribution = constant(Money(Decimal(5_000), QUOTE), "money")
    volatility: Annotated[AnnualRate | None, ABOVE_ZERO] = None

    def completed(self, volatility: Decimal) -> Self:
        """The group with its volatility written in."""
        return self if self.volatility is not None else self.model_copy(update={"volatility": volatility})

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        if self.size.kind == "constant" and not self.size.parameters["value"]:
            yield Fault(("size",), "this number is out of range", ABOVE_ZERO.words)

    def longest_lookback_ns(self) -> int:
        """How far back it may look [ns]."""
        most = upper_end(self.lookback)
        return _LONGEST if most is None else int(most)

    def sentence(self) -> str:
        """What each of them does, in words."""
        way = "with" if self.sign > 0 else "against"
        return (
            f"They go {way} a return over their look-back ({distribution_words(self.lookback)}) that is more than "
            f"{format_number(self.enter)} times its standard deviation, with {distribution_words(self.size)} each, "
            f"and close when it is less than {format_number(self.exit)} times."
        )

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's trend rule takes it: entry beyond `enter` x volatility x sqrt(look-back)."""
        lookback_ns = draw(self.lookback, terms.draws("lookback"), np.arange(self.count))
        volatility = float(self.volatility) if self.volatility is not None else terms.volatility or _PLAIN_VOLATILITY
        entry = float(self.enter) * volatility * np.sqrt(lookback_ns / NS_PER_YEAR)
        steps = np.maximum(1, np.floor(lookback_ns / terms.mark_every_ns)).astype(np.int64)
        parameters = {
            "direction": self.sign,
            "exit_share": float(self.exit) / float(self.enter) if self.enter else 0.0,
            **self._sizes(terms),
            "protection": _PROTECTION,
        }
        return GroupRule("trend", parameters, {"entry": entry, "lookback_steps": steps})

    def _sizes(self, terms: GroupTerms) -> dict[str, Any]:
        """One size for all, or a table that each entry draws from [tick-lots]."""
        if self.size.kind == "constant":
            only = Money(Decimal(self.size.parameters["value"]), self.size.unit)
            return {"size_ticklots": terms.ticklots(only), "size_table": None}
        return {"size_ticklots": 0.0, "size_table": quantile_table(self.size, TABLE) * (ATOMS_PER_UNIT / terms.atoms)}
