"""The clocks of groups, fitted from their own wake-ups: branching by maximum likelihood, counts against closed forms.

A Hawkes process with intensity mu h(t) + n sum over past wake-ups of phi(t - s), phi of mass one, has mean rate
mu / (1 - n) and, over long windows, counts whose variance is 1 / (1 - n)^2 times their mean (Hawkes 1971,
Biometrika 58). Writes clocks_branching_*.csv, clocks_counts.csv and the picture clocks_counts.svg.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from scipy import optimize

from marketsim.season import HOURS
from marketsim.traders.clock import POISSON, HawkesClockSpec
from tests.kernel.clocks import DAY, HOUR, hawkes, season, wake_ups
from tests.kernel.worlds import SECOND
from tests.verification.results import draw, interval, write_table

SEEDS = range(1, 11)
WAKE_UPS = 100_000
CLOCKS: dict[str, dict[str, Any]] = {
    "one exponential, 2 s": {"halflife": "2s"},
    "one exponential, 50 ms": {"halflife": "50ms"},
    "power law 1.15, 200 ms to 30 min": {"power_law": {"exponent": "1.15", "from": "200ms", "to": "30min"}},
}
PER_SECOND = 5.0


@njit
def _excited(times: NDArray[np.float64], shares: NDArray[np.float64], fade: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over earlier wake-ups of phi at each wake-up (n,); phi = sum of shares x fade x exp(-fade t) [per s]."""
    out = np.zeros(len(times))
    for j in range(len(shares)):
        state = 0.0
        for i in range(1, len(times)):
            state = (state + shares[j] * fade[j]) * np.exp(-fade[j] * (times[i] - times[i - 1]))
            out[i] += state
    return out


