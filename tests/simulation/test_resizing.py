"""Orders whose rest is sized anew before each child: sizes worked by hand, and executions in a live book."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.scenario.study.arm import ArmSpec
from tests.simulation.worlds import CROWD, FREE, MINUTE, SECOND, UP, Recorded, recorded, steps, world

RESET = 32 * MINUTE  # 00:02 in a world that starts at 23:30
STILL_MARKET = {
    **FREE, "tick": "0.0001 USDT", "lot": "0.0001 BTC", "matching": {"kind": "linear", "per_unit": "0.000000001 USDT"},
}  # fmt: skip
"""Any size fills at the index, which moves as it is told to."""

MOVES = steps(("0s", "30000 USDT"), ("31min", "30300 USDT"), ("33min", "30603 USDT"))
FUND = {**UP, "aum": "50 MUSDT"}


def lots_of(folder: Path, execution: dict[str, Any], arm: ArmSpec | None = None) -> tuple[list[float], dict[str, Any]]:
    """Sizes of the children [BTC] of a reset at +1 % that sees another 1 % a minute later, and its row."""
    given = {} if arm is None else {"arm": arm}
    token = {**FUND, "execution": execution}
    run = recorded(world(index=MOVES, market=STILL_MARKET, traders=(), tokens=[token]), folder, **given)
    assert run.residual_atoms == 0
    (row,) = run.table("rebalances").to_dicts()
    return (run.table("children").sort("t_ns")["size_lots"] / 10_000).to_list(), row


def test_a_twap_trades_an_equal_share_of_what_is_left_by_now(tmp_path: Path) -> None:
    """NAV 51.5 M at 30,300: 5,099.0099 BTC, 99.0099 more. After two of four children and another 1 %, NAV is 51.5 M +
    5,049.50495 x 303 = 53.03 M, which holds 3 x 53.03 M / 30,603 = 5,198.5099 BTC: 149.0049 are left for two.
    """
    sizes, row = lots_of(tmp_path, {"algorithm": "twap", "over": "2min", "slices": 4, "resize": "each_child"})
    assert sizes == pytest.approx([24.7525, 24.7525, 74.5025, 74.5025], abs=1e-4)
    assert (row["target_lots"], row["filled_lots"], row["backlog_lots"]) == (990_099, 1_985_100, 0)
    assert (row["status"], row["children"]) == ("done", 4)
    assert row["leverage_after"] == pytest.approx(3, abs=1e-6)


def test_an_order_sized_once_does_not_answer_the_move(tmp_path: Path) -> None:
    sizes, row = lots_of(tmp_path, {"algorithm": "twap", "over": "2min", "slices": 4})
    assert sizes == pytest.approx([24.7525] * 4, abs=1e-4)
    assert row["leverage_after"] == pytest.approx(5_099.0099 * 30_603 / 53_030_000, rel=1e-6)


def test_a_ladder_sends_slices_until_it_takes_all_that_is_left(tmp_path: Path) -> None:
    """Slices of 40 BTC at 30,300: 40, 40 and the 19.0099 left are done before the price moves again."""
    ladder = {"algorithm": "ioc_ladder", "slice": "1212 kUSDT", "every": "10s", "resize": "each_child"}
    assert lots_of(tmp_path, ladder)[0] == pytest.approx([40, 40, 19.0099], abs=1e-4)


def test_a_ladder_follows_the_price_and_ends_at_its_cap(tmp_path: Path) -> None:
    """One slice of 40 BTC before the move. NAV then is 51.5 M + 5,040 x 303 = 53.02712 M: 5,198.2276 BTC, and 158.2276
    left; slices of 1,212 k / 30,603 = 39.6039.
    """
    ladder = {"algorithm": "ioc_ladder", "slice": "1212 kUSDT", "every": "1min", "resize": "each_child"}
    sizes, row = lots_of(tmp_path / "whole", ladder)
    assert sizes == pytest.approx([40, 39.6039, 39.6039, 39.6039, 39.4159], abs=2e-4)
    assert row["status"] == "done"
    sizes, row = lots_of(tmp_path / "capped", {**ladder, "max_children": 3})
    assert (row["status"], row["children"]) == ("partial", 3)
    assert row["backlog_lots"] / 10_000 == pytest.approx(39.6039 + 39.4159, abs=2e-4)
    run = pl.read_parquet(tmp_path / "capped" / "tables" / "events.parquet")
    assert '"reason": "cap"' in run.filter(event="backlog")["detail"][0]


def test_the_flow_of_a_frictionless_fund_is_sized_once(tmp_path: Path) -> None:
    twap = {"algorithm": "twap", "over": "2min", "slices": 4, "resize": "each_child"}
    sizes, row = lots_of(tmp_path, twap, ArmSpec(id="frictionless", arm="frictionless"))
    assert sizes == pytest.approx([24.7525] * 4, abs=1e-4)
    assert row["filled_lots"] == row["target_lots"]


def test_an_order_that_a_move_takes_back_ends_where_nothing_is_wanted_any_more(tmp_path: Path) -> None:
    """Half is bought at 30,300; back at 30,000 the fund holds too much and sells it."""
    back = steps(("0s", "30000 USDT"), ("31min", "30300 USDT"), ("33min", "30000 USDT"))
    token = {**FUND, "execution": {"algorithm": "twap", "over": "2min", "slices": 4, "resize": "each_child"}}
    run = recorded(world(index=back, market=STILL_MARKET, traders=(), tokens=[token]), tmp_path)
    sizes = run.table("children").sort("t_ns")["size_lots"].to_list()
    assert sizes[0] > 0
    assert sizes[1] > 0
    assert sizes[2] < 0
    assert sizes[3] < 0
    (row,) = run.table("rebalances").to_dicts()
    assert (row["status"], row["backlog_lots"]) == ("done", 0)
    assert row["leverage_after"] == pytest.approx(3, abs=1e-6)
    bought, sold = sum(sizes[:2]), -sum(sizes[2:])
    assert row["filled_lots"] == bought - sold
    assert row["vwap"] == pytest.approx((bought * 30_300 + sold * 30_000) / (bought + sold))
    assert row["slippage_bps"] == pytest.approx(1e4 * sold / (bought + sold) * 300 / 30_300)  # sold 300 below arrival
    assert row["shortfall_bps"] == row["slippage_bps"]


# -- in a live book

IN_WORK = steps(("0s", "30000 USDT"), ("31min", "30300 USDT"), ("34min", "31200 USDT"))
BOOK_FUND = {**UP, "aum": "400 kUSDT"}
EXECUTIONS = [
    {"algorithm": "twap", "over": "8min", "slices": 16},
    {"algorithm": "hidden", "window": "8min", "slices": 12},
    {"algorithm": "ioc_ladder", "slice": "3 kUSDT", "every": "30s"},
    {"algorithm": "pov", "share": "5%", "over": "20min", "every": "10s"},
    {"algorithm": "passive", "offset": "40 bps", "timeout": "8min"},
]


def in_a_book(folder: Path, execution: dict[str, Any]) -> Recorded:
    return recorded(world(index=IN_WORK, traders=CROWD, tokens=[{**BOOK_FUND, "execution": execution}]), folder)


@pytest.mark.parametrize("execution", EXECUTIONS, ids=lambda execution: execution["algorithm"])
def test_in_a_book_an_order_ends_nearer_its_target_than_one_sized_once(
    execution: dict[str, Any], tmp_path: Path
) -> None:
    rows = []
    for resize in ("never", "each_child"):
        run = in_a_book(tmp_path / resize, {**execution, "resize": resize})
        assert run.residual_atoms == 0
        rows.append(run.table("rebalances").to_dicts()[0])
    once, anew = rows
    assert (once["target_lots"], once["t_decide_ns"]) == (anew["target_lots"], anew["t_decide_ns"])
    assert abs(anew["leverage_after"] - 3) < 0.02 < abs(once["leverage_after"] - 3)
    assert anew["filled_lots"] > 1.5 * once["filled_lots"]
    assert anew["status"] == "done"


def test_a_share_of_the_volume_ends_with_its_time(tmp_path: Path) -> None:
    run = in_a_book(
        tmp_path, {"algorithm": "pov", "share": "0.1%", "over": "2min", "every": "10s", "resize": "each_child"}
    )
    (row,) = run.table("rebalances").to_dicts()
    assert row["status"] == "partial"
    assert row["t_last_ns"] <= RESET + 120 * SECOND
    assert row["backlog_lots"] > 0
