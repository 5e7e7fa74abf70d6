"""Moments are those of fixed seeds, within 4 standard errors of the sample unless said otherwise."""

import hashlib
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.spec import Fault
from marketsim.venues.correlation import correlation_faults, lower_triangle
from marketsim.venues.index.index_path import IndexPath
from marketsim.venues.index.random_path import YEAR_NS
from marketsim.venues.underlying import UnderlyingSpec
from marketsim.venues.underlying_paths import underlying_paths

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_704_067_200 * SECOND  # 2024-01-01T00:00:00Z
GBM = {"kind": "gbm", "price": "30000 USDT", "volatility": "70%/yr"}
CLUSTERED = {"kind": "log_ou_vol", "price": "30000 USDT", "volatility": "70%/yr", "log_sd": 0.6, "memory": "1h"}


def _underlying(name: str, index: dict[str, Any], **correlation: str) -> UnderlyingSpec:
    index = {key: Decimal(str(value)) if isinstance(value, float) else value for key, value in index.items()}
    return UnderlyingSpec.model_validate({"id": name, "index": index, "correlation": correlation})


def _paths(*underlyings: UnderlyingSpec, seed: int = 1, replication: int = 0, **also: Any) -> dict[str, IndexPath]:
    settings = {"start_ns": START, "duration_ns": DAY, "root": Path()} | also
    paths = underlying_paths(underlyings, seed=seed, replication=replication, **settings)
    return {name: path.index for name, path in paths.items()}


def _path(index: dict[str, Any], **also: Any) -> IndexPath:
    return _paths(_underlying("BTC", index), **also)["BTC"]


PATHS: dict[str, Callable[[], IndexPath]] = {
    "gbm": lambda: _path(GBM, jumps={"BTC": [(5000 * SECOND, Decimal("-0.06"))]}),
    "log_ou_vol": lambda: _path(CLUSTERED),
    "linear": lambda: _path(
        {
            "kind": "path",
            "points": [["0s", "30000 USDT"], ["3h", "33000.1 USDT"], ["1d", "1 USDT"]],
            "interpolate": "linear",
        }
    ),
}


@pytest.mark.parametrize("kind", PATHS)
def test_a_path_has_the_same_bits_however_it_is_read(kind: str) -> None:
    whole = PATHS[kind]()
    growth, levels = whole.growth(0, 20_000), whole.levels(0, 20_000)
    ticks = whole.level_ticks(0, 20_000, Decimal("0.1"))
    for chunk in (1, 7, 4096, 5000):
        other, starts = (
            PATHS[kind](),
            range(0, 20_000, chunk) if chunk > 1 else [0, 1, 4095, 4096, 4097, 12_288, 19_999],
        )
        for start in reversed(starts) if chunk == 5000 else starts:
            n = min(chunk, 20_000 - start)
            assert np.array_equal(other.growth(start, n), growth[start : start + n])
            assert np.array_equal(other.levels(start, n), levels[start : start + n])
            assert np.array_equal(other.level_ticks(start, n, Decimal("0.1")), ticks[start : start + n])


@pytest.mark.parametrize("kind", ["gbm", "log_ou_vol"])
def test_levels_are_the_product_of_growth_from_left_to_right(kind: str) -> None:
    path, level = PATHS[kind](), 30000.0
    for step, factor in enumerate(path.growth(0, 9000).tolist()):
        level *= factor
        assert step not in (0, 1, 4096, 8999) or level == float(path.levels(step, 1)[0])


def test_gbm_steps_have_the_drift_and_volatility_of_the_file() -> None:
    n = 100_000
    log_growth = np.log(_path(GBM | {"drift": "80%/yr", "every": "1h"}).growth(1, n))
    years = 3600 * SECOND / YEAR_NS
    assert abs(log_growth.mean() / years - (0.8 - 0.7**2 / 2)) < 4 * 0.7 / math.sqrt(n * years)
    assert abs(log_growth.var() / years / 0.7**2 - 1) < 4 * math.sqrt(2 / n)


def test_expected_level_grows_with_the_drift_alone() -> None:
    """One year in one-day steps over 400 replications; the volatility adds nothing to the mean of the level."""
    index = GBM | {"drift": "20%/yr", "volatility": "30%/yr", "every": "1d"}
    final = np.array([_path(index, replication=r).levels(365, 1)[0] for r in range(400)]) / 30000
    assert abs(final.mean() - math.exp(0.2)) < 4 * final.std() / 20


