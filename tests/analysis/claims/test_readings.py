"""What claims read from a run: every number worked by hand."""

from pathlib import Path

import pytest

from marketsim.analysis.claims.family import NotRecordedError
from marketsim.analysis.claims.readings import (
    as_of,
    between_resets,
    charges_of,
    daily_returns,
    growth,
    in_bps,
    legs_of,
    leverage_of,
    listed,
    named,
    nav_of,
    parts_of,
    price_of,
    realised_volatility,
    rebalance_count,
    resets_of,
    returns_over,
    targets_of,
    whole_days,
)
from tests.analysis.claims.hand_tables import attribution, navs, prices, token
from tests.analysis.tables import DAY, HOUR, hand_run, rebalance


def test_tokens_are_named_with_the_sum_of_their_legs(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", issued=[token("PAIR", {"A": 2, "B": -0.5}), token("DOWN", -3)])
    assert targets_of(run) == {"PAIR": 1.5, "DOWN": -3}
    assert legs_of(run, "PAIR") == {"A": 2, "B": -0.5}
    assert (named("PAIR", 1.5), named("DOWN", -3)) == ("PAIR (+1.5)", "DOWN (-3)")


def test_things_are_listed_as_one_says_them() -> None:
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_shares_are_told_in_basis_points_with_their_sign() -> None:
    assert (in_bps(0.00123), in_bps(-0.01)) == ("+12.3 bps", "-100.0 bps")


def test_a_series_holds_until_its_next_value() -> None:
    series = {10: 1.0, 20: 2.0, 30: 4.0}
    assert [as_of(series, t) for t in (0, 10, 19, 20, 29, 30, 99)] == [1, 1, 1, 2, 2, 4, 4]
    assert growth(series) == 3
    assert returns_over(series, [(10, 20), (20, 30), (30, 10)]) == [1, 1, -0.75]
    assert returns_over({0: 0.0, 1: 5.0}, [(0, 1)]) == [0.0]  # nothing comes of nothing


def test_series_are_read_in_the_order_of_time_and_of_one_thing_alone(tmp_path: Path) -> None:
    run = hand_run(
        tmp_path / "r",
        issued=[token("T")],
        tokens=[
            *navs("T", {HOUR: 90, 0: 100}, leverage={0: 3, HOUR: None}),
            *navs("U", {0: 7}),
        ],
        marks=[*prices({HOUR: 11, 0: 10}, marks={0: 10.5, HOUR: 12}), *prices({0: 55}, "OTHER")],
    )
    assert list(nav_of(run, "T").items()) == [(0, 100), (HOUR, 90)]
    assert list(price_of(run, "PERP").items()) == [(0, 10), (HOUR, 11)]
    assert list(price_of(run, "PERP", "mark_price").items()) == [(0, 10.5), (HOUR, 12)]
    assert leverage_of(run, "T") == {0: 3}
    assert leverage_of(run, "U") == {}


def test_what_was_not_recorded_is_named(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", issued=[token("T")], marks=[{"market": "PERP"}])
    for read, missing in (
        (lambda: nav_of(run, "T"), r"no NAV of T was recorded \(record.tokens\)"),
        (lambda: leverage_of(run, "T"), r"no leverage of T was recorded \(record.tokens\)"),
        (lambda: price_of(run, "PERP"), r"no index_price of PERP was recorded \(record.marks\)"),
    ):
        with pytest.raises(NotRecordedError, match=missing):
            read()


def test_periods_end_at_resets_and_one_instant_is_one_reset(tmp_path: Path) -> None:
    rows = [
        rebalance(0, "T", 2 * HOUR, 3 * HOUR, 5), rebalance(1, "T", HOUR, HOUR, 5), rebalance(2, "T", HOUR, HOUR, 1),
        rebalance(3, "U", 4 * HOUR, 4 * HOUR, 5),
    ]  # fmt: skip
    run = hand_run(tmp_path / "r", rebalances=rows)
    assert resets_of(run, "T") == [HOUR, 2 * HOUR]
    assert between_resets(run, "T") == [(0, HOUR), (HOUR, 2 * HOUR)]
    assert between_resets(run, "NONE") == [(0, 6 * HOUR)]
    assert [rebalance_count(run, name) for name in ("T", "U", "NONE")] == [3, 1, 0]


def test_parts_of_an_attribution_are_shares_of_the_first_opening_equity(tmp_path: Path) -> None:
    """Of 1,000: index 70 - 20 = 50, basis 5, primary 300; charged are 1 + 2 + 3 + 4 per cent, whoever was paid."""
    run = hand_run(
        tmp_path / "r",
        attribution=[
            attribution("T", 4_000, t0_ns=DAY, index=-20, funding=4, management_fee=-20, primary=300),
            attribution("T", 1_000, index=70, basis=5, funding=6, trading_fee=-30, slippage=-40),
            attribution("U", 10, index=999),
        ],
    )
    assert parts_of(run, "T") == {
        "index": 0.05, "basis": 0.005, "funding": 0.01, "management_fee": -0.02, "trading_fee": -0.03,
        "slippage": -0.04, "primary": 0.3,
    }  # fmt: skip
    assert charges_of(run, "T") == pytest.approx(0.10)
    assert set(parts_of(run, "NONE").values()) == {0.0}


def test_daily_returns_are_of_whole_days_from_the_start() -> None:
    series = {0: 100.0, DAY // 2: 999.0, DAY: 110.0, 3 * DAY // 2: 5.0, 2 * DAY: 99.0, 5 * DAY // 2: 1.0}
    assert daily_returns(series) == pytest.approx([0.1, -0.1])
    assert daily_returns({0: 100.0, DAY - 1: 50.0}) == []


def test_volatility_is_of_log_returns_a_year() -> None:
    """ln 1.1 x sqrt(365) = 0.09531 x 19.105; in half a day twice ln 1.01: 0.00995 x 38.21."""
    assert realised_volatility({0: 100, DAY: 110, 2 * DAY: 100}) == pytest.approx(1.82090, abs=1e-5)
    assert realised_volatility({0: 100, 6 * HOUR: 101, 12 * HOUR: 100}) == pytest.approx(0.38020, abs=1e-5)
    assert realised_volatility({0: 100}) == 0


def test_a_run_of_less_than_a_day_counts_as_one(tmp_path: Path) -> None:
    lasting = [hand_run(tmp_path / str(hours), duration=hours * HOUR) for hours in (1, 47, 48)]
    assert [whole_days(run) for run in lasting] == [1, 1, 2]
