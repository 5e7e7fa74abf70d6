"""Exports read back: by pandas, pyarrow, DuckDB, polars and this house, against the run's own tables."""

import csv
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyarrow import csv as arrow_csv

import marketsim
from marketsim.datasets.run import Run
from marketsim.errors import ResultError, UsageError
from marketsim.publication.export.exported_market import ExportedMarket
from marketsim.publication.export.formats import export
from marketsim.publication.export.klines import bars_of
from tests.publication.export.exported_world import WORLD


def test_the_book_of_lobster_is_quoted_as_the_venue_quoted_it(run: Run, tmp_path: Path) -> None:
    """The last row of each instant against `quotes`, which the venue's own book wrote at each change."""
    messages, book = export(run, "BTC-PERP", "lobster", tmp_path)
    assert messages.name == "BTC-PERP_2024-01-01_86280000_86520000_message_10.csv"
    told = pd.read_csv(messages, header=None, names=["time", "type", "order", "size", "price", "direction"])
    levels = pd.read_csv(book, header=None)
    assert len(told) == len(levels)
    assert levels.shape[1] == 40
    at = ((told["time"] - 86280) * 1e9).round().astype("int64")
    top = pl.DataFrame(
        {
            "t_ns": at.to_numpy(),
            "ask_ticks": levels[0].to_numpy() // 1000,
            "ask_lots": levels[1].to_numpy(),
            "bid_ticks": levels[2].to_numpy() // 1000,
            "bid_lots": levels[3].to_numpy(),
        }
    )
    last = top.group_by("t_ns", maintain_order=True).last()
    quotes = run.table("quotes").group_by("t_ns", maintain_order=True).last()
    both = quotes.join(last, on="t_ns", how="inner", suffix="_lobster").filter(pl.col("mid").is_not_null())
    assert both.height > 500
    for name in ("ask_ticks", "ask_lots", "bid_ticks", "bid_lots"):
        assert (both[name] == both[f"{name}_lobster"]).all(), name