class Likelihood:
    """How probable wake-ups are under (mu, n, stretch of the half-lives); the first fifth of them is history only."""

    def __init__(self, times_ns: NDArray[np.int64], clock: HawkesClockSpec, weights: NDArray[np.float64]) -> None:
        self.times = times_ns / SECOND
        self.first = len(self.times) // 5
        self.begin, self.end = self.times[self.first], self.times[-1]
        self.shares = np.array([excited for excited, _ in clock.kernel()]) / float(clock.branching)
        self.half_lives = np.array([half_life / SECOND for _, half_life in clock.kernel()])
        self.at_hour = weights[(times_ns // HOUR % HOURS).astype(int)][self.first :]
        grid = np.arange(self.begin, self.end, 10.0)
        self.hours = float(weights[(grid // 3_600).astype(int) % HOURS].mean() * (self.end - self.begin))
        self.stretched: tuple[float, NDArray[np.float64], float] | None = None

    def _at(self, stretch: float) -> tuple[NDArray[np.float64], float]:
        """Excitation at each wake-up, and its integral, for n = 1."""
        if self.stretched is None or self.stretched[0] != stretch:
            fade = np.log(2) / (self.half_lives * stretch)
            excited = _excited(self.times, self.shares, fade)[self.first :]
            before = np.maximum(self.begin - self.times, 0.0)
            mass = sum(
                share * float((np.exp(-rate * before) - np.exp(-rate * (self.end - self.times))).sum())
                for share, rate in zip(self.shares, fade, strict=True)
            )
            self.stretched = stretch, excited, mass
        return self.stretched[1], self.stretched[2]

    def loss(self, parameters: NDArray[np.float64]) -> float:
        """Negative log likelihood; parameters: ln mu, logit n, and ln stretch where half-lives are free."""
        mu, n = np.exp(parameters[0]), 1 / (1 + np.exp(-parameters[1]))
        excited, mass = self._at(float(np.exp(parameters[2])) if len(parameters) > 2 else 1.0)
        return float(mu * self.hours + n * mass - np.log(mu * self.at_hour + n * excited).sum())

    def fit(self, *, with_half_life: bool) -> tuple[float, float]:
        """Branching, and the first half-life [s], of maximum likelihood."""
        start = np.array([np.log(PER_SECOND / 2), -1.0, *([0.5] if with_half_life else [])])
        simplex = np.vstack([start, start + np.eye(len(start))])
        options = {"xatol": 1e-3, "fatol": 1e-3, "initial_simplex": simplex}
        found = optimize.minimize(self.loss, start, method="Nelder-Mead", options=options)
        stretch = float(np.exp(found.x[2])) if with_half_life else 1.0
        return float(1 / (1 + np.exp(-found.x[1]))), float(self.half_lives[0] * stretch)


@pytest.mark.parametrize("branching", [0.5, 0.75, 0.9])
@pytest.mark.parametrize("shape", CLOCKS)
def test_the_branching_of_a_clock_is_found_again_from_its_wake_ups(
    shape: str, branching: float, say: Callable[[str], None]
) -> None:
    clock = hawkes(branching, **CLOCKS[shape])
    is_one = clock.halflife is not None
    profile = "flat" if is_one else "crypto_utc"
    weights = np.array(season(profile).weights)
    found = []
    for seed in SEEDS:
        times, _ = wake_ups(clock, WAKE_UPS, per_second=PER_SECOND, profile=profile, seed=seed)
        found.append(Likelihood(times, clock, weights).fit(with_half_life=is_one))
    n, low, high = interval(np.array([each[0] for each in found]))
    say(f"branching {branching}, {shape}, {profile}: fitted {n:.4f} [{low:.4f}, {high:.4f}]")
    write_table(
        f"clocks_branching_{branching}_{'_'.join(shape.replace(',', '').split())}",
        [{"seed": seed, "branching": each[0], "half_life_s": each[1]} for seed, each in zip(SEEDS, found, strict=True)],
    )
    assert all(abs(each[0] - branching) < 0.05 for each in found)
    assert abs(n - branching) < 0.02
    if is_one:
        half_life = np.mean([each[1] for each in found])
        assert half_life == pytest.approx(clock.kernel()[0][1] / SECOND, rel=0.05)


def _fano(times: NDArray[np.int64], window_ns: int) -> float:
    counts = np.bincount(times // window_ns)[:-1]
    return float(counts.var(ddof=1) / counts.mean())


def test_counts_vary_as_the_closed_form_says_from_short_windows_to_long_ones() -> None:
    rows = []
    for branching, half_life in ((0.5, 2.0), (0.8, 2.0), (0.9, 0.5)):
        clock = hawkes(branching, halflife=f"{int(half_life * 1_000)}ms")
        kappa, gamma = 1 / (1 - branching), np.log(2) / half_life * (1 - branching)
        for window in (0.1, 1.0, 10.0, 100.0):
            theory = kappa**2 + (1 - kappa**2) * (1 - np.exp(-gamma * window)) / (gamma * window)
            found = [
                _fano(wake_ups(clock, 300_000, per_second=PER_SECOND, seed=seed)[0], int(window * SECOND))
                for seed in SEEDS
            ]
            mean, low, high = interval(np.array(found))
            row = {"branching": branching, "window_s": window, "theory": float(theory)}
            rows.append({**row, "mean": mean, "lo": low, "hi": high})
    write_table("clocks_counts", rows)
    x = alt.X("window_s:Q", scale=alt.Scale(type="log"), title="window [s]")
    line = alt.Chart().mark_line().encode(x=x, y=alt.Y("theory:Q", title="variance / mean"), color="branching:N")
    point = alt.Chart().mark_point().encode(x=x, y="mean:Q", color="branching:N")
    draw("clocks_counts", rows, "Counts of Hawkes clocks: closed form (lines), ten seeds (points)", [line, point])
    for row in rows:
        # Inside the interval of ten seeds, or within what a mean of ten variances of few windows can tell
        assert row["lo"] <= row["theory"] <= row["hi"] or row["mean"] == pytest.approx(row["theory"], rel=0.03)


def test_long_counts_of_a_power_law_have_the_branching_of_its_sum() -> None:
    clock = hawkes(0.75, power_law={"exponent": "1.3", "from": "100ms", "to": "1min"})
    found = [_fano(wake_ups(clock, 1_000_000, per_second=20.0, seed=s)[0], 600 * SECOND) for s in SEEDS]
    # 83 windows a seed, 830 in all: a relative standard error of 5 %
    assert np.mean(found) == pytest.approx(1 / (1 - 0.75) ** 2, rel=0.2)


@pytest.mark.parametrize("clock", [POISSON, hawkes(0.88, halflife="5s")], ids=["poisson", "hawkes"])
def test_hourly_counts_follow_crypto_utc(clock: Any) -> None:
    start = 1_704_067_200 * SECOND + 5 * HOUR + HOUR // 3
    times, _ = wake_ups(clock, 5_000_000, per_second=1.0, profile="crypto_utc", start_ns=start)
    days = int(times[-1] // DAY)
    hours = (times[times < days * DAY] + start) // HOUR % HOURS
    counts = np.bincount(hours, minlength=HOURS) / days
    expected = np.array(season("crypto_utc").weights) * 1.0 * 3_600
    relative_error = np.sqrt((1.0 if clock is POISSON else 1 / 0.12**2) / (expected * days))
    assert days > 50
    assert (np.abs(counts / expected - 1) < 4 * relative_error + 0.005).all()