def test_clustered_volatility_has_the_mean_square_of_the_file_and_a_fat_tail() -> None:
    """Standard error of the mean square: twice the memory in steps times the variance of sigma^2, plus the normal's."""
    n, s = 400_000, 0.3
    log_growth = np.log(_path(CLUSTERED | {"log_sd": s, "memory": "10min", "every": "1min"}).growth(1, n))
    years = 60 * SECOND / YEAR_NS
    standard_error = math.sqrt((2 * 10 * (math.exp(4 * s * s) - 1) + 2 * math.exp(4 * s * s)) / n)
    assert abs((log_growth**2).mean() / years / 0.7**2 - 1) < 4 * standard_error
    kurtosis = (log_growth**4).mean() / (log_growth**2).mean() ** 2
    assert kurtosis == pytest.approx(3 * math.exp(4 * s * s), rel=0.05)  # E s^4 / (E s^2)^2 = exp(4 log_sd^2)
    squares = log_growth**2 - (log_growth**2).mean()
    clustering = (squares[:-10] * squares[10:]).mean() / (squares**2).mean()
    remembered = (math.exp(4 * s * s * math.exp(-1)) - 1) / (3 * math.exp(4 * s * s) - 1)  # at a lag of one memory
    assert clustering == pytest.approx(remembered, abs=0.02)


def test_clustered_volatility_starts_in_its_stationary_state() -> None:
    """First minute over 800 replications: mean square as in the long run (no warm-up of the volatility)."""
    index = CLUSTERED | {"log_sd": 0.3, "every": "1min"}
    first = np.array([np.log(_path(index, replication=r).growth(1, 1)[0]) for r in range(800)])
    expected = 0.7**2 * 60 * SECOND / YEAR_NS
    assert abs((first**2).mean() / expected - 1) < 4 * math.sqrt((3 * math.exp(4 * 0.09) - 1) / 800)


def test_without_spread_clustered_volatility_is_the_plain_motion() -> None:
    still = _path(CLUSTERED | {"log_sd": 0}).growth(0, 5000)
    assert np.allclose(still, _path(GBM).growth(0, 5000), rtol=1e-15, atol=0)


def test_correlated_underlyings_move_together_as_told() -> None:
    n = 40_000
    btc, eth = _underlying("BTC", GBM), _underlying("ETH", GBM, BTC="0.8")
    sol = _underlying("SOL", GBM | {"volatility": "120%/yr"}, BTC="-0.3", ETH="0.1")
    paths = _paths(btc, eth, sol)
    moves = np.corrcoef([np.log(paths[name].growth(1, n)) for name in ("BTC", "ETH", "SOL")])
    for i, j, wanted in ((0, 1, 0.8), (0, 2, -0.3), (1, 2, 0.1)):
        assert abs(moves[i, j] - wanted) < 4 * (1 - wanted**2) / math.sqrt(n)


def test_another_underlying_leaves_the_earlier_ones_path_alone() -> None:
    alone = _paths(_underlying("BTC", GBM))["BTC"].growth(0, 5000)
    joined = _paths(_underlying("BTC", GBM, ETH="0.8"), _underlying("ETH", GBM))
    assert np.array_equal(alone, joined["BTC"].growth(0, 5000))
    uncorrelated = _paths(_underlying("ETH", GBM))["ETH"].growth(0, 5000)
    assert not np.array_equal(uncorrelated, joined["ETH"].growth(0, 5000))


def test_seed_and_replication_change_the_increments_and_the_volatility_does_not() -> None:
    def innovations(volatility: str, **also: int) -> np.ndarray:
        sigma = float(volatility[:-4]) / 100 * math.sqrt(SECOND / YEAR_NS)
        return (np.log(_path(GBM | {"volatility": volatility}, **also).growth(1, 100)) + sigma**2 / 2) / sigma

    assert np.allclose(innovations("70%/yr"), innovations("35%/yr"), atol=1e-10)
    assert not np.allclose(innovations("70%/yr"), innovations("70%/yr", seed=2), atol=0.1)
    assert not np.allclose(innovations("70%/yr"), innovations("70%/yr", replication=1), atol=0.1)


@pytest.mark.parametrize(("at_ns", "step"), [(0, 0), (1, 1), (4096 * SECOND, 4096), (4096 * SECOND + 1, 4097)])
def test_a_jump_comes_at_the_first_step_at_or_after_its_instant(at_ns: int, step: int) -> None:
    jumped, calm = _path(GBM, jumps={"BTC": [(at_ns, Decimal("-0.06"))]}).growth(0, 5000), _path(GBM).growth(0, 5000)
    assert jumped[step] == calm[step] * 0.94
    assert np.array_equal(np.delete(jumped, step), np.delete(calm, step))


