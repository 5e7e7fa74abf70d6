from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

import marketsim
from marketsim.analysis.stylised_facts import facts, facts_of_run
from marketsim.analysis.stylised_facts.run_tape import tape_of_run
from marketsim.cli import main
from marketsim.datasets.run import Run
from marketsim.errors import UsageError

WORLD = {
    "schema": "marketsim/1",
    "name": "small",
    "clock": {"start": "2024-01-01T00:00:00Z", "duration": "40min", "warmup": "10min"},
    "seed": 1,
    "underlyings": [{"id": "BTC", "index": {"kind": "gbm", "price": "30000 USDT", "volatility": "65%/yr"}}],
    "markets": [
        {"id": "P", "kind": "perpetual", "underlying": "BTC", "tick": "0.1 USDT", "lot": "0.001 BTC"},
        {"id": "SPOT", "kind": "spot", "underlying": "BTC", "tick": "0.1 USDT", "lot": "0.001 BTC"},
    ],
    "traders": [
        {"id": "noise", "kind": "noise", "market": "P", "count": 500, "rate": "60/h", "capital": "50 kUSDT"},
        {"id": "makers", "kind": "market_maker", "market": "P", "count": 5, "rate": "1800/h", "capital": "5 MUSDT"},
    ],
    "record": {"quotes": "change", "depth": {"bps": [2, 10], "every": "100ms"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(marketsim.run(WORLD, out=tmp_path_factory.mktemp("runs")).path)


def command(*arguments: str) -> Result:
    ended = CliRunner().invoke(main, list(arguments))
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    assert "Traceback" not in ended.output
    return ended


def test_orders_of_a_run_are_those_of_its_trades_after_the_warm_up(run: Run) -> None:
    trades = run.table("trades").filter((pl.col("market") == "P") & (pl.col("t_ns") >= 600 * 10**9))
    tape = tape_of_run(run)
    assert tape.market == "P"
    assert tape.orders.number == trades["taker_order"].n_unique() > 100
    notional = (trades["price"] * trades["size_lots"] * 0.001).sum()
    assert tape.orders.notional.sum() == pytest.approx(notional)
    assert tape.daily_volume == pytest.approx(notional * 48)  # of half an hour


def test_spread_of_a_run_is_the_mean_over_its_seconds(run: Run) -> None:
    quotes = run.table("quotes").filter(pl.col("market") == "P").sort("t_ns")
    seconds = pl.DataFrame({"t_ns": [t * 10**9 + 5 * 10**8 for t in range(600, 2_400)]})
    standing = seconds.join_asof(quotes, on="t_ns").with_columns(
        width=(pl.col("ask_ticks") - pl.col("bid_ticks")) * 0.1
    )
    expected = (standing["width"] / standing["mid"] * 1e4).mean()
    assert facts_of_run(run).row("spread").value == pytest.approx(expected, rel=0.02)


def test_what_an_index_makes_has_no_verdict_and_what_the_book_makes_has(run: Run) -> None:
    found = facts(run.path)
    assert found.kind == "btc"
    assert found.row("kurtosis_day").verdict == "of the index"
    assert found.row("volume_return_correlation_5min").note == "there are not ten returns over 300 s"
    for name in (
        "fano_1s",
        "spread",
        "depth_over_daily_volume",
        "response_1s_over_sigma",
        "hit_side_after_large_orders",
    ):
        assert found.row(name).verdict in ("inside", "outside"), found.row(name).note
    assert facts(run.path, kind="alt").row("spread").reference == "0.5 to 7"


def test_a_market_without_trades_and_one_that_is_not_there(run: Run) -> None:
    found = facts(run.path, market="SPOT")
    assert found.row("fano_1s").note == "nothing was traded"
    assert found.row("funding").note == "a spot market has none"
    with pytest.raises(UsageError, match="--market: was 'Q'; allowed: P, SPOT"):
        facts(run.path, market="Q")
    with pytest.raises(UsageError, match="a run has its own"):
        facts(run.path, quotes="quotes.csv")


def test_what_was_not_recorded_is_said_with_what_would_show_it(tmp_path: Path) -> None:
    record = {"trades": "none", "quotes": "none", "depth": "none", "marks": "none"}
    bare = marketsim.run({**WORLD, "record": record, "clock": {"duration": "5min"}}, out=tmp_path, report=True)
    found = facts(bare.path)
    assert found.row("fano_1s").note == "record: {trades: all} shows it"
    assert found.row("spread").note == "record: {quotes: 1s} shows it"
    assert found.row("depth_variation").note == "record: {depth: {bps: [10], every: 1min}} shows it"
    assert found.row("interest_over_daily_volume").note == "record: {marks: 1min} shows it"
    assert not [row for row in found.rows if row.verdict in ("inside", "outside")]
    assert "Nothing was measurable." in (Path(bare.path) / "report.html").read_text()


def test_the_report_has_the_same_table(run: Run) -> None:
    page = (run.path / "report.html").read_text()
    assert '<section id="facts">' in page
    assert "Fano factor of orders inside hours, 1 s" in page
    assert "of the index" in page
    assert "What was not measurable, and why" in page


def test_the_command_prints_a_table_an_object_or_csv(run: Run) -> None:
    printed = command("facts", str(run.path))
    assert printed.exit_code == 0
    assert "beside a market like BTC's" in printed.output
    assert "Fano factor of orders inside hours, 1 s" in printed.output
    found = json.loads(command("facts", str(run.path), "--json", "--as", "alt").stdout)
    assert found["as"] == "alt"
    assert {"fact", "value", "lo", "hi", "interval", "reference", "source", "verdict", "note"} <= found["facts"][
        0
    ].keys()
    frame = pl.read_csv(io.StringIO(command("facts", str(run.path), "--csv").stdout))
    assert frame.height == len(found["facts"])


def test_wrong_usage_and_damaged_files_have_their_exit_codes(run: Run, tmp_path: Path) -> None:
    assert command("facts", str(tmp_path / "nothing")).exit_code == 2
    assert command("facts", str(run.path), "--market", "Q").exit_code == 2
    assert command("facts", str(run.path), "--as", "gold").exit_code == 2
    assert command("facts", str(tmp_path)).exit_code == 2
    file = tmp_path / "trades.csv"
    file.write_text("timestamp,price\n1704067200,oops\n")
    refused = command("facts", str(file), "--json")
    assert refused.exit_code == 3
    assert "trades.csv:2" in json.loads(refused.stdout)["error"]["message"]
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / "tables" / "trades.parquet").write_bytes(b"PAR1")
    assert command("facts", str(copy)).exit_code == 4
