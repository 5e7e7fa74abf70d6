"""The README's commands, Python and YAML do what the README says.

Blocks fenced as ```sh run are commands, run one after another in a copy of `scenarios`; blocks fenced as ```sh are
targets of the Makefile, which must exist; ```python blocks are run; a ```yaml block is a valid scenario.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(fence: str) -> list[str]:
    return re.findall(rf"^```{re.escape(fence)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "scenarios", place / "scenarios")
    return place


def started(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def test_commands_of_the_readme_succeed_in_their_order(place: Path) -> None:
    commands = [line for block in blocks("sh run") for line in block.splitlines() if line]
    assert len(commands) >= 10
    for line in commands:
        assert line.startswith("marketsim ")
        ended = started(place, "sh", "-c", f'"{sys.executable}" -m {line}')
        assert ended.returncode == 0, f"{line}\n{ended.stdout}{ended.stderr}"


def test_run_from_python_of_the_readme_leaves_a_run_directory(place: Path) -> None:
    program = blocks("python")[0]
    ended = started(place, sys.executable, "-W", "error", "-c", program)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("results/quickstart/")


def test_agent_of_the_readme_trades_and_reports(place: Path) -> None:
    program = blocks("python")[1]
    ended = started(place, sys.executable, "-W", "error", "-c", program)
    assert ended.returncode == 0, ended.stderr
    assert "'filled': -5000" in ended.stdout
    assert "USDT of profit" in ended.stdout


def test_pages_beside_the_code_link_to_what_is_there() -> None:
    for page in [*(ROOT / "marketsim").glob("*.md"), ROOT / "results" / "README.md", ROOT / "scenarios" / "README.md"]:
        links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name


def test_scenario_of_the_readme_is_valid(place: Path) -> None:
    (scenario,) = blocks("yaml")
    (place / "smallest.yaml").write_text(scenario, encoding="utf-8")
    ended = started(place, sys.executable, "-m", "marketsim", "validate", "smallest.yaml")
    assert ended.stdout == "smallest.yaml: valid\n", ended.stderr


def test_targets_and_files_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for block in blocks("sh") for line in block.splitlines()}
    assert named | set(re.findall(r"`make ([a-z]+)`", README)) <= targets
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