def test_a_constant_holds_and_jumps_exactly() -> None:
    path = _path(
        {"kind": "constant", "price": "30000 USDT"},
        jumps={"BTC": [(2 * SECOND, Decimal("-0.06")), (4 * SECOND, Decimal("0.1")), (4 * SECOND, Decimal("0.1"))]},
    )
    assert path.is_absolute
    assert path.levels(0, 6).tolist() == [30000, 30000, 28200, 28200, 34122, 34122]
    assert path.growth(1, 2).tolist() == [1.0, 0.94]
    assert path.level_ticks(3, 2, Decimal("0.1")).tolist() == [282_000, 341_220]


def test_a_step_path_holds_its_last_value() -> None:
    path = _path({"kind": "path", "points": [["0s", "30000 USDT"], ["12h", "33000.05 USDT"]], "every": "6h"})
    assert path.levels(0, 5).tolist() == [30000, 30000, 33000.05, 33000.05, 33000.05]
    assert path.level_ticks(2, 1, Decimal("0.1")).tolist() == [330_001]  # half a tick goes up


def test_a_linear_path_is_exact_between_its_points() -> None:
    points = [["0s", "100 USDT"], ["7s", "101 USDT"], ["1d", "3.3 USDT"]]
    path = _path({"kind": "path", "points": points, "interpolate": "linear"})
    for step in (0, 1, 3, 6, 7):
        assert float(path.levels(step, 1)[0]) == float(100 + Fraction(step, 7))
    late = 101 + (Fraction("3.3") - 101) * Fraction(40_000 - 7, 86_400 - 7)
    assert float(path.levels(40_000, 1)[0]) == float(late)
    assert int(path.level_ticks(40_000, 1, Decimal("0.01"))[0]) == math.floor(late * 100 + Fraction(1, 2))
    assert path.growth(0, 2).tolist() == [1.0, float(path.levels(1, 1)[0]) / 100]


def _faults(index: dict[str, Any]) -> list[Fault]:
    return list(_underlying("BTC", index).index.faults(DAY))


@pytest.mark.parametrize(
    ("points", "interpolate", "path", "message"),
    [
        ([], "step", ("points",), "no points"),
        ([["1s", "100 USDT"]], "step", ("points", 0, 0), "does not begin"),
        ([["0s", "100 USDT"], ["0s", "100 USDT"]], "step", ("points", 1, 0), "not in order"),
        ([["0s", "100 USDT"], ["1d", "100 USDC"]], "step", ("points", 1, 1), "several currencies"),
        ([["0s", "100 USDT"], ["23h", "100 USDT"]], "linear", ("points", 1, 0), "ends before the run"),
        ([["0s", "100 USDT"], ["1h", "0 USDT"]], "step", ("points", 1, 1), "not above zero"),
    ],
)
def test_an_impossible_path_is_refused(points: list[list[str]], interpolate: str, path: Any, message: str) -> None:
    (fault,) = _faults({"kind": "path", "points": points, "interpolate": interpolate})
    assert fault.path == path
    assert message in fault.message


def _file(folder: Path, rows: str, header: str = "timestamp,price") -> dict[str, Any]:
    (folder / "index.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    return {"kind": "file", "path": "index.csv", "every": "6h"}


_DAY_OF_ROWS = "2023-12-31T12:00:00Z,1\n2024-01-01T00:00:00Z,30000.5\n2024-01-01T12:00:00Z,0.000033\n"


def test_a_file_holds_each_row_until_the_next(tmp_path: Path) -> None:
    path = _path(_file(tmp_path, _DAY_OF_ROWS), root=tmp_path)
    assert path.is_absolute
    assert path.price == Decimal("30000.5")
    assert path.levels(0, 4).tolist() == [30000.5, 30000.5, 0.000033, 0.000033]


def test_a_file_may_count_its_time_in_milliseconds_and_name_its_columns(tmp_path: Path) -> None:
    index = _file(tmp_path, "5,1704067200000\n6,1704110400000\n", "close,open_time")
    index |= {"time": "open_time", "price": "close", "time_unit": "ms"}
    assert _path(index, root=tmp_path).levels(1, 2).tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        ({"volatility": "600000%/yr"}, "volatility", "more than 100%"),
        ({"drift": "-4000000000%/yr"}, "drift", "more than 100%"),
        ({"price": "30000.0000000000000001 USDT"}, "price", "too many digits"),
    ],
)
def test_an_impossible_motion_is_refused(change: dict[str, Any], key: str, message: str) -> None:
    (fault,) = _faults(GBM | change)
    assert fault.path == (key,)
    assert message in fault.message


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"every": "0s"}, "every"),
        ({"price": "0 USDT"}, "price"),
        ({"volatility": "-1%/yr"}, "volatility"),
        ({"kind": "log_ou_vol", "log_sd": 3}, "log_sd"),
        ({"kind": "log_ou_vol", "memory": "0s"}, "memory"),
    ],
)
def test_a_number_out_of_its_range_is_refused(change: dict[str, Any], key: str) -> None:
    assert [path for path, _ in _underlying("BTC", GBM | change).index.out_of_range()] == [(key,)]


