"""A table's writer keeps to the dictionary, leaves exactly one file, and lets nothing fail unseen."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from marketsim.datasets import writer as writing
from marketsim.datasets.canonical import CodedText
from marketsim.datasets.parquet import GrowingParquet
from marketsim.datasets.tables import TABLES
from marketsim.datasets.writer import TableSummary, TableWriter, content_sha256_of
from marketsim.errors import EnvironmentLackError, ResultError

EVENT = {"t_ns": [0], "event": ["jump"], "subject": ["BTC"], "detail": ["{}"]}
POSITION = {"t_ns": [0], "cohort": ["noise"], "market": ["M"], "net_lots": [1], "long_lots": [2], "short_lots": [1]}


def positions(begin: int, end: int) -> dict[str, Any]:
    """Rows `begin` to `end` of an endless table of positions."""
    number = np.arange(begin, end)
    cohorts = CodedText((number // 1000 % 5).astype(np.int8), ["noise", "makers", "BTC3L", "venue", "issuer:alpha"])
    lots = {"net_lots": number % 7 - 3, "long_lots": number % 7, "short_lots": np.full(len(number), 3)}
    return {"t_ns": number * 10, "cohort": cohorts, "market": CodedText(number % 2, ["BTC-PERP", "ETH-PERP"]), **lots}


def written(folder: Path, chunk: int, rows: int) -> TableSummary:
    folder.mkdir()
    writer = TableWriter(folder, "positions")
    for begin in range(0, rows, chunk):
        writer.append(positions(begin, min(begin + chunk, rows)))
    return writer.close()


def test_many_parts_become_one_file_with_every_row_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PART_ROWS", 100)
    summary = written(tmp_path / "run", chunk=37, rows=1000)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["positions.parquet"]
    frame = pl.read_parquet(tmp_path / "run/positions.parquet")
    assert summary.rows == len(frame) == 1000
    assert frame.schema == TABLES["positions"].schema()
    assert frame["t_ns"].to_list() == list(range(0, 10_000, 10))
    assert frame["market"].to_list() == ["BTC-PERP", "ETH-PERP"] * 500
    assert frame["net_lots"].to_list() == [number % 7 - 3 for number in range(1000)]
    assert summary.bytes == (tmp_path / "run/positions.parquet").stat().st_size
    late = pl.scan_parquet(tmp_path / "run/positions.parquet").filter(pl.col("t_ns") >= 9_990).collect()
    assert late["t_ns"].to_list() == [9_990]


def test_content_does_not_depend_on_chunks_and_is_the_hash_of_the_file(tmp_path: Path) -> None:
    summaries = [written(tmp_path / str(chunk), chunk, 20_000) for chunk in (1_000, 7_919, 20_000)]
    assert len({(summary.rows, summary.content_sha256) for summary in summaries}) == 1
    frame = pl.read_parquet(tmp_path / "1000/positions.parquet")
    assert content_sha256_of(frame, "positions") == summaries[0].content_sha256


def test_an_empty_table_is_a_file_with_its_columns(tmp_path: Path) -> None:
    for table in TABLES.values():
        assert TableWriter(tmp_path, table).close().rows == 0
        assert pl.read_parquet_schema(tmp_path / f"{table.name}.parquet") == table.schema()
    assert len(list(tmp_path.iterdir())) == len(TABLES)


def test_nulls_survive_the_way_to_the_file_and_back(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path, "ledger")
    flow = {"t_ns": [0, 1, 2], "entry": ["deposit"] * 3, "asset": ["USDT"] * 3, "to_cohort": ["noise"] * 3}
    writer.append({**flow, "from_cohort": [None, "makers", None], "atoms": [1, 2, 3]})
    summary = writer.close()
    frame = pl.read_parquet(tmp_path / "ledger.parquet")
    assert frame["from_cohort"].to_list() == [None, "makers", None]
    assert content_sha256_of(frame, "ledger") == summary.content_sha256


def test_a_number_that_may_be_null_takes_none_and_nan(tmp_path: Path) -> None:
    quote = {"t_ns": [0, 1], "market": ["M", "M"], **{key: [1, 1] for key in ("bid_ticks", "bid_lots")}}
    writer = TableWriter(tmp_path, "quotes")
    writer.append({**quote, "ask_ticks": [2, 2], "ask_lots": [1, 1], "mid": [None, 1.5]})
    writer.append({**quote, "t_ns": [2, 3], "ask_ticks": [2, 2], "ask_lots": [1, 1], "mid": np.array([np.nan, -0.0])})
    writer.close()
    mids = pl.read_parquet(tmp_path / "quotes.parquet")["mid"].to_list()
    assert mids == [None, 1.5, None, 0.0]
    assert str(mids[3]) == "0.0"


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("events", {**EVENT, "t_ns": [0, 1]}, "table events: columns of different lengths"),
        ("events", {**EVENT, "colour": ["red"]}, "unknown columns colour; allowed: t_ns, event, subject, detail"),
        ("events", {"t_ns": [0]}, "missing columns detail, event, subject"),
        ("events", {**EVENT, "t_ns": [0.0]}, "table events, column t_ns: got float64 where whole numbers .* are due"),
        ("events", {**EVENT, "t_ns": [None]}, "column t_ns: got object where whole numbers within int64 are due"),
        ("events", {**EVENT, "t_ns": [2**63]}, "column t_ns: got uint64 where whole numbers within int64 are due"),
        ("events", {**EVENT, "event": ["jumped"]}, "column event: 'jumped' is not one of reverse_split, suspended"),
        ("events", {**EVENT, "subject": [None]}, "column subject: row 0 is missing; allowed: text, never null"),
        ("events", {**EVENT, "subject": [3]}, "column subject: got values that are not text"),
        ("events", {**EVENT, "subject": CodedText(np.array([2]), ["a"])}, "codes 2 to 2 do not fit its 1 texts"),
        (
            "depth",
            {"t_ns": [0], "market": ["M"], "side": ["bid"], "bps": [np.nan], "size_lots": [1]},
            "bps: row 0 is mis",
        ),
        ("depth", {"t_ns": [0], "market": ["M"], "side": ["bid"], "bps": ["5"], "size_lots": [1]}, "numbers are due"),
        (
            "depth",
            {"t_ns": [0], "market": ["M"], "side": ["bid"], "bps": [1], "size_lots": [True]},
            "got bool where whole",
        ),
    ],
)
def test_rows_that_the_dictionary_does_not_allow_are_refused(
    tmp_path: Path, table: str, columns: dict[str, Any], message: str
) -> None:
    writer = TableWriter(tmp_path, table)
    with pytest.raises(ResultError, match=message):
        writer.append(columns)
    writer.abandon()


def test_infinity_is_refused_even_where_a_null_may_stand(tmp_path: Path) -> None:
    quote = {key: [1] for key in ("t_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")}
    with pytest.raises(ResultError, match="column mid: row 0 is infinite"):
        TableWriter(tmp_path, "quotes").append({**quote, "market": ["M"], "mid": [np.inf]})


def test_rows_out_of_time_order_are_refused_across_chunks(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path, "positions")
    writer.append({**POSITION, "t_ns": [5]})
    writer.append({**POSITION, "t_ns": [4]})
    with pytest.raises(ResultError, match="table positions: rows came out of the order of t_ns"):
        writer.close()
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_the_last_row_of_a_chunk_is_what_the_next_must_not_come_before(tmp_path: Path) -> None:
    rows = {key: values * 2 for key, values in POSITION.items()}
    writer = TableWriter(tmp_path, "positions")
    writer.append({**rows, "t_ns": [5, 7]})
    writer.append({**rows, "t_ns": [7, 8]})  # as late is not before
    writer.append({**rows, "t_ns": [7, 9]})
    with pytest.raises(ResultError, match="rows came out of the order of t_ns"):
        writer.close()
    writer.abandon()


def test_a_small_table_finished_out_of_order_is_sorted_at_close(tmp_path: Path) -> None:
    row = {"token": ["A"], "t1_ns": [9], **{key: [0] for key in TABLES["attribution"].names[3:]}}
    orders = [("B", 0), ("A", 5), ("B", 5), ("A", 0)]
    hashes = []
    for name, order in (("one", orders), ("other", orders[::-1])):
        (tmp_path / name).mkdir()
        writer = TableWriter(tmp_path / name, "attribution")
        for token, begin in order:
            writer.append({**row, "token": [token], "t0_ns": [begin]})
        hashes.append(writer.close().content_sha256)
        frame = pl.read_parquet(tmp_path / name / "attribution.parquet")
        assert list(zip(frame["token"], frame["t0_ns"], strict=True)) == [("A", 0), ("A", 5), ("B", 0), ("B", 5)]
    assert hashes[0] == hashes[1] == content_sha256_of(frame, "attribution")


def test_a_failure_in_the_background_is_raised_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: GrowingParquet, part: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingParquet, "add", full)
    monkeypatch.setattr(writing, "PART_ROWS", 1)
    writer = TableWriter(tmp_path, "events")
    writer.append(EVENT)
    with pytest.raises(EnvironmentLackError, match="the disk is full"):
        writer.close()
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_whoever_is_ahead_of_the_background_waits_and_the_wait_is_counted(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path, "events")
    gate = threading.Event()

    def slow() -> list[dict[str, Any]]:
        gate.wait()
        return [EVENT]

    threading.Timer(0.05, gate.set).start()
    for _ in range(8):  # more than the queue has room for
        writer.append_later(1, slow, lambda: None)
    assert gate.is_set()
    assert writer.waited_s > 0.01
    assert writer.close().rows == 8


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    # 1.5 million rows more would be 80 MB if they were kept; the process is its own, so that its peak is.
    script = f"""
import sys, numpy as np
from pathlib import Path
from marketsim.datasets.canonical import CodedText
from marketsim.datasets.provenance import peak_rss_mb
from marketsim.datasets.writer import TableWriter
writer, peaks = TableWriter(Path({str(tmp_path)!r}), "positions"), []
for begin in range(0, 2_000_000, 50_000):
    number = np.arange(begin, begin + 50_000)
    text = CodedText(number % 2, ["a", "b"])
    lots = dict.fromkeys(("net_lots", "long_lots", "short_lots"), number)
    writer.append({{"t_ns": number, "cohort": text, "market": text, **lots}})
    peaks.append(peak_rss_mb())
assert writer.close().rows == 2_000_000
print(peaks[-1] - peaks[len(peaks) // 4 - 1])
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 40
    sum_of_lots = pl.scan_parquet(tmp_path / "positions.parquet").select(pl.col("long_lots").sum()).collect().item()
    assert sum_of_lots == 1_999_999_000_000  # n (n - 1) / 2
