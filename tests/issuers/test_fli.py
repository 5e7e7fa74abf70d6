"""The flexible leverage index: published examples, every rule at its edge, and a plain twin of the contract."""

import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from marketsim.issuers.fund.nav import Holding, Leg
from marketsim.issuers.policies.decision import Decision, Situation
from marketsim.issuers.policies.fli import (
    FLI,
    RIPCORD,
    FliAction,
    FliMemory,
    FliRebalancing,
    FliRules,
    FliSpec,
    allowed_action,
    is_advantageous,
    rules_of,
)
from marketsim.issuers.policies.looks import ContinuousLooks
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, SECOND, World
from tests.reference.fli import FlexibleLeverage, Settings

ETH2X: dict[str, Any] = {
    "policy": "fli",
    "min": "1.7",
    "max": "2.3",
    "speed": "5%",
    "every": "1d",
    "ripcord": "2.7",
    "max_trade": "600 BTC",
    "cooldown": "50min",
    "ripcord_max_trade": "1600 BTC",
    "ripcord_cooldown": "1min",
}
RULES = rules_of(FliSpec.model_validate(ETH2X), Fraction(2), Fraction(1, 1000))
TEST_SUITE = Settings(  # the parameters of the contract's own tests, ripcord 2.6
    Fraction(2),
    Fraction("1.7"),
    Fraction("2.3"),
    Fraction("0.05"),
    Fraction("2.6"),
    86_400,
    3_000,
    60,
    Fraction("0.5"),
    Fraction(2),
    Fraction("0.75"),
    Fraction("0.01"),
)


@pytest.mark.parametrize(
    ("price", "ratio", "new", "total", "side"),
    [
        (1010, 1.9803921568627452, 1.981372549019608, 0.0009900990099, "lever"),
        (990, 2.020408163265306, 2.019387755102041, 0.0010101010101, "delever"),
        (850, 2.4285714285714284, 2.3, 0.1058823529412, "delever"),
    ],
    ids=["A35", "A36", "A37"],
)
def test_published_states_of_two_ether_and_a_thousand_dollars_of_debt(
    price: int, ratio: float, new: float, total: float, side: str
) -> None:
    """Examples A35, A36, A37 (contract c852c02, its own test's scenarios), to 1e-9, by policy and twin alike."""
    rules = replace(RULES, ripcord=Fraction("2.6"))
    lots, k = 2_000_000_000, 10**9  # a billionth of an ether a lot
    held = Holding(-1000 * 10**9 * k, (Leg(BTC, Fraction(2), lots, price, k),))
    assert held.gross_leverage is not None
    assert float(held.gross_leverage) == pytest.approx(ratio, abs=1e-9)
    assert float(rules.recentred(held.gross_leverage)) == pytest.approx(new, abs=1e-9)
    policy = FliRebalancing(replace(rules, max_trade_lots=lots), looks=ContinuousLooks())
    decision = policy.decide_due(Situation(held, held, {}, 0, DAY + 1))
    assert decision is not None
    assert decision.lots[BTC] / 10**9 == pytest.approx(total if side == "lever" else -total, abs=1.1e-9)  # whole lots
    twin = FlexibleLeverage(TEST_SUITE, Fraction(2), Fraction(1000))
    twin.rebalance(Fraction(price), 86_401)
    assert float(twin.total) == pytest.approx(total, abs=1e-9)
    assert (twin.chunk, twin.twap_leverage_ratio) == (twin.total, None)
    assert (twin.collateral > 2) is (side == "lever")


# -- every rule at its edge


def test_the_order_of_checks_is_ripcord_iterate_rebalance_none() -> None:
    in_chunks = FliMemory(0, Fraction("2.3"))
    assert allowed_action(RULES, in_chunks, Fraction("2.7"), DAY + 1) is FliAction.RIPCORD
    assert allowed_action(RULES, in_chunks, Fraction("2.69"), DAY + 1) is FliAction.ITERATE
    assert allowed_action(RULES, FliMemory(), Fraction("2.69"), DAY + 1) is FliAction.REBALANCE
    assert allowed_action(RULES, FliMemory(), Fraction(2), DAY) is FliAction.NONE


