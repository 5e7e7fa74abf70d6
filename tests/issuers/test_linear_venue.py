"""The loop of rebalancing in a venue where theory is exact: a price that moves by lambda for each unit traded.

Real fund arithmetic (`issuers.fund.nav`), exact numbers. docs/theory.md#fixed-point: with orders that follow the price
they make, r = r0 / (1 - Lambda); with orders sized once, r0 (1 + Lambda); and daily resets feed back on each other by g
Lambda, g the share of an impact that is alive at the next reset.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pytest

from marketsim.issuers.fund.nav import desired_units

FUNDS = ((3, 50), (-3, 20), (-1, 10), (2, 30))  # leverage, assets in millions: K = 6 x 50 + 12 x 20 + 2 x 10 + 2 x 30
K = 620
START = Fraction(30_000)


@dataclass
class Fund:
    """One fund: cash and units of the perpetual, at its target at the opening price."""

    leverage: int
    cash: Fraction
    units: Fraction

    def order(self, price: Fraction) -> Fraction:
        """Units that restore the target at a price."""
        return desired_units(self.leverage, self.cash + self.units * price, price) - self.units

    def trade(self, units: Fraction, price: Fraction) -> None:
        self.cash = _digits(self.cash - units * price)
        self.units = _digits(self.units + units)


def _digits(value: Fraction) -> Fraction:
    """Forty digits behind the point: exact numbers would double their length at every reset."""
    return Fraction(round(value * 10**40), 10**40)


def funds() -> list[Fund]:
    return [
        Fund(leverage, Fraction(assets) * (1 - leverage), leverage * Fraction(assets) / START)
        for leverage, assets in FUNDS
    ]


def wanted(book: list[Fund], price: Fraction) -> Fraction:
    """What all funds would trade at a price [money]."""
    return sum((fund.order(price) * price for fund in book), Fraction(0))


@pytest.mark.parametrize("crowding", ["0", "0.1", "0.3", "0.6", "0.9"])
@pytest.mark.parametrize("shock", ["0.05", "-0.02"])
def test_orders_that_follow_their_own_price_meet_the_fixed_point(crowding: str, shock: str) -> None:
    number, r0 = Fraction(crowding), Fraction(shock)
    slope, r = number / K, r0
    for _ in range(400):
        r = _digits(r0 + slope * wanted(funds(), START * (1 + r)))
    assert float(r / r0) == pytest.approx(1 / (1 - float(number)), rel=1e-6)


@pytest.mark.parametrize("crowding", ["0.1", "0.5", "0.9", "1.1"])
def test_orders_sized_once_add_the_crowding_number(crowding: str) -> None:
    number, r0 = Fraction(crowding), Fraction("0.05")
    r = r0 + number / K * wanted(funds(), START * (1 + r0))
    assert r / r0 == 1 + number


@pytest.mark.parametrize("alive", ["0", "0.25", "0.5", "1"])
@pytest.mark.parametrize("feedback", ["0.5", "0.9", "0.99", "1.01", "1.1"])
def test_daily_resets_lose_stability_where_what_is_alive_of_the_impact_feeds_back_whole(
    alive: str, feedback: str
) -> None:
    """Each reset is sized before its impact; at the next, the share g of it is what the funds see as a move."""
    g, loop = Fraction(alive), Fraction(feedback)
    slope = (loop / g if g else loop) / K
    book, price, moves = funds(), START * (1 + Fraction(1, 10**9)), [Fraction(1, 10**9)]
    for _ in range(40):
        orders = [fund.order(price) for fund in book]
        impact = slope * sum((units * price for units in orders), Fraction(0))
        for fund, units in zip(book, orders, strict=True):
            fund.trade(units, price * (1 + impact))
        moves.append(_digits(g * impact))
        price = _digits(price * (1 + g * impact))
    if g == 0:  # impact that dies within the day feeds nothing back, however crowded the funds are
        assert set(moves[1:]) == {Fraction(0)}
        return
    ratios = [float(b / a) for a, b in pairwise(moves)]
    assert ratios == pytest.approx([float(loop)] * len(ratios), rel=1e-6)
    assert (abs(moves[-1]) > moves[0]) == (loop > 1)
