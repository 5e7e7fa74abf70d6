"""A finished run opened for reading."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from marketsim import datasets
from marketsim.datasets.recorder import Recorder
from marketsim.datasets.store import RunDirectory
from marketsim.errors import ResultError, UsageError


@pytest.fixture
def out(tmp_path: Path) -> Path:
    with RunDirectory.create(tmp_path, "quick", "0123456789abcdef") as directory:
        recorder = Recorder(directory.path, ["events"])
        recorder.rows("events", [{"t_ns": 5, "event": "jump", "subject": "BTC", "detail": "{}"}])
        recorder.close()
        directory.commit({"status": "ok", "run_id": "0123456789abcdef"})
    return tmp_path


def test_a_run_gives_its_manifest_and_its_tables(out: Path) -> None:
    run = datasets.load(out)
    assert run.path == out / "quick" / "0123456789abcdef"
    assert run.manifest["run_id"] == "0123456789abcdef"
    assert run.table("events").rows() == [(5, "jump", "BTC", "{}")]
    assert run.scan("events").select(pl.col("t_ns").max()).collect().item() == 5
    assert repr(run) == f"Run('{run.path}')"


def test_an_unknown_table_and_one_that_was_not_left_are_told_apart(out: Path) -> None:
    run = datasets.Run(out)
    with pytest.raises(UsageError, match="there is no table 'event'; the tables are"):
        run.table("event")
    with pytest.raises(ResultError, match="has no table trades; its status is 'ok'"):
        run.scan("trades")