def test_what_an_index_may_plausibly_reach_covers_eight_deviations_of_its_logarithm() -> None:
    """A day at 70 % a year: 8 x .7 / sqrt(365) = .293118, v t / 2 = .000671; 30000 e^-.293789 and 30000 e^.293118."""
    prepared = _underlying("BTC", GBM).index.prepare(start_ns=START, duration_ns=DAY, root=Path())
    assert prepared.lowest == pytest.approx(22_363.0, rel=1e-4)
    assert prepared.highest == pytest.approx(40_218.0, rel=1e-4)
    fixed = _underlying("BTC", {"kind": "path", "points": [["0s", "30 USDT"], ["1h", "7.5 USDT"], ["2h", "9 USDT"]]})
    listed = fixed.index.prepare(start_ns=START, duration_ns=DAY, root=Path())
    assert (listed.opening, listed.lowest, listed.highest) == (30, 7.5, 30.0)


@pytest.mark.parametrize(
    ("underlyings", "path", "message"),
    [
        ([("BTC", GBM, {"XRP": "0.5"})], "underlyings.BTC.correlation.XRP", "no such underlying"),
        ([("BTC", GBM, {"BTC": "0.5"})], "underlyings.BTC.correlation.BTC", "with itself"),
        ([("BTC", GBM, {"ETH": "1"}), ("ETH", GBM, {})], "underlyings.BTC.correlation.ETH", "not a correlation"),
        (
            [("BTC", GBM, {"ETH": "0.5"}), ("ETH", GBM, {"BTC": "0.6"})],
            "underlyings.BTC.correlation.ETH",
            "two correlations",
        ),
        (
            [("BTC", GBM, {"ETH": "0.5"}), ("ETH", GBM | {"every": "2s"}, {})],
            "underlyings.BTC.correlation.ETH",
            "different instants",
        ),
        (
            [("BTC", GBM, {"ETH": "0.5"}), ("ETH", {"kind": "constant", "price": "5 USDT"}, {})],
            "underlyings.BTC.correlation.ETH",
            "no random increments",
        ),
        (
            [("BTC", GBM, {"ETH": "0.9", "SOL": "0.9"}), ("ETH", GBM, {"SOL": "-0.9"}), ("SOL", GBM, {})],
            "underlyings.BTC.correlation",
            "not positive definite",
        ),
    ],
)
def test_correlations_that_cannot_hold_are_refused(
    underlyings: list[tuple[str, dict[str, Any], dict[str, str]]], path: str, message: str
) -> None:
    specs = [_underlying(name, index, **correlation) for name, index, correlation in underlyings]
    faults = correlation_faults(specs)
    assert path in [".".join(("underlyings", specs[int(f.path[0])].id, *map(str, f.path[1:]))) for f in faults]
    assert message in faults[0].message


def test_lower_triangle_of_three_correlations_is_the_one_of_the_textbook() -> None:
    """L L' gives the correlations back, with L22 = sqrt(1 - .64) = .6 by hand."""
    rows = lower_triangle([[1, 0.8, -0.3], [0.8, 1, 0.1], [-0.3, 0.1, 1]])
    assert rows[1] == [0.8, pytest.approx(0.6)]
    assert rows[2][:2] == [-0.3, pytest.approx((0.1 + 0.24) / 0.6)]
    assert sum(weight**2 for weight in rows[2]) == pytest.approx(1)


def test_a_chunk_before_the_opening_is_refused() -> None:
    for path in (_path(GBM), _path({"kind": "constant", "price": "5 USDT"})):
        for ask in (path.growth, path.levels):
            with pytest.raises(ValueError, match="allowed"):
                ask(-1, 5)
            assert ask(3, 0).shape == (0,)


def test_bits_of_paths_are_frozen() -> None:
    """Another machine that moves one bit of one increment shows here."""
    parts = [PATHS[kind]().levels(0, 10_000) for kind in PATHS]
    parts.append(_paths(_underlying("BTC", GBM), _underlying("ETH", CLUSTERED, BTC="0.8"))["ETH"].growth(0, 10_000))
    digest = hashlib.sha256(b"".join(part.astype("<f8").tobytes() for part in parts)).hexdigest()
    assert digest == "25e294d9bce2edcd327a7a04fa131a99985b44c751acf71e52a7e4587d7a6535"
