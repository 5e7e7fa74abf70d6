"""The command `figures`: what it prints, its exit codes, and what it says where matplotlib is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketsim import figures
from marketsim.cli import figures as command_of_figures
from marketsim.cli import main
from marketsim.doctor import examine
from tests.report.synthetic_run import HOUR, S, synthetic_tables, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = synthetic_tables(every_ns=600 * S, duration_ns=12 * HOUR)
    folder = tmp_path_factory.mktemp("run") / "made-up"
    return write_run(folder, {**tables, "rebalances": tables["rebalances"].clear()}, simulated_ns=12 * HOUR)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["figures", *map(str, arguments)])


def test_json_lists_the_files_and_what_was_left_out(run: Path, tmp_path: Path) -> None:
    ended = command(run, "--out", tmp_path / "out", "--format", "png", "--width", "3.4", "--json")
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert told["path"] == str(tmp_path / "out")
    assert [figure["name"] for figure in told["figures"]] == ["loop"]
    listed = [name for figure in told["figures"] for name in figure["files"]]
    assert all((tmp_path / "out" / name).is_file() for name in listed)
    assert "loop_3.4in.png" in listed
    assert not [name for name in listed if "7.0" in name or name.endswith((".pdf", ".svg"))]
    left_out = {one["figure"]: one["reason"] for one in told["left_out"]}
    assert left_out["largest_reset"] == left_out["loop: orders of resets"] == "its table rebalances has no row"
    again = command(run, "--out", tmp_path, "--format", "svg", "--width", "3.4")
    assert "note: left out: largest_reset: its table rebalances has no row" in again.stderr


def test_without_matplotlib_it_says_what_installs_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ended = command(run)
    assert ended.exit_code == 5
    assert 'to install it: pip install "marketsim-lab[figures]"' in ended.stderr
    assert not (run / "figures").exists()


def test_what_is_no_run_is_wrong_usage_and_what_is_damaged_a_failed_check(run: Path, tmp_path: Path) -> None:
    assert command(tmp_path).exit_code == 2
    assert command(run, "--format", "gif").exit_code == 2
    (run / "tables" / "marks.parquet").write_bytes(b"nothing")
    ended = command(run)
    assert (ended.exit_code, "table marks" in ended.stderr) == (4, True)


def test_doctor_knows_what_figures_take() -> None:
    assert examine()["extras"]["figures"] == {"missing": [], "install": "pip install -e '.[figures]'"}


def test_the_command_offers_what_the_room_draws() -> None:
    assert command_of_figures._FORMATS == figures.FORMATS
    assert tuple(map(float, command_of_figures._WIDTHS)) == figures.WIDTHS


def test_the_room_is_light_until_something_is_drawn() -> None:
    program = "import sys, marketsim.figures; print({'matplotlib', 'polars', 'scipy'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"
