"""Plain twin of the token families: a fund on a path of prices, in rational numbers, with positions in whole lots.

Each family is a few lines written from its published rules; trades are free and instant, at the price of the path.
Times are seconds from midnight of the first day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

DAY = 86_400
Path = Sequence[tuple[int, int]]


@dataclass
class Fund:
    """Cash and a position; `worth` is what one lot moving one tick is worth."""

    target: Fraction
    cash: int
    worth: int
    price: int
    lots: int = 0
    reset_price: int = 0
    reset_equity: int = 0
    resets: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.to(self.target)
        self.mark(0)

    @property
    def equity(self) -> int:
        return self.cash + self.lots * self.price * self.worth

    @property
    def leverage(self) -> Fraction:
        return Fraction(abs(self.lots) * self.price * self.worth, self.equity)

    @property
    def move(self) -> Fraction:
        return Fraction(self.price, self.reset_price) - 1

    @property
    def has_lost(self) -> bool:
        return self.equity < self.reset_equity

    def to(self, leverage: Fraction, whole: Callable[[Fraction], int] = round) -> bool:
        """Trade to a signed leverage; `whole` makes lots of the size without its sign. Whether anything was traded."""
        size = whole(abs(leverage) * self.equity / (self.price * self.worth))
        return self.trade((size if leverage > 0 else -size) - self.lots)

    def trade(self, lots: int) -> bool:
        self.cash -= lots * self.price * self.worth
        self.lots += lots
        return lots != 0

    def mark(self, at: int) -> None:
        """Remember this as the last reset."""
        self.reset_price, self.reset_equity = self.price, self.equity
        self.resets.append(at)

    def charge(self, rate: Fraction) -> None:
        self.cash -= floor(self.equity * rate)


@dataclass
class Family:
    """Rules of a family: what happens at its hour, what at a new price, and its fee."""

    at_hour: int | None = None
    is_quiet: Callable[[Fund], bool] = lambda fund: False
    is_emergency: Callable[[Fund], bool] = lambda fund: False
    returns_to: Callable[[Fund], bool] = lambda fund: fund.to(fund.target)
    fee: Fraction = Fraction(0)
    fee_hour: int = 0

    def run(self, fund: Fund, path: Path, end: int) -> None:
        """Follow a path to its end: at one instant the price moves first, then the fee is taken, then a reset made."""
        hours = [(day * DAY + self.fee_hour, 1, 0) for day in range(end // DAY + 1) if self.fee]
        hours = [(at, what, price) for at, what, price in hours if at > 0]  # the first charge comes after the start
        if self.at_hour is not None:
            hours += [(day * DAY + self.at_hour, 2, 0) for day in range(end // DAY + 1)]
        for at, what, price in sorted([(at, 0, price) for at, price in path] + hours):
            if at > end:
                return
            if what == 0:
                fund.price = price
            elif what == 1:
                fund.charge(self.fee)
            elif not self.is_quiet(fund):
                fund.to(fund.target)
                fund.mark(at)
            if self.is_emergency(fund) and self.returns_to(fund):
                fund.mark(at)


def edge_of(lower: str, upper: str) -> Callable[[Fund], bool]:
    """Back to the border that was crossed, rounded into the band (Toros)."""

    def returns(fund: Fund) -> bool:
        side = 1 if fund.target > 0 else -1
        if fund.leverage > Fraction(upper):
            return fund.to(side * Fraction(upper), floor)
        return fund.to(side * Fraction(lower), ceil)

    return returns
