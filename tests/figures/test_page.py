"""The page on figures does what it says: its commands and its Python run one after another, and its names are right."""

import contextlib
import io
import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketsim.cli import main
from marketsim.figures.of_study import FIGURES
from marketsim.figures.thinning import MOST_INTERVALS, MOST_ROWS
from tests.docs.pages import PACKAGE

PAGE = (PACKAGE / "docs" / "figures.md").read_text(encoding="utf-8")


def blocks(fence: str) -> list[str]:
    return re.findall(rf"^```{re.escape(fence)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_stands_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("sh run")).splitlines():
        program, *arguments = shlex.split(line)
        ended = CliRunner().invoke(main, arguments)
        assert (program, ended.exit_code) == ("marketsim", 0), ended.output
    (folder,) = tmp_path.glob("results/quickstart/*/figures")
    files = set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)) - {"largest_reset"} - set(FIGURES)
    assert {file for file in files if "." in file} <= {path.name for path in folder.iterdir()}
    (program,) = blocks("python run")
    Path("program.py").write_text(program, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path("program.py")
    assert said.getvalue() == "['loop', 'largest_reset'] []\n"
    assert json.loads(Path("pictures/figures.json").read_text())["left_out"] == []


def test_figures_and_limits_of_the_page_are_those_there_are() -> None:
    table = PAGE[PAGE.index("\n## Of a study") : PAGE.index("\n## The same bytes")]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert named == list(FIGURES)
    assert f"up to {MOST_ROWS:,} snapshots" in PAGE
    assert f"{MOST_INTERVALS} intervals" in PAGE
