"""The baseline on tapes made by hand."""

from math import exp, log

import numpy as np
import polars as pl
import pytest

from marketsim.publication.blind.baseline import Burst, burst_of, learn

MINUTE = 60 * 10**9


def tape(flow: dict[int, int], price: dict[int, float], minutes: int) -> pl.DataFrame:
    """A trade of one lot in every minute, buys and sells in turn, and net flow [lots] and prices in some minutes."""
    rows, last = [], 100.0
    for minute in range(minutes):
        last = price.get(minute, last)
        rows.append((minute * MINUTE, last, 1, "buy" if minute % 2 else "sell"))
        if lots := flow.get(minute):
            rows.append((minute * MINUTE + 1, last, abs(lots), "buy" if lots > 0 else "sell"))
    schema = {"t_ns": pl.Int64, "price": pl.Float64, "size_lots": pl.Int64, "taker_side": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_burst_is_where_flow_stands_out_on_all_days() -> None:
    """Two days from 22:00: at 00:02 minutes 122 and 1562, of 500 and 300 lots; at 03:00 one day only 600."""
    found = burst_of(tape({122: 500, 1562: -300, 300: 600}, {}, 1800), 22 * 60 * MINUTE, 0.1)
    assert found.minute == pytest.approx(2, abs=10)
    assert found.guess is None  # the price never moved
    assert found.z > 100


def test_assets_are_flow_in_money_over_the_move() -> None:
    """500 lots of .1 at 102 after a move of 2 %: 5,100 / .02 = 255,000, of which the factor is learnt."""
    found = burst_of(tape({122: 500}, {60: 102.0}, 300), 22 * 60 * MINUTE, 0.1)
    assert found.guess == pytest.approx(500 * 0.1 * 102 / 0.02, rel=0.01)


def test_a_tape_without_a_trade_shows_nothing() -> None:
    assert burst_of(tape({}, {}, 0), 0, 0.1) == Burst(0.0, 0, None)


def test_what_is_learnt_tells_funds_from_none_and_sizes_them() -> None:
    bursts = [Burst(50, 2, 10e6), Burst(60, 2, 40e6), Burst(2, 700, 1e6), Burst(55, 600, 5e6)]
    labels = pl.DataFrame(
        {"rule": ["daily", "daily", "none", "band"], "aum": [5e6, 20e6, None, 2.5e6]},
        schema={"rule": pl.String, "aum": pl.Float64},
    )
    learnt = learn(bursts, labels)
    assert exp(learnt.log_factor) == pytest.approx(0.5)
    assert learnt.log_spread == pytest.approx(0)
    assert learnt.answer("x", Burst(3, 2, 1e6))["rule"] == "none"
    said = learnt.answer("y", Burst(52, 5, 8e6))
    assert (said["rule"], said["clock_utc"]) == ("daily", "00:05")
    assert said["aum"] == pytest.approx(4e6)
    assert learnt.answer("z", Burst(52, 610, 8e6))["rule"] == "band"
    assert log(said["aum_hi"] / said["aum_lo"]) == pytest.approx(0, abs=1e-9)
    assert np.isfinite(learnt.features).all()