@pytest.mark.parametrize(
    ("twap", "ratio", "wait_ns", "expected"),
    [
        (None, "2", DAY, "none"),
        (None, "2", DAY + 1, "rebalance"),
        (None, "2.3", 1, "none"),
        (None, "2.3001", 1, "rebalance"),
        (None, "1.7", 1, "none"),
        (None, "1.6999", 1, "rebalance"),
        ("2.1", "2.2", 50 * MINUTE, "none"),
        ("2.1", "2.2", 50 * MINUTE + 1, "iterate"),
        ("2.1", "2.31", 1, "iterate"),
        (None, "2.7", MINUTE, "none"),
        (None, "2.7", MINUTE + 1, "ripcord"),
        ("2.3", "2.7", 50 * MINUTE, "ripcord"),
    ],
)
def test_waiting_times_are_strict_and_a_breach_does_not_wait(
    twap: str | None, ratio: str, wait_ns: int, expected: str
) -> None:
    memory = FliMemory(HOUR, None if twap is None else Fraction(twap))
    assert allowed_action(RULES, memory, Fraction(ratio), HOUR + wait_ns) == expected


def test_the_price_moving_to_the_stored_ratio_is_advantageous() -> None:
    up, down = FliMemory(0, Fraction("1.9")), FliMemory(0, Fraction("2.1"))
    assert [is_advantageous(RULES, up, Fraction(x)) for x in ("1.89", "1.9", "2.2")] == [False, True, True]
    assert [is_advantageous(RULES, down, Fraction(x)) for x in ("2.11", "2.1", "1.8")] == [False, True, True]
    assert not is_advantageous(RULES, FliMemory(0, Fraction(2)), Fraction(2))


def fund(lots: int, price: int, cash: int, t_ns: int) -> Situation:
    held = Holding(cash, (Leg(BTC, Fraction(2), lots, price, 1),))
    return Situation(held, held, {}, 0, t_ns)


def machine(**changed: Any) -> FliRebalancing:
    return FliRebalancing(replace(RULES, **changed), looks=ContinuousLooks())


def test_a_trade_in_chunks_keeps_the_ratio_it_began_with() -> None:
    """2,000 lots at 900, debt 1,000,000: 2.25; a share 5 % of the way is 2.2375, 11.1 lots less; chunks of 5."""
    policy = machine(max_trade_lots=5)
    stored = Fraction("2.2375")
    assert policy.decide_due(fund(2000, 900, -1_000_000, DAY + 1)) == Decision(FLI, {BTC: -5})
    assert policy.memory == FliMemory(DAY + 1, stored)
    assert policy.next_due_ns(0) == DAY + 50 * MINUTE + SECOND
    assert policy.aim(0) == stored
    later = DAY + 2 + 50 * MINUTE
    assert policy.decide_due(fund(1995, 900, -995_500, later)) == Decision(FLI, {BTC: -5})
    assert policy.memory == FliMemory(later, stored)
    assert policy.decide_due(fund(1990, 900, -991_000, later + 1)) is None
    last = later + 50 * MINUTE + 1
    assert policy.decide_due(fund(1990, 900, -991_000, last)) == Decision(FLI, {BTC: -1})
    assert policy.memory == FliMemory(last)


def test_an_advantageous_iteration_trades_nothing_ends_the_chunks_and_starts_the_interval() -> None:
    policy = machine(max_trade_lots=5)
    policy.memory = FliMemory(HOUR, Fraction("2.1"))
    assert policy.decide_due(fund(2000, 1000, -1_000_000, 2 * HOUR)) is None
    assert policy.memory == FliMemory(2 * HOUR)


def test_the_ripcord_goes_to_the_maximum_in_its_own_chunks() -> None:
    """2,000 lots at 790, debt 1,000,000: 2.724; to 2.3 x 580,000 / 790 = 1688.6 lots, rounded into the range."""
    policy = machine(ripcord_max_trade_lots=10_000)
    policy.memory = FliMemory(0, Fraction("2.3"))
    pulled = fund(2000, 790, -1_000_000, HOUR)
    assert policy.decide_watched(pulled) == Decision(RIPCORD, {BTC: 1688 - 2000})
    assert policy.memory == FliMemory(HOUR)
    small = machine(ripcord_max_trade_lots=100)
    assert small.decide_watched(pulled) == Decision(RIPCORD, {BTC: -100})
    assert small.memory.twap_ratio is None


