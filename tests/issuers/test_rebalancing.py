"""When policies trade and when they do not, at single ticks and single instants."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from marketsim.issuers.fund.nav import Holding, Leg, PriceTrigger
from marketsim.issuers.policies.band import BandSpec
from marketsim.issuers.policies.daily import EMERGENCY, SCHEDULED, DailyRebalancing, DailySpec
from marketsim.issuers.policies.decision import Decision, RebalancingPolicy, Situation
from marketsim.issuers.policies.family import FundTerms, PolicySpec
from marketsim.issuers.policies.none import NoRebalanceSpec
from marketsim.streams import Stream
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, SECOND, World

AT_0002 = 2 * MINUTE


def policy(spec: PolicySpec, target: int = 3, start_ns: int = 0) -> RebalancingPolicy:
    return spec.policy_for(FundTerms((Fraction(target),), (Fraction(1, 1000),), start_ns, Stream(1, 0, "T/jitter")))


def band(target: int = 3, **keys: Any) -> RebalancingPolicy:
    return policy(BandSpec.model_validate({"policy": "band", **keys}), target)


def daily(target: int = 3, **keys: Any) -> RebalancingPolicy:
    return policy(DailySpec.model_validate({"policy": "daily", "at": "00:02", **keys}), target)


def fund(cash: int, lots: int, price: int, *, target: int = 3, reset: int = 1000, reset_equity: int = 0) -> Situation:
    held = Holding(cash, (Leg(BTC, Fraction(target), lots, price, 1),))
    return Situation(held, held, {BTC: reset}, reset_equity)


def lots_of(decision: Decision | None) -> int | None:
    return None if decision is None else decision.lots.get(BTC, 0)


def test_a_bound_itself_is_inside_the_band_and_the_next_tick_is_not() -> None:
    """q = 1000, C = -750,000: leverage is 4 at 1000 exactly; a crossing is strictly beyond."""
    assert band(upper=4).decide_watched(fund(-750_000, 1000, 1000)) is None
    assert lots_of(band(upper=4).decide_watched(fund(-750_000, 1000, 999))) == -252  # 3 x 249,000 / 999 = 747.7
    assert band(lower=2).decide_watched(fund(-500_000, 1000, 1000)) is None
    assert lots_of(band(lower=2).decide_watched(fund(-500_000, 1000, 1001))) == 501  # 3 x 501,000 / 1001 = 1501.5


def test_a_band_crossed_at_its_border_acts_at_the_border_itself_and_not_before() -> None:
    """q = 1000: with C = -750,000 leverage is 4 at 1000 exactly; with C = -500,000 it is 2."""
    high = band(upper=4, crossing="at")
    assert lots_of(high.decide_watched(fund(-750_000, 1000, 1000))) == -250  # 3 x 250,000 / 1000 = 750
    assert high.decide_watched(fund(-750_000, 1000, 1001)) is None  # 1,001,000 / 251,000 = 3.988
    low = band(lower=2, crossing="at")
    assert lots_of(low.decide_watched(fund(-500_000, 1000, 1000))) == 500  # 3 x 500,000 / 1000 = 1500
    assert low.decide_watched(fund(-500_000, 1000, 999)) is None  # 999,000 / 499,000 = 2.002


def test_a_move_crossed_at_its_border_acts_at_exactly_that_share() -> None:
    by_move = band(move="15%", crossing="at")
    assert lots_of(by_move.decide_watched(fund(-600_000, 1000, 1150))) == 435  # 3 x 550,000 / 1150 = 1434.8
    assert by_move.decide_watched(fund(-600_000, 1000, 1149)) is None
    assert lots_of(by_move.decide_watched(fund(-600_000, 1000, 850))) == -118  # 3 x 250,000 / 850 = 882.4
    assert by_move.decide_watched(fund(-600_000, 1000, 851)) is None


def test_a_band_that_stands_at_its_edge_has_nothing_to_trade_to_it() -> None:
    assert band(upper=4, to="edge", crossing="at").decide_watched(fund(-750_000, 1000, 1000)) is None


def test_a_fund_without_equity_is_beyond_every_upper_border_and_no_lower_one() -> None:
    """q = 1000, C = -1,000,000 at 1000: no equity."""
    ruined = fund(-1_000_000, 1000, 1000).held
    for or_at in (False, True):
        assert ruined.is_above(Fraction(4), or_at=or_at)
        assert not ruined.is_beneath(Fraction(2), or_at=or_at)


def test_a_band_returns_to_target_to_its_edge_or_part_of_the_way() -> None:
    """At 900, q = 1000, C = -700,000: equity 200,000, leverage 4.5, target 666.67, edge 888.9 lots, half way 833.3."""
    now = fund(-700_000, 1000, 900)
    assert lots_of(band(upper=4).decide_watched(now)) == 667 - 1000
    assert lots_of(band(upper=4, to="edge").decide_watched(now)) == 888 - 1000
    assert lots_of(band(upper=4, to="50%").decide_watched(now)) == 833 - 1000


def test_the_edge_is_rounded_into_the_band() -> None:
    below = fund(-400_000, 1000, 900)  # equity 500,000, leverage 1.8; 2 x 500,000 / 900 = 1111.1
    assert lots_of(band(lower=2, to="edge").decide_watched(below)) == 1112 - 1000


def test_a_short_band_is_the_mirror() -> None:
    """q = -1000, C = 1,250,000: absolute leverage is 4 at 1000; above it the token buys back."""
    assert band(-3, upper=4).decide_watched(fund(1_250_000, -1000, 1000, target=-3)) is None
    assert lots_of(band(-3, upper=4).decide_watched(fund(1_250_000, -1000, 1001, target=-3))) == 254


def test_a_move_since_the_last_reset_triggers_strictly_beyond() -> None:
    by_move = band(move="15%")
    assert by_move.decide_watched(fund(-600_000, 1000, 1150)) is None
    assert lots_of(by_move.decide_watched(fund(-600_000, 1000, 1151))) == 436  # 3 x 551,000 / 1151 = 1436.1
    assert by_move.decide_watched(fund(-600_000, 1000, 850)) is None
    assert lots_of(by_move.decide_watched(fund(-600_000, 1000, 849))) == -120  # 3 x 249,000 / 849 = 879.9


def test_delever_only_makes_positions_smaller() -> None:
    assert lots_of(band(move="15%", side="delever").decide_watched(fund(-600_000, 1000, 849))) == -120
    assert band(move="15%", side="delever").decide_watched(fund(-600_000, 1000, 1151)) is None


def test_a_loss_that_funding_has_covered_so_far_is_still_watched_for() -> None:
    """200,000 of funding on 400,000: at 849 nothing is lost yet, further down it is; a gain never turns into a loss."""
    losing = band(move="15%", side="losing")
    assert losing.triggers(fund(-400_000, 1000, 1000, reset_equity=400_000)) == (PriceTrigger("below", 849),)
    assert losing.triggers(fund(1_600_000, -1000, 1000, target=-2, reset_equity=400_000)) == (
        PriceTrigger("above", 1151),
    )


def test_losing_side_only_trades_after_a_loss() -> None:
    """KuCoin and MEXC move at 15 %, the losing token only."""
    losing = band(move="15%", side="losing")
    assert lots_of(losing.decide_watched(fund(-600_000, 1000, 849, reset_equity=400_000))) == -120
    assert losing.decide_watched(fund(-600_000, 1000, 1151, reset_equity=400_000)) is None


def test_no_decision_where_not_one_lot_would_change_hands() -> None:
    assert band(upper=4).decide_watched(fund(-72, 1, 90)) is None  # leverage 5, but 3 x 18 / 90 = 0.6, one lot
    assert lots_of(band(upper=4).decide_watched(fund(-75, 1, 90))) == -1  # 3 x 15 / 90 = 0.5, to even: none


def test_bands_name_their_trigger_prices() -> None:
    now = fund(-700_000, 1000, 950)
    assert set(band(lower=2, upper=4, move="15%").triggers(now)) == {
        PriceTrigger("below", 933),
        PriceTrigger("above", 1401),
        PriceTrigger("above", 1151),
        PriceTrigger("below", 849),
    }
    basket = Holding(0, (*now.held.legs, Leg("ETH-PERP", Fraction(1), 1, 1, 1)))
    assert band(upper=4).triggers(Situation(basket, basket, {}, 0)) == ()


def test_bands_crossed_at_their_border_name_the_border_as_their_trigger_price() -> None:
    """1000 P = 4 (1000 P - 700,000) at 933.3, 1000 P = 2 (1000 P - 700,000) at 1400, 15 % off 1000 at 1150 and 850."""
    now = fund(-700_000, 1000, 950)
    assert set(band(lower=2, upper=4, move="15%", crossing="at").triggers(now)) == {
        PriceTrigger("below", 933),
        PriceTrigger("above", 1400),
        PriceTrigger("above", 1150),
        PriceTrigger("below", 850),
    }


def test_an_emergency_crossed_at_its_border_acts_at_both_of_its_borders() -> None:
    """Above 4 and, mirrored, below 2 around 3: at 1000 leverage is 4 with C = -750,000 and 2 with C = -500,000."""
    high, low = fund(-750_000, 1000, 1000), fund(-500_000, 1000, 1000)
    beyond = daily(emergency={"leverage": 4, "side": "both"})
    assert beyond.decide_watched(high) is None
    assert beyond.decide_watched(low) is None
    at = daily(emergency={"leverage": 4, "side": "both", "crossing": "at"})
    assert at.decide_watched(high) == Decision(EMERGENCY, {BTC: -250})
    assert at.decide_watched(low) == Decision(EMERGENCY, {BTC: 500})


def test_an_emergency_delevers_and_with_both_sides_also_relevers_at_the_mirrored_bound() -> None:
    """FTX until 2019-09-24: 33 % off target both ways, so 4 and 2 around 3."""
    low = fund(-400_000, 1000, 900)  # leverage 1.8
    assert daily(emergency={"leverage": 4, "side": "delever"}).decide_watched(low) is None
    both = daily(emergency={"leverage": 4, "side": "both"})
    assert both.decide_watched(low) == Decision(EMERGENCY, {BTC: 667})
    high = fund(-700_000, 1000, 900)
    for side in ("delever", "both"):
        decision = daily(emergency={"leverage": 4, "side": side}).decide_watched(high)
        assert decision == Decision(EMERGENCY, {BTC: -333})


def test_a_daily_reset_is_skipped_inside_skip_if_ends_included() -> None:
    """Pionex 5x: skipped while leverage is within [4.95, 5.05]."""
    rule = daily(5, skip_if=["4.95", "5.05"])
    exactly = fund(-808_000, 1010, 1000, target=5)  # equity 202,000, leverage 5
    assert rule.decide_due(exactly) is None
    assert daily(5).decide_due(exactly) == Decision(SCHEDULED, {})
    upper_end = fund(-810_000, 1010, 1000, target=5)  # 1,010,000 / 200,000 = 5.05
    assert rule.decide_due(upper_end) is None
    beyond = fund(-810_000, 1010, 999, target=5)
    assert lots_of(rule.decide_due(beyond)) == -14  # 5 x 198,990 / 999 = 995.9


def test_daily_resets_come_at_their_time_of_utc_whenever_the_run_starts() -> None:
    noon = policy(DailySpec.model_validate({"policy": "daily", "at": "00:02"}), start_ns=12 * HOUR)
    assert noon.next_due_ns(-20 * HOUR) == -12 * HOUR + AT_0002
    assert noon.next_due_ns(0) == 12 * HOUR + AT_0002
    assert noon.next_due_ns(12 * HOUR + AT_0002) == 12 * HOUR + AT_0002
    assert noon.next_due_ns(12 * HOUR + AT_0002 + 1) == 36 * HOUR + AT_0002


def instants(rule: RebalancingPolicy, from_ns: int, end_ns: int) -> list[int]:
    """All scheduled resets in a stretch of time."""
    found: list[int] = []
    while (due_ns := rule.next_due_ns(from_ns)) is not None and due_ns < end_ns:
        found.append(due_ns)
        from_ns = due_ns + 1
    return found


def test_resets_at_several_times_of_day_come_in_the_order_of_the_clock() -> None:
    """Started at 03:00 UTC: 12:00 is 9 h later, 00:02 of the next day 21 h 2 min later."""
    spec = DailySpec.model_validate({"policy": "daily", "at": ["12:00", "00:02"]})
    found = instants(policy(spec, start_ns=3 * HOUR), 0, 2 * DAY)
    assert found == [9 * HOUR, 21 * HOUR + AT_0002, DAY + 9 * HOUR, DAY + 21 * HOUR + AT_0002]


def test_resets_every_few_hours_are_counted_from_midnight_or_from_a_time_of_day() -> None:
    """Started at 03:00 UTC: 08:00, 16:00 and 00:00 are 5, 13 and 21 h later."""
    whole = DailySpec.model_validate({"policy": "daily", "every": "8h"})
    assert instants(policy(whole, start_ns=3 * HOUR), 0, DAY) == [5 * HOUR, 13 * HOUR, 21 * HOUR]
    shifted = DailySpec.model_validate({"policy": "daily", "every": "8h", "at": "16:02"})
    assert instants(policy(shifted, start_ns=3 * HOUR), 0, DAY) == [t * HOUR + AT_0002 for t in (5, 13, 21)]
    uneven = DailySpec.model_validate({"policy": "daily", "every": "10h"})
    assert instants(policy(uneven), 0, 2 * DAY) == [t * HOUR for t in (0, 10, 20, 30, 40)]


def test_one_time_a_day_has_the_same_jitter_however_it_is_written_and_a_second_time_its_own() -> None:
    def resets(**keys: Any) -> list[int]:
        return instants(policy(DailySpec.model_validate({"policy": "daily", "jitter": "1h", **keys})), 0, 9 * DAY)

    alone = resets(at="00:00")
    assert [t // DAY for t in alone] == list(range(9))
    assert resets(at=["00:00"]) == alone
    assert resets(every="1d") == alone
    twice = resets(at=["00:00", "12:00"])
    assert twice[::2] == alone
    assert twice == resets(every="12h")
    late = [t % DAY - 12 * HOUR for t in twice[1::2]]
    assert all(0 <= t < HOUR for t in late)
    assert not set(late) & {t % DAY for t in alone}


@pytest.mark.parametrize(
    "keys", [{"at": ["23:30", "11:00", "11:45"], "jitter": "44min"}, {"every": "7h", "jitter": "6h"}]
)
def test_the_next_reset_is_the_first_of_all_that_are_not_over(keys: dict[str, Any]) -> None:
    rule = policy(DailySpec.model_validate({"policy": "daily", **keys}), start_ns=5 * HOUR)
    assert isinstance(rule, DailyRebalancing)
    every = [rule.times.reset_ns(number) for number in range(40)]
    assert every == sorted(every)
    for from_ns in range(0, 3 * DAY, 13 * MINUTE):
        assert rule.next_due_ns(from_ns) == min(t for t in every if t >= from_ns)


def test_policy_none_never_trades() -> None:
    never = policy(NoRebalanceSpec(policy="none"))
    now = fund(-750_000, 1000, 900)
    assert (never.next_due_ns(0), never.looks, never.triggers(now), never.aim(0)) == (None, None, (), None)
    assert never.decide_due(now) is None
    assert never.decide_watched(now) is None


# -- in time


def rows(world: World, end_ns: int) -> list[dict[str, Any]]:
    world.run_to(end_ns)
    for desk in world.desks:
        desk.finish(end_ns)
    return world.rows.get("rebalances", [])


@pytest.mark.parametrize("poll", ["0s", "1s"])
def test_a_band_watched_or_polled_acts_at_the_first_tick_beyond(poll: str) -> None:
    world = World({BTC: 300_000})
    desk = world.issue(rebalance={"policy": "band", "upper": 4, "poll": poll})
    (trigger,) = desk.resets.decisions.policy.triggers(desk.books.situation("mark", 0))
    world.follow([(10 * SECOND, trigger.ticks + 1), (20 * SECOND, trigger.ticks), (30 * SECOND, 300_000)])
    found = rows(world, HOUR)
    assert [(row["t_decide_ns"], row["trigger"], row["trigger_price"]) for row in found] == [
        (20 * SECOND, "band", pytest.approx(trigger.ticks / 10))
    ]
    assert found[0]["leverage_before"] > 4
    assert found[0]["leverage_after"] == pytest.approx(3, abs=1e-5)


def test_a_polled_band_misses_what_happens_between_two_looks() -> None:
    world = World({BTC: 300_000})
    world.issue(rebalance={"policy": "band", "upper": 4, "poll": "1min"})
    world.follow([(70 * SECOND, 250_000), (100 * SECOND, 300_000)])
    assert rows(world, HOUR) == []


@pytest.mark.parametrize(("crossing", "decided"), [("at", [20 * SECOND]), ("beyond", [])])
def test_a_losing_token_moves_at_fifteen_percent_where_its_rule_says_so(crossing: str, decided: list[int]) -> None:
    """KuCoin's sources say that the price reaches 15 %: of 30,000 that is 25,500."""
    world = World({BTC: 300_000})
    world.issue(rebalance={"policy": "band", "move": "15%", "side": "losing", "poll": "0s", "crossing": crossing})
    world.follow([(10 * SECOND, 255_001), (20 * SECOND, 255_000), (30 * SECOND, 300_000)])
    assert [row["t_decide_ns"] for row in rows(world, HOUR)] == decided


