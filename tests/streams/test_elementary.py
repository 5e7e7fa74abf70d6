"""The references are 50-digit decimals, whose ln and exp are correctly rounded (General Decimal Arithmetic)."""

import hashlib
import math
from decimal import Context, Decimal

import numpy as np
import pytest

from marketsim.streams import exp_, log_, power_
from marketsim.streams.elementary import left_after

_REFERENCE = Context(prec=50)


def _error_in_last_places(value: float, true: Decimal) -> Decimal:
    return abs(Decimal(value) - true) / Decimal(math.ulp(value))


def _spread(low: float, high: float, n: int) -> np.ndarray:
    """A grid that hits no special points."""
    return low + (high - low) * ((np.arange(n) * 0.6180339887498949) % 1.0)


@pytest.mark.parametrize(
    "x",
    [_spread(0.5, 2.0, 1000), _spread(0.99999, 1.00001, 500), _spread(1e-300, 1e-290, 200), _spread(1e250, 1e300, 200)],
    ids=["around one", "close to one", "tiny", "huge"],
)
def test_logarithm_is_within_one_unit_in_the_last_place(x: np.ndarray) -> None:
    pairs = zip(x.tolist(), log_(x).tolist(), strict=True)
    assert max(_error_in_last_places(y, _REFERENCE.ln(Decimal(v))) for v, y in pairs) <= 1


@pytest.mark.parametrize(
    "x",
    [_spread(-1e-5, 1e-5, 500), _spread(-1, 1, 1000), _spread(-708, 709, 1000)],
    ids=["one step", "moderate", "all"],
)
def test_exponential_is_within_one_unit_in_the_last_place(x: np.ndarray) -> None:
    pairs = zip(x.tolist(), exp_(x).tolist(), strict=True)
    assert max(_error_in_last_places(y, _REFERENCE.exp(Decimal(v))) for v, y in pairs) <= 1


def test_exact_values_are_exact() -> None:
    assert float(log_(1.0)) == 0.0
    assert float(exp_(0.0)) == 1.0
    assert float(log_(2.0)) == 0.6931471805599453


def test_an_array_has_the_bits_of_its_elements_alone() -> None:
    """Vector instructions of the processor change nothing."""
    x = _spread(0.5, 2.0, 37)
    assert np.array_equal(log_(x), [float(log_(float(v))) for v in x])
    assert np.array_equal(exp_(x), [float(exp_(float(v))) for v in x])


def test_power_matches_decimal_to_a_few_last_places() -> None:
    base = _spread(1e-9, 1.0, 500)
    true = [_REFERENCE.power(Decimal(v), Decimal("-1.5")) for v in base.tolist()]
    error = max(abs(Decimal(y) / t - 1) for y, t in zip(power_(base, -1.5).tolist(), true, strict=True))
    assert error < Decimal("1e-14")


@pytest.mark.parametrize("x", [0.0, -1.0, math.inf, math.nan, 5e-324])
def test_logarithm_refuses_what_has_none(x: float) -> None:
    with pytest.raises(ValueError, match="allowed"):
        log_(x)


@pytest.mark.parametrize("x", [710.0, -709.0, math.inf, math.nan])
def test_exponential_refuses_what_leaves_normal_numbers(x: float) -> None:
    with pytest.raises(ValueError, match="allowed"):
        exp_(x)


def test_bits_of_log_and_exp_are_frozen() -> None:
    """Another C library, processor or NumPy that changes one bit shows here."""
    grid = 2.0**-7 * np.arange(1, 20_001)
    digest = hashlib.sha256(log_(grid).astype("<f8").tobytes() + exp_(grid * 4 - 300).astype("<f8").tobytes())
    assert digest.hexdigest() == "17bcde2ec22ec421edcfec517522e30a10ea592bb155cfbb72bf32bb0ab0037f"


@pytest.mark.parametrize(("half_lives", "left"), [(0.0, 1.0), (1.0, 0.5), (10.0, 0.5**10), (1_440.0, 0.0), (1e9, 0.0)])
def test_what_is_left_after_half_lives_has_no_end(half_lives: float, left: float) -> None:
    assert left_after(half_lives) == pytest.approx(left, rel=1e-12)
