"""Kinds of random indices against the closed forms of their moments.

Moments are those of fixed seeds, within 4 standard errors of the sample unless said otherwise.
"""

import hashlib
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from marketsim.spec import Fault
from marketsim.venues.index.random_path import YEAR_NS
from marketsim.venues.underlying import UnderlyingSpec
from marketsim.venues.underlying_paths import underlying_paths

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
HOUR_YEARS = HOUR / YEAR_NS

JUMPS = {
    "kind": "jump_diffusion",
    "volatility": "70%/yr",
    "drift": "50%/yr",
    "jump_rate": "6/d",
    "jump_mean": "-0.4%",
    "jump_sd": "0.6%",
}
HESTON = {
    "kind": "heston",
    "volatility": "70%/yr",
    "mean_reversion": "5000%/yr",
    "vol_of_vol": "300%/yr",
    "rho": Decimal("-0.5"),
}
OU = {"kind": "ou", "volatility": "70%/yr", "memory": "1d"}
AR1 = {"kind": "ar1", "volatility": "70%/yr", "autocorrelation": Decimal("0.4")}
REGIME = {
    "kind": "regime",
    "regimes": [
        {"volatility": "30%/yr", "lasts": "30h"},
        {"volatility": "120%/yr", "drift": "900%/yr", "lasts": "10h"},
    ],
}
KINDS: dict[str, dict[str, Any]] = {str(kind["kind"]): kind for kind in (JUMPS, HESTON, OU, AR1, REGIME)}


def _underlying(index: dict[str, Any]) -> UnderlyingSpec:
    return UnderlyingSpec.model_validate({"id": "BTC", "index": {"price": "30000 USDT", "every": "1h", **index}})


def _path(index: dict[str, Any], replication: int = 0) -> Any:
    run = {"start_ns": 0, "duration_ns": DAY, "root": Path()}
    return underlying_paths([_underlying(index)], seed=1, replication=replication, **run)["BTC"].index


def _log_growth(index: dict[str, Any], n: int) -> npt.NDArray[np.float64]:
    return np.log(_path(index).growth(1, n))


def _faults(index: dict[str, Any]) -> list[Fault]:
    return list(_underlying(index).index.faults(DAY))


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_has_the_same_bits_however_it_is_read(kind: str) -> None:
    whole = _path(KINDS[kind]).growth(0, 10_000)
    levels = _path(KINDS[kind]).levels(0, 10_000)
    other = _path(KINDS[kind])
    for start in (9_999, 4_096, 0, 4_095, 8_192):
        assert np.array_equal(other.growth(start, 1), whole[start : start + 1])
    assert np.array_equal(_path(KINDS[kind]).levels(5_000, 5_000), levels[5_000:])
    assert levels[0] == 30_000


