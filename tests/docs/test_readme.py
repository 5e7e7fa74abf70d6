"""The README's program and the page of commands do what they say.

Blocks of the page fenced as ```sh run are commands, run one after another in a copy of `scenarios`; ```python blocks
are run, that of the README prints what stands below it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guides import run_commands

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "marketsim" / "docs" / "guides" / "commands.md").read_text(encoding="utf-8")


def blocks(page: str, fence: str) -> list[str]:
    return re.findall(rf"^```{re.escape(fence)}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "scenarios", place / "scenarios")
    return place


def started(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def test_commands_of_the_page_succeed_in_their_order(place: Path) -> None:
    commands = [line for block in blocks(COMMANDS, "sh run") for line in block.splitlines() if line]
    assert len(commands) >= 10
    assert [line for line in commands if not line.startswith("marketsim ")] == []
    run_commands(commands, place)


def test_run_from_python_of_the_page_leaves_a_run_directory(place: Path) -> None:
    (program,) = blocks(COMMANDS, "python")
    ended = started(place, sys.executable, "-W", "error", "-c", program)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("results/quickstart/")


def test_pair_of_runs_of_the_readme_prints_what_it_says(tmp_path: Path) -> None:
    (program,), (printed,) = blocks(README, "python"), blocks(README, "text")
    assert len(program.splitlines()) == 6  # the import and five lines
    ended = started(tmp_path, sys.executable, "-W", "error", "-c", program)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == printed


def test_readme_stays_within_two_screens() -> None:
    assert len(README.splitlines()) <= 100


def test_pages_beside_the_code_link_to_what_is_there() -> None:
    for page in [*(ROOT / "marketsim").glob("*.md"), ROOT / "results" / "README.md", ROOT / "scenarios" / "README.md"]:
        links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name


def test_shipped_scenarios_and_targets_that_the_readme_names_exist() -> None:
    from marketsim.scenario.shipped import catalogue

    (block,) = blocks(README, "sh")
    named = re.findall(r"^marketsim (?:run|sweep) marketsim:(\w+)", block, re.MULTILINE)
    assert len(named) == 2
    assert set(named) <= set(catalogue())
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", README)) <= targets


def test_links_and_the_picture_of_the_readme_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).exists()] == []
