"""Moments are those of fixed seeds; tolerances are 4 standard errors of the sample unless said otherwise."""

import hashlib
import math

import numpy as np
import pytest

from marketsim.streams import Stream, normal_quantile

_N = 200_000


@pytest.mark.parametrize(
    ("p", "z"),
    # Wichura 1988, Applied Statistics 37, p. 482, for PPND16
    [(0.25, -0.6744897501960817), (0.001, -3.090232306167814), (1e-20, -9.262340089798408)],
)
def test_normal_quantile_gives_the_values_of_the_paper(p: float, z: float) -> None:
    assert float(normal_quantile(p)) == pytest.approx(z, rel=1e-15)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, math.nan])
def test_normal_quantile_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(p)


def test_normal_quantile_is_antisymmetric_to_the_bit_where_one_minus_p_is_exact() -> None:
    p = (np.arange(4096) + 0.5) / 8192
    assert np.array_equal(normal_quantile(p), -normal_quantile(1.0 - p))


def test_a_draw_depends_on_entity_count_and_part_alone() -> None:
    stream = Stream(5, 1, "traders:noise")
    block = stream.normal(np.arange(50)[:, None], np.arange(30)[None, :], part=2)
    assert float(block[17, 23]) == float(stream.normal(17, 23, part=2))
    assert float(block[17, 23]) == float(Stream(5, 1, "traders:noise").normal(17, 23, part=2))
    others = [Stream(6, 1, "traders:noise"), Stream(5, 0, "traders:noise"), Stream(5, 1, "traders:trend")]
    assert all(float(other.normal(17, 23, part=2)) != float(block[17, 23]) for other in others)
    assert float(stream.normal(17, 23, part=3)) != float(block[17, 23])


def test_uniform_stays_strictly_inside_zero_and_one_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(1, 0, "any")
    for bits, value in ((0, 2.0**-53), (2**64 - 1, 1.0 - 2.0**-53)):
        monkeypatch.setattr(Stream, "bits", lambda self, e, c, p=0, bits=bits: np.array([bits], np.uint64))
        assert float(stream.uniform(0, 0)[0]) == value


def test_uniform_has_its_moments() -> None:
    u = Stream(1, 0, "uniform").uniform(0, np.arange(_N))
    assert abs(u.mean() - 1 / 2) < 4 * math.sqrt(1 / 12 / _N)
    assert abs(((u - 1 / 2) ** 2).mean() - 1 / 12) < 4 * math.sqrt(1 / 180 / _N)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / math.sqrt(_N)


def test_normal_has_its_moments() -> None:
    z = Stream(1, 0, "normal").normal(0, np.arange(_N))
    assert abs(z.mean()) < 4 / math.sqrt(_N)
    assert abs((z**2).mean() - 1) < 4 * math.sqrt(2 / _N)
    assert abs((z**3).mean()) < 4 * math.sqrt(15 / _N)
    assert abs((z**4).mean() - 3) < 4 * math.sqrt(96 / _N)


def test_exponential_has_its_moments() -> None:
    e = Stream(1, 0, "exponential").exponential(0, np.arange(_N))
    assert e.min() > 0
    assert abs(e.mean() - 1) < 4 / math.sqrt(_N)
    assert abs(((e - 1) ** 2).mean() - 1) < 4 * math.sqrt(8 / _N)


def test_entities_of_one_stream_are_uncorrelated() -> None:
    z = Stream(1, 0, "normal").normal(np.arange(2)[:, None], np.arange(_N)[None, :])
    assert abs((z[0] * z[1]).mean()) < 4 / math.sqrt(_N)


def test_integers_are_equally_likely() -> None:
    drawn = Stream(1, 0, "integers").integers(6, 0, np.arange(_N))
    assert drawn.dtype == np.int64
    counts = np.bincount(drawn, minlength=6)
    assert counts.size == 6
    chi_square = float(((counts - _N / 6) ** 2 / (_N / 6)).sum())
    assert chi_square < 20.5  # 99.9 % point of chi-square with 5 degrees of freedom


@pytest.mark.parametrize("below", [1, 3, 10**9 + 7, 2**32])
def test_integers_are_the_high_half_of_the_full_product(below: int) -> None:
    stream = Stream(9, 0, "integers")
    bits = stream.bits(0, np.arange(200))
    assert stream.integers(below, 0, np.arange(200)).tolist() == [(int(b) * below) >> 64 for b in bits]


@pytest.mark.parametrize("below", [0, 2**32 + 1])
def test_integers_refuse_an_impossible_range(below: int) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Stream(9, 0, "integers").integers(below, 0, 0)


def test_bits_of_normals_and_exponentials_are_frozen() -> None:
    stream = Stream(20240101, 0, "frozen")
    values = [stream.normal(7, np.arange(10_000)), stream.exponential(7, np.arange(10_000), part=1)]
    digest = hashlib.sha256(b"".join(v.astype("<f8").tobytes() for v in values)).hexdigest()
    assert digest == "2a62e4568eba84ac39fae2f78cddc17c0eb0dc9ebba5267c86e5af076ab5cb00"
