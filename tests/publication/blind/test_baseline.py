"""The baseline on tapes made by hand."""

from math import exp, log

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
    assert abs(found.minute - 2) <= 2
    assert found.guess is None  # the price never moved
    assert found.z > 100


def test_assets_are_flow_in_money_over_the_move() -> None:
    """500 lots of .1 at 102 after a move of 2 %: 5,100 / .02 = 255,000, of which the factor is learnt."""
    found = burst_of(tape({122: 500}, {60: 102.0}, 300), 22 * 60 * MINUTE, 0.1)
    assert found.guess == pytest.approx(500 * 0.1 * 102 / 0.02, rel=0.01)


def test_a_tape_without_a_trade_shows_nothing() -> None:
    assert burst_of(tape({}, {}, 0), 0, 0.1) == Burst(0.0, 1.0, 0.0, 0, None)


def test_a_second_burst_far_from_the_first_is_seen() -> None:
    """Of 500 lots at 02:00 and 250 at 06:00, beside them one lot a minute."""
    once = burst_of(tape({120: 500}, {}, 600), 0, 0.1)
    twice = burst_of(tape({120: 500, 360: -250}, {}, 600), 0, 0.1)
    assert once.next_burst < 0.02
    assert twice.next_burst == pytest.approx(0.5, abs=0.02)


def test_what_is_learnt_tells_rules_by_their_neighbours_and_sizes_funds_by_rule() -> None:
    daily = [Burst(50 + n, 0.1, 0.5, 1, 10e6) for n in range(3)]
    bands = [Burst(50 + n, 0.9, 0.5, 33, 4e6) for n in range(3)]
    none = [Burst(3 + n / 10, 0.9, 0.05, 25, 1e6) for n in range(3)]
    labels = pl.DataFrame(
        {"rule": ["daily"] * 3 + ["band"] * 3 + ["none"] * 3, "aum": [5e6] * 3 + [8e6] * 3 + [None] * 3},
        schema={"rule": pl.String, "aum": pl.Float64},
    )
    learnt = learn([*daily, *bands, *none], labels)
    assert exp(learnt.factors["daily"][0]) == pytest.approx(0.5)
    assert exp(learnt.factors["band"][0]) == pytest.approx(2)
    assert learnt.answer("x", Burst(3.2, 0.8, 0.06, 20, 1e6))["rule"] == "none"
    said = learnt.answer("y", Burst(55, 0.15, 0.4, 2, 8e6))
    assert (said["rule"], said["clock_utc"]) == ("daily", "00:02")
    assert said["aum"] == pytest.approx(4e6)
    assert log(said["aum_hi"] / said["aum_lo"]) == pytest.approx(0, abs=1e-9)
    other = learnt.answer("z", Burst(52, 0.85, 0.5, 30, 4e6))
    assert (other["rule"], other["clock_utc"], other["aum"]) == ("band", "00:30", pytest.approx(8e6))
