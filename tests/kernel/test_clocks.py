"""Clocks of groups: thinned wake-ups against the intensity summed over history, closed forms, hours of the day."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from marketsim.kernel.clocks import left_after
from marketsim.kernel.records import place, release
from marketsim.streams import (
    exponential_of_bits,
    exponential_table,
    halving_table,
    left_by_table,
    philox_blocks,
    stream_key,
)
from marketsim.traders.clock import POISSON, HawkesClockSpec
from tests.kernel.clocks import DAY, HOUR, hawkes, intensity_by_history, season, wake_ups
from tests.kernel.worlds import SECOND

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0]  # mean 1.5
POWER = {"power_law": {"exponent": "1.2", "from": "100ms", "to": "1min"}}


def by_history(
    clock: HawkesClockSpec, n: int, per_second: float, profile: list[int], start_ns: int
) -> tuple[list[int], int]:
    """The first n wake-ups by thinning on the definition, with the draws of the kernel; how many were refused."""
    key, table = stream_key(1, 0, "noise/wake"), exponential_table()
    weights = [24 * weight / sum(profile) for weight in profile]
    past: list[int] = []
    t, draws = 0, 0
    while len(past) < n:
        draws += 1
        low, high = (int(word[()]) for word in philox_blocks(key, 0, draws))
        mass = exponential_of_bits(low, table)
        bound = intensity_by_history(t, past, clock, per_second / SECOND, weights, start_ns)
        ends = HOUR - (start_ns + t) % HOUR
        while mass > bound * ends:
            mass, t = mass - bound * ends, t + ends
            bound, ends = intensity_by_history(t, past, clock, per_second / SECOND, weights, start_ns), HOUR
        t += int(mass / bound)
        now = intensity_by_history(t, past, clock, per_second / SECOND, weights, start_ns)
        if (high & 0xFFFFFFFF) / 2**32 * bound < now:
            past.append(t)
    return past, draws - n


@pytest.mark.parametrize(
    ("shape", "per_second"), [({"halflife": "2s"}, 1.0), (POWER, 1.0), ({"halflife": "10min"}, 0.004)]
)
def test_wake_ups_are_those_of_an_intensity_summed_over_history(shape: dict[str, Any], per_second: float) -> None:
    clock, start = hawkes(0.8, **shape), 17 * HOUR + 3_500 * SECOND
    expected, refused = by_history(clock, 200, per_second, WEIGHTS, start)
    times, _ = wake_ups(clock, 200, per_second=per_second, profile=WEIGHTS, start_ns=start)
    assert refused > 0
    assert times == pytest.approx(expected, rel=1e-8)


def test_a_poisson_clock_with_hours_uses_one_draw_for_each_wake_up_and_the_same_ones() -> None:
    plain, _ = wake_ups(POISSON, 2_000, per_second=1.0)
    weighted, _ = wake_ups(POISSON, 2_000, per_second=1.0, profile=[2] * 12 + [1] * 12)
    assert len(plain) == 2_000
    assert weighted == pytest.approx(plain * 3 / 4, rel=1e-6)  # the first hours are 4/3 as busy as the day


def _closed_form(branching: float, half_life_s: float, seconds: float) -> float:
    """Variance over mean of the counts of a Hawkes process with one exponential (Hawkes 1971, Biometrika 58)."""
    kappa, gamma = 1 / (1 - branching), np.log(2) / half_life_s * (1 - branching)
    return float(kappa**2 + (1 - kappa**2) * (1 - np.exp(-gamma * seconds)) / (gamma * seconds))


def fano(times: NDArray[np.int64], seconds: float) -> float:
    """Variance over mean of the counts in windows."""
    counts = np.bincount(times // int(seconds * SECOND))[:-1]
    return float(counts.var(ddof=1) / counts.mean())


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_counts_of_a_hawkes_clock_vary_as_the_closed_form_says(seconds: int) -> None:
    times, _ = wake_ups(hawkes(0.7, halflife="2s"), 400_000, per_second=5.0)
    assert 400_000 / (times[-1] / SECOND) == pytest.approx(5.0, rel=0.03)  # sd of the mean is 0.5 %
    windows = 80_000 / seconds
    tolerance = 5 * np.sqrt(2 / windows)  # five standard errors of the variance of normal counts
    assert fano(times, seconds) == pytest.approx(_closed_form(0.7, 2.0, seconds), rel=tolerance)


def test_a_clock_that_excites_nothing_is_a_poisson_clock() -> None:
    times, _ = wake_ups(hawkes(0, halflife="2s"), 100_000, per_second=5.0)
    assert fano(times, 10) == pytest.approx(1.0, abs=0.05)
    assert 100_000 / (times[-1] / SECOND) == pytest.approx(5.0, rel=0.015)


@pytest.mark.parametrize("clock", [POISSON, hawkes(0.6, halflife="10s")], ids=["poisson", "hawkes"])
def test_hourly_counts_follow_the_weights_from_any_start_of_the_run(clock: Any) -> None:
    start = 9 * HOUR + HOUR // 2
    times, _ = wake_ups(clock, 240_000, per_second=0.5, profile=WEIGHTS, start_ns=start)
    days = int(times[-1] // DAY)
    hours = (times[times < days * DAY] + start) // HOUR % 24
    expected = np.array(WEIGHTS) / 1.5 * 0.5 * 3_600
    counts = np.bincount(hours, minlength=24) / days
    # Fano 1 / (1 - 0.6)^2 = 6.25 at most: an hour of 5 days has a relative sd of about 2.5 %
    assert counts == pytest.approx(expected, rel=0.1, abs=40)
    assert counts.sum() == pytest.approx(0.5 * 86_400, rel=0.03)


def test_every_trader_of_an_excited_group_wakes_equally_often() -> None:
    _, whom = wake_ups(hawkes(0.9, halflife="1s"), 70_000, per_second=5.0, count=7)
    counts = np.bincount(whom, minlength=7)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 22.5  # chi-squared of 6: one in a thousand lies above


def test_the_wake_ups_of_a_group_belong_to_its_own_key() -> None:
    clock = hawkes(0.9, halflife="1s")
    first, again = (wake_ups(clock, 1_000, per_second=5.0)[0] for _ in range(2))
    other, _ = wake_ups(clock, 1_000, per_second=5.0, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


INTERPRETED = """
from tests.kernel.clocks import hawkes, wake_ups
clock = hawkes(0.8, power_law={"exponent": "1.2", "from": "100ms", "to": "1min"})
times, whom = wake_ups(clock, 300, per_second=5.0, profile="crypto_utc", start_ns=3_599_000_000_000)
print(times.tolist(), whom.tolist())
"""


def test_compiled_and_interpreted_clocks_agree_to_the_nanosecond() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = [
        subprocess.run(
            [sys.executable, "-c", INTERPRETED],
            capture_output=True, text=True, check=True, cwd=ROOT, env={**environment, "NUMBA_DISABLE_JIT": off},
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert said[0] == said[1]
    assert said[0].count(",") == 598


def test_a_group_that_hardly_ever_wakes_is_asleep_for_good() -> None:
    times, _ = wake_ups(POISSON, 1, per_second=1e-12, profile=WEIGHTS)
    assert times[0] >= 4_611_686_018_427_387_904 - HOUR


def test_what_is_left_after_half_lives_is_that_of_the_table_to_the_last_bit() -> None:
    table = halving_table()
    address = place(table)
    half_lives = [0.0, 1e-9, 0.3, 0.9999999, 1.0, 2.5, 31.99, 32.0, 1e6, *np.linspace(0, 33, 500).tolist()]
    for value in half_lives:
        assert left_after(value, address) == left_by_table(value, table)
    release(address)


def test_the_season_of_a_day_has_a_mean_of_one() -> None:
    for profile in ("flat", "crypto_utc", WEIGHTS):
        assert sum(season(profile).weights) == pytest.approx(24)
    assert max(season("crypto_utc").weights) / min(season("crypto_utc").weights) == pytest.approx(1.74 / 0.68)
