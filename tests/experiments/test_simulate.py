"""A world as a function of parameters: pure, plain, and honest about worlds that cannot be."""

from pathlib import Path

import pytest

from marketsim.errors import ResultError, ScenarioError
from marketsim.experiments import simulate as module
from marketsim.experiments.simulate import count, simulator
from tests.simulation.worlds import NOISE, world

WORLD = world(duration="2min", traders=[{**NOISE, "count": 20}])
READINGS = {"trades": count("trades"), "orders": count("orders"), "seed": lambda run: run.manifest["seed"]}


def test_the_same_parameters_and_seed_give_the_same_and_others_do_not(tmp_path: Path) -> None:
    simulate = simulator(WORLD, READINGS)
    first = simulate({"traders.noise.rate": "600/h"}, 3)
    assert first == simulate({"traders.noise.rate": "10/min"}, 3)
    assert first["seed"] == 3
    assert simulate({"traders.noise.rate": "1200/h"}, 3)["orders"] > 1.5 * first["orders"] > 0
    assert simulate({"traders.noise.rate": "600/h"}, 4)["orders"] != first["orders"]


def test_runs_are_kept_where_a_folder_is_given_and_a_point_asked_for_again_is_not_run_again(tmp_path: Path) -> None:
    simulate = simulator(WORLD, READINGS, out=tmp_path)
    first = simulate({}, 1)
    (kept,) = tmp_path.glob("small/*/manifest.json")
    made = kept.stat().st_mtime_ns
    assert simulate({}, 1) == first
    assert [path.stat().st_mtime_ns for path in tmp_path.glob("small/*/manifest.json")] == [made]


def test_parameters_that_make_no_world_and_runs_that_fail_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = simulator(WORLD, READINGS)
    with pytest.raises(ScenarioError, match=r"traders\.noise\.count"):
        simulate({"traders.noise.count": -1}, 1)
    whole = module.run
    monkeypatch.setattr(module, "run", lambda *args, **options: whole(*args, **options, time_limit=1))
    with pytest.raises(ResultError, match="the run at seed 2 failed: the time limit"):
        simulate({}, 2)