def test_a_fund_resets_at_each_of_its_times_of_day() -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 303_000), (13 * HOUR, 300_000), (25 * HOUR, 303_000)])
    world.issue(rebalance={"policy": "daily", "at": ["06:00", "18:00"]})
    found = [(row["t_decide_ns"], row["trigger"]) for row in rows(world, 2 * DAY)]
    assert found == [(t * HOUR, "scheduled") for t in (6, 18, 30)]


def v_day(leverage: int, side: str) -> tuple[list[tuple[float, int]], float]:
    """-12 % in a hundred minutes, then back: at which price how many lots were ordered, and NAV at the end.

    A fund of 50 MUSDT at 30,000 that returns to 3 when leverage leaves 2 to 4, or only when it is above 4.
    """
    world = World({BTC: 300_000})
    path = [300_000 - 360 * step for step in range(1, 101)] + [264_000 + 360 * step for step in range(1, 101)]
    world.follow((HOUR + step * MINUTE, ticks) for step, ticks in enumerate(path))
    rule = {"policy": "daily", "at": "00:02", "emergency": {"leverage": 4, "side": side}}
    desk = world.issue(basket={BTC: leverage}, rebalance=rule)
    found = rows(world, 20 * HOUR)
    assert {row["trigger"] for row in found} <= {"emergency"}
    return [(row["trigger_price"], row["target_lots"]) for row in found], desk.snapshot(world.now)[0]["nav"]


