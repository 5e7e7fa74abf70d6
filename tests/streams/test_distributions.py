import hashlib
import math
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pytest

from marketsim.spec import Distribution
from marketsim.streams import Stream, draw, mean, quantile, quantile_table
from marketsim.streams.distributions import relative_noise


def _law(kind: str, **parameters: str) -> Distribution:
    exact = MappingProxyType({name.rstrip("_"): Decimal(value) for name, value in parameters.items()})
    return Distribution(kind, exact, "USDT", "money")


def _choice(*choices: tuple[str, str]) -> Distribution:
    pairs = tuple((Decimal(value), Decimal(weight)) for value, weight in choices)
    return Distribution("choice", MappingProxyType({}), "1", "number", pairs)


NOISE_SIZE = _law("pareto", min="540", alpha="1.5", max="108000")
RETAIL_LEVERAGE = _law("pareto", min="3", alpha="1", max="100")
CAPITAL = _law("lognormal", median="20000", sigma="1")
LAWS = [
    _law("constant", value="20000"),
    _law("uniform", lo="60", hi="1800"),
    CAPITAL,
    _law("exponential", mean="250"),
    NOISE_SIZE,
    RETAIL_LEVERAGE,
    _law("pareto", min="1", alpha="3"),
    _choice(("5", "0.2"), ("10", "0.5"), ("2.5", "0.3")),
]
_NAMES = [f"{i} {law.kind}" for i, law in enumerate(LAWS)]


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (CAPITAL, 20000 * math.exp(0.5)),
        (_law("uniform", lo="60", hi="1800"), 930.0),
        (_law("exponential", mean="250"), 250.0),
        (_law("pareto", min="1", alpha="3"), 1.5),
        # 1.5 / 0.5 * 540 (1 - 200^-0.5) / (1 - 200^-1.5) = 1505.98: the 1.5 kUSDT of the calibration
        (NOISE_SIZE, 3 * 540 * (1 - 200**-0.5) / (1 - 200**-1.5)),
        (RETAIL_LEVERAGE, 3 * math.log(100 / 3) / (1 - 0.03)),
        (_law("pareto", min="7", alpha="2", max="7"), 7.0),
        (_choice(("5", "0.2"), ("10", "0.5"), ("2.5", "0.3")), 6.75),
        (_law("constant", value="3"), 3.0),
    ],
)
def test_mean_is_the_formula_of_the_law(law: Distribution, expected: float) -> None:
    assert float(mean(law)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("law", "p", "value"),
    [
        (CAPITAL, 0.5, 20000.0),
        (CAPITAL, 0.8413447460685429, 20000 * math.e),
        (_law("uniform", lo="60", hi="1800"), 0.25, 495.0),
        (_law("exponential", mean="250"), 0.5, 250 * math.log(2)),
        (_law("pareto", min="1", alpha="3"), 0.875, 2.0),
        (RETAIL_LEVERAGE, 0.5, 3 / (1 - 0.5 * 0.97)),
        (_choice(("5", "0.2"), ("10", "0.5"), ("2.5", "0.3")), 0.1, 5.0),
        (_choice(("5", "0.2"), ("10", "0.5"), ("2.5", "0.3")), 0.6999, 10.0),
        (_choice(("5", "0.2"), ("10", "0.5"), ("2.5", "0.3")), 0.7001, 2.5),
    ],
)
def test_quantile_is_the_formula_of_the_law(law: Distribution, p: float, value: float) -> None:
    assert float(quantile(law, p)) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("law", LAWS, ids=_NAMES)
def test_a_quantile_table_has_the_mean_of_its_law_and_stays_within_it(law: Distribution) -> None:
    table = quantile_table(law, 4096)
    assert table.shape == (4096,)
    tolerance = 1e-3 if law.kind == "choice" else 1e-14  # shares of a choice are whole entries of the table
    assert math.fsum(table) / 4096 == pytest.approx(float(mean(law)), rel=tolerance)
    assert law.kind == "choice" or np.all(np.diff(table) >= 0)
    low = law.parameters.get("min", law.parameters.get("lo", 0))
    high = law.parameters.get("max", law.parameters.get("hi", Decimal("Infinity")))
    assert float(low) <= table.min() <= table.max() <= float(high)


def test_a_law_without_a_mean_has_no_table_but_can_be_drawn() -> None:
    law = _law("pareto", min="3", alpha="1")
    with pytest.raises(ValueError, match="mean is infinite"):
        quantile_table(law, 16)
    assert float(draw(law, Stream(1, 0, "x"), 0)) > 3


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="gaussian"):
        quantile(_law("gaussian"), 0.5)
    with pytest.raises(ValueError, match="gaussian"):
        mean(_law("gaussian"))
    with pytest.raises(ValueError, match="allowed is 1"):
        quantile_table(CAPITAL, 0)


def test_draws_follow_the_law() -> None:
    """Share below a quantile within 4 standard errors."""
    n, stream = 50_000, Stream(11, 0, "capital")
    for law in (CAPITAL, NOISE_SIZE, RETAIL_LEVERAGE, _law("exponential", mean="250")):
        sample = draw(law, stream, np.arange(n))
        for p in (0.1, 0.5, 0.9):
            assert abs((sample <= float(quantile(law, p))).mean() - p) < 4 * math.sqrt(p * (1 - p) / n)


def test_a_traders_draw_does_not_depend_on_who_else_draws() -> None:
    stream = Stream(11, 2, "capital:noise")
    assert np.array_equal(draw(CAPITAL, stream, np.arange(100))[40:50], draw(CAPITAL, stream, np.arange(40, 50)))
    assert not np.array_equal(draw(CAPITAL, stream, np.arange(5)), draw(CAPITAL, stream, np.arange(5), count=1))


def test_bits_of_draws_and_tables_are_frozen() -> None:
    stream = Stream(20240101, 0, "frozen")
    values = [draw(law, stream, np.arange(1000)) for law in LAWS] + [quantile_table(law, 4096) for law in LAWS]
    digest = hashlib.sha256(b"".join(v.astype("<f8").tobytes() for v in values)).hexdigest()
    assert digest == "80df0563aad5f6cac9e89f47f58607cfbd17c9ac4ae6f3fb6a613819d12618cf"


def test_what_an_estimate_is_of_the_truth_is_right_on_average() -> None:
    """Lognormal of mean one: its standard deviation is sqrt(exp(sd^2) - 1); within 4 standard errors of 20,000."""
    stream = Stream(11, 0, "noise")
    made = [relative_noise(stream, 0.5, entity, 0) for entity in range(20_000)]
    assert abs(sum(made) / 20_000 - 1) < 4 * (math.exp(0.25) - 1) ** 0.5 / 20_000**0.5
    assert relative_noise(stream, 0.0, 3, 0) == 1.0