def test_a_short_fund_recentres_by_its_absolute_ratio() -> None:
    """-2,000 lots at 1,050 with 3,000,000: equity 900,000, ratio 2.333, back to 2.3 x 900,000 / 1,050 = 1,971.4."""
    held = Holding(3_000_000, (Leg(BTC, Fraction(-2), -2000, 1050, 1),))
    assert machine().decide_watched(Situation(held, held, {}, 0, 1)) == Decision(FLI, {BTC: 29})


# -- the twin


LOT = Fraction(1, 1000)


def twin_of(rules: FliRules, collateral: Fraction, debt: Fraction) -> FlexibleLeverage:
    settings = Settings(
        rules.target,
        rules.minimum,
        rules.maximum,
        rules.speed,
        rules.ripcord,
        rules.every_ns,
        rules.cooldown_ns,
        rules.ripcord_cooldown_ns,
        rules.max_trade_lots * LOT,
        rules.ripcord_max_trade_lots * LOT,
        lot=LOT,
    )
    return FlexibleLeverage(settings, collateral, debt)


def random_rules(chance: random.Random) -> FliRules:
    target = Fraction(chance.choice([120, 150, 200, 300]), 100)
    chunk = chance.choice([40, 400, 4_000, 400_000])
    return FliRules(
        minimum=target - Fraction(chance.randint(5, 19), 100),
        maximum=target + Fraction(chance.randint(5, 40), 100),
        target=target,
        speed=Fraction(chance.choice([1, 5, 10, 50, 100]), 100),
        ripcord=target + Fraction(chance.randint(40, 80), 100),
        every_ns=chance.choice([3_600, 86_400]),
        cooldown_ns=chance.choice([300, 3_000]),
        ripcord_cooldown_ns=chance.choice([0, 60, 300]),
        max_trade_lots=chunk,
        ripcord_max_trade_lots=chunk * chance.choice([1, 3]),
    )


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("seed", range(12))
def test_the_machine_and_the_published_contract_decide_alike_on_random_prices(seed: int, side: int) -> None:
    """1,500 instants a fund: the call allowed, its chunk, the stored ratio and the timestamp are the same at each."""
    chance = random.Random(seed)
    rules = random_rules(chance)
    price, t = 30_000, 0
    lots = side * 5_000_000
    cash = round((1 / rules.target - side) * abs(lots) * price)
    policy = FliRebalancing(rules, looks=ContinuousLooks())
    twin = twin_of(rules, lots * LOT, -cash * LOT)
    seen = set()
    for _ in range(1_500):
        t += chance.choice([1, 60, 61, 300, 301, 3_001, 3_600, 3_601, 43_200])
        price = max(round(price * (1 + chance.gauss(0, 0.01) + (chance.random() < 0.02) * chance.gauss(0, 0.08))), 100)
        held = Holding(cash, (Leg(BTC, side * rules.target, lots, price, 1),))
        if held.gross_leverage is None:
            break
        call, ratio = twin.should_rebalance(Fraction(price), t), held.gross_leverage
        assert twin.current_leverage_ratio(Fraction(price)) == ratio
        assert allowed_action(rules, policy.memory, ratio, t) == call
        decision = policy.decide_watched(Situation(held, held, {}, 0, t))
        before = twin.collateral
        if call != "none":
            {"ripcord": twin.ripcord, "iterate": twin.iterate_rebalance, "rebalance": twin.rebalance}[call](
                Fraction(price), t
            )
        ordered = 0 if decision is None else decision.lots.get(BTC, 0)
        assert ordered * LOT == twin.collateral - before
        assert policy.memory == FliMemory(twin.exchange_last_trade, twin.twap_leverage_ratio)
        if decision is not None:
            assert (decision.trigger is RIPCORD) == (call == "ripcord")
        seen.add(call)
        lots, cash = lots + ordered, cash - ordered * price
        assert twin.debt == -cash * LOT
    assert {"none", "rebalance"} <= seen


