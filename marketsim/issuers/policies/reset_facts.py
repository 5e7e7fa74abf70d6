"""What is known of one order of a reset when it is explained: the numbers that its policy saw, in money and units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class ResetFacts:
    """One leg's order as its row of table `rebalances` tells it. Money in `asset`, sizes in `unit`, prices in both.

    trigger: the word of what set it off. when: the instant, as text. price: the mark; watched: the price that the
    policy looked at, None for a reset by the clock; source: which price that is. target, gross: signed target leverage
    of the leg, and of the whole basket without signs. goal: signed leverage that the order leads to. reset_price,
    reset_equity: price of the leg and worth of the fund at the last reset. leverage: of the whole fund, signed.
    """

    trigger: str
    when: str
    target: Fraction
    gross: Fraction
    legs: int
    position: float
    price: float
    watched: float | None
    source: str
    equity: float
    leverage: float | None
    goal: float
    reset_price: float
    reset_equity: float
    tick: float
    lot: float
    unit: str
    asset: str

    @property
    def seen_price(self) -> float:
        """The price that the policy went by."""
        return self.price if self.watched is None else self.watched

    @property
    def seen_equity(self) -> float:
        """Equity of a fund of one leg at the price that the policy went by."""
        return self.equity + self.position * (self.seen_price - self.price)

    @property
    def seen_leverage(self) -> float | None:
        """Leverage without sign that the policy saw: of one leg at its price, of several the fund's at the mark."""
        if self.legs > 1:
            return None if self.leverage is None else abs(self.leverage)
        return abs(self.position) * self.seen_price / self.seen_equity if self.seen_equity > 0 else None

    @property
    def move(self) -> float:
        """The price's move since the last reset, a share of it."""
        return self.seen_price / self.reset_price - 1

    @property
    def has_lost(self) -> bool:
        """Whether the fund is worth less than at the last reset."""
        return self.equity < self.reset_equity

    def sized_at(self, price: float, equity: float, named: str) -> Iterator[str]:
        """The order that leads to its goal at a price and an equity: the formula, and with the numbers in place."""
        wished = self.goal * equity / price
        yield f"order = goal leverage x equity / {named} - position, in whole lots"
        yield (
            f"      = {self.goal:.6g} x {equity:,.2f} {self.asset} / {self.money(price)} - {self.size(self.position)}"
            f" = {wished - self.position:+,.6f} {self.unit}"
        )

    def size(self, units: float, *, sign: bool = False) -> str:
        """A size of the market, to the lot."""
        digits = _digits(self.lot)
        return f"{units:{'+' if sign else ''},.{digits}f} {self.unit}"

    def money(self, price: float) -> str:
        """A price of the market, to the tick."""
        return f"{price:,.{_digits(self.tick)}f} {self.asset}"


def _digits(step: float) -> int:
    """Digits after the point of a number in steps."""
    text = f"{step:.8f}".rstrip("0")
    return len(text.partition(".")[2])
