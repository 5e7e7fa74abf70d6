"""Levered retail traders in whole worlds: how often they buy."""

from pathlib import Path

import polars as pl
import pytest

from tests.simulation.worlds import STILL, recorded, steps, world

MAKERS = {"id": "mm", "kind": "market_maker", "market": "BTC-PERP", "count": 4, "capital": "200 MUSDT"}
RISING = steps(*((f"{n}min", f"{30_000 + 30 * n} USDT") for n in range(60)))


def share_of_buyers(folder: Path, index: object, long_bias: str, chase: str = "75%") -> float:
    """The first order of each of 3,000 traders; four standard errors are 4 x .5 / sqrt(3,000) = .037."""
    retail = {
        "id": "crowd", "kind": "retail", "market": "BTC-PERP", "count": 3_000, "rate": "4/h", "capital": "10 kUSDT",
        "margin": "100 USDT", "leverage": "3", "chase": chase, "lookback": "5min", "long_bias": long_bias,
    }  # fmt: skip
    small = world(index=index, traders=[MAKERS, retail], record={"orders": "all"}, clock={"warmup": "0s"})  # type: ignore[arg-type]
    orders = recorded(small, folder).table("orders").filter(cohort="crowd").sort("t_ns", "seq")
    first = orders.filter(pl.col("t_ns") > 10 * 60 * 10**9).group_by("account", maintain_order=True).first()
    return float((first["side"] == "buy").mean())  # type: ignore[arg-type]


@pytest.mark.parametrize(("bias", "share"), [("0%", 0.25), ("20%", 0.45), ("5%", 0.30), ("-20%", 0.05), ("-40%", 0.0)])
def test_a_bias_is_added_to_the_probability_of_long_after_no_rise(tmp_path: Path, bias: str, share: float) -> None:
    """Where the price does not rise, 25 % buy against the last move: 25 % + bias, never less than none."""
    assert share_of_buyers(tmp_path, STILL, bias) == pytest.approx(share, abs=0.037)


@pytest.mark.parametrize(("bias", "share"), [("0%", 0.75), ("20%", 0.95), ("-30%", 0.45), ("40%", 1.0)])
def test_a_bias_is_added_to_the_probability_of_long_after_a_rise(tmp_path: Path, bias: str, share: float) -> None:
    assert share_of_buyers(tmp_path, RISING, bias) == pytest.approx(share, abs=0.037)
