"""A finished run has its place before its page is written: whatever becomes of the page, the run is kept."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import marketsim as ms
from marketsim.cli import main
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.simulation import running

WORLD = """
schema: marketsim/1
name: paged
clock: {duration: 2min}
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: BTC-PERP, underlying: BTC}]
traders: [{id: noise, kind: noise, market: BTC-PERP, count: 20, capital: 20 kUSDT}]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "paged.yaml"
    file.write_text(WORLD)
    return file


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), EnvironmentLackError, "the disk is full"),
        (OverflowError("date value out of range"), ResultError, "its report failed (OverflowError"),
    ],
)
def test_a_page_that_fails_leaves_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[Exception], words: str
) -> None:
    written = Path.write_text

    def fails(self: Path, text: str, **how: Any) -> int:
        if "report.html" in self.name:
            raise failure
        return written(self, text, **how)

    monkeypatch.setattr(Path, "write_text", fails)
    out = path.parent / "out"
    with pytest.raises(kind) as told:
        ms.run(str(path), out=str(out))
    assert words in str(told.value)
    assert "the run is finished and kept" in str(told.value)
    monkeypatch.undo()
    (folder,) = (out / "paged").iterdir()
    assert json.loads((folder / "manifest.json").read_text())["status"] == "ok"
    assert ms.run(str(path), out=str(out)).already_there
    assert not (folder / "report.html").exists()


def test_a_run_that_is_told_to_end_leaves_nothing(path: Path) -> None:
    path.write_text(WORLD.replace("2min", "30d").replace("count: 20,", "count: 2000,"))
    out = path.parent / "out"
    command = [sys.executable, "-m", "marketsim", "run", str(path), "--out", str(out), "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(running.__file__).parents[2]) as process:
        until = time.monotonic() + 120
        while not list(out.glob("paged/.*.building/tables/*")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted; the run was not finished and leaves nothing"
    assert os.listdir(out / "paged") == []


def test_the_package_works_without_docstrings(path: Path) -> None:
    command = [sys.executable, "-OO", "-m", "marketsim", "validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(running.__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of one world with different seeds."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "paged.yaml").write_text(WORLD)
    first, second = (ms.run(str(folder / "paged.yaml"), seed=n, out=str(folder / f"{n}"), report=False) for n in (1, 2))
    return Path(first.path), Path(second.path)


@pytest.mark.parametrize(
    "file", ["tables/trades.parquet", "tables/events.parquet", "tables/quotes.parquet", "resolved.json"]
)
@pytest.mark.parametrize("fault", ["a bit", "the end", "all of it"])
def test_neither_report_nor_compare_takes_what_is_damaged_for_good(
    two: tuple[Path, Path], file: str, fault: str
) -> None:
    path = two[0] / file
    whole = path.read_bytes()
    halfway = len(whole) // 2
    try:
        if fault == "all of it":
            path.unlink()
        else:
            flipped = whole[:halfway] + bytes([whole[halfway] ^ 1]) + whole[halfway + 1 :]
            path.write_bytes(flipped if fault == "a bit" else whole[:-40])
        for command in (
            ["report", str(two[0])],
            ["compare", str(two[0]), str(two[1])],
            ["compare", *map(str, two[::-1])],
        ):
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 4, result.output
            assert path.stem in result.output
            assert "damaged" in result.output
        assert not (two[0] / "report.html").exists()
    finally:
        path.write_bytes(whole)
