"""Figures of docs/theory.md#several-funds-and-several-resets, computed anew from funds that trade in a moving price.

Small moves (r = 1e-6) of a price that moves by Lambda r for an order of K r: the multiplier is read from the accounts
and not from the closed forms that the page gives.
"""

import math
import re
from collections.abc import Callable

import pytest

from tests.docs.pages import PACKAGE

PAGE = (PACKAGE / "docs" / "theory.md").read_text("utf-8")
R = 1e-6
L = 3.0
K = L * (L - 1)
"""Of a fund of one unit of money at target L."""


class Fund:
    """A fund at its target at a price of 1, in a price that moves by `per_coin` for each coin traded."""

    def __init__(self, leverage: float, crowding: float, weight: float = 1.0) -> None:
        self.leverage, self.coins, self.cash = leverage, leverage * weight, weight * (1 - leverage)
        self.per_coin = crowding / (leverage * (leverage - 1))

    def wanted(self, price: float) -> float:
        """Coins missing to the target."""
        return self.leverage * (self.cash + self.coins * price) / price - self.coins

    def trade(self, coins: float, price: float) -> float:
        """Trade at the middle of the price before and after; the price after."""
        after = price + self.per_coin * coins
        self.coins, self.cash = self.coins + coins, self.cash - coins * (price + after) / 2
        return after


def multiplier(price: float) -> float:
    return (price - 1) / R


def in_turn(crowding: float, funds: int, weight: float) -> float:
    """Funds that reset one after another, each sized once."""
    price = 1 + R
    for fund in [Fund(L, crowding, weight) for _ in range(funds)]:
        price = fund.trade(fund.wanted(price), price)
    return multiplier(price)


def in_children(crowding: float, children: int) -> float:
    """One fund that sizes what is left before each child."""
    fund, price = Fund(L, crowding), 1 + R
    for left in range(children, 0, -1):
        price = fund.trade(fund.wanted(price) / left, price)
    return multiplier(price)


def in_resets(crowding: float, resets: int) -> float:
    """One fund whose resets each answer the push of the one before."""
    fund, price = Fund(L, crowding), 1 + R
    for _ in range(resets):
        price = fund.trade(fund.wanted(price), price)
    return multiplier(price)


def root_of(wanted: Callable[[float], float]) -> float:
    """The smallest m >= 1 at which m = wanted(m), by bisection."""
    low, high = 1.0, 1e3
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if wanted(middle) > middle else (low, middle)
    return low


def row(crowding: float) -> list[float | None]:
    fixed = root_of(lambda m: 1 + crowding * m) if crowding < 1 else None
    return [
        in_turn(crowding, 1, 1.0),
        in_turn(crowding, 10, 0.1),
        in_turn(crowding, 2_000, 1 / 2_000) if crowding else None,
        *(in_children(crowding, n) for n in (6, 12, 60)),
        in_resets(crowding, 3),
        fixed,
        root_of(lambda m: 1 + crowding * math.sqrt(m)),
    ]


TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| [01]\.\d \|.*$", PAGE, re.M)
]


def test_the_table_has_its_rows() -> None:
    assert [cells[0] for cells in TABLE] == ["0.1", "0.3", "0.5", "0.8", "1.0", "1.3"]


@pytest.mark.parametrize("cells", TABLE, ids=lambda cells: cells[0])
def test_multipliers_of_the_table_are_those_of_funds_that_trade(cells: list[str]) -> None:
    for printed, computed in zip(cells[1:], row(float(cells[0])), strict=True):
        if computed is None:
            assert printed == "none"
        else:
            assert computed == pytest.approx(float(printed), rel=1.2e-3)


@pytest.mark.parametrize(
    ("leverage", "crowding", "border"),
    [(3, 0.7, 13.5), (3, 0.8, 3.4), (3, 0.9, 0.63), (-3, 0.7, -1.19), (-3, 0.8, -0.48), (-3, 0.9, -0.11)],
)
def test_a_fund_worked_out_in_small_slices_ends_short_of_the_border_and_runs_away_beyond(
    leverage: float, crowding: float, border: float
) -> None:
    """Linear permanent impact: small slices until nothing is wanted, or the price has gone five times the move on."""

    def ends(move: float) -> bool:
        fund, price = Fund(leverage, crowding), 1 + move
        slice_ = 2e-3 * abs(fund.wanted(price))
        for _ in range(200_000):
            missing = fund.wanted(price)
            if missing * move <= 0 or abs(missing) < slice_ / 2:
                return True
            price = fund.trade(math.copysign(min(slice_, abs(missing)), missing), price)
            if abs(price - 1) > 60 * abs(move) or price <= 0.01:
                return False
        return False

    assert f"{abs(border):g}" in PAGE
    assert ends(0.9 * border / 100)
    assert not ends(1.1 * border / 100)


@pytest.mark.parametrize(
    ("target", "border", "move"),
    [(3, 4, -11.1), (-3, 4, 6.67), (3, 2, 33.3), (-3, 2, -11.1), (3, 4.125, -12), (-3, 5.25, 12), (5, 7, -6.67),
     (-5, 7, 5), (2, 3.5, -30), (3, 3.2, -3.0), (2, 2.3, -11.5), (2, 2.7, -20.6)],
)  # fmt: skip
def test_trigger_moves_of_the_products_page_bring_a_fund_to_its_border(
    target: float, border: float, move: float
) -> None:
    said = (PACKAGE / "docs" / "products.md").read_text("utf-8")
    r = (border - target) / (target * (1 - border)) if target > 0 else (border + target) / (-target * (1 + border))
    assert 100 * r == pytest.approx(move, abs=0.06)
    assert abs(target * (1 + r) / (1 + target * r)) == pytest.approx(border)
    assert f"{abs(move):g} %" in said