def test_on_a_v_shaped_day_the_short_token_loses_by_two_sided_rules_what_delever_only_keeps() -> None:
    """The DOOM episode of 2019-09-24: two-sided, it sells more at the bottom and buys it back higher.

    At 26,652 equity is 66.74 M and leverage 133.26 / 66.74 = 1.9967: short 200.22 M, 7,512.382 BTC. At 28,452 equity is
    53.2177 M and leverage 4.0164: back to 159.6531 M, 5,611.315 BTC. At 30,000 that leaves 44.5314 M of 50 M.
    """
    orders, nav = v_day(-3, "delever")
    assert orders == []
    assert nav == pytest.approx(100, rel=1e-12)
    orders, nav = v_day(-3, "both")
    assert orders == [(pytest.approx(26_652), 5_000_000 - 7_512_382), (pytest.approx(28_452), 7_512_382 - 5_611_315)]
    assert nav == pytest.approx(89.06279356, abs=1e-8)


def test_on_a_v_shaped_day_the_long_token_delevers_at_the_bottom_under_either_rule() -> None:
    """At 26,652 equity is 33.26 M and leverage 4.0066: down to 99.78 M, 3,743.809 BTC; at 30,000 45.794 M is left."""
    for side in ("delever", "both"):
        orders, nav = v_day(3, side)
        assert orders == [(pytest.approx(26_652), 3_743_809 - 5_000_000)]
        assert nav == pytest.approx(91.588545064, abs=1e-8)


