"""What an issuer discloses: when, how much, how exactly, and that it is withdrawn when the order is done."""

import math
from json import loads
from typing import Any

import pytest

from marketsim.announcements import Announcement
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, SECOND, World

DAILY = {"policy": "daily", "at": "02:00"}
OPEN = {"schedule": "public", "size": "exact", "lead": "10min"}
SLOW = {"algorithm": "twap", "over": "5min", "slices": 5}
T_RESET = 2 * HOUR


def heard_in(world: World) -> list[Announcement]:
    heard: list[Announcement] = []
    world.feed.listen(heard.append)
    return heard


def fallen(**declared: Any) -> tuple[World, list[Announcement]]:
    """A world whose price falls by 2 % after a minute, with one token declared so."""
    world = World({BTC: 300_000})
    world.follow([(MINUTE, 294_000)])
    heard = heard_in(world)
    world.issue(**{"rebalance": DAILY, "execution": SLOW, **declared})
    return world, heard


def rebalances(world: World, end_ns: int) -> list[dict[str, Any]]:
    world.run_to(end_ns - 1)
    for desk in world.desks:
        desk.finish(end_ns)
    return world.rows["rebalances"]


def test_a_reset_is_announced_at_its_lead_with_the_order_it_will_be() -> None:
    world, heard = fallen(disclosure=OPEN)
    world.run_to(T_RESET - 10 * MINUTE - 1)
    assert heard == []
    world.run_to(T_RESET - 10 * MINUTE)
    (said,) = heard
    assert (said.token, said.market, said.number, said.due_ns) == ("BTC3L", BTC, 0, T_RESET)
    (row,) = rebalances(world, T_RESET + HOUR)
    assert said.lots == row["target_lots"] < 0


def test_the_size_is_told_anew_every_minute_and_with_the_price() -> None:
    world, heard = fallen(disclosure=OPEN)
    world.follow([(T_RESET - 270 * SECOND, 291_000)])
    world.run_to(T_RESET - 1)
    assert [said.said_ns for said in heard] == [T_RESET - n * MINUTE for n in range(10, 0, -1)]
    sizes = [said.lots for said in heard]
    assert len(set(sizes[:6])) == len(set(sizes[6:])) == 1
    assert sizes[6] < sizes[0] < 0  # the further it fell, the more is sold


def test_what_is_left_of_an_order_is_told_until_it_is_done_and_then_taken_down() -> None:
    world, heard = fallen(disclosure=OPEN)
    target = rebalances(world, T_RESET + HOUR)[0]["target_lots"]
    during = [said for said in heard if said.is_under_way and not said.is_over]
    assert during[0].lots == target
    assert {said.number for said in during} == {0}
    left = [said.lots for said in during]
    assert left == sorted(left)
    assert len(set(left)) == 5
    assert heard[-1].is_over
    assert heard[-1].said_ns == T_RESET + 4 * MINUTE
    assert world.feed.known("BTC3L", T_RESET + HOUR) == ()


def test_the_next_reset_has_the_next_number() -> None:
    world, heard = fallen(disclosure=OPEN)
    world.run_to(DAY + T_RESET - MINUTE)
    assert (heard[-1].number, heard[-1].due_ns) == (1, DAY + T_RESET)
    assert [event["t_ns"] for event in world.rows["events"] if event["event"] == "announced"] == [
        T_RESET - 10 * MINUTE,
        DAY + T_RESET - 10 * MINUTE,
    ]
    first = next(loads(event["detail"]) for event in world.rows["events"] if event["event"] == "announced")
    assert first["orders"][0]["due_ns"] == T_RESET


@pytest.mark.parametrize("disclosure", ["none", {"schedule": "hidden", "size": "none"}])
def test_a_token_that_discloses_nothing_is_not_on_the_feed(disclosure: Any) -> None:
    world, heard = fallen(disclosure=disclosure)
    world.run_to(T_RESET + HOUR)
    assert heard == []
    assert world.feed.known("BTC3L", T_RESET + HOUR) == ()
    assert not [event for event in world.rows["events"] if event["event"] == "announced"]


def test_a_schedule_without_a_size_tells_the_instant_alone() -> None:
    world, heard = fallen(disclosure={**OPEN, "size": "none"})
    world.run_to(T_RESET - 1)
    assert {(said.due_ns, said.lots) for said in heard} == {(T_RESET, None)}


def test_a_size_without_a_schedule_hangs_there_all_the_time() -> None:
    world, heard = fallen(disclosure={**OPEN, "schedule": "hidden"})
    world.run_to(HOUR)
    assert [said.said_ns for said in heard] == [n * MINUTE for n in range(61)]
    assert {said.due_ns for said in heard} == {None}
    assert heard[0].lots == 0 > heard[-1].lots


def test_a_noisy_size_without_a_schedule_is_as_far_off_as_with_one() -> None:
    """One draw a reset, whatever else is told; the exact size is not."""
    told = []
    for schedule in ("public", "hidden"):
        world, heard = fallen(disclosure={**OPEN, "size": "noisy", "schedule": schedule})
        world.run_to(T_RESET - 9 * MINUTE)
        (exact,) = world.feed.foresee("BTC3L")
        told.append((heard[-1].lots, exact.lots))
    assert told[0] == told[1]
    assert told[0][0] != told[0][1]


