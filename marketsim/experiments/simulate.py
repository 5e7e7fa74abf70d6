"""A world as a function of its parameters: what calibration and simulation-based inference call."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.scenario.resolve import varied
from marketsim.scenario.schema import Scenario
from marketsim.simulation import run

Simulate = Callable[[Mapping[str, Any], int], dict[str, float | None]]
Reading = Callable[[Run], float | None]
"""What is read off a finished run; a measure of single runs is `lambda run: measure.value(measure.terms(run))`."""


def simulator(scenario: Scenario, readings: Mapping[str, Reading], out: Path | None = None) -> Simulate:
    """A function `simulate(params, seed)` that runs the scenario with params laid over it and reads it off.

    params: path -> value, as in the overrides of a scenario (`{"tokens.BTC3L.aum": "20 MUSDT"}`). The function returns
    a plain dict with one number per reading, and is a pure function of its arguments: the same again gives the same.
    out: where run directories are kept, so that a point asked for again is not run again; without it they are read and
    removed. It raises `ScenarioError` for params that make no world, and `ResultError` for a run that fails, so that a
    search learns of both.
    """

    def simulate(params: Mapping[str, Any], seed: int) -> dict[str, float | None]:
        world = varied(scenario, params, seed=seed)
        if out is not None:
            return _read(world, out, readings)
        with tempfile.TemporaryDirectory(prefix="marketsim-") as folder:
            return _read(world, Path(folder), readings)

    return simulate


def count(name: str) -> Reading:
    """A reading of what the run counted: `trades`, `liquidations`, whatever `counts` in its manifest has."""
    return lambda run: float(run.manifest["counts"][name])


def _read(world: Scenario, out: Path, readings: Mapping[str, Reading]) -> dict[str, float | None]:
    result = run(world, out=out)
    if result.manifest["status"] != "ok":
        raise ResultError(f"the run at seed {world.seed} failed: {result.manifest['reason']}; see {result.path}")
    finished = Run(result.path)
    return {name: read(finished) for name, read in readings.items()}
