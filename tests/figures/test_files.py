"""The files of a set of figures: an earlier set goes when the new one is whole, what others put there stays."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from marketsim.errors import EnvironmentLackError
from marketsim.figures import files
from marketsim.figures.drawn import Drawn
from marketsim.figures.picture import Axis, Panel, Picture, Series


def picture(name: str, *y: float | None) -> Picture:
    series = Series("mid", "line", [float(x) for x in range(len(y))], y)
    return Picture(name, f"The {name}", [Panel("price\n[USDT]", [series])], Axis("time [s]"), caption=["n = 1 run."])


def written(folder: Path, *pictures: Picture, formats: Sequence[str] = ("svg",)) -> set[str]:
    files.write_pictures(Drawn(pictures, [], ["Run 1."]), folder, formats=formats, widths=[3.4])
    return {path.name for path in folder.iterdir()}


def test_a_table_has_a_row_for_each_point_and_only_columns_that_are_filled() -> None:
    assert picture("one", 1.5, None, 3).table().splitlines() == [
        "panel,x_quantity,quantity,series,mark,x,y",
        "a,time [s],price [USDT],mid,line,0.0,1.5",
        "a,time [s],price [USDT],mid,line,1.0,",
        "a,time [s],price [USDT],mid,line,2.0,3",
    ]


def test_a_new_set_replaces_the_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    whole = {"one_3.4in.svg", "one.csv", "one.txt", "two_3.4in.svg", "two.csv", "two.txt", "figures.json"}
    assert written(tmp_path, picture("one", 1, 2), picture("two", 1, 2)) == whole
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "two.txt").write_text("edited by hand")
    left = {"one_3.4in.svg", "one.csv", "one.txt", "two.txt", "notes.txt", "figures.json"}
    assert written(tmp_path, picture("one", 3, 4)) == left
    assert "4" in (tmp_path / "one.csv").read_text()
    assert (tmp_path / "two.txt").read_text() == "edited by hand"


def test_a_list_that_is_not_ours_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "beside.txt").write_text("")
    emptys = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "out" / "figures.json").write_text(f'{{"sha256": {{"../beside.txt": "{emptys}", "x": 3}}}}')
    written(tmp_path / "out", picture("one", 1, 2))
    assert (tmp_path / "beside.txt").exists()


def test_where_drawing_fails_the_earlier_set_stands_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, picture("one", 1, 2))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "rendered", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, picture("one", 3, 4))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EnvironmentLackError, match=r"the disk is full: .*use another --out"):
        written(tmp_path, picture("one", 1, 2))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_caption_stands_before_what_its_numbers_come_from() -> None:
    said = files.caption(picture("one", 1), ["Run 1.", "hashes:\n  marks ab"])
    assert said == "The one. n = 1 run.\n\nRun 1.\nhashes:\n  marks ab\n"
