"""Where margin turns: at an atom of a requirement, the end of a tier, the tick of a liquidation; worked by hand."""

from typing import Any

import pytest

from marketsim.kernel import codes
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan, Session

FREE = dict(maker_fee=0, taker_fee=0, window=256, buckets=64)
RICH = 10**6 * LOT


def alone(cash: int, path: tuple[int, ...] = (10_000,), **terms: Any) -> Session:
    market = MarketPlan(**{**FREE, "tiers": ONE_TIER, **terms})
    return Session(Plan((cash, RICH), (market,)), [[*path, *[path[-1]] * 20]])


# ---- initial margin


@pytest.mark.parametrize(("cash", "reason"), [(101, "none"), (100, "insufficient_margin")])
def test_initial_margin_is_rounded_up_to_the_atom(cash: int, reason: str) -> None:
    """A lot at 10,001 ticks is 10,001 atoms; at a leverage of 100 it needs 100.01, and so 101."""
    s = alone(cash, atoms=1)
    assert s.reason(s.order(0, 1, 10_001)) == reason


@pytest.mark.parametrize(("cash", "lots", "reason"), [
    (2 * LOT, 200, "none"), (2 * LOT - 1, 200, "insufficient_margin"),
    # a lot more lies in the next tier, at a leverage of 50 for all of it
    (402 * LOT // 100, 201, "none"), (402 * LOT // 100 - 1, 201, "insufficient_margin"),
    # and beyond the third tier's floor of 1,000 at 20
    (20 * LOT, 1_000, "none"), (20 * LOT, 1_001, "insufficient_margin"),
    (5_005 * LOT // 100, 1_001, "none"), (5_005 * LOT // 100 - 1, 1_001, "insufficient_margin"),
])  # fmt: skip
def test_the_end_of_a_tier_belongs_to_it(cash: int, lots: int, reason: str) -> None:
    s = Session(Plan((cash, RICH), (MarketPlan(**FREE),)))
    assert s.reason(s.order(0, lots, 10_000)) == reason


def test_an_account_s_own_cap_on_leverage_counts_where_it_is_lower_than_the_tier_s() -> None:
    for cap, most in ((10, 100), (100, 1_000), (1_000, 1_000)):
        s = alone(10 * LOT)
        s.world.accounts[0]["leverage_cap"] = cap
        assert s.reason(s.order(0, most + 1, 10_000)) == "insufficient_margin"
        assert s.resting(s.order(0, most, 10_000)) == most


@pytest.mark.parametrize("side", [1, -1])
def test_turning_a_position_round_needs_nothing_up_to_its_own_size(side: int) -> None:
    s = alone(LOT // 20)
    s.start(0, side * 10, 10_000)  # half of what 10 lots need
    assert s.reason(s.order(0, side, 10_000)) == "insufficient_margin"
    assert s.reason(s.order(0, -side * 21, 10_000)) == "insufficient_margin"
    turned = s.order(0, -side * 20, 10_000)
    assert s.resting(turned) == 20
    assert s.reason(s.order(0, -side, 10_000)) == "insufficient_margin"  # with what rests it would be more


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("cash", "reason"), [(51 * LOT // 100, "none"), (51 * LOT // 100 - 1, "insufficient_margin")])
def test_exposure_is_what_is_held_and_rests_on_the_order_s_side(side: int, cash: int, reason: str) -> None:
    s = alone(RICH)
    s.start(0, side * 20, 10_000)
    s.order(0, side * 30, 10_000)
    s.order(0, -side * 40, 10_000 + side * 50)  # the other side adds nothing
    s.pay(0, 1, s.cash(0) + side * 20 * LOT - cash)  # `cash` is its equity now
    assert s.reason(s.order(0, side, 10_000)) == reason


@pytest.mark.parametrize(("held", "rests", "needs"), [
    (50, 30, 80), (-50, -30, 80), (50, -30, 50), (50, -120, 70), (-50, 120, 70), (0, 30, 30), (0, -30, 30),
])  # fmt: skip
def test_another_market_counts_with_the_larger_of_what_is_held_and_what_either_side_leads_to(
    held: int, rests: int, needs: int
) -> None:
    """At a leverage of 100: as many hundredths of a lot's worth as lots, and one for this order."""
    for short_by, reason in ((0, "none"), (1, "insufficient_margin")):
        s = Session(Plan((RICH, RICH), (MarketPlan(**FREE, tiers=ONE_TIER),) * 2))
        if held:
            s.start(0, held, 10_000, market=1)
        s.order(0, rests, 10_000 - (100 if rests > 0 else -100), market=1)
        s.pay(0, 1, s.cash(0) + held * LOT - (needs + 1) * LOT // 100 + short_by)
        assert s.reason(s.order(0, 1, 10_000)) == reason, short_by


# ---- maintenance


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("missing", "is_liquidated"), [(0, False), (1, True)])
def test_equity_of_exactly_the_maintenance_margin_is_enough(side: int, missing: int, is_liquidated: bool) -> None:
    """100 lots at 10,000 are 1,000,000,000 atoms, of which 0.5 % are 5,000,000."""
    s = alone(5_000_000 - missing)
    s.start(0, side * 100, 10_000)
    s.advance(SECOND)
    assert (s.world.get("liquidation_count") > 0) is is_liquidated


@pytest.mark.parametrize(("missing", "is_liquidated"), [(0, False), (1, True)])
def test_the_deduction_of_a_tier_makes_maintenance_continuous(missing: int, is_liquidated: bool) -> None:
    """300 lots: 0.5 % of the first 200 lots' worth and 1 % of the rest, 1 + 1 lots' worth."""
    s = Session(Plan((2 * LOT - missing, RICH), (MarketPlan(**FREE),)))
    s.start(0, 300, 10_000)
    s.advance(SECOND)
    assert (s.world.get("liquidation_count") > 0) is is_liquidated


@pytest.mark.parametrize(("mark", "is_liquidated"), [(9_949, False), (9_948, True)])
def test_a_long_is_liquidated_at_the_first_tick_below_its_maintenance(mark: int, is_liquidated: bool) -> None:
    """10,075,000 atoms and 100 lots bought at 10,000: 4,975,000 are left at 9,949, 4,974,500 needed."""
    s = alone(10_075_000, (10_000, 10_000, mark))
    s.start(0, 100, 10_000)
    s.advance(2 * SECOND)
    assert (s.world.get("liquidation_count") > 0) is is_liquidated


def test_a_fund_without_tiers_is_liquidated_below_nothing_and_not_at_it() -> None:
    for last, is_liquidated in ((9_000, False), (8_999, True)):
        s = alone(10 * LOT, (10_000, 10_000, last))
        s.world.accounts[0]["bits"] |= codes.ACC_NO_TIERS
        s.start(0, 100, 10_000)
        s.advance(2 * SECOND)
        assert (s.world.get("liquidation_count") > 0) is is_liquidated


# ---- where a position waits


@pytest.mark.parametrize(("lots", "trigger"), [(100, 9_850), (-100, 10_149)])
def test_one_of_two_positions_waits_where_its_share_of_the_cushion_is_gone(lots: int, trigger: int) -> None:
    """4 lots' worth of equity, 0.5 needed by either: 3 above it, half of which belongs to each position.

    With 1.5 + 0.5 lots' worth behind it a long of 100 lots waits at (100 - 2) / (100 x 0.995) of 10,000, which is
    9,849.2, a short at (100 + 2) / (100 x 1.005), which is 10,149.3.
    """
    s = Session(Plan((4 * LOT, RICH), (MarketPlan(**FREE, tiers=ONE_TIER),) * 2))
    s.start(0, lots, 10_000, market=0)
    s.start(0, 100, 10_000, market=1)
    assert int(s.position(0)["trigger_ticks"]) == trigger
    assert int(s.position(0, 1)["trigger_ticks"]) == 9_850


@pytest.mark.parametrize(("lots", "trigger"), [(100, 9_850), (-100, 10_150)])
def test_a_fund_without_tiers_waits_where_it_has_nothing(lots: int, trigger: int) -> None:
    """100 lots with 1.505 lots' worth: 150.5 ticks away, looked at half a tick early."""
    s = alone(15_050_000)
    s.world.accounts[0]["bits"] |= codes.ACC_NO_TIERS
    s.start(0, lots, 10_000)
    assert int(s.position(0)["trigger_ticks"]) == trigger