def test_losing_side_tokens_rebalance_one_at_a_time() -> None:
    world = World({BTC: 300_000})
    rule = {"policy": "band", "move": "15%", "side": "losing", "poll": "0s"}
    for name, leverage in (("UP", 3), ("DOWN", -3)):
        world.issue(id=name, basket={BTC: leverage}, rebalance=rule)
    world.follow([(MINUTE, 254_000)])
    assert [row["token"] for row in rows(world, HOUR)] == ["UP"]


def test_nothing_happens_before_the_end_of_the_warmup() -> None:
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 250_000)])
    rule = {"policy": "daily", "at": "00:02", "emergency": {"leverage": 4, "side": "both"}}
    world.issue(warmup_ns=HOUR, rebalance=rule, management_fee={"rate": "1 bps", "every": "10min"})
    assert [(row["t_decide_ns"], row["trigger"]) for row in rows(world, DAY - 1)] == [(HOUR, "emergency")]
    assert min(paid[0] for paid in world.paid) == HOUR


def test_jitter_moves_each_day_by_its_own_draw_and_equal_seeds_agree() -> None:
    def instants(seed: int) -> list[int]:
        world = World({BTC: 300_000})
        world.follow([(day * DAY + 1, 300_000 + 3_000 * (day % 2)) for day in range(5)])
        world.issue(seed=seed, rebalance={"policy": "daily", "at": "12:00", "jitter": "30min"})
        return [row["t_decide_ns"] - 12 * HOUR for row in rows(world, 5 * DAY)]

    first = instants(1)
    assert len(first) == 4
    assert all(0 <= t_ns % DAY < 30 * MINUTE for t_ns in first)
    assert len({t_ns % DAY for t_ns in first}) == 4
    assert instants(1) == first
    assert instants(2) != first


