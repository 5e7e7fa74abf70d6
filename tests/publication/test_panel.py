"""The panel, worked by hand."""

from math import log, sqrt

import polars as pl
import pytest

from marketsim.publication.panel import panel_frames, panel_table
from marketsim.publication.sources import StudySources
from tests.publication.made_study import depth, made_study, quotes, trade, trades

WHICH = (1, 0, "factual")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Three minutes of one run: 60 s to 240 s of which the third has no quote and no trade."""
    tables = {
        "trades": trades(
            [
                trade(61, 300_010, 4),
                trade(62, 299_990, 1, "sell"),
                trade(119.9, 300_010, 10, "buy", "rebalance", "T3"),
                trade(120, 300_020, 7, "sell", "rebalance", "T3"),
                trade(239, 300_020, 2, "sell", "rebalance", "elsewhere"),
            ]
        ),
        "quotes": quotes([(60, 299_990, 300_010), (90, 300_090, 300_130), (125, 0, 300_130), (130, 300_290, 300_310)]),
        "depth": depth([(60, "bid", 10.0, 30), (60, "ask", 10.0, 10), (60, "bid", 25.0, 99), (70, "bid", 10.0, 50)]),
    }
    study = made_study(tmp_path_factory.mktemp("panel"), {WHICH: tables})
    sources = StudySources(study)
    frame = pl.concat(panel_frames(sources, sources.start_ns)).filter(cell=1, replication=0, arm="factual")
    assert frame.columns == [column.name for column in panel_table(sources).columns]
    return frame.to_dicts()


def test_there_is_a_row_for_each_minute_in_which_something_was_seen(rows: list[dict]) -> None:
    assert [row["t_ns"] // 10**9 for row in rows] == [60, 120, 180]
    assert [str(row["t_utc"]) for row in rows] == [f"2024-01-01 00:0{m}:00+00:00" for m in (1, 2, 3)]
    assert {row["tokens_T3_aum"] for row in rows} == {2e6}


def test_flow_counts_takers_and_resets_the_funds_own(rows: list[dict]) -> None:
    assert [row["trades"] for row in rows] == [3, 1, 1]
    assert [row["volume_lots"] for row in rows] == [15, 7, 2]
    assert [row["signed_flow_lots"] for row in rows] == [4 - 1 + 10, -7, -2]
    assert [row["reset_lots_T3"] for row in rows] == [10, -7, 0]


def test_returns_are_of_the_last_mids_and_volatility_of_all(rows: list[dict]) -> None:
    """Mids 30000.0, 30011.0 in the first minute, 30030.0 in the second, where one quote had no bid."""
    assert [row["mid"] for row in rows] == [30_011.0, 30_030.0, None]
    assert rows[0]["log_return"] is None
    assert rows[1]["log_return"] == pytest.approx(log(30_030 / 30_011))
    assert rows[0]["realised_volatility"] == pytest.approx(sqrt(log(30_011 / 30_000) ** 2))
    assert rows[2]["log_return"] is None


def test_spread_and_depth_are_means_of_what_was_quoted(rows: list[dict]) -> None:
    first, second = 2 / 30_000, 4 / 30_011
    assert rows[0]["spread_bps"] == pytest.approx((first + second) / 2 * 1e4)
    assert rows[1]["spread_bps"] == pytest.approx(2 / 30_030 * 1e4)
    assert (rows[0]["bid_depth_lots"], rows[0]["ask_depth_lots"]) == (40, 10)
    assert rows[0]["imbalance"] == pytest.approx((40 - 10) / (40 + 10))
    assert rows[1]["bid_depth_lots"] is None
    assert rows[1]["imbalance"] is None
