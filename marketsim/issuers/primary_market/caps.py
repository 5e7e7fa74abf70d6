"""Caps of a primary market: cash per UTC day, by token and by account, and how they follow volatility."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from marketsim.ranges import ZERO_OR_MORE, Range
from marketsim.spec import AnnualRate, Duration, MoneyAmount, Spec
from marketsim.units import NS_PER_DAY, NS_PER_YEAR, format_annual_rate, format_money, to_atoms

SAMPLE_NS = 300 * 10**9
"""How often the price is looked at to measure volatility (our choice: coarse enough to leave out the bounce)."""


class VolatileCapSpec(Spec):
    """The cap while volatility is above a threshold."""

    above: Annotated[AnnualRate, ZERO_OR_MORE]
    cap: Annotated[MoneyAmount, ZERO_OR_MORE]


def _rows(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple({"above": above, "cap": cap} for above, cap in value.items())
    return value


def _text(rows: tuple[VolatileCapSpec, ...]) -> dict[str, str]:
    return {format_annual_rate(row.above): format_money(row.cap) for row in rows}


class DailyCapSpec(Spec):
    """A cap of `base`, and others `above_volatility` {threshold: cap}; of the highest threshold exceeded.

    Volatility: of the mark of the token's first leg, over the last `window`, by the year.
    """

    base: Annotated[MoneyAmount, ZERO_OR_MORE]
    above_volatility: Annotated[
        tuple[VolatileCapSpec, ...],
        BeforeValidator(_rows),
        PlainSerializer(_text, when_used="json"),
        WithJsonSchema(
            {"type": "object", "additionalProperties": {"type": "string"}, "examples": [{"100%/yr": "2 MUSDT"}]}
        ),
    ] = ()
    window: Annotated[Duration, Range("10min to 30d", least=2 * SAMPLE_NS, most=30 * NS_PER_DAY)] = NS_PER_DAY

    def words(self) -> str:
        """The cap as a part of a sentence."""
        rows = [f"{format_money(row.cap)} above {format_annual_rate(row.above)}" for row in self.above_volatility]
        return f"at most {format_money(self.base)} a day" + (f" ({', '.join(rows)})" if rows else "")


@dataclass(slots=True)
class DayCount:
    """Cash dealt on the present UTC day [atoms], by side and by account; a new day starts at nothing."""

    start_ns: int
    day: int = -1
    dealt: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, t_ns: int, side: str, account: int, cash_atoms: int) -> None:
        """Count a deal."""
        self._turn(t_ns)
        for key in ((side, ALL), (side, account)):
            self.dealt[key] = self.dealt.get(key, 0) + cash_atoms

    def dealt_atoms(self, t_ns: int, side: str, account: int) -> int:
        """What one account, or `ALL`, has dealt today on one side."""
        self._turn(t_ns)
        return self.dealt.get((side, account), 0)

    def next_day_ns(self, t_ns: int) -> int:
        """When the next UTC day begins [ns from the start]."""
        return (self._day(t_ns) + 1) * NS_PER_DAY - self.start_ns

    def _day(self, t_ns: int) -> int:
        return (t_ns + self.start_ns) // NS_PER_DAY

    def _turn(self, t_ns: int) -> None:
        if self._day(t_ns) != self.day:
            self.day = self._day(t_ns)
            self.dealt.clear()


ALL = -1
"""The account that stands for all accounts together."""


@dataclass(slots=True)
class RealisedVolatility:
    """Yearly variance of a price over a window: sum of squared returns x year / time they took.

    Only + - x /, which every machine does alike: a cap decides who may deal.
    """

    window_ns: int
    samples: deque[tuple[int, int]] = field(default_factory=deque)

    def add(self, t_ns: int, price_ticks: int) -> None:
        """Take a sample, and forget those that left the window."""
        self.samples.append((t_ns, price_ticks))
        while self.samples[0][0] < t_ns - self.window_ns:
            self.samples.popleft()

    def variance(self) -> float:
        """Variance by the year; zero before there are two samples."""
        if len(self.samples) < 2:
            return 0.0
        prices = [price for _, price in self.samples]
        returns = [(after - before) / before for before, after in pairwise(prices)]
        return sum(move * move for move in returns) * NS_PER_YEAR / (self.samples[-1][0] - self.samples[0][0])


def cap_atoms(spec: DailyCapSpec, variance: float) -> int:
    """The daily cap [atoms] at a yearly variance: of the highest threshold it exceeds, else the base."""
    exceeded = [row for row in spec.above_volatility if variance > row.above**2]
    cap = max(exceeded, key=lambda row: row.above).cap if exceeded else spec.base
    return to_atoms(cap.amount)