def test_a_schedule_goes_on_being_told_after_a_reset_that_was_suspended() -> None:
    """No resets from 01:30 to 03:00: nothing is told of that at 02:00, but the next is told, ten minutes before."""
    world, heard = fallen(disclosure={**OPEN, "size": "none"})
    (desk,) = world.desks
    world.run_to(90 * MINUTE)
    desk.status.suspend(["rebalance"])
    world.run_to(3 * HOUR)
    assert heard == []
    desk.status.resume(["rebalance"])
    world.run_to(DAY + T_RESET - 10 * MINUTE - 1)
    assert heard == []
    world.run_to(DAY + T_RESET - 10 * MINUTE)
    assert [(said.due_ns, said.lots) for said in heard] == [(DAY + T_RESET, None)]


def test_a_noisy_size_is_off_by_one_factor_a_reset_that_averages_one() -> None:
    factors = []
    for seed in range(200):
        world = World({BTC: 300_000})
        world.follow([(MINUTE, 294_000)])
        heard = heard_in(world)
        world.issue(rebalance=DAILY, execution=SLOW, disclosure={**OPEN, "size": "noisy", "noise": "30%"}, seed=seed)
        world.run_to(T_RESET - 8 * MINUTE)
        assert len({said.lots for said in heard}) == 1
        (exact,) = world.feed.foresee("BTC3L")
        factors.append(heard[0].lots / exact.lots)
    logs = [math.log(factor) for factor in factors]
    mean = sum(logs) / len(logs)
    sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / (len(logs) - 1))
    # The logarithm is normal with sd 0.3 and mean -0.045; standard errors of 200 draws: 0.021 and 0.015.
    assert mean == pytest.approx(-0.045, abs=3 * 0.0212)
    assert sd == pytest.approx(0.3, abs=3 * 0.015)


def test_the_announced_instant_includes_the_jitter() -> None:
    world, heard = fallen(rebalance={**DAILY, "jitter": "30min"}, disclosure=OPEN)
    (row,) = rebalances(world, T_RESET + 2 * HOUR)
    assert T_RESET < heard[0].due_ns < T_RESET + 30 * MINUTE
    assert row["t_decide_ns"] == heard[0].due_ns


def test_a_skipped_reset_is_taken_down_at_its_instant() -> None:
    world, heard = fallen(rebalance={**DAILY, "skip_if": [2, 4]}, disclosure=OPEN)
    world.run_to(T_RESET + HOUR)
    assert {said.lots for said in heard[:-1]} == {0}
    assert (heard[-1].is_over, heard[-1].said_ns) == (True, T_RESET)


def test_what_was_announced_of_a_token_that_is_wiped_is_withdrawn() -> None:
    """3x is gone after a fall of a third: 200,000 is the first price without equity."""
    world, heard = fallen(disclosure=OPEN)
    world.follow([(T_RESET - 5 * MINUTE - SECOND, 199_000)])
    world.run_to(T_RESET - 4 * MINUTE)
    assert (heard[-1].is_over, heard[-1].said_ns) == (True, T_RESET - 5 * MINUTE)
    assert world.feed.known("BTC3L", T_RESET) == world.feed.foresee("BTC3L") == ()


def test_a_band_tells_its_trigger_prices_and_the_size_there() -> None:
    """3x bought at 30,000 is at 4x after a fall of 1/9: 266,666 is the first tick beyond."""
    world, heard = fallen(rebalance={"policy": "band", "lower": 2, "upper": 4}, disclosure=OPEN)
    world.run_to(2 * MINUTE)
    below = next(said for said in heard if said.is_above is False)
    assert (below.trigger_ticks, below.due_ns) == (266_666, None)
    world.set_price(266_666)
    (row,) = rebalances(world, HOUR)
    assert row["target_lots"] == below.lots < 0
    assert [said.is_over for said in heard if said.number == 0 and said.is_above is False][-1]
    assert max(said.number for said in heard) == 1


def test_a_hidden_target_has_trigger_prices_but_no_size() -> None:
    policy = {"policy": "variable", "lower": "1.25", "upper": 4, "hidden": "2.5", "poll": "5min"}
    world, heard = fallen(rebalance=policy, disclosure=OPEN)
    world.run_to(2 * MINUTE)
    assert {said.lots for said in heard} == {None}
    assert 266_666 in {said.trigger_ticks for said in heard}


def test_reading_ahead_does_not_move_a_policy_with_a_memory() -> None:
    """FLI remembers when it traded last: with and without readers it sends the same orders at the same instants."""
    ripcord = {"ripcord": 4, "ripcord_max_trade": "600 BTC", "ripcord_cooldown": "1min"}
    pace = {"speed": "20%", "every": "2h", "max_trade": "300 BTC", "cooldown": "20min"}
    fli = {"policy": "fli", "min": "2.5", "max": "3.5", **pace, **ripcord}
    runs = []
    for disclosure in ("none", {**OPEN, "size": "noisy", "lead": "30min"}):
        world, heard = fallen(rebalance=fli, disclosure=disclosure)
        world.follow([(3 * HOUR, 280_000)])
        runs.append([(row["t_decide_ns"], row["target_lots"]) for row in rebalances(world, 12 * HOUR)])
    assert runs[0] == runs[1]
    assert len(runs[0]) > 4
    assert heard
