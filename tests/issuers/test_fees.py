"""Management fees: how much, when, to whom, and before what."""

from decimal import Decimal

import pytest

from marketsim.issuers.fees import ManagementFeeSpec, management_fee_atoms, next_charge_ns
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, World


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
