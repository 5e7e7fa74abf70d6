"""Tables with labels beside their rows, of one run and of a whole study, and as pandas frames."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import marketsim as ms
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from tests.experiments.studies import study

LABELS = ["run_id", "cell", "tokens.UP.aum", "tokens.UP.aum:value", "replication", "arm", "fork_ns", "jump"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return ms.sweep(study(replications=1), workers=1, out=tmp_path_factory.mktemp("frames"), report=False)


def test_a_run_of_a_study_has_its_labels_before_the_tables_columns(swept: Study) -> None:
    run = swept.run(1, 0, "frictionless")
    frame, table = run.frame("rebalances"), run.table("rebalances")
    assert frame.columns == [*LABELS, "t_utc", *table.columns]
    assert frame.select(LABELS).row(0) == (
        run.path.name, 1, "2 MUSDT", 2_000_000.0, 0, "frictionless", None, None
    )  # fmt: skip
    assert frame.select(table.columns).equals(table)
    assert frame["t_utc"].to_list() == [datetime(2024, 1, 2, 0, 2, tzinfo=UTC)]


def test_a_table_without_instants_has_no_time(swept: Study) -> None:
    assert swept.run(0, 0, "factual").frame("accounts").columns[8:10] == ["account", "cohort"]


def test_a_study_has_the_rows_of_its_runs_one_after_the_other(swept: Study) -> None:
    frame = swept.frame("rebalances")
    assert frame.select("cell", "tokens.UP.aum", "arm").rows() == [
        (0, "1 MUSDT", "factual"),
        (0, "1 MUSDT", "frictionless"),
        (1, "2 MUSDT", "factual"),
        (1, "2 MUSDT", "frictionless"),
    ]
    runs = [swept.run(cell, 0, arm) for cell in (0, 1) for arm in ("factual", "frictionless")]
    assert frame.equals(pl.concat([run.frame("rebalances") for run in runs]))
    assert swept.frame("trades", cell=1, arm="factual").equals(runs[2].frame("trades"))


def test_a_study_without_such_a_run_and_a_table_that_there_is_not_are_refused(swept: Study) -> None:
    with pytest.raises(UsageError, match="has no finished run of cell None, arm 'off'"):
        swept.frame("trades", arm="off")
    with pytest.raises(UsageError, match="rebalance"):
        swept.frame("rebalance")


def test_a_run_outside_a_study_has_no_cell_and_no_axes(tmp_path: Path) -> None:
    run = ms.run(study().with_({"study": None}), out=tmp_path, report=False)
    assert run.frame("trades").columns[:7] == ["run_id", "cell", "replication", "arm", "fork_ns", "jump", "t_utc"]
    assert set(run.frame("trades")["cell"]) == {None}


def test_frames_become_pandas_frames_with_text_times_and_nulls(swept: Study) -> None:
    frame = swept.frame("trades").to_pandas()
    assert len(frame) == swept.frame("trades").height
    assert str(frame["t_utc"].dtype) == "datetime64[ns, UTC]"
    assert set(frame["arm"]) == {"factual", "frictionless"}
    assert frame["jump"].isna().all()
