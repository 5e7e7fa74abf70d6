"""The benchmark suite says what it measures and judges a figure by its target; no figure is asserted here."""

import json

import pytest

from marketsim import bench
from marketsim.errors import UsageError


def case(figures: list[float], target: float, at_least: bool) -> bench.Case:
    return bench.Case("made-up", "s", target, at_least, lambda: figures, "three made-up figures")


def test_line_of_a_case_carries_the_median_between_its_extremes_and_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CASES", [case([3.0, 1.0, 2.0], 2.5, at_least=False)])
    (line,) = bench.run()
    assert (line["figure"], line["lowest"], line["highest"], line["repetitions"]) == (2.0, 1.0, 3.0, 3)
    assert line["met"] is True
    assert line["target"] == 2.5
    json.dumps(line, allow_nan=False)


@pytest.mark.parametrize(
    ("figure", "at_least", "met"), [(10.0, True, True), (9.9, True, False), (10.1, False, False), (10.0, False, True)]
)
def test_floor_is_met_from_above_and_ceiling_from_below(
    monkeypatch: pytest.MonkeyPatch, figure: float, at_least: bool, met: bool
) -> None:
    monkeypatch.setattr(bench, "CASES", [case([figure], 10.0, at_least)])
    assert next(bench.run(["made-up"]))["met"] is met


def test_unknown_case_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match=r"no such benchmark: noize; allowed: help, import, .*noise"):
        list(bench.run(["noize"]))


def test_every_figure_the_project_promises_has_a_case() -> None:
    targets = {case.name: case.target for case in bench.CASES}
    assert targets == {
        "help": 0.3,
        "import": 0.15,
        "quickstart": 8,
        "noise": 10,
        "mixed": 6,
        "streamed": 4,
        "million": 2.5,
        "million_bytes": 200,
        "base_memory": 400,
        "read": 5,
        "agent": 50_000,
        "sweep": 1.8,
        "sweep_overhead": 50,
        "compile": 30,
        "first_run": 60,
    }
