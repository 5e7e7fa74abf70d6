"""The newer policies and algorithms in a live book: what they send, what they get, and books that still close."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.simulation.worlds import CROWD, MINUTE, PERP, SECOND, UP, Recorded, recorded, steps, world

LOW = {"start": {"leverage": "2.9"}}
RESET = 32 * MINUTE  # 00:02 in a world that starts at 23:30
V_DAY = steps(("0s", "30000 USDT"), ("10min", "27600 USDT"), ("40min", "30000 USDT"))
FEW_LIMITS = {**PERP, "margin": {"tiers": "none"}}


def reset_of(folder: Path, execution: dict[str, Any]) -> tuple[Recorded, dict[str, Any], pl.DataFrame]:
    """A token below its target resets at 00:02: the run, its row of rebalances, its orders."""
    token = {**UP, "execution": execution, **LOW}
    run = recorded(world(tokens=[token], traders=CROWD, record={"orders": "all"}), folder)
    assert run.residual_atoms == 0
    (row,) = run.table("rebalances").to_dicts()
    return run, row, run.table("orders").filter(pl.col("cohort") == "UP").sort("t_ns", "seq")


def test_a_passive_order_rests_earns_the_maker_s_fee_and_takes_what_is_left(tmp_path: Path) -> None:
    how = {"algorithm": "passive", "offset": "0.1 bps", "timeout": "2min", "reprice": "5s"}
    run, row, orders = reset_of(tmp_path, how)
    placed = orders.filter(pl.col("action") == "place")
    assert {*placed["order_type"].to_list()} <= {"post_only", "ioc"}
    assert row["children"] == len(placed)
    made = run.table("trades").filter(pl.col("maker_cohort") == "UP")
    assert made["size_lots"].sum() > 0
    assert {*made["maker_purpose"].to_list()} == {"rebalance"}
    taken = run.table("trades").filter(pl.col("taker_cohort") == "UP")
    assert made["size_lots"].sum() + taken["size_lots"].sum() == row["filled_lots"]
    assert row["t_last_ns"] <= RESET + 2 * MINUTE
    last = max(made["t_ns"].to_list() + taken["t_ns"].to_list())
    window = run.table("trades").filter(pl.col("t_ns").is_between(RESET, last))
    assert (row["t_last_ns"], row["market_volume_lots"]) == (last, window["size_lots"].sum())


def test_pov_keeps_its_share_of_the_volume(tmp_path: Path) -> None:
    _, row, orders = reset_of(tmp_path, {"algorithm": "pov", "share": "10%", "over": "20min", "every": "10s"})
    assert 0.05 < row["participation"] <= 0.1
    assert orders["t_ns"].min() > RESET
    assert orders["t_ns"].max() <= RESET + 20 * MINUTE
    assert ((orders["t_ns"] - RESET) % (10 * SECOND) == 0).all()


def test_hidden_slices_come_inside_their_window_and_at_no_steady_pace(tmp_path: Path) -> None:
    _, row, orders = reset_of(tmp_path, {"algorithm": "hidden", "window": "5min", "slices": 8})
    times = orders["t_ns"].to_list()
    assert len(times) == row["children"] == 8
    assert RESET <= times[0] < times[-1] < RESET + 5 * MINUTE
    assert len({b - a for a, b in pairwise(times)}) == 7
    assert row["status"] == "done"


def test_a_capped_ladder_never_exceeds_its_share(tmp_path: Path) -> None:
    how = {"algorithm": "ioc_ladder", "slice": "50 kUSDT", "every": "10s", "max_participation": "30%"}
    run, row, _ = reset_of(tmp_path, how)
    assert 0 < row["participation"] <= 0.3
    if row["status"] == "partial":
        (event,) = run.table("events").filter(pl.col("event") == "backlog").to_dicts()
        assert '"reason": "participation"' in event["detail"]


@pytest.mark.parametrize(
    ("target", "rule", "words"),
    [
        (
            3,
            {"policy": "variable", "lower": 2.7, "upper": 3.3, "hidden": {"uniform": [2.8, 3.2]}, "poll": "1min"},
            {"variable"},
        ),
        (5, {"policy": "tlx", "threshold": 0.25}, {"tlx"}),
        (3, {"policy": "daily", "at": "12:00", "emergency": {"move": "5%", "side": "losing"}}, {"emergency"}),
        (3, {"policy": "band", "by_target": {"3": [2.7, 3.3]}, "to": "edge", "source": "index"}, {"band"}),
        (
            2,
            {
                "policy": "fli",
                "min": 1.9,
                "max": 2.1,
                "speed": "20%",
                "every": "5min",
                "ripcord": 2.15,
                "max_trade": "0.5 BTC",
                "cooldown": "30s",
                "ripcord_max_trade": "1 BTC",
                "ripcord_cooldown": "5s",
                "source": "index",
            },
            {"fli", "ripcord"},
        ),
    ],
    ids=["variable", "tlx", "losing", "edge", "fli"],
)
def test_a_fall_and_its_recovery_set_each_policy_off_and_the_books_close(
    target: int, rule: dict[str, Any], words: set[str], tmp_path: Path
) -> None:
    """-8 % after ten minutes and back half an hour later: through the book, without margin limits."""
    token = {**UP, "aum": "200 kUSDT", "basket": {"BTC-PERP": target}, "rebalance": rule}
    run = recorded(world(index=V_DAY, market=FEW_LIMITS, tokens=[token]), tmp_path)
    assert run.residual_atoms == 0
    rows = run.table("rebalances")
    assert {*rows["trigger"].to_list()} == words
    assert (rows.sort("id")["target_lots"][0] < 0) is True
    parts = run.table("attribution")
    assert parts["closing_atoms"][-1] == run.table("tokens")["equity_atoms"][-1]