def test_random_prices_reach_every_call_of_the_contract() -> None:
    """The comparison above would be worth little if chunks and ripcords never came up."""
    chance = random.Random(5)
    rules = replace(RULES, max_trade_lots=400, ripcord_max_trade_lots=40_000)
    twin, seen, t = twin_of(rules, Fraction(5_000), Fraction(75_000_000)), set(), 0
    rules_ns = twin.settings
    assert rules_ns.rebalance_interval == DAY
    price = 30_000
    for _ in range(3_000):
        t += 30 * MINUTE
        price = max(round(price * (1 + chance.gauss(0, 0.02))), 20_000)
        call = twin.should_rebalance(Fraction(price), t)
        if call == "iterate":
            call += " in vain" if twin.is_advantageous(Fraction(price)) else ""
            twin.iterate_rebalance(Fraction(price), t)
        elif call != "none":
            {"ripcord": twin.ripcord, "rebalance": twin.rebalance}[call](Fraction(price), t)
        seen.add(call)
    assert seen == {"none", "rebalance", "iterate", "iterate in vain", "ripcord"}


def test_the_twin_pays_the_ripcord_s_reward_while_it_has_any() -> None:
    twin = FlexibleLeverage(replace(TEST_SUITE, ether_reward=Fraction(1)), Fraction(2), Fraction(1000), Fraction(3, 2))
    paid = []
    for call in range(3):
        twin.collateral, twin.debt = Fraction(2), Fraction(1000)
        twin.ripcord(Fraction(810), 100 * (call + 1))
        paid.append(twin.reward)
    assert paid == [1, Fraction(1, 2), 0]


# -- in time


def test_a_fund_recentres_every_day_and_clips_a_breach_at_once() -> None:
    world = World({BTC: 300_000})
    world.issue(basket={BTC: 2}, rebalance=ETH2X)
    world.follow([(HOUR, 290_000), (30 * HOUR, 262_000)])
    world.run_to(49 * HOUR)
    for desk in world.desks:
        desk.finish(49 * HOUR)
    rows = world.rows["rebalances"]
    assert [(row["t_decide_ns"], row["trigger"]) for row in rows] == [(DAY + SECOND, "fli"), (30 * HOUR, "fli")]
    first = Fraction(580, 280)  # 2 x 29/30 / (1 - 2/30)
    assert rows[0]["leverage_before"] == pytest.approx(float(first))
    assert rows[0]["leverage_after"] == pytest.approx(float(first * Fraction("0.95") + Fraction("0.1")), abs=1e-5)
    assert rows[1]["leverage_after"] == pytest.approx(2.3, abs=1e-5)
    assert rows[1]["leverage_after"] <= 2.3


def test_a_breach_is_worked_in_chunks_a_look_apart_and_the_ripcord_in_its_own() -> None:
    """A crash to 2.9x: every minute and a second a ripcord chunk of 100 BTC, then looks find it below the ripcord."""
    world = World({BTC: 300_000})
    rule = {**ETH2X, "max_trade": "50 BTC", "ripcord_max_trade": "100 BTC"}
    desk = world.issue(basket={BTC: 2}, rebalance=rule)
    world.follow([(HOUR, 229_000)])
    world.run_to(HOUR + 20 * MINUTE)
    desk.finish(HOUR + 20 * MINUTE)
    rows = world.rows["rebalances"]
    ripcords = [row for row in rows if row["trigger"] == "ripcord"]
    assert [row["t_decide_ns"] for row in ripcords[:3]] == [HOUR, HOUR + 61 * SECOND, HOUR + 122 * SECOND]
    assert {row["target_lots"] for row in ripcords} == {-100_000}
    chunks = [row for row in rows if row["trigger"] == "fli"]
    assert {row["target_lots"] for row in chunks[:-1]} == {-50_000}
    assert {b["t_decide_ns"] - a["t_decide_ns"] for a, b in pairwise(chunks)} == {SECOND}
    assert chunks[-1]["leverage_after"] == pytest.approx(2.3, abs=1e-4)