def test_a_reset_resets_the_reference_of_the_move() -> None:
    """Strictly beyond +10 % of 30,000 at 33,100, then of 33,100 at 36,500."""
    world = World({BTC: 300_000})
    world.follow((step * MINUTE, 300_000 + 1_000 * step) for step in range(1, 100))
    world.issue(rebalance={"policy": "band", "move": "10%", "poll": "0s"})
    assert [row["trigger_price"] for row in rows(world, 2 * HOUR)] == pytest.approx([33_100, 36_500])


def test_a_bound_still_crossed_is_looked_at_again_after_a_second_not_in_the_same_instant() -> None:
    world = World({BTC: 300_000}, depth=1)
    world.follow([(MINUTE, 260_000), (MINUTE + 5 * SECOND - 1, 300_000)])
    world.issue(rebalance={"policy": "band", "upper": 4, "poll": "0s"}, execution={"algorithm": "market"})
    found = rows(world, HOUR)
    assert [row["t_decide_ns"] for row in found] == [MINUTE + n * SECOND for n in range(5)]
    assert {row["status"] for row in found} == {"partial"}


@pytest.mark.parametrize(("ends", "paths"), [(["2.9", "3.1"], []), (["3", "3"], []), (["3.1", "2.9"], [("skip_if",)])])
def test_a_range_to_skip_in_has_its_lower_end_first(ends: list[str], paths: list[tuple[str, ...]]) -> None:
    spec = DailySpec.model_validate({"policy": "daily", "at": "00:02", "skip_if": ends})
    assert [fault.path for fault in spec.faults({BTC: Decimal(3)}, {})] == paths
