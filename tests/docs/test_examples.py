"""Examples in docstrings of public names are run, in an empty folder, and print what they say."""

import doctest
from pathlib import Path

import pytest

import marketsim

WITH_EXAMPLES = ("MarketModel", "Scenario", "load", "reproduce", "run", "sweep")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_example_of_a_public_name_does_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = getattr(marketsim, name).__doc__
    example = doctest.DocTestParser().get_doctest(said, {"marketsim": marketsim}, name, None, 0)
    assert example.examples
    heard: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(example, out=heard.append).failed == 0, "".join(heard)