def test_executions_of_lobster_are_the_trades(run: Run, tmp_path: Path) -> None:
    messages, _ = export(run, "BTC-PERP", "lobster", tmp_path)
    told = pd.read_csv(messages, header=None, names=["time", "type", "order", "size", "price", "direction"])
    executed = told[told["type"] == 4]
    trades = run.table("trades")
    assert executed["size"].tolist() == trades["size_lots"].to_list()
    assert executed["order"].tolist() == trades["maker_order"].to_list()
    assert (executed["price"] // 1000).tolist() == trades["price_ticks"].to_list()
    assert [1 if side == "sell" else -1 for side in trades["taker_side"]] == executed["direction"].tolist()
    assert executed["time"].is_monotonic_increasing


def test_bars_hold_what_traded(run: Run, tmp_path: Path) -> None:
    """Sums against the trades one by one; four minutes, over midnight."""
    (path,) = export(run, "BTC-PERP", "klines", tmp_path)
    table = arrow_csv.read_csv(path).to_pandas()
    trades = run.table("trades").to_dicts()
    minute = [row for row in trades if 60e9 <= row["t_ns"] < 120e9]
    bar = table.iloc[1]
    assert len(table) == 4
    assert bar["open_time"] == 1704153540000
    assert bar["close_time"] == 1704153599999
    assert (bar["open"], bar["close"]) == (minute[0]["price"], minute[-1]["price"])
    assert (bar["high"], bar["low"]) == (max(r["price"] for r in minute), min(r["price"] for r in minute))
    assert bar["count"] == len(minute)
    assert bar["volume"] == pytest.approx(sum(row["size_lots"] for row in minute) * 0.001)
    bought = [row["size_lots"] * 0.001 * row["price"] for row in minute if row["taker_side"] == "buy"]
    assert bar["taker_buy_quote_volume"] == pytest.approx(sum(bought))
    assert bar["taker_buy_volume"] >= 2  # the event's order


def test_a_minute_without_a_trade_has_the_close_before_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    market = ExportedMarket(run, "BTC-PERP")
    rows = run.table("trades").filter(~pl.col("t_ns").is_between(60 * 10**9, 180 * 10**9))
    monkeypatch.setattr(ExportedMarket, "scan", lambda self, table: rows.lazy())
    bars = bars_of(market)
    assert bars["count"].to_list()[1:3] == [0, 0]
    assert bars["open"][1] == bars["high"][2] == bars["low"][1] == bars["close"][0]
    assert bars["volume"].to_list()[1:3] == [0, 0]


def test_trades_are_read_back_by_this_house(run: Run, tmp_path: Path) -> None:
    """As the prices of an index: the last trade of each instant, to the millisecond that the format has."""
    (path,) = export(run, "BTC-PERP", "trades", tmp_path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    trades = run.table("trades")
    assert [int(row["id"]) for row in rows] == trades["seq"].to_list()
    assert np.allclose([float(row["qty"]) for row in rows], trades["size_lots"].to_numpy() * 0.001)
    assert [row["is_buyer_maker"] for row in rows] == ["true" if s == "sell" else "false" for s in trades["taker_side"]]
    world = {
        "schema": "marketsim/1",
        "name": "again",
        "clock": {"start": "2024-01-01T23:58:30Z", "duration": "3min"},
        "underlyings": [{"id": "BTC", "index": {"kind": "file", "path": path.name, "time": "time"}}],
        "markets": [{"id": "M", "underlying": "BTC"}],
    }
    again = Run(marketsim.run(marketsim.Scenario.from_dict(world, folder=tmp_path), out=tmp_path, report=False).path)
    index = again.table("marks").filter(t_ns=60 * 10**9)["index_price"][0]
    assert index == pytest.approx(trades.filter(pl.col("t_ns") <= 90 * 10**9)["price"][-1])


def test_csv_has_every_table_of_the_market(run: Run, tmp_path: Path) -> None:
    written = {path.name for path in export(run, "BTC-PERP", "csv", tmp_path)}
    assert {"BTC-PERP-trades.csv", "BTC-PERP-quotes.csv", "BTC-PERP-marks.csv"} <= written
    found = pl.read_csv(tmp_path / "BTC-PERP-trades.csv")
    assert found.equals(run.table("trades"))


@pytest.mark.parametrize("name", ["lobster", "klines", "trades", "csv"])
def test_all_readers_get_the_same_of_each_file(run: Run, tmp_path: Path, name: str) -> None:
    """Whole numbers as such, numbers to the last bit, and text; LOBSTER's files have no header."""
    paths = [path for path in export(run, "BTC-PERP", name, tmp_path) if path.read_text().count("\n") > 1]
    has_header = name != "lobster"
    empty_is_null = arrow_csv.ConvertOptions(strings_can_be_null=True)
    assert len(paths) >= {"lobster": 2, "csv": 5}.get(name, 1)
    for path in paths:
        names = pl.read_csv(path, has_header=has_header, n_rows=1).columns
        read_options = arrow_csv.ReadOptions(autogenerate_column_names=not has_header)
        arrow = arrow_csv.read_csv(path, read_options, convert_options=empty_is_null)
        read = [
            pl.read_csv(path, has_header=has_header, infer_schema_length=None),
            pl.from_pandas(pd.read_csv(path, header=0 if has_header else None).set_axis(names, axis=1)),
            pl.DataFrame(arrow.rename_columns(names)),
            pl.DataFrame(
                duckdb.sql(f"SELECT * FROM read_csv('{path}', header = {has_header}, sample_size = -1)")
                .to_arrow_table()
                .rename_columns(names)
            ),
        ]
        known = [name for name in names if read[0][name].null_count() < read[0].height]  # an empty column has no type
        assert len(known) > 1
        for other in read[1:]:
            assert_frame_equal(read[0].select(known), other.select(known), check_exact=True)
            assert other.columns == names


def test_what_cannot_be_exported_says_so_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no market 'ETH'; it has BTC-PERP"):
        export(run, "ETH", "trades", tmp_path / "out")
    silent = {**WORLD, "record": {"orders": "none"}}
    other = Run(marketsim.run(silent, out=tmp_path / "silent", report=False).path)
    with pytest.raises(ResultError, match=r"recorded no orders; run it with record: \{orders: all"):
        export(other, "BTC-PERP", "lobster", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
