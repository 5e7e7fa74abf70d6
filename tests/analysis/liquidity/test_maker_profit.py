"""What makers earn, from fills and mids written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.analysis.liquidity.maker_profit import crash_minutes, maker_profits
from tests.analysis.tables import MINUTE, hand_run, quotes

MAKERS = {"id": "mm", "kind": "market_maker", "market": "PERP", "fees": {"maker": "-1 bps", "taker": "5 bps"}}


def fill(t_ns: int, taker_side: str, lots: int, price: int, maker: str = "mm", taker: str = "noise") -> dict[str, Any]:
    return {
        "t_ns": t_ns, "market": "PERP", "price_ticks": price, "price": float(price), "size_lots": lots,
        "taker_side": taker_side, "maker_cohort": maker, "taker_cohort": taker,
    }  # fmt: skip


def test_fills_and_inventory_are_valued_at_the_mid_minute_by_minute(tmp_path: Path) -> None:
    """Mids 1000, 1002, 1001, 1001. Sold 10 at 1003 in the first minute: +10 (1003 - 1002); short 10 in the second, in
    which the mid falls by 1: +10; bought 4 at 1001 as taker: 0. Volume 10,030 + 4,004; fees -1.003 + 2.002.
    """
    mids = quotes("PERP", *((k * MINUTE, mid) for k, mid in enumerate((1_000.0, 1_002.0, 1_001.0, 1_001.0))))
    others = fill(20, "buy", 7, 1, "x", "y")
    trades = [fill(10, "buy", 10, 1_003), fill(MINUTE + 10, "buy", 4, 1_001, "noise", "mm"), others]
    run = hand_run(tmp_path, duration=3 * MINUTE, traders=[MAKERS], quotes=mids, trades=trades)
    calm, crash, whole = maker_profits(run)
    assert [row.regime for row in (calm, crash, whole)] == ["calm", "crash", "all"]
    assert calm == type(calm)("mm", "PERP", "calm", 3, 14_034.0, pytest.approx(20.0), pytest.approx(0.999))
    assert (crash.minutes, crash.volume, crash.profit_bps, crash.net_bps) == (0, 0.0, None, None)
    assert whole.profit_bps == pytest.approx(1e4 * 20 / 14_034)
    assert whole.net_bps == pytest.approx(1e4 * 19.001 / 14_034)


def test_what_was_held_before_the_measured_part_earns_in_it(tmp_path: Path) -> None:
    """Bought 10 in the warm-up; the mid rises by 5 in the only minute that is measured."""
    mids = quotes("PERP", (0, 1_000.0), (MINUTE, 1_000.0), (2 * MINUTE, 1_005.0))
    trades = [fill(10, "sell", 10, 990)]
    run = hand_run(tmp_path, duration=2 * MINUTE, warmup="1min", traders=[MAKERS], quotes=mids, trades=trades)
    calm, _, _ = maker_profits(run)
    assert (calm.minutes, calm.volume, calm.profit) == (1, 0.0, pytest.approx(50.0))


def test_a_crash_is_three_percent_within_five_minutes_and_half_an_hour_after_it() -> None:
    """100 until minute 10, then 1 a minute down to 95: 3 % first from 8 to 13 (97), last from 12 (98) until 17."""
    mids = np.array([100.0] * 11 + [99.0, 98.0, 97.0, 96.0, 95.0] + [95.0] * 60)
    assert np.flatnonzero(crash_minutes(mids)).tolist() == list(range(8, 17 + 30))
    assert not crash_minutes(np.array([100.0, 98.0, 99.0, 97.5])).any()


def test_who_has_no_makers_or_no_trades_has_no_rows(tmp_path: Path) -> None:
    assert maker_profits(hand_run(tmp_path / "none")) == []
    kept = {"trades": "none"}
    assert maker_profits(hand_run(tmp_path / "untold", traders=[MAKERS], record=kept)) == []
