"""Files of real prices and rates in whole scenarios: what is told by content is written down, checked, and said."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError
from tests.market_data.test_formats import KLINE_NAMES, KLINES
from tests.simulation.worlds import recorded

WORLD = """\
schema: marketsim/1
clock: {start: 2024-07-09T12:00:00Z, duration: 3min}
underlyings: [{id: BTC, index: {kind: file, path: data/btc.csv}}]
markets: [{id: M, underlying: BTC, tick: 0.1 USDT, mark: {rule: index}}]
record: {marks: 1s}
"""
RATES = """\
symbol,fundingTime,fundingRate,markPrice
BTCUSDT,1720512000000,0.00010000,58000
BTCUSDT,1720526400000,0.00020000,58000
BTCUSDT,1720526460003,-0.00030000,58000
BTCUSDT,1720526520000,0.00040000,58000
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/btc.csv").write_text(KLINES, encoding="utf-8")
    (tmp_path / "world.yaml").write_text(WORLD, encoding="utf-8")
    return tmp_path


def faults(folder: Path, text: str) -> list[tuple[str, str]]:
    (folder / "world.yaml").write_text(text, encoding="utf-8")
    return [(problem.path, problem.message) for problem in scenario.validate(folder / "world.yaml")]


def test_what_the_content_says_is_written_down_and_reads_back_to_the_same_world(folder: Path) -> None:
    loaded = scenario.load(folder / "world.yaml")
    index = loaded.canonical()["underlyings"][0]["index"]
    assert {key: index[key] for key in ("format", "time", "price", "instant", "time_unit", "path", "sha256")} == {
        "format": "binance_klines", "time": "open_time", "price": "close", "instant": "close", "time_unit": "instant",
        "path": "data/btc.csv", "sha256": hashlib.sha256(KLINES.encode()).hexdigest(),
    }  # fmt: skip
    assert not {"columns", "header", "time_zone", "where", "date", "interpolate"} & set(index)
    (folder / "again.yaml").write_text(json.dumps(loaded.canonical()), encoding="utf-8")
    assert scenario.load(folder / "again.yaml").sha256() == loaded.sha256()


def test_a_world_with_a_table_has_no_key_that_is_newer_than_it(folder: Path) -> None:
    (folder / "data/btc.csv").write_text("timestamp,price\n2024-07-09T12:00:00Z,5\n2024-07-09T12:03:00Z,5\n")
    (folder / "world.yaml").write_text(WORLD.replace("btc.csv}", "btc.csv, max_gap: 3min}"), encoding="utf-8")
    index = scenario.load(folder / "world.yaml").canonical()["underlyings"][0]["index"]
    assert sorted(index) == [
        "currency", "every", "kind", "max_gap", "pass_through", "pass_through_halflife", "path", "price", "sha256",
        "time", "time_unit",
    ]  # fmt: skip
    assert (index["time"], index["price"]) == ("timestamp", "price")


def test_what_a_file_was_taken_for_is_said_with_the_scenario(folder: Path) -> None:
    loaded = scenario.load(folder / "world.yaml")
    (note,) = loaded.notices
    assert note.startswith("underlyings.BTC.index: data/btc.csv is taken for binance_klines without a header line")


def test_the_index_of_a_run_has_the_closes_when_they_are_known(folder: Path, tmp_path: Path) -> None:
    run = recorded(scenario.load(folder / "world.yaml"), tmp_path)
    marks = dict(run.table("marks").select("t_ns", "index_price").iter_rows())
    at = {second: round(marks[second * 10**9], 6) for second in (0, 59, 60, 119, 120, 179)}
    assert at == {0: 58123.4, 59: 58123.4, 60: 58130.1, 119: 58130.1, 120: 58099.9, 179: 58099.9}


def test_lines_between_rows_are_drawn_where_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    (folder / "world.yaml").write_text(WORLD.replace("btc.csv}", "btc.csv, interpolate: linear}"), encoding="utf-8")
    run = recorded(scenario.load(folder / "world.yaml"), tmp_path)
    marks = dict(run.table("marks").select("t_ns", "index_price").iter_rows())
    assert marks[30 * 10**9] == pytest.approx(58126.8)  # 58126.75, to the tick
    assert marks[90 * 10**9] == pytest.approx(58115.0)  # (58130.1 + 58099.9) / 2


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ("price: clos", "underlyings.BTC.index.price", "the file has no column 'clos'"),
        ("time_zone: Mars", "underlyings.BTC.index.time_zone", "there is no such time zone"),
        ("columns: [a, a]", "underlyings.BTC.index.columns", "two columns are called 'a'"),
        ("format: binance", "underlyings.BTC.index.format", "this is none of the words allowed here"),
        ("header: perhaps", "underlyings.BTC.index.header", "true, false or auto is due here"),
        ("date: 2024-02-30", "underlyings.BTC.index.date", "there is no such day"),
        ("where: {symbol: BTC}", "underlyings.BTC.index.where", "the file has no column 'symbol'"),
        ("max_gap: 0s", "underlyings.BTC.index.max_gap", "this number is out of range"),
        ("sha256: ff", "underlyings.BTC.index.sha256", "the file is another one than this document was made with"),
        ("interpolate: curve", "underlyings.BTC.index.interpolate", "this is none of the words allowed here"),
    ],
)
def test_each_mistake_is_said_at_its_key(folder: Path, change: str, path: str, message: str) -> None:
    assert (path, message) in faults(folder, WORLD.replace("btc.csv}", f"btc.csv, {change}}}"))


