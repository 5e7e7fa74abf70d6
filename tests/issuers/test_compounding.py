"""A token on a fixed path at a frictionless venue compounds exactly, to the atom, with lot rounding."""

from fractions import Fraction
from itertools import pairwise

import pytest

from tests.issuers.fake_venue import ATOMS_PER_TICK_LOT, BTC, DAY, HOUR, MINUTE, World

PATH = (300_000, 318_000, 301_110, 287_777, 330_001, 329_999, 290_000, 301_234)  # ticks of 0.1 USDT at 00:01, by day
AUM_ATOMS = 50_000_000 * 10**8
LEVERAGES = (1, -1, 2, -2, 3, -3, 5, -5)


def world_on_the_path() -> World:
    world = World({BTC: PATH[0]})
    world.follow((day * DAY + MINUTE, ticks) for day, ticks in enumerate(PATH) if day)
    return world


def recursion(leverage: int) -> list[tuple[int, int]]:
    """Equity [atoms] and position [lots] after each reset, in rational numbers with the position rounded to lots."""
    equity = Fraction(AUM_ATOMS)
    lots = round(leverage * equity / (PATH[0] * ATOMS_PER_TICK_LOT))
    states = []
    for before, after in pairwise(PATH):
        equity += Fraction(lots) * (after - before) * ATOMS_PER_TICK_LOT
        lots = round(leverage * equity / (after * ATOMS_PER_TICK_LOT))
        assert equity.denominator == 1
        states.append((int(equity), lots))
    return states


@pytest.mark.parametrize("leverage", LEVERAGES)
def test_equity_follows_the_rational_recursion_to_the_atom(leverage: int) -> None:
    world = world_on_the_path()
    desk = world.issue(basket={BTC: leverage}, rebalance={"policy": "daily", "at": "00:02"})
    for day, (equity, lots) in enumerate(recursion(leverage), start=1):
        world.run_to(day * DAY + HOUR)
        assert desk.books.equity_atoms() == equity
        assert world.position_lots(desk.token.account, BTC) == lots


@pytest.mark.parametrize("leverage", LEVERAGES)
def test_nav_is_the_product_of_one_plus_leverage_times_return(leverage: int) -> None:
    """Within 2e-6, the rounding to lots of 0.001 BTC in a fund of 50 MUSDT."""
    world = world_on_the_path()
    desk = world.issue(basket={BTC: leverage}, rebalance={"policy": "daily", "at": "00:02"})
    world.run_to(len(PATH) * DAY)
    product = Fraction(100)
    for before, after in pairwise(PATH):
        product *= 1 + leverage * Fraction(after - before, before)
    row, _ = desk.snapshot(world.now)
    assert row["nav"] == pytest.approx(float(product), rel=2e-6)
    assert row["leverage"] == pytest.approx(leverage, rel=1e-5)


@pytest.mark.parametrize("leverage", LEVERAGES)
def test_order_is_l_times_l_minus_one_times_assets_times_return_within_one_lot(leverage: int) -> None:
    """Cheng and Madhavan 2009: L (L - 1) A r, valued at the price after the move."""
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 306_000)])
    desk = world.issue(basket={BTC: leverage}, rebalance={"policy": "daily", "at": "00:02"})
    world.run_to(HOUR)
    desk.finish(HOUR)
    ordered = sum(row["target_lots"] for row in world.rows.get("rebalances", []))
    wanted = Fraction(leverage * (leverage - 1) * AUM_ATOMS, 306_000 * ATOMS_PER_TICK_LOT) * Fraction(2, 100)
    assert abs(ordered - wanted) <= 1
    assert (leverage == 1) == (abs(wanted) < 1)


def test_up_and_down_tokens_of_one_issuer_trade_in_the_same_direction() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 285_000)])
    for name, leverage in (("BTC3L", 3), ("BTC3S", -3)):
        world.issue(id=name, basket={BTC: leverage}, rebalance={"policy": "daily", "at": "00:02"})
    world.run_to(HOUR)
    for desk in world.desks:
        desk.finish(HOUR)
    sizes = {row["token"]: row["target_lots"] for row in world.rows["rebalances"]}
    assert sizes["BTC3L"] < 0
    assert sizes["BTC3S"] == pytest.approx(2 * sizes["BTC3L"], abs=2)
