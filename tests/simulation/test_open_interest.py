"""Directional holders in a whole world: open interest, margin from outside, liquidation in slices."""

from pathlib import Path
from typing import Any

import polars as pl

from tests.simulation.worlds import MAKERS, NOISE, PERP, Recorded, recorded, steps, world

HOLDERS = {
    "id": "holders", "kind": "retail", "market": "BTC-PERP", "count": 200, "rate": "120/h", "capital": "2 kUSDT",
    "start": {"leverage": {"uniform": [5, 40]}, "long_share": "100%"}, "margin": "2 kUSDT", "leverage": 20,
    "chase": "50%", "long_bias": "5%", "target": "none", "stop": "none",
}  # fmt: skip
"""Long of about 9 MUSDT together, with 400 kUSDT."""
FALL = steps(("0min", "30000 USDT"), ("20min", "29400 USDT"), ("40min", "28500 USDT"))


def run_of(folder: Path, liquidation: dict[str, Any], **holders: Any) -> Recorded:
    perp = {**PERP, "margin": {"tiers": "binance_btcusdt_2024"}, "liquidation": liquidation}
    makers = {
        **MAKERS,
        "capital": "50 MUSDT",
        "size": "40 kUSDT",
        "skew_inventory": "5 MUSDT",
        "max_inventory": "20 MUSDT",
    }
    crowd = [NOISE, makers, {**HOLDERS, **holders}]
    return recorded(world(index=FALL, market=perp, traders=crowd, clock={"warmup": "0s"}), folder)


def test_slices_and_the_cap_bound_what_is_liquidated_at_one_step(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"slice": "20 kUSDT", "max_per_step": "50 kUSDT"})
    in_book = run.table("liquidations").filter(stage="partial")  # others were taken over whole
    rows = in_book.with_columns(notional=pl.col("size_lots").abs() * 0.001 * pl.col("mark_price"))
    assert rows.height > 50
    assert float(rows["notional"].max()) <= 20_000  # type: ignore[arg-type]
    by_step = rows.group_by("t_ns").agg(pl.col("notional").sum())["notional"]
    assert 40_000 < float(by_step.max()) <= 50_000  # type: ignore[arg-type]
    whole = run_of(tmp_path / "whole", {}).table("liquidations")
    assert int(whole["size_lots"].abs().max()) > 700  # type: ignore[arg-type]  # 20 kUSDT are 700 lots
    assert run.residual_atoms == 0


def test_money_brought_in_stands_in_the_ledger_and_explains_the_cohorts(tmp_path: Path) -> None:
    run = run_of(tmp_path, {}, margin_call={"ratio": "10%", "top_ups": 1}, reopens=True)
    ledger = run.table("ledger")
    brought = ledger.filter(pl.col("entry") == "top_up")
    assert set(brought["from_cohort"]) == {"outside"}
    assert set(brought["to_cohort"]) == {"holders"}
    cash = run.table("cohorts").sort("t_ns").group_by("cohort").agg(
        moved=pl.col("cash_atoms").last() - pl.col("cash_atoms").first()
    )  # fmt: skip
    later = ledger.filter(pl.col("t_ns") > 0)
    for cohort in ("holders", "outside", "insurance"):
        got = later.filter(pl.col("to_cohort") == cohort)["atoms"].sum()
        paid = later.filter(pl.col("from_cohort") == cohort)["atoms"].sum()
        assert cash.filter(pl.col("cohort") == cohort)["moved"].item() == got - paid
    assert int(brought["atoms"].sum()) > 10_000 * 10**8
    assert run.residual_atoms == 0


def test_open_interest_and_what_is_liquidated_of_it_follow_from_the_tables(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"slice": "20 kUSDT"})
    lots = run.table("marks")["open_interest_lots"]
    start = int(lots[0])
    # 200 x 2 kUSDT x a leverage of 22.5 on average, at 30,000 USDT and 0.001 BTC a lot; the law's mean is out by 0.7
    assert abs(start / (200 * 2_000 * 22.5 / 30) - 1) < 0.1
    liquidated = int(run.table("liquidations")["size_lots"].abs().sum())
    assert 0.05 < liquidated / start < 1
    last = run.table("positions").filter(cohort="holders").sort("t_ns").row(-1, named=True)
    assert last["long_lots"] == start - liquidated  # nobody opens, closes by himself or comes back


def test_holders_close_in_time(tmp_path: Path) -> None:
    """Of those who hold on for 30 min on average e^-2 are left after an hour, and nobody comes back within days."""
    run = run_of(tmp_path, {}, start={"leverage": 2, "long_share": "55%"}, holding="30min", pause="300d", reopens=True)
    positions = run.table("positions").filter(cohort="holders").sort("t_ns")
    held = positions["long_lots"] + positions["short_lots"]
    assert run.table("liquidations").height == 0
    assert abs(held[-1] / held[0] - 0.1353) < 4 * (0.1353 * 0.8647 / 200) ** 0.5
    assert abs(positions["long_lots"][0] / held[0] - 0.55) < 4 * (0.55 * 0.45 / 200) ** 0.5