@pytest.mark.parametrize("kind", KINDS)
def test_bits_of_paths_are_frozen(kind: str) -> None:
    """Another machine that moves one bit of one increment shows here."""
    frozen = {
        "jump_diffusion": "76a87e14c6dd4e9d",
        "heston": "5b8921c3e3e045ee",
        "ou": "2dd5a0962b4386fa",
        "ar1": "4e8a2b61261bbfb9",
        "regime": "4795c4fb96f9f291",
    }
    digest = hashlib.sha256(_path(KINDS[kind]).growth(0, 10_000).astype("<f8").tobytes()).hexdigest()
    assert digest[:16] == frozen[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_valid_says_what_it_does_and_reaches_no_further_than_it_says(kind: str) -> None:
    index = _underlying(KINDS[kind]).index
    assert list(index.faults(DAY)) == list(index.out_of_range()) == []
    assert index.is_random
    assert index.sentence().startswith("starts at 30000 USDT and wanders with a volatility of ")
    prepared = index.prepare(start_ns=0, duration_ns=4_000 * HOUR, root=Path())
    levels = _path(KINDS[kind]).levels(0, 4_000)
    assert prepared.lowest < levels.min() < 30_000 < levels.max() < prepared.highest


def test_jumps_bring_the_cumulants_of_a_compound_poisson_process() -> None:
    """Merton 1976: of a step the cumulants are var dt, l dt (m^3 + 3 m s^2), l dt (m^4 + 6 m^2 s^2 + 3 s^4).

    l dt = 0.25, m = -.004, s = .006: third -1.24e-7, fourth 0.25 (2.56e-10 + 34.56e-10 + 38.88e-10) = 1.9e-9.
    """
    n = 400_000
    grown = _path(JUMPS).growth(1, n)
    moved = np.log(grown) - np.log(grown).mean()
    variance = 0.49 * HOUR_YEARS
    assert abs((moved**2).mean() - variance) < 4 * (moved**2).std() / math.sqrt(n)
    assert abs((moved**3).mean() + 1.24e-7) < 4 * (moved**3).std() / math.sqrt(n)
    assert abs((moved**4).mean() - 3 * variance**2 - 1.9e-9) < 4 * (moved**4).std() / math.sqrt(n)
    assert abs(grown.mean() - math.exp(0.5 * HOUR_YEARS)) < 4 * grown.std() / math.sqrt(n)  # the drift alone


def test_without_jumps_a_jump_diffusion_is_the_plain_motion() -> None:
    plain = {"kind": "gbm", "volatility": "70%/yr", "drift": "50%/yr"}
    assert np.array_equal(_path(JUMPS | {"jump_rate": "0/d"}).growth(0, 5000), _path(plain).growth(0, 5000))


def test_a_square_root_variance_has_its_mean_its_spread_and_its_memory() -> None:
    """Stationary v: mean theta, sd/mean = xi / sqrt(2 kappa theta) = 3 / 7, memory 1 / kappa (Cox et al. 1985).

    So kurtosis is 3 (1 + 9/49) = 3.551, and at a lag of 1 / kappa squares have the correlation
    (9/49) e^-1 / (3 (1 + 9/49) - 1).
    """
    n, lag = 400_000, round(365 * 24 / 50)
    moved = _log_growth(HESTON, n)
    moved -= moved.mean()
    relaxations = n * HOUR_YEARS * 50
    assert abs((moved**2).mean() / HOUR_YEARS / 0.49 - 1) < 4 * 3 / 7 * math.sqrt(2 / relaxations)
    assert (moved**4).mean() / (moved**2).mean() ** 2 == pytest.approx(3.551, rel=0.04)
    squares = moved**2 - (moved**2).mean()
    clustering = (squares[:-lag] * squares[lag:]).mean() / (squares**2).mean()
    assert clustering == pytest.approx(9 / 49 * math.exp(-1) / (3 * (1 + 9 / 49) - 1), abs=0.01)


def test_variance_rises_when_the_price_falls_where_rho_is_negative() -> None:
    """E[r(k) r(k+1)^2] = rho xi theta dt^2, to first order in dt (Heston 1993): the leverage effect."""
    n = 400_000
    moved = _log_growth(HESTON, n)
    moved -= moved.mean()
    together = moved[:-1] * moved[1:] ** 2
    expected = -0.5 * 3 * 0.49 * HOUR_YEARS**2
    error = together.std() / math.sqrt(n)
    assert abs(together.mean() - expected) < 4 * error
    assert expected < -5 * error


def test_without_volatility_of_variance_heston_is_the_plain_motion() -> None:
    plain = _path({"kind": "gbm", "volatility": "70%/yr"}).growth(0, 5000)
    assert np.allclose(_path(HESTON | {"vol_of_vol": "0%/yr"}).growth(0, 5000), plain, rtol=1e-15, atol=0)


def test_a_returning_price_stays_within_its_stationary_spread_and_forgets() -> None:
    """Variance volatility^2 memory / 2 = .49 / 730, autocorrelation e^-1 at a lag of one memory (Uhlenbeck 1930)."""
    n, lag = 200_000, 24
    x = np.log(_path(OU).levels(200, n) / 30_000)
    assert x.var() * 730 / 0.49 == pytest.approx(1, abs=4 * math.sqrt(2 * lag / n))
    assert abs(x.mean()) < 4 * x.std() * math.sqrt(2 * lag / n)
    assert np.corrcoef(x[:-lag], x[lag:])[0, 1] == pytest.approx(math.exp(-1), abs=4 * math.sqrt(2 * lag / n))


def test_a_returning_price_begins_where_it_returns_to() -> None:
    """One step of the exact transition, over 800 replications: variance (memory / 2) (1 - e^(-2/24)) volatility^2."""
    first = np.array([math.log(_path(OU, replication=r).growth(1, 1)[0]) for r in range(800)])
    expected = 0.49 / 730 * (1 - math.exp(-2 / 24))
    assert abs((first**2).mean() / expected - 1) < 4 * math.sqrt(2 / 800)


def test_a_drift_takes_the_price_that_a_motion_returns_to_along() -> None:
    still, drifting = _path(OU).levels(0, 8_000), _path(OU | {"drift": "365%/yr"}).levels(0, 8_000)
    assert math.log(drifting[7_200] / still[7_200]) == pytest.approx(3.0, rel=1e-9)  # 300 days at 1 % a day


def test_steps_remember_the_one_before_as_told() -> None:
    """Correlation a^n n steps apart, variance of a step volatility^2 dt, over 50 steps (1 + a) / (1 - a) times as much.

    Less the end correction 2 a (1 - a^50) / (50 (1 - a)^2): 7/3 - 0.0444 = 2.2889 (Box & Jenkins 1970).
    """
    n = 400_000
    moved = _log_growth(AR1, n)
    moved -= moved.mean()
    variance = (moved**2).mean()
    assert abs(variance / (0.49 * HOUR_YEARS) - 1) < 4 * math.sqrt(2 / n * (1 + 0.16) / (1 - 0.16))
    for lag, wanted in ((1, 0.4), (3, 0.064)):
        assert (moved[:-lag] * moved[lag:]).mean() / variance == pytest.approx(wanted, abs=4 / math.sqrt(n))
    over_50 = moved.reshape(-1, 50).sum(axis=1)
    assert (over_50**2).mean() / 50 / variance == pytest.approx(2.2889, rel=4 * math.sqrt(2 / 8_000))


def test_a_price_that_remembers_grows_with_its_drift_over_many_steps() -> None:
    """A year of days over 400 replications: the mean level grows by e^0.2 (volatility 30 %, long-run 45.8 %)."""
    index = AR1 | {"volatility": "30%/yr", "drift": "20%/yr", "every": "1d"}
    final = np.array([_path(index, replication=r).levels(365, 1)[0] for r in range(400)]) / 30000
    assert abs(final.mean() - math.exp(0.2)) < 4 * final.std() / 20


def test_the_first_step_of_a_price_that_remembers_is_as_wide_as_any() -> None:
    first = np.array([math.log(_path(AR1, replication=r).growth(1, 1)[0]) for r in range(800)])
    assert abs((first**2).mean() / (0.49 * HOUR_YEARS) - 1) < 4 * math.sqrt(2 / 800)


def test_regimes_share_time_and_last_as_told() -> None:
    """Calm 30 h, wild 10 h: shares 3/4 and 1/4; mean square .75 x .09 + .25 x 1.44 = .4275 a year.

    Fourth moment 3 (.75 x .0081 + .25 x 2.0736) = 1.573425, over .4275^2: kurtosis 8.6095 (Timmermann 2000, J.
    Econometrics 96, equation 7, without autoregression; the drift of the wild regime is far below its volatility).
    """
    n = 400_000
    moved = _log_growth(REGIME, n)
    assert (moved**2).mean() / HOUR_YEARS == pytest.approx(0.4275, rel=0.04)
    assert (moved**4).mean() / (moved**2).mean() ** 2 == pytest.approx(8.6095, rel=0.04)
    drift = moved.mean() / HOUR_YEARS  # .25 x 9 - .4275 / 2
    assert abs(drift - (2.25 - 0.21375)) < 4 * moved.std() / math.sqrt(n) / HOUR_YEARS
    squares = moved**2 - (moved**2).mean()
    remembered = [(squares[:-lag] * squares[lag:]).mean() for lag in (3, 9)]
    # two states forget with (1 - p)(1 - q) - pq = 1 - p - q a step: p = 1 - e^(-1/30), q = 1 - e^(-1/10)
    kept = math.exp(-1 / 30) + math.exp(-1 / 10) - 1
    assert remembered[1] / remembered[0] == pytest.approx(kept**6, rel=0.05)


def test_three_regimes_follow_each_other_alike() -> None:
    """From each regime both others are as likely, so time is shared as 1 : 2 : 3."""
    regimes = [
        {"volatility": "10%/yr", "lasts": "10h"},
        {"volatility": "100%/yr", "lasts": "20h"},
        {"volatility": "0%/yr", "lasts": "30h"},
    ]
    moved = _log_growth({"kind": "regime", "regimes": regimes}, 300_000)
    assert (moved == 0).mean() == pytest.approx(0.5, abs=0.01)
    assert (moved**2).mean() / HOUR_YEARS == pytest.approx(0.01 / 6 + 1 / 3, rel=0.03)


def test_regimes_state_their_root_mean_square() -> None:
    assert _underlying(REGIME).index.stated_volatility == Decimal("0.653835")  # sqrt(.4275)


FORTY = {"volatility": "40%/yr"}
TWO_REGIMES = [
    {"volatility": "40%/yr", "lasts": "1d", "drift": "200%/yr"},
    {"volatility": "20%/yr", "lasts": "2d", "drift": "-100%/yr"},
]


@pytest.mark.parametrize(
    ("index", "low", "high"),
    [
        ({"kind": "gbm", **FORTY, "drift": "-100%/yr"}, -0.25 - 0.02 - 1.6, 1.6),
        ({"kind": "gbm", **FORTY, "drift": "100%/yr"}, -1.6, 0.25 + 1.6),
        # 40 % three deviations of .5 up is 40 % x e^1.5 = 1.792676
        ({"kind": "log_ou_vol", **FORTY, "log_sd": Decimal("0.5")}, -0.401711 - 7.170702, 7.170702),
        # a memory of two quarters is longer than half the run, one of a sixteenth's double is not
        ({"kind": "ou", **FORTY, "drift": "-100%/yr", "memory": "365d"}, -0.25 - 1.6, 1.6),
        ({"kind": "ou", **FORTY, "drift": "100%/yr", "memory": "1095h"}, -0.8, 0.25 + 0.8),
        # (1 + .6) / (1 - .6) is 4: in the long run twice as volatile
        ({"kind": "ar1", **FORTY, "autocorrelation": Decimal("0.6")}, -0.08 - 3.2, 3.2),
        ({"kind": "regime", "regimes": TWO_REGIMES}, -0.25 - 0.02 - 1.6, 0.5 + 1.6),
    ],
    ids=lambda value: str(value["kind"]) if isinstance(value, dict) else None,
)
def test_what_a_kind_may_plausibly_reach_in_a_quarter_of_a_year(index: dict[str, Any], low: float, high: float) -> None:
    """Eight deviations: of 40 % a year 8 x .4 x .5 = 1.6; v t / 2 = .16 / 8 = .02; a drift of 100 % is .25."""
    assert _underlying(index).index.plausible_growth(0.25) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("index", "path", "message"),
    [
        (JUMPS | {"volatility": "30%/yr"}, ("volatility",), "jumps alone are more volatile"),
        (
            JUMPS | {"jump_rate": "11/h", "jump_sd": "0.01%", "jump_mean": "0%"},
            ("jump_rate",),
            "told from a diffusion",
        ),
        (JUMPS | {"jump_rate": "1/d", "jump_sd": "101%", "volatility": "5000%/yr"}, ("jump_sd",), "more than 100%"),
        (HESTON | {"mean_reversion": "900000%/yr"}, ("mean_reversion",), "beyond the one it returns to"),
        (REGIME | {"regimes": [{"volatility": "30%/yr", "lasts": "1d"}]}, ("regimes",), "never changes"),
        (
            REGIME | {"regimes": [{"volatility": "1%/yr", "lasts": "1d"}, {"volatility": "2%/yr", "lasts": "1min"}]},
            ("regimes", 1, "lasts"),
            "over before a step",
        ),
    ],
)
def test_what_cannot_be_is_said_at_its_key(index: dict[str, Any], path: Any, message: str) -> None:
    (fault,) = _faults(index)
    assert fault.path == path
    assert message in fault.message


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (JUMPS | {"jump_sd": "-1%"}, ("jump_sd",)),
        (HESTON | {"rho": Decimal("1.1")}, ("rho",)),
        (OU | {"memory": "0s"}, ("memory",)),
        (AR1 | {"autocorrelation": Decimal(1)}, ("autocorrelation",)),
        (REGIME | {"regimes": [{"volatility": "-1%/yr", "lasts": "1d"}]}, ("regimes", 0, "volatility")),
    ],
)
def test_a_number_out_of_its_range_is_found(index: dict[str, Any], path: Any) -> None:
    assert path in [where for where, _ in _underlying(index).index.out_of_range()]
