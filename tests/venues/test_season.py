"""The season of an index: variance by the UTC hour of the day, its mean as it would be without."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.season import SeasonSpec
from marketsim.venues.index.random_path import YEAR_NS
from marketsim.venues.underlying import UnderlyingSpec
from marketsim.venues.underlying_paths import underlying_paths

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
DAYS = 40
PRICE = {"price": "30000 USDT", "volatility": "70%/yr"}
KINDS: dict[str, dict[str, Any]] = {
    "gbm": PRICE,
    "log_ou_vol": {**PRICE, "log_sd": "0.3", "memory": "10min"},
    "heston": {**PRICE, "mean_reversion": "20000%/yr", "vol_of_vol": "300%/yr"},
    "jump_diffusion": {**PRICE, "jump_rate": "100/d", "jump_sd": "0.2%"},
    "ou": {**PRICE, "memory": "2d"},
    "ar1": {**PRICE, "autocorrelation": "0"},
    "regime": {
        "price": "30000 USDT",
        "regimes": [{"volatility": "70%/yr", "lasts": "1h"}, {"volatility": "70%/yr", "lasts": "2h"}],
    },
}
WEIGHTS = [1] * 8 + [2] * 8 + [3] * 8  # a mean of 2


def log_returns(index: dict[str, Any], start_ns: int, every: str = "30s", days: int = DAYS) -> Any:
    """Changes of the logarithm at steps 1, 2, .. (n,)."""
    spec = UnderlyingSpec.model_validate({"id": "BTC", "index": {**index, "every": every}})
    path = underlying_paths(
        [spec], seed=3, replication=0, start_ns=start_ns, duration_ns=days * DAY, root=Path()
    )["BTC"].index  # fmt: skip
    return np.log(path.growth(1, days * DAY // path.every_ns))


@pytest.mark.parametrize("kind", KINDS)
def test_variance_follows_the_hours_and_keeps_its_mean(kind: str) -> None:
    start = 1_704_067_200 * SECOND + 5 * HOUR  # 05:00 UTC
    returns = log_returns({"kind": kind, **KINDS[kind], "season": WEIGHTS}, start)
    hours = (start // HOUR + np.arange(len(returns)) * 30 * SECOND // HOUR) % 24
    a_day = 0.7**2 * DAY / YEAR_NS
    thirds = [float((returns[hours // 8 == third] ** 2).sum() / DAYS / a_day) for third in range(3)]
    # 38,400 steps in each third: a relative standard error of 0.7 % for normal steps, some more for jumps
    assert thirds == pytest.approx([1 / 6, 2 / 6, 3 / 6], rel=0.07)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flat_season_moves_no_bit(kind: str) -> None:
    plain = log_returns({"kind": kind, **KINDS[kind]}, 0, days=1)
    assert np.array_equal(log_returns({"kind": kind, **KINDS[kind], "season": "flat"}, 0, days=1), plain)
    assert not np.array_equal(log_returns({"kind": kind, **KINDS[kind], "season": WEIGHTS}, 0, days=1), plain)


def test_increments_are_the_shared_ones_times_the_root_of_the_hours_weight() -> None:
    plain = log_returns({"kind": "ou", **PRICE, "memory": "3650d"}, 0, days=1)
    weighted = log_returns({"kind": "ou", **PRICE, "memory": "3650d", "season": WEIGHTS}, 0, days=1)
    by_third = (weighted / plain).reshape(3, -1).mean(axis=1)
    assert by_third == pytest.approx(np.sqrt([0.5, 1.0, 1.5]), rel=1e-3)


def test_steps_longer_than_an_hour_have_the_mean_weight_of_their_hours() -> None:
    season = SeasonSpec.model_validate({"profile": WEIGHTS})
    first = np.arange(3) * 12 * HOUR
    assert season.means(0, first, 12 * HOUR) == pytest.approx([8 / 12, 16 / 12, 8 / 12])
    assert season.means(0, first, 24 * HOUR) == pytest.approx([1.0, 1.0, 1.0])
    assert season.means(7 * HOUR, np.array([0, HOUR - 1]), 2)[0] == 0.5
    assert season.means(7 * HOUR, np.array([0, HOUR - 1]), 2)[1] == pytest.approx(0.75, abs=1e-3)


def test_the_expected_level_grows_with_drift_alone() -> None:
    for kind in ("gbm", "jump_diffusion"):
        growth = np.expm1(log_returns({"kind": kind, **KINDS[kind], "season": WEIGHTS}, 0))
        assert abs(growth.mean()) < 3 * growth.std() / np.sqrt(len(growth))


def test_the_short_form_is_the_profile() -> None:
    short = UnderlyingSpec.model_validate({"id": "B", "index": {"kind": "gbm", **PRICE, "season": "crypto_utc"}})
    long = UnderlyingSpec.model_validate(
        {"id": "B", "index": {"kind": "gbm", **PRICE, "season": {"profile": "crypto_utc"}}}
    )
    assert short == long
    assert short.model_dump(mode="json")["index"]["season"] == {"profile": "crypto_utc"}
    plain = UnderlyingSpec.model_validate({"id": "B", "index": {"kind": "gbm", **PRICE, "season": "flat"}})
    assert "season" not in plain.model_dump(mode="json")["index"]
