from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.clustering import of_a_day, of_a_day_adjusted
from marketsim.analysis.stylised_facts.cont import (
    aggregation,
    conditional_tails,
    garch_residuals,
    intermittency,
    linear_autocorrelation,
    skewness,
)
from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.season import adjusted
from marketsim.analysis.stylised_facts.tails import (
    hill_index,
    kurtosis_of_a_day,
    kurtosis_of_a_month,
    tail_index_of_returns,
)
from tests.analysis.stylised_facts.tapes import DAY, MIN, quotes_of_returns, tape

N = 1_440


def one_day(returns: np.ndarray) -> object:
    return tape(len(returns) * MIN, quotes=quotes_of_returns(returns))


def test_one_move_in_ten_minutes_has_kurtosis_ten() -> None:
    returns = np.zeros(N)
    returns[::10] = 1e-3 * np.tile([1, -1], N // 20)
    assert kurtosis_of_a_day(one_day(returns)).value == pytest.approx(10.0, rel=1e-6)


def test_part_of_a_day_says_how_much_it_is_and_no_month() -> None:
    record = one_day(np.random.default_rng(1).normal(0, 1e-4, 180))
    assert kurtosis_of_a_day(record).note == "of 3 h"
    with pytest.raises(NotMeasurableError, match=r"0\.125 days of record; 28 are needed"):
        kurtosis_of_a_month(record)


def test_of_several_days_the_kurtosis_is_the_median_day() -> None:
    days = []
    for every in (4, 10, 20):  # kurtosis is the number of minutes of which one moves
        returns = np.zeros(N)
        returns[::every] = 1e-3 * np.resize([1, -1], N // every)
        days.append(returns)
    found = kurtosis_of_a_day(one_day(np.concatenate(days)))
    assert found.value == pytest.approx(10.0, rel=1e-6)
    assert found.note == "median of 3 days"


def test_hill_index_of_the_quantiles_of_a_pareto_law() -> None:
    quantiles = ((np.arange(100_000) + 0.5) / 100_000) ** (-1 / 3)
    assert hill_index(quantiles) == pytest.approx(3.0, rel=0.01)


def test_tails_of_student_t_with_three_degrees() -> None:
    record = one_day(1e-4 * np.random.default_rng(2).standard_t(3, 20 * N))
    assert tail_index_of_returns(record).value == pytest.approx(2.7, abs=0.3)  # 3 at the limit, less at 5 %


def test_minutes_of_turns_large_and_small_alternate_in_their_autocorrelation() -> None:
    signs = np.random.default_rng(3).choice([-1, 1], N)
    record = one_day(1e-4 * signs * np.tile([1, 3], N // 2))
    assert of_a_day(record, 1).value == pytest.approx(-1.0, abs=1e-3)
    assert of_a_day(record, 10).value == pytest.approx(1.0, abs=1e-3)


def test_a_daily_pattern_is_clustering_that_the_adjustment_takes_out() -> None:
    rng, hours = np.random.default_rng(4), np.arange(3 * N) / 60
    record = one_day(1e-4 * rng.normal(size=3 * N) * (1 + 0.6 * np.cos(2 * np.pi * (hours - 14) / 24)))
    assert of_a_day(record, 60).value > 0.1
    assert of_a_day_adjusted(record, 60).value == pytest.approx(0.0, abs=0.04)


def test_a_pattern_of_two_harmonics_is_divided_out_exactly() -> None:
    record = tape(DAY)
    times = np.arange(0, DAY, MIN)
    angle = 2 * np.pi * np.arange(N) / N
    values = 5 * (2 + np.cos(angle) - 0.5 * np.sin(2 * angle))
    assert adjusted(record, times, values) == pytest.approx(np.ones(N))


def test_returns_without_memory_show_none() -> None:
    record = one_day(np.random.default_rng(5).normal(0, 1e-4, 10 * N))
    assert linear_autocorrelation(record).value == pytest.approx(0.0, abs=0.01)
    assert intermittency(record).value == pytest.approx(1.0, abs=0.05)
    assert skewness(record).value == pytest.approx(0.0, abs=0.1)
    assert aggregation(record).value == pytest.approx(0.0, abs=0.5)


def test_longer_returns_of_heavy_tails_are_nearer_to_a_normal() -> None:
    record = one_day(1e-4 * np.random.default_rng(6).standard_t(5, 10 * N))
    assert aggregation(record).value > 1


def test_a_garch_is_recovered_and_its_residuals_are_normal() -> None:
    rng, alpha, beta = np.random.default_rng(7), 0.1, 0.85
    returns, h, last = np.empty(20 * N), 1.0, 1.0
    for i in range(len(returns)):
        h = (1 - alpha - beta) + alpha * last**2 + beta * h
        last = returns[i] = rng.normal() * h**0.5
    residuals, found_alpha, found_beta = garch_residuals(returns)
    assert found_alpha == pytest.approx(alpha, abs=0.02)
    assert found_beta == pytest.approx(beta, abs=0.03)
    assert residuals.std() == pytest.approx(1.0, abs=0.02)
    record = one_day(1e-4 * returns)
    assert kurtosis_of_a_day(record).value > 3.1
    assert conditional_tails(record).value == pytest.approx(3.0, abs=0.12)
