"""Management fees: how much, when, to whom, and before what."""

from decimal import Decimal
from json import loads

import pytest

from marketsim.issuers.fees.management import ManagementFeeSpec, management_fee_atoms, next_charge_ns
from tests.issuers.fake_venue import ALICE, BTC, DAY, HOUR, ISSUER, MINUTE, OUTSIDE, SECOND, World, check_books

ATOMS = 10**8
TLX_FEES = {"rate": "2%", "per": "year", "of": "notional", "when": "rebalance"}


def spec(**keys: str) -> ManagementFeeSpec:
    return ManagementFeeSpec.model_validate({"rate": "1 bps", **keys})


def test_bybit_charges_ten_cents_on_two_hundred_tokens_at_ten() -> None:
    """A26, Bybit fees explained (000001481): 200 x 10 x 0.005 % = 0.1 USDT a day, to 1e-9."""
    assert management_fee_atoms(200 * 10 * 10**8, Decimal("0.00005")) == 10_000_000


def test_a_fee_is_rounded_down_to_the_atom_and_never_taken_from_nothing() -> None:
    assert management_fee_atoms(29_999, Decimal("0.0001")) == 2
    assert management_fee_atoms(0, Decimal("0.0001")) == 0
    assert management_fee_atoms(-(10**9), Decimal("0.0001")) == 0


def test_charges_stand_at_multiples_of_the_interval_through_the_time_of_day() -> None:
    assert next_charge_ns(0, 0, spec()) == DAY  # none at t = 0
    assert next_charge_ns(DAY, 0, spec()) == 2 * DAY
    assert next_charge_ns(0, 12 * HOUR, spec()) == 12 * HOUR
    kucoin = spec(at="23:45")
    assert next_charge_ns(0, 0, kucoin) == 23 * HOUR + 45 * MINUTE
    ascendex = spec(every="8h")
    assert [next_charge_ns(t, 0, ascendex) for t in (0, 8 * HOUR - 1, 8 * HOUR)] == [8 * HOUR, 8 * HOUR, 16 * HOUR]
    assert next_charge_ns(0, 0, spec(at="23:45", every="8h")) == 7 * HOUR + 45 * MINUTE


def test_the_fee_goes_to_the_issuer_and_lowers_nav_by_its_rate() -> None:
    world = World({BTC: 300_000})
    desk = world.issue(management_fee={"rate": "1 bps", "at": "00:00"})
    world.run_to(DAY)
    assert world.paid == [(DAY, desk.token.account, "issuer:alpha", 5_000 * 10**8, "management_fee")]
    assert desk.snapshot(DAY)[0]["nav"] == pytest.approx(99.99, rel=1e-12)


def test_at_one_instant_the_fee_comes_before_the_reset() -> None:
    """The reset's order is sized on equity after the fee, whichever process the clock turns first."""
    world = World({BTC: 300_000})
    world.follow([(HOUR, 301_000)])
    rule = {"policy": "daily", "at": "00:00"}
    desk = world.issue(rebalance=rule, management_fee={"rate": "1%", "at": "00:00"})
    world.run_to(DAY)
    desk.finish(DAY + 1)
    (row,) = world.rows["rebalances"]
    (paid,) = world.paid
    assert row["t_decide_ns"] == paid[0] == DAY
    assert row["equity_before_atoms"] == 50_500_000 * 10**8 - paid[3]
    assert row["leverage_after"] == pytest.approx(3, abs=1e-5)


def test_a_fee_is_charged_while_a_rebalance_is_worked() -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 310_000)])
    rule = {"policy": "daily", "at": "23:59"}
    desk = world.issue(
        rebalance=rule,
        execution={"algorithm": "twap", "over": "10min", "slices": 10},
        management_fee={"rate": "1 bps", "at": "00:00"},
    )
    world.run_to(2 * DAY - HOUR)
    desk.finish(2 * DAY - HOUR)
    assert [paid[0] for paid in world.paid] == [DAY]
    (row,) = world.rows["rebalances"]
    assert row["t_decide_ns"] < DAY < row["t_last_ns"]


