from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.order_flow import branching, fano, sign_exponent, sign_memory
from marketsim.analysis.stylised_facts.tails import tail_index_of_orders
from marketsim.analysis.stylised_facts.taker_orders import merged_by_millisecond, orders_of
from tests.analysis.stylised_facts.tapes import HOUR, MIN, S, fills, markov_signs, poisson, tape


def test_fills_of_one_order_are_one_order_at_its_average_price() -> None:
    orders = orders_of(
        np.array([1, 1, 1, 5]), np.array([10.0, 11.0, 12.0, 10.0]), np.array([1.0, 3.0, 2.0, 1.0]),
        np.array([1, 1, -1, -1], np.int8), np.array([7, 7, 8, 9]),
    )  # fmt: skip
    assert orders.t_ns.tolist() == [1, 1, 5]
    assert orders.sign.tolist() == [1, -1, -1]
    assert orders.notional.tolist() == [43.0, 24.0, 10.0]
    assert orders.price.tolist() == [10.75, 12.0, 10.0]


def test_on_a_public_tape_a_millisecond_and_a_sign_are_an_order() -> None:
    times = np.array([1_000_000, 1_400_000, 1_900_000, 2_000_000])
    order, group = merged_by_millisecond(times, np.array([1, -1, 1, 1], np.int8))
    assert order.tolist() == [0, 2, 1, 3]
    assert group.tolist() == [0, 1, 0, 3]


def test_poisson_orders_have_a_fano_factor_of_one_and_no_branching() -> None:
    times = poisson(5.0, 24 * HOUR, np.random.default_rng(1))
    record = tape(24 * HOUR, fills=fills(times))
    assert fano(record, S).value == pytest.approx(1.0, abs=0.02)  # se sqrt(2 / 86,400) = .005
    found = fano(record, MIN)
    assert found.value == pytest.approx(1.0, abs=0.15)  # se sqrt(2 / 1,440) = .037
    assert found.lo is not None
    assert found.hi is not None
    assert found.lo < 1.0 < found.hi
    assert found.interval == "20 blocks of 1.2 h"
    assert branching(record).value == pytest.approx(0.0, abs=0.08)


def test_orders_that_come_in_fours_have_a_fano_factor_of_four_and_a_branching_ratio_of_a_half() -> None:
    first = poisson(1.0, 24 * HOUR, np.random.default_rng(2))
    times = np.sort((first[:, None] + np.arange(4) * 1_000_000).ravel())
    record = tape(24 * HOUR, fills=fills(times))
    assert fano(record, MIN).value == pytest.approx(4.0, abs=0.6)
    assert branching(record).value == pytest.approx(0.5, abs=0.05)  # 1 - 4^-1/2


def test_hours_of_different_rates_do_not_count_as_bunching() -> None:
    rng = np.random.default_rng(3)
    hours = [poisson(rate, HOUR, rng) + hour * HOUR for hour, rate in enumerate([1, 9] * 12)]
    record = tape(24 * HOUR, fills=fills(np.concatenate(hours)))
    assert fano(record, MIN).value == pytest.approx(1.0, abs=0.15)


def test_signs_that_stay_with_probability_nine_tenths_are_correlated_by_powers_of_four_fifths() -> None:
    rng = np.random.default_rng(4)
    record = tape(HOUR, fills=fills(np.sort(rng.integers(0, HOUR, 200_000)), markov_signs(200_000, 0.9, rng)))
    assert sign_memory(record, 10).value == pytest.approx(0.8**10, abs=0.02)
    assert sign_memory(record, 100).value == pytest.approx(0.0, abs=0.02)


def test_runs_of_power_law_length_have_the_exponent_of_lillo_mike_and_farmer() -> None:
    rng = np.random.default_rng(5)  # P(length >= l) = l^-1.5: the exponent is 1.5 - 1
    lengths = np.minimum(np.floor(rng.random(150_000) ** (-1 / 1.5)), 50_000).astype(np.int64)
    signs = np.repeat(rng.choice([-1, 1], len(lengths)), lengths)[:400_000]
    record = tape(24 * HOUR, fills=fills(np.arange(len(signs)) * (24 * HOUR // len(signs)), signs))
    assert sign_exponent(record).value == pytest.approx(0.5, abs=0.15)


def test_an_exponent_is_not_told_from_fewer_than_a_hundred_thousand_signs() -> None:
    record = tape(HOUR, fills=fills(np.arange(5_000) * S // 10))
    with pytest.raises(NotMeasurableError, match="5,000 signs; 100,000 are needed"):
        sign_exponent(record)


def test_pareto_sizes_have_their_index() -> None:
    rng = np.random.default_rng(6)
    n = 100_000  # 5,000 in the tail: se 1.3 / sqrt(5,000) = .018
    sizes = rng.random(n) ** (-1 / 1.3)
    record = tape(24 * HOUR, fills=fills(np.sort(rng.integers(0, 24 * HOUR, n)), size=sizes))
    found = tail_index_of_orders(record)
    assert found.value == pytest.approx(1.3, abs=0.06)
    assert found.lo is not None
    assert found.hi is not None
    assert found.hi - found.lo == pytest.approx(4 * 0.018, rel=0.5)


def test_orders_of_unknown_sides_have_counts_and_no_signs() -> None:
    record = tape(HOUR, fills=fills(np.arange(7_200) * S // 2, np.zeros(7_200)))
    assert fano(record, S).value == pytest.approx(0.0)  # two a second, always
    with pytest.raises(NotMeasurableError, match="does not say which side"):
        sign_memory(record, 10)