@pytest.mark.parametrize("path", ['"a\\0b"', '"\\ud800"', "data", "../../etc/passwd", "/dev/zero", f"{'x' * 300}"])
def test_no_path_ends_in_a_traceback(folder: Path, path: str) -> None:
    with pytest.raises(ScenarioError):
        scenario.load_text(WORLD.replace("data/btc.csv", path), folder=folder)


def test_a_number_of_the_clock_beyond_int64_is_refused_beside_a_file(folder: Path) -> None:
    assert ("clock.duration", "this duration is out of range") in faults(folder, WORLD.replace("3min", "106752d"))


def test_messages_beside_an_order_book_do_not_lead_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-message_1.csv"
    outside.write_text("34200.5,4,1,1,5853300,1\n34201.5,4,1,1,5853300,1\n", encoding="utf-8")
    (folder / "data/x_message_1.csv").symlink_to(outside)
    (folder / "data/x_orderbook_1.csv").write_text("5859400,2,5853300,1\n5859400,2,5853300,1\n", encoding="utf-8")
    text = WORLD.replace("data/btc.csv", "data/x_orderbook_1.csv, date: 2024-07-09")
    text = text.replace("12:00:00Z, duration: 3min", "09:30:00.5Z, duration: 1s")
    assert faults(folder, text) == [("underlyings.BTC.index.path", "this path leads out of the scenario's root folder")]


# -- funding rates


def taped(folder: Path, rates: str = RATES, **keys: Any) -> str:
    (folder / "data/funding.csv").write_text(rates, encoding="utf-8")
    tape = {"path": "data/funding.csv", **keys}
    return WORLD.replace("mark: {rule: index}", f"mark: {{rule: index}}, funding: {{tape: {json.dumps(tape)}}}")


def test_a_record_of_funding_settles_at_its_instants_and_rates(folder: Path, tmp_path: Path) -> None:
    (folder / "world.yaml").write_text(taped(folder), encoding="utf-8")
    loaded = scenario.load(folder / "world.yaml")
    funding = loaded.canonical()["markets"][0]["funding"]["tape"]
    assert (funding["time"], funding["rate"]) == ("fundingTime", "fundingRate")
    assert "markets.M.funding.tape: data/funding.csv: settlements at fundingTime of fundingRate" in loaded.notices
    run = recorded(loaded, tmp_path)
    settled = run.table("funding").select("t_ns", "rate", "atoms_per_lot").rows()
    # 60.003 s: -0.0003 x 58130.1 USDT x 0.001 BTC = -0.01743903 USDT = -1743903 atoms; 120 s: 0.0004 x 58.0999
    assert settled == [(60_003_000_000, -0.0003, -1_743_903), (120_000_000_000, 0.0004, 2_323_996)]
    predicted = dict(run.table("marks").select("t_ns", "predicted_funding").iter_rows())
    assert [predicted[s * 10**9] for s in (1, 61, 130)] == [-0.0003, 0.0004, 0.0]


def test_a_world_with_a_record_is_told_apart_by_the_records_content(folder: Path) -> None:
    text = taped(folder)
    first = scenario.load_text(text, folder=folder).sha256()
    (folder / "data/other.csv").write_bytes((folder / "data/funding.csv").read_bytes())
    assert scenario.load_text(text.replace("funding.csv", "other.csv"), folder=folder).sha256() == first
    changed = taped(folder, RATES.replace("-0.0003", "-0.0004"))
    assert scenario.load_text(changed, folder=folder).sha256() != first


@pytest.mark.parametrize(
    ("rates", "keys", "path", "message"),
    [
        (RATES.replace("0.0004", "0.4"), {}, "rate", "a funding rate is out of range"),
        (RATES.replace("0.0004", "4 bps"), {}, "rate", "this is not a plain decimal number"),
        (RATES, {"rate": "funding"}, "rate", "the file has no column 'funding'"),
        (RATES, {"format": "kraken_trades"}, "format", "this is a format of prices"),
        (RATES.replace(",17205", ",16205"), {}, "path", "the file covers another time than the run"),
        (RATES.replace("BTCUSDT,1720526460003", "ETHUSDT,1720526460003"), {}, "where", "the file holds several assets"),
    ],
)
def test_a_record_of_funding_that_cannot_be_is_refused_at_its_key(
    folder: Path, rates: str, keys: dict[str, Any], path: str, message: str
) -> None:
    found = faults(folder, taped(folder, rates, **keys))
    assert [where for where, _ in found] == [f"markets.M.funding.tape.{path}"]
    assert message in found[0][1]


def test_a_spot_market_takes_no_record_of_funding(folder: Path) -> None:
    found = faults(folder, taped(folder).replace("{id: M,", "{id: M, kind: spot,"))
    assert ("markets.M.funding", "a spot market has no funding") in found


def test_a_packed_table_of_polars_is_an_index_too(folder: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(folder / "data/btc.csv", has_header=False, new_columns=KLINE_NAMES.strip().split(","))
    frame.write_parquet(folder / "data/btc.parquet")
    loaded = scenario.load_text(WORLD.replace("btc.csv", "btc.parquet"), folder=folder)
    assert loaded.underlyings[0].index.format == "binance_klines"  # type: ignore[attr-defined]
    run = recorded(loaded, tmp_path)
    assert run.table("marks")["index_price"].max() == pytest.approx(58130.1)