def test_a_fee_of_notional_is_leverage_times_one_of_equity() -> None:
    """1 bp of 150 MUSDT behind 50 MUSDT; and by new units, the same share of the fund."""
    world = World({BTC: 300_000})
    world.issue(management_fee={"rate": "1 bps", "of": "notional"})
    world.run_to(DAY)
    assert [paid[3] for paid in world.paid] == [15_000 * ATOMS]
    world = World({BTC: 300_000})
    desk = world.issue(management_fee={"rate": "1 bps", "of": "notional", "mode": "dilution"})
    world.run_to(DAY)
    assert world.paid == []
    assert desk.holdings.units_of(ISSUER) / desk.token.supply_lots == pytest.approx(3e-4, rel=1e-9)


@pytest.mark.parametrize("of", ["equity", "notional"])
def test_a_fee_of_nothing_makes_no_unit(of: str) -> None:
    world = World({BTC: 300_000})
    desk = world.issue(management_fee={"rate": "0 bps", "of": of, "mode": "dilution"})
    before = desk.token.supply_lots
    world.run_to(3 * DAY)
    assert (desk.holdings.units_of(ISSUER), desk.token.supply_lots) == (0, before)


def test_tlx_is_charged_at_each_rebalance_before_its_order_is_sized() -> None:
    """docs/products.md#tlx: 2 % a year on notional, by the second, and 5 USDT, out of the margin; then margin x L /
    price.

    Ten days after the start at +9 %: notional 3 x 1.09 x 50 MUSDT, times 2 % x 10 / 365; nothing is charged by the
    clock. Equity 63.5 MUSDT less the fees, at leverage 3.
    """
    world = World({BTC: 300_000})
    world.follow([(10 * DAY, 327_000)])
    desk = world.issue(
        rebalance={"policy": "tlx", "threshold": "0.25"}, management_fee=TLX_FEES, rebalance_fee="5 USDT"
    )
    deposits = world.total_atoms()
    world.run_to(11 * DAY)
    streamed = int(163_500_000 * ATOMS * 0.02 * 10 / 365)
    ((when, _, cohort, atoms, entry),) = world.paid
    assert (when, cohort, entry) == (10 * DAY, "issuer:alpha", "management_fee")
    assert atoms == pytest.approx(streamed + 5 * ATOMS, abs=2)
    left = 63_500_000 * ATOMS - atoms
    assert desk.books.equity_atoms() == left
    assert world.position_lots(desk.token.account, BTC) == round(3 * left / (327_000 * 10_000))
    desk.finish(world.now)
    assert world.rows["attribution"][0]["management_fee_atoms"] == -atoms
    check_books(world, desk, deposits)


def test_time_for_a_fee_by_the_reset_counts_from_the_last_one() -> None:
    """Resets every midnight, the second one with half a per cent of 150 MUSDT a year on one day's notional."""
    world = World({BTC: 300_000})
    world.follow([(HOUR, 303_000), (DAY + HOUR, 300_000)])
    desk = world.issue(rebalance={"policy": "daily", "at": "00:00"}, management_fee=TLX_FEES)
    world.run_to(2 * DAY)
    first, second = (paid[3] for paid in world.paid)
    assert first == pytest.approx(3 * 50_000_000 * 1.01 * ATOMS * 0.02 / 365, rel=1e-9)
    held = 3 * (51_500_000 * ATOMS - first) * 300 / 303
    assert second == pytest.approx(held * 0.02 / 365, rel=1e-6)
    assert desk.charging.last_ns == 2 * DAY


def test_a_rebalance_fee_that_is_more_than_there_is_is_not_taken() -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 303_000)])
    rule = {"policy": "daily", "at": "00:00"}
    desk = world.issue(aum="1000 USDT", rebalance=rule, rebalance_fee="2 kUSDT")
    world.run_to(DAY)
    assert world.paid == []
    assert desk.token.state == "TRADING"


