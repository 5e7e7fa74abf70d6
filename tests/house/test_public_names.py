"""What `import marketsim` gives, and what it must not cost."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import marketsim
from marketsim.errors import UsageError

HEAVY = ("altair", "mesa", "networkx", "numba", "numpy", "pandas", "polars", "pydantic", "rich", "scipy", "simpy")


PROGRAM = """
import sys
import marketsim
if sys.argv[1:]:
    from marketsim.cli import main
    try:
        main(sys.argv[1:], prog_name="marketsim")
    except SystemExit as ended:
        assert not ended.code, ended.code
print(*sys.modules, file=sys.stderr)
"""


def modules_after(*arguments: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


def test_public_names_are_these_and_no_others() -> None:
    assert marketsim.__all__ == ["Agent", "MarketModel", "Scenario", "load", "reproduce", "run", "sweep"]
    assert dir(marketsim) == ["Agent", "MarketModel", "Scenario", "__version__", "load", "reproduce", "run", "sweep"]


@pytest.mark.parametrize("name", marketsim.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(marketsim, name))


def test_version_is_the_distributions() -> None:
    assert marketsim.__version__ == version("marketsim-lab")


def test_a_name_that_is_not_there_is_refused_with_those_that_are() -> None:
    names = "Agent, MarketModel, Scenario, load, reproduce, run, sweep"
    with pytest.raises(AttributeError, match=f"'simulate'; its public names are {names}"):
        _ = marketsim.simulate


def test_a_scenario_without_a_study_is_not_swept() -> None:
    with pytest.raises(UsageError, match="this scenario has no study; `marketsim run` runs it"):
        marketsim.sweep("scenarios/quickstart.yaml", workers=2)


def test_import_brings_in_nothing_heavy() -> None:
    assert sorted(modules_after() & {*HEAVY, "click"}) == []


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("sweep", "--help"), ("--version",)])
def test_help_brings_in_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert sorted(modules_after(*arguments) & set(HEAVY)) == []
