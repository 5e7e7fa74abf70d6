"""Table `decay` of whole runs against the closed form: written paths by hand, a random path rebalanced all the time."""

from math import log
from pathlib import Path

import polars as pl
import pytest

from tests.simulation.worlds import FREE, OFF_BOOK, UP, Recorded, recorded, steps, world

TERMS = ("beta_term", "variance_term", "funding_term", "fee_term", "cost_term", "residual")
TIGHT = {"policy": "band", "lower": "2.99", "upper": "3.01", "to": "target"}
YEAR_S = 365.25 * 86_400


def adds_up(decay: pl.DataFrame) -> bool:
    total = pl.sum_horizontal(*(pl.col(term).fill_null(0.0) for term in TERMS))
    return bool(decay.select(((total - pl.col("log_return")).abs() < 1e-14).all()).item())


@pytest.fixture(scope="module")
def random_path(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Six hours at 70 %/yr, a 3x and a -3x fund that rebalance at every hundredth of leverage, free of cost."""
    down = {**UP, "id": "DOWN", "basket": {"BTC-PERP": -3}}
    tokens = [{**token, "rebalance": TIGHT, "execution": OFF_BOOK, "aum": "100 MUSDT"} for token in (UP, down)]
    small = world(start="2024-01-01T00:00:00Z", duration="6h", market=FREE, traders=[], tokens=tokens, seed=7)
    return recorded(small, tmp_path_factory.mktemp("gbm"))


def test_two_days_by_hand(tmp_path: Path) -> None:
    """+5 % until 00:02, then -10 % to the end; 3x reset off the book at 5 bps, 1 bp fee at 00:00.

    Equity before the fee 3.45 M, the fee 345, the reset buys 3 x 3449655 - 9450000 = 898965 USDT less rounding to lots
    (docs/products.md#volatility-decay).
    """
    token = {
        **UP,
        "aum": "3 MUSDT",
        "execution": OFF_BOOK,
        "management_fee": {"rate": "1 bps", "at": "00:00"},
    }
    path = steps(("0s", "30000 USDT"), ("12h", "31500 USDT"), ("1d12h", "28350 USDT"))
    market = {**FREE, "fees": {"maker": "0 bps", "taker": "5 bps"}}
    run = recorded(
        world(start="2024-01-01T00:00:00Z", duration="1d13h", index=path, market=market, traders=[], tokens=[token]),
        tmp_path,
    )
    decay = run.table("decay").sort("t0_ns")
    keys = ("token", "t0_ns", "t1_ns")
    assert decay.select(keys).rows() == run.table("attribution").select(keys).rows()
    _, first, last = decay.rows(named=True)  # the reset of the first night finds nothing to do
    assert first["beta_term"] == pytest.approx(3 * log(1.05), rel=1e-12)
    assert first["variance_term"] == pytest.approx(-3 * log(1.05) ** 2, rel=1e-12)
    assert first["fee_term"] == pytest.approx(log(1 - 1e-4), rel=1e-9)
    assert first["cost_term"] == pytest.approx(log(1 - 449.4825 / 3_449_655), rel=1e-4)
    assert first["funding_term"] == 0.0
    assert first["log_return"] == pytest.approx(log(1.15 * (1 - 1e-4) * (1 - 449.4825 / 3_449_655)), abs=1e-8)
    assert last["beta_term"] == pytest.approx(3 * log(0.9), rel=1e-12)
    assert last["variance_term"] == pytest.approx(-3 * log(0.9) ** 2, rel=1e-12)
    assert last["log_return"] == pytest.approx(log(0.7), abs=1e-3)  # 3.0004x after the fee: cost_allowance is zero
    assert last["residual"] == pytest.approx(log(0.7) - 3 * log(0.9) + 3 * log(0.9) ** 2, abs=1e-3)
    assert adds_up(decay)


def test_realised_variance_is_that_of_the_index(random_path: Recorded) -> None:
    """V = 0.49 x 6 h / year, within four standard errors of about a hundred moves from reset to reset (8 % each).

    Moves that end at one of two borders have squares of mean V and variance 2/3 of its square.
    """
    drag = random_path.table("decay").filter(token="UP")["variance_term"].sum()
    assert drag == pytest.approx(-3 * 0.49 * 6 * 3_600 / YEAR_S, rel=0.32)


@pytest.mark.parametrize(("token", "coefficient"), [("UP", 3.0), ("DOWN", 6.0)])
def test_a_fund_that_always_rebalances_follows_avellaneda_and_zhang(
    random_path: Recorded, token: str, coefficient: float
) -> None:
    """The closed form leaves a thousandth of the decay when leverage never strays by a hundredth: third order alone."""
    decay = random_path.table("decay").filter(token=token)
    assert len(decay) > 50
    drag, residual = decay["variance_term"].sum(), decay["residual"].sum()
    assert drag == pytest.approx(-coefficient * 0.49 * 6 * 3_600 / YEAR_S, rel=0.32)
    assert abs(residual) < 0.001 * abs(drag)
    assert adds_up(decay)
    tokens = random_path.table("tokens").filter(token=token)["nav"]
    assert decay["log_return"].sum() == pytest.approx(log(tokens[-1] / tokens[0]), abs=1e-12)


def test_funding_costs_beta_times_the_rates(tmp_path: Path) -> None:
    """Three settlements of 1 bp at 3x on a still index: each log(1 - 3 bp of equity), and nothing else."""
    still = {**UP, "rebalance": {"policy": "none"}, "aum": "3 MUSDT"}
    funding = {"every": "8h", "interest": "1 bps", "damper": "5 bps", "cap": "30 bps"}
    run = recorded(
        world(
            start="2024-01-01T00:00:00Z", duration="1d1h", index={"kind": "constant", "price": "30000 USDT"},
            market={**FREE, "funding": funding}, traders=[], tokens=[still],
        ),
        tmp_path,
    )  # fmt: skip
    (row,) = run.table("decay").rows(named=True)
    equity, expected = 3_000_000.0, 0.0
    for _ in range(3):
        expected += log((equity - 900) / equity)
        equity -= 900
    assert row["funding_term"] == pytest.approx(expected, rel=1e-12)
    assert row["log_return"] == pytest.approx(expected, rel=1e-12)
    assert (row["beta_term"], row["fee_term"], row["cost_term"]) == (0.0, 0.0, 0.0)


def test_a_wiped_token_has_no_log_return(tmp_path: Path) -> None:
    path = steps(("0s", "30000 USDT"), ("10min", "19000 USDT"))
    run = recorded(world(index=path, market=FREE, traders=[], tokens=[{**UP, "execution": OFF_BOOK}]), tmp_path)
    (row,) = run.table("decay").rows(named=True)
    assert (row["log_return"], row["residual"]) == (None, None)
    assert row["beta_term"] == pytest.approx(3 * log(19 / 30), rel=1e-12)
