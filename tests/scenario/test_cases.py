"""The language by example: every file of cases/valid loads; every file of cases/invalid fails where and as it says."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from marketsim import scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
VALID = sorted((SCENARIOS / "cases/valid").glob("*.yaml"))
INVALID = sorted((SCENARIOS / "cases/invalid").glob("*.yaml"))
EXPECTED = re.compile(r"# (\d+):(\d+) (.+)")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_case_loads(path: Path) -> None:
    assert scenario.validate(path) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_case_fails_at_the_place_and_in_the_words_it_states(path: Path) -> None:
    expected = []
    for line in path.read_text().splitlines():
        stated = EXPECTED.fullmatch(line)
        if stated is None:
            break
        expected.append((int(stated[1]), int(stated[2]), stated[3].replace("{version}", version("marketsim-lab"))))
    assert expected, "the first lines of an invalid case state what is wrong: `# LINE:COLUMN PATH: MESSAGE`"
    problems = scenario.validate(path)
    assert [(p.line, p.column, f"{p.path}: {p.message}" if p.path else p.message) for p in problems] == expected
    assert {p.file for p in problems} == {str(path)}


@pytest.mark.parametrize("path", sorted(SCENARIOS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_that_is_not_an_invalid_case_is_valid(path: Path) -> None:
    if "invalid" not in path.parts:
        assert scenario.validate(path) == []


def test_the_smallest_valid_scenario_is_under_ten_lines() -> None:
    assert len((SCENARIOS / "cases/valid/smallest.yaml").read_text().splitlines()) < 10


def test_every_scenario_stands_in_the_readme_with_its_question() -> None:
    readme = (SCENARIOS / "README.md").read_text()
    for path in (*SCENARIOS.glob("*.yaml"), *SCENARIOS.glob("base/*.yaml")):
        assert f"| `{path.relative_to(SCENARIOS).as_posix()}` |" in readme
