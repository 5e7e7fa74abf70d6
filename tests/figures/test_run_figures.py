"""Figures of a run: their numbers are those of its tables, their bytes depend on nothing else, type is embedded."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import marketsim
from marketsim.figures import write_figures
from tests.figures.run_figures import rows_of, small_run

ROOT = Path(__file__).resolve().parents[2]
LOT = 0.001
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def folder(run: Path) -> Path:
    """The figures of one column, in the run's own folder."""
    return write_figures(run, widths=[3.4]).path


def table(run: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(run / "tables" / f"{name}.parquet")


def test_each_figure_has_its_drawings_its_table_and_its_caption(run: Path, folder: Path) -> None:
    assert folder == run / "figures"
    ends = ("_3.4in.pdf", "_3.4in.png", "_3.4in.svg", ".csv", ".txt")
    named = {f"{figure}{end}" for figure in ("loop", "largest_reset") for end in ends}
    assert {path.name for path in folder.iterdir()} == {*named, "figures.json"}
    listed = json.loads((folder / "figures.json").read_text())
    assert listed["left_out"] == []
    assert listed["sha256"] == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in named}


def test_the_prices_of_the_loop_are_those_of_the_marks(run: Path, folder: Path) -> None:
    csv, marks = (folder / "loop.csv").read_text(), table(run, "marks")
    for series, column in (("index", "index_price"), ("mid", "mid_price")):
        drawn = rows_of(csv, "a", series)
        assert [row["t_ns"] for row in drawn] == marks["t_ns"].to_list()
        assert [row["y"] for row in drawn] == marks[column].to_list()
    mark, index = marks["mark_price"].to_numpy(), marks["index_price"].to_numpy()
    over = [row["y"] for row in rows_of(csv, "b", "mark")]
    np.testing.assert_allclose(over, (mark - index) / index * 10_000, rtol=0, atol=1e-8)


def test_a_short_fund_above_its_target_is_drawn_above_nothing_too(run: Path, folder: Path) -> None:
    csv, legs = (folder / "loop.csv").read_text(), table(run, "token_legs")
    short = legs.filter(token="DOWN")["leverage"].to_numpy()
    drawn = [row["y"] for row in rows_of(csv, "c", "DOWN")]
    np.testing.assert_allclose(drawn, -short - 3, rtol=0, atol=1e-12)
    assert short.max() < 0


def test_the_flow_of_resets_is_what_their_orders_filled(run: Path, folder: Path) -> None:
    filled = table(run, "rebalances")["filled_lots"].to_list()
    drawn = [row for name in ("bought", "sold") for row in rows_of((folder / "loop.csv").read_text(), "d", name)]
    assert len(filled) == 2
    assert sum(row["y"] for row in drawn) == pytest.approx(sum(filled) * LOT)
    decided = table(run, "rebalances")["t_decide_ns"][0]
    assert all(row["x_lo"] <= decided < row["x_hi"] for row in drawn)


def test_the_book_is_the_depth_nearest_to_ten_basis_points(run: Path, folder: Path) -> None:
    depth = table(run, "depth").filter(bps=10.0, side="ask")
    drawn = rows_of((folder / "loop.csv").read_text(), "e", "asks")
    assert [row["y"] for row in drawn] == pytest.approx([lots * LOT for lots in depth["size_lots"]])
    assert "10 bps" in drawn[0]["quantity"]


def test_the_largest_reset_is_drawn_against_its_arrival_mid(run: Path, folder: Path) -> None:
    csv, orders, quotes = (folder / "largest_reset.csv").read_text(), table(run, "rebalances"), table(run, "quotes")
    arrival, decided, last = orders["arrival_mid"][0], orders["t_decide_ns"][0], orders["t_last_ns"].max()
    last_drawn = min(last + 30 * MINUTE_NS, 45 * MINUTE_NS)
    seen = quotes.filter(pl.col("t_ns").is_between(decided - 10 * MINUTE_NS, last_drawn))
    lo = [row["lo"] for row in rows_of(csv, "a", "mid")]
    hi = [row["hi"] for row in rows_of(csv, "a", "mid")]
    over = (seen["mid"].to_numpy() / arrival - 1) * 10_000
    assert (min(lo), max(hi)) == pytest.approx((np.nanmin(over), np.nanmax(over)))
    for token, filled in orders.select("token", "filled_lots").iter_rows():
        traded = [row["y"] for row in rows_of(csv, "b", token)]
        assert traded[0] == 0
        assert traded[-1] == pytest.approx(filled * LOT)


def test_a_caption_says_how_many_which_run_and_what_its_tables_hold(run: Path, folder: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    said = " ".join((folder / "loop.txt").read_text().split())
    assert "n = 1 run, so there is no interval." in said
    assert f"Run {manifest['run_id']} of small: seed 1, replication 0, arm factual." in said
    assert manifest["scenario_sha256"] in said
    assert manifest["versions"]["marketsim"] in said
    assert f"marks {manifest['tables']['marks']['content_sha256']}" in said
    assert "Fills of 1 reset of 2 tokens" in said


def test_type_is_embedded_and_nothing_tells_when_it_was_made(folder: Path) -> None:
    pdf, svg, png = ((folder / f"loop_3.4in.{form}").read_bytes() for form in ("pdf", "svg", "png"))
    assert pdf.count(b"/FontFile2") == pdf.count(b"/Type /FontDescriptor") > 0
    assert b"/Subtype /Type3" not in pdf
    assert not re.search(rb"/(CreationDate|ModDate|Producer|Creator)", pdf)
    assert b"<text" not in svg
    assert b"font-family" not in svg
    assert b"dc:date" not in svg
    assert b"tEXt" not in png
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert (width, 1_200 < height < 1_900) == (1_020, True)  # 3.4 inches at 300 dots each


def test_another_process_in_another_place_makes_the_same_bytes(run: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("axes.labelcolor: red\npdf.fonttype: 3\ntimezone: Asia/Tokyo\n")
    program = "import sys; from marketsim.figures import write_figures; write_figures(*sys.argv[1:], widths=[3.4])"
    other = {"PYTHONHASHSEED": "11", "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program, run, "out"],
        cwd=tmp_path,
        env={**os.environ, **other},
        check=True,
    )
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert made == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_wrong_format_or_width_is_refused(run: Path) -> None:
    for wrong in ({"formats": ["gif"]}, {"widths": [0.0]}):
        with pytest.raises(marketsim.errors.UsageError, match="a figure's format or width was"):
            write_figures(run, **wrong)