def test_a_reset_without_an_order_costs_no_rebalance_fee_and_nothing_is_charged_at_the_start() -> None:
    """5 USDT are less than a lot; 5 kUSDT are worth an order of their own, but not at t = 0
    (docs/contract.md#meaning-of-a-world)."""
    for fee, charged in (("5 USDT", []), ("5 kUSDT", [DAY])):
        world = World({BTC: 300_000})
        world.issue(rebalance={"policy": "daily", "at": "00:00"}, rebalance_fee=fee)
        world.run_to(DAY)
        assert [paid[0] for paid in world.paid] == charged


@pytest.mark.parametrize("mode", ["nav", "dilution"])
def test_a_fee_by_the_reset_may_be_taken_in_new_units(mode: str) -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 303_000)])
    fee = {"rate": "1 bps", "when": "rebalance", "mode": mode}
    desk = world.issue(rebalance={"policy": "daily", "at": "00:00"}, management_fee=fee)
    deposits = world.total_atoms()
    world.run_to(DAY + HOUR)
    assert float(desk.books.nav() / ATOMS) == pytest.approx(103 * 0.9999)
    assert bool(world.paid) is (mode == "nav")
    check_books(world, desk, deposits)


# -- what the issuer bears


def test_costs_of_rebalances_are_the_funds_or_the_issuers() -> None:
    """Gate's all-in fee covers fees and slippage (docs/products.md#gate): absorbed, NAV is that of a market without
    costs.

    +1 %: an order of 6 x 1 % x 50 MUSDT = 3 MUSDT, 99,010 lots of 0.001 BTC, 5 ticks worse than the mark of 303,000
    ticks, at a fee of 10 bps: 99,010 x 5 ticks x 10,000 atoms and 0.1 % of 99,010 x 303,005 x 10,000 atoms.
    """
    lots = round(3 * 51_500_000 * ATOMS / (303_000 * 10_000)) - 5_000_000
    slippage, fees = lots * 5 * 10_000, lots * 303_005 * 10_000 // 1_000
    for costs, borne in (("pass", slippage + fees), ("absorb", 0)):
        world = World({BTC: 300_000}, fee_parts=100_000, slip_ticks=5)
        world.follow([(HOUR, 303_000)])
        rule = {"policy": "daily", "at": "00:00"}
        desk = world.issue(rebalance=rule, execution={"algorithm": "market"}, costs=costs)
        deposits = world.total_atoms()
        world.run_to(DAY + HOUR)
        assert desk.books.equity_atoms() == 51_500_000 * ATOMS - borne
        assert world.cash.get(ISSUER, 0) == (0 if borne else -(slippage + fees))
        desk.finish(world.now)
        (part, *_) = world.rows["attribution"]
        expected = (-slippage, -fees) if borne else (0, 0)
        assert (part["slippage_atoms"], part["trading_fee_atoms"]) == expected
        term = -borne / (51_500_000 * ATOMS)
        assert world.rows["decay"][0]["cost_term"] == pytest.approx(term, rel=1e-3, abs=1e-15)
        assert world.rows["rebalances"][0]["fees_atoms"] == fees  # what the venue was paid, whoever bore it
        check_books(world, desk, deposits)
    assert [(flow[2], flow[3]) for flow in world.flows] == [(fees, "trading_fee"), (slippage, "trade")]


@pytest.mark.parametrize("bears", ["issuer", "fund"])
def test_an_issuer_that_absorbs_the_costs_of_rebalances_absorbs_none_of_hedges(bears: str) -> None:
    """10,000 USDT at 3x buy 1,000 lots: 5 ticks of slippage and 0.1 % of fee, once, for who bears hedges' costs."""
    world = World({BTC: 300_000}, fee_parts=100_000, slip_ticks=5)
    world.cash[ALICE] = 10_000 * ATOMS
    primary = {"mode": "cash_nav", "hedge_costs": bears}
    desk = world.issue(primary=primary, execution={"algorithm": "market"}, costs="absorb")
    assert desk.primary is not None
    desk.primary.request("creation", ALICE, cash_atoms=10_000 * ATOMS)
    world.run_to(MINUTE)
    cost = 1_000 * 5 * 10_000 + 1_000 * 300_005 * 10_000 // 1_000
    assert world.cash.get(ISSUER, 0) == (-cost if bears == "issuer" else 0)
    assert desk.books.equity_atoms() == 50_010_000 * ATOMS - (0 if bears == "issuer" else cost)


