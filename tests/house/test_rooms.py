"""The house rules that a machine can check: where things may stand, how large they may be, who may import whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "marketsim"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
TOP_LEVEL = {
    "pyproject.toml", "README.md", "marketsim", "scenarios", "tests", "results", "LICENSE", "CITATION.cff", "Makefile",
    "requirements.lock",
}  # fmt: skip
NOT_NOUNS = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc", "base"}
MOST_LINES = 600
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_KERNEL_FUNCTION = 80
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def tracked_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout: what is tracked cannot be told from what a run left behind")
    return listing.stdout.splitlines()


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_obey_the_law_of_the_rooms() -> None:
    law = subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert law.returncode == 0, law.stdout + law.stderr


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_is_longer_than_600_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_function_is_longer_than_40_lines_or_80_in_the_kernel(path: Path) -> None:
    most = MOST_LINES_OF_A_KERNEL_FUNCTION if "kernel" in path.parts else MOST_LINES_OF_A_FUNCTION
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = [node for node in found if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert {f.name: lines_of_body(f) for f in functions if lines_of_body(f) > most} == {}


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=named)
def test_every_room_says_what_lives_in_it(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said
    assert len(said.splitlines()[0]) > 20


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_is_named_for_a_noun_of_the_trade(path: Path) -> None:
    assert path.stem not in NOT_NOUNS
    assert path.parent.name not in NOT_NOUNS


def test_every_folder_of_modules_is_a_package() -> None:
    assert [named(path.parent) for path in MODULES if not (path.parent / "__init__.py").exists()] == []


def test_nothing_stands_at_the_top_that_the_plan_does_not_name() -> None:
    found = {name.split("/")[0] for name in tracked_files()}
    assert {name for name in found if not name.startswith(".")} <= TOP_LEVEL


def test_scenarios_are_yaml_and_the_registrations_of_studies() -> None:
    allowed = (".yaml", "README.md", ".csv")
    others = {name for name in tracked_files() if name.startswith("scenarios/") and not name.endswith(allowed)}
    studies = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "scenarios" / "studies").glob("*.yaml"))
    named = re.findall(r"^ *registration: (\S+\.toml)", studies, re.MULTILINE)
    assert {Path(name).name for name in others} == {Path(name).name for name in named}
    assert all(name.startswith("scenarios/studies/") for name in others)


def test_scenarios_stand_in_one_place() -> None:
    assert not (PACKAGE / "scenarios").exists()  # a wheel has them there, and `files.shipped_folder` would prefer it


def test_the_lock_names_hashes_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|/", lock.replace("\\\n", ""))
    pinned = re.findall(r"^[a-z0-9][^\s=]*==", lock, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(pinned) == len(entries) > 30
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
