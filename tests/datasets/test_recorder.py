"""A run's recorder leaves one file per table and a summary of each, whatever way the rows came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marketsim.datasets.columns import Names
from marketsim.datasets.recorder import Recorder
from marketsim.datasets.tables import TABLES
from marketsim.datasets.writer import content_sha256_of
from marketsim.errors import ResultError

QUOTE = np.dtype(
    [(name, np.int64) for name in ("t_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")] + [("market", np.int16)]
)
NAMES = Names(
    account_ids=np.zeros(0, np.int64),
    account_cohorts=np.zeros(0, np.int16),
    cohorts=[],
    markets=["BTC-PERP"],
    ticks=np.array([0.1]),
    purposes=[],
)


def event(t_ns: int) -> dict[str, object]:
    return {"t_ns": t_ns, "event": "jump", "subject": "BTC", "detail": "{}"}


def test_every_table_of_the_contract_is_one_file_even_when_nothing_happened(tmp_path: Path) -> None:
    summaries = Recorder(tmp_path).close()
    files = {path.name for path in (tmp_path / "tables").iterdir()}
    assert files == {f"{name}.parquet" for name in TABLES}
    assert {name: summary.rows for name, summary in summaries.items()} == dict.fromkeys(TABLES, 0)


def test_single_rows_and_columns_stand_in_the_order_they_came(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["events"])
    recorder.rows("events", [event(1), event(2)])
    recorder.append("events", {name: [value] for name, value in event(3).items()})
    recorder.rows("events", map(event, range(4, 9_000)))
    assert recorder.counted("events") == 8_999
    summary = recorder.close()["events"]
    frame = pl.read_parquet(tmp_path / "tables/events.parquet")
    assert frame["t_ns"].to_list() == list(range(1, 9_000))
    assert summary.content_sha256 == content_sha256_of(frame, "events")


def test_the_kernels_buffer_is_free_again_at_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["quotes"])
    buffer = np.ones(100, QUOTE)
    buffer["market"] = 0
    for round_of_it in range(50):
        buffer["t_ns"] = np.arange(100) + 100 * round_of_it
        buffer["ask_ticks"] = round_of_it
        recorder.log("quotes", buffer[: 100 - round_of_it % 3], NAMES)
    buffer["t_ns"] = -1
    recorder.log("quotes", buffer[:0], NAMES)
    rows = recorder.close()["quotes"].rows
    frame = pl.read_parquet(tmp_path / "tables/quotes.parquet")
    assert len(frame) == rows == recorder.counted("quotes") == 100 * 50 - 49
    assert (frame["t_ns"] // 100 == frame["ask_ticks"]).all()


def test_a_row_without_one_of_its_columns_is_refused(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["events"])
    with pytest.raises(ResultError, match="table events: a row has the columns t_ns; allowed: detail, event, subject"):
        recorder.rows("events", [{"t_ns": 1}])


def test_a_table_that_is_not_recorded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="table 'trades' is not recorded in this run; recorded: events"):
        Recorder(tmp_path, ["events"]).rows("trades", [])


def test_a_failing_table_leaves_no_unfinished_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["events", "positions"])
    recorder.rows("events", [event(2), event(1)])
    with pytest.raises(ResultError, match="out of the order of t_ns"):
        recorder.close()
    assert list((tmp_path / "tables").iterdir()) == []


def test_an_abandoned_record_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["events", "positions"])
    recorder.append("events", {name: [value] for name, value in event(3).items()})
    recorder.abandon()
    assert list((tmp_path / "tables").iterdir()) == []
