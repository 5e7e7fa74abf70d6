"""What a run has not got is left out with its reason; what is damaged is refused."""

import json
from pathlib import Path

import polars as pl
import pytest

from marketsim.datasets.integrity import signed
from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError, ResultError
from marketsim.figures import write_figures
from marketsim.figures.drawn import Drawn
from marketsim.figures.of_run import run_pictures
from tests.report.synthetic_run import HOUR, S, empty_tables, synthetic_tables, write_run


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    made = synthetic_tables(every_ns=600 * S, duration_ns=12 * HOUR)
    return {**made, "rebalances": made["rebalances"].clear()}


def drawn_of(folder: Path, tables: dict[str, pl.DataFrame], **manifest: object) -> Drawn:
    return run_pictures(Run(write_run(folder, tables, simulated_ns=12 * HOUR, **manifest)))


def reasons(drawn: Drawn) -> dict[str, str]:
    return {one.figure: one.reason for one in drawn.left_out}


def test_what_was_not_recorded_is_left_out_with_its_reason(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    drawn = drawn_of(tmp_path / "run", {**tables, "tokens": tables["tokens"].clear()})
    assert [picture.name for picture in drawn.pictures] == ["loop"]
    (loop,) = drawn.pictures
    assert [panel.quantity for panel in loop.panels] == ["price\n[USDT]", "over index\n[bps]"]
    assert reasons(drawn)["loop: leverage"] == "its table tokens has no row"
    no_book = "no depth (its table depth has no row) and no spread (its table quotes has no row)"
    assert reasons(drawn)["loop: book"] == no_book
    assert reasons(drawn)["largest_reset"] == "its table rebalances has no row"


def test_a_column_of_a_newer_version_is_missed_by_name(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    drawn = drawn_of(tmp_path / "run", {**tables, "marks": tables["marks"].drop("mid_price")})
    missed = "its table marks has no mid_price: an older version made the run"
    assert reasons(drawn)["loop: price"] == reasons(drawn)["loop: price against the index"] == missed
    assert [panel.quantity for panel in drawn.pictures[0].panels] == ["leverage\nover target [x]"]


def test_a_failed_run_is_drawn_as_far_as_it_got_and_says_so(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    drawn = drawn_of(tmp_path / "run", tables, status="failed", reason="the time limit of 1 s was met")
    assert "The run failed (the time limit of 1 s was met), and is drawn as far as it got." in drawn.provenance


def test_a_run_with_nothing_to_draw_is_refused_with_the_reasons(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", empty_tables())
    with pytest.raises(ResultError, match="nothing to draw: every figure: its table instruments has no row"):
        write_figures(run)
    assert not (run / "figures").exists()


def test_a_table_that_is_not_what_was_written_is_refused(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", tables, simulated_ns=12 * HOUR)
    (run / "tables" / "marks.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DamagedResultError, match="table marks"):
        write_figures(run)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["tables"]["token_legs"]["file_sha256"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(signed(manifest, "manifest_sha256")))
    tables["marks"].write_parquet(run / "tables" / "marks.parquet")
    with pytest.raises(DamagedResultError, match="table token_legs is not what was written"):
        write_figures(run)
    assert not (run / "figures").exists()
