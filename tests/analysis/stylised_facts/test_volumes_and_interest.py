from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.derivatives import DERIVATIVES
from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.tape import Dated
from marketsim.analysis.stylised_facts.volumes import busiest_over_quietest, profile, with_returns
from tests.analysis.stylised_facts.tapes import DAY, HOUR, MIN, S, fills, quotes_of_returns, tape


def test_busiest_hour_over_the_quietest_is_of_a_day_and_its_profile_of_many() -> None:
    days = []
    for day in range(8):  # hour 14 has six times the volume, hour 3 of an even day half of the others'
        sizes = np.full(24, 2.0)
        sizes[14], sizes[3] = 12.0, 1.0 if day % 2 == 0 else 2.0
        days.append(sizes)
    times = np.arange(8 * 24) * HOUR + 30 * MIN
    record = tape(8 * DAY, fills=fills(times, size=np.concatenate(days)))
    assert busiest_over_quietest(record).value == pytest.approx(9.0)  # median of 12 and 6
    assert profile(record).value == pytest.approx(12 / 1.5)
    with pytest.raises(NotMeasurableError, match=r"1 days of record; 7 are needed"):
        profile(tape(DAY, fills=fills(times[:24])))


def test_volume_that_is_the_abs_return_is_correlated_with_it() -> None:
    size = np.tile([1.0, 4, 2, 1, 3, 1], 20)
    book = quotes_of_returns(1e-5 * size * np.resize([1, -1], 120))
    record = tape(2 * HOUR, quotes=book, fills=fills(np.arange(120) * MIN + S, size=size))
    assert with_returns(record, 1).value == pytest.approx(1.0, abs=1e-6)


def perpetual(**parts: object) -> object:
    hours = np.arange(24) * HOUR
    crash = np.zeros(1_440)
    return tape(
        DAY, quotes=quotes_of_returns(np.resize([1e-5, -1e-5], 1_440) + crash),
        fills=fills(hours + S, size=10.0), interest=Dated(hours, np.full(24, 12_000.0)), **parts,
    )  # fmt: skip


def test_open_interest_over_the_volume_of_a_day() -> None:
    assert DERIVATIVES["interest_over_daily_volume"](perpetual()).value == pytest.approx(0.5)  # 12,000 / 24 x 1,000


def test_liquidated_a_day_over_open_interest() -> None:
    record = perpetual(liquidations=Dated(np.array([HOUR, 2 * HOUR]), np.array([6.0, 18.0])))
    found = DERIVATIVES["liquidated_calm"](record)
    assert found.value == pytest.approx(0.2)  # % of 12,000
    assert found.note == "2 liquidations in 24 h"
    with pytest.raises(NotMeasurableError, match="no move of 3 %"):
        DERIVATIVES["liquidated_crash"](record)


def test_funding_that_is_always_the_interest_rate_is_constant() -> None:
    rates = Dated(np.arange(12) * 2 * HOUR, np.ones(12))
    record = perpetual(funding=rates, interest_rate=1.0)
    assert DERIVATIVES["funding"](record).value == 1.0
    assert DERIVATIVES["funding_width"](record).value == 0.0
    assert DERIVATIVES["funding_at_interest"](record).value == 100.0
    assert DERIVATIVES["funding_below_zero"](record).value == 0.0


def test_shares_of_settlements() -> None:
    rates = Dated(np.arange(12) * 2 * HOUR, np.array([1.0] * 6 + [-0.5] * 3 + [2.0] * 3))
    record = perpetual(funding=rates, interest_rate=1.0)
    assert DERIVATIVES["funding_at_interest"](record).value == 50.0
    assert DERIVATIVES["funding_below_zero"](record).value == 25.0
    assert DERIVATIVES["funding"](record).value == 1.0


def test_without_settlements_the_predicted_rate_is_shown_and_named() -> None:
    nothing = Dated(np.zeros(0, np.int64), np.zeros(0))
    found = DERIVATIVES["funding"](perpetual(funding=nothing, predicted=Dated(np.arange(9) * HOUR, np.full(9, 0.7))))
    assert found.value == pytest.approx(0.7)
    assert found.note == "predicted rate: no two settlements in the record"
