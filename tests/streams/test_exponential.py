import hashlib
import math
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from marketsim.streams import EXPONENTIAL_SEGMENTS, LN2, Stream, exponential_of_bits, exponential_table

_TABLE = exponential_table()


def test_table_runs_from_ln_2_down_to_zero_and_is_strictly_convex() -> None:
    assert _TABLE.shape == (EXPONENTIAL_SEGMENTS + 1,)
    assert float(_TABLE[0]) == LN2 == 0.6931471805599453
    assert float(_TABLE[-1]) == 0.0
    assert float(_TABLE[1024]) == pytest.approx(math.log(4 / 3), rel=1e-15)
    assert np.all(np.diff(_TABLE) < 0)
    assert np.all(np.diff(_TABLE, 2) > 0)


def test_mean_is_one_by_integration_of_the_table() -> None:
    """E = ln 2 E[g] + the area under the chords, which lie above the convex curve; g is geometric with mean 1."""
    values = [Fraction(float(v)) for v in _TABLE]
    chords = sum((a + b) / 2 for a, b in pairwise(values)) / EXPONENTIAL_SEGMENTS
    surplus = float(Fraction(LN2) + chords - 1)
    assert surplus == pytest.approx(
        1 / (24 * EXPONENTIAL_SEGMENTS**2), rel=1e-3
    )  # h^2/12 (f'(1) - f'(0)), f' = -1/(1 + m)
    assert abs(surplus) < 1e-6


def test_error_of_interpolation_is_below_its_bound() -> None:
    context = Context(prec=40)
    for bits in Stream(3, 0, "bits").bits(0, np.arange(3000)):
        true = -context.ln(Decimal(int(bits)) / Decimal(2**64))
        assert (
            -1e-15 < float(Decimal(exponential_of_bits(int(bits), _TABLE)) - true) < 3.0e-8
        )  # h^2/8 max f'' = 2.98e-8


def test_ends_of_the_range() -> None:
    assert exponential_of_bits(2**63, _TABLE) == LN2
    assert exponential_of_bits(1, _TABLE) == 64 * LN2 == exponential_of_bits(0, _TABLE)
    assert 0 < exponential_of_bits(2**64 - 1, _TABLE) < 1e-12


def test_sample_has_the_moments_of_the_exponential() -> None:
    n = 50_000
    sample = np.array([exponential_of_bits(int(b), _TABLE) for b in Stream(3, 0, "bits").bits(1, np.arange(n))])
    assert abs(sample.mean() - 1) < 4 / math.sqrt(n)
    assert abs(((sample - 1) ** 2).mean() - 1) < 4 * math.sqrt(8 / n)
    assert abs((sample > 3).mean() - math.exp(-3)) < 4 * math.sqrt(math.exp(-3) / n)


def test_bits_of_table_and_draws_are_frozen() -> None:
    draws = np.array(
        [exponential_of_bits(int(b), _TABLE) for b in Stream(20240101, 0, "frozen").bits(0, np.arange(2000))]
    )
    digest = hashlib.sha256(_TABLE.astype("<f8").tobytes() + draws.astype("<f8").tobytes()).hexdigest()
    assert digest == "8479f467686e103301d712ab48f64fecf216e6abc2631db028062f37b9fbf8b5"
