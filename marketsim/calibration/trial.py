"""One trial: a world at one point, run on every seed of the plan, and the mean of its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from marketsim import scenario as scenarios
from marketsim import simulation
from marketsim.analysis.stylised_facts import facts_of_run
from marketsim.calibration.plan import Plan
from marketsim.errors import MarketsimError
from marketsim.files import shipped_folder


@dataclass(frozen=True)
class Trial:
    """What came of a point: facts by id, None where not measurable on some seed, and why a run failed, if one did."""

    values: Mapping[str, float | None]
    reason: str = ""


def try_point(plan: Plan, point: Mapping[str, float]) -> Trial:
    """Run the world of a plan at a point, parameter values by name; a run that fails measures nothing."""
    world = scenarios.opened(shipped_folder() / plan.world, plan.settings(point))
    found = []
    with TemporaryDirectory(prefix="marketsim-calibration-") as folder:
        for seed in plan.seeds:
            try:
                run = simulation.run(scenarios.opened(world, seed=seed), out=Path(folder))
                rows = facts_of_run(run, plan.market, plan.kind).rows
            except MarketsimError as error:
                return Trial({}, str(error))
            found.append({row.id: row.value for row in rows})
    return Trial({name: _mean([values[name] for values in found]) for name in found[0]})


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