def test_a_price_better_than_the_mark_is_the_issuers_too_where_costs_are_absorbed() -> None:
    world = World({BTC: 300_000}, slip_ticks=-5)
    world.follow([(HOUR, 303_000)])
    rule = {"policy": "daily", "at": "00:00"}
    desk = world.issue(rebalance=rule, execution={"algorithm": "market"}, costs="absorb")
    world.run_to(DAY + HOUR)
    assert desk.books.equity_atoms() == 51_500_000 * ATOMS
    assert world.cash[ISSUER] > 0


FLI = {
    "policy": "fli", "min": "1.7", "max": "2.3", "speed": "5%", "every": "1d", "ripcord": "2.7",
    "max_trade": "10000 BTC", "cooldown": "50min", "ripcord_max_trade": "25 BTC", "ripcord_cooldown": "1min",
}  # fmt: skip


def test_who_pulls_the_ripcord_is_rewarded_while_the_balance_lasts() -> None:
    """A.4: each pull pays min(etherReward, balance): 2,000 twice, then the 1,000 left of 5,000, then nothing."""
    world = World({BTC: 300_000})
    world.follow([(HOUR, 231_000)])  # -23 %: leverage 2.852
    rule = {**FLI, "ripcord_reward": "2 kUSDT", "reward_balance": "5 kUSDT"}
    desk = world.issue(basket={BTC: 2}, rebalance=rule)
    deposits = world.total_atoms()
    world.run_to(HOUR + 4 * MINUTE + 30 * SECOND)
    desk.finish(world.now)
    pulls = [row for row in world.rows["rebalances"] if row["trigger"] == "ripcord"]
    assert len(pulls) == 5
    told = [loads(row["detail"]) for row in world.rows["events"] if row["event"] == "ripcord"]
    assert [row["reward_atoms"] // ATOMS for row in told] == [2_000, 2_000, 1_000, 0, 0]
    assert [row["left_atoms"] // ATOMS for row in told] == [3_000, 1_000, 0, 0, 0]
    assert (world.cash[ISSUER], world.cash[OUTSIDE]) == (-5_000 * ATOMS, 5_000 * ATOMS)
    rewards = [(entry, atoms // ATOMS) for payer, receiver, atoms, entry in world.flows if atoms]
    assert rewards == [("trading_fee", 2_000), ("trading_fee", 2_000), ("trading_fee", 1_000)]
    assert desk.books.equity_atoms() == 50_000_000 * ATOMS - 3_333_333 * 69_000 * 10_000  # no part of the fund
    check_books(world, desk, deposits)


def test_a_reward_without_a_balance_is_always_paid() -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 231_000)])
    world.issue(basket={BTC: 2}, rebalance={**FLI, "ripcord_reward": "2 kUSDT"})
    world.run_to(HOUR + 4 * MINUTE + 30 * SECOND)
    assert world.cash[OUTSIDE] == 5 * 2_000 * ATOMS


def test_a_reset_that_nobody_has_to_call_is_not_rewarded() -> None:
    """-10 %: leverage 2.25, within the band; the daily reset trades, and no ripcord was pulled."""
    world = World({BTC: 300_000})
    world.follow([(HOUR, 270_000)])
    desk = world.issue(basket={BTC: 2}, rebalance={**FLI, "ripcord_reward": "2 kUSDT"})
    world.run_to(DAY + HOUR)
    desk.finish(world.now)
    assert {row["trigger"] for row in world.rows["rebalances"]} == {"fli"}
    assert world.flows == []
