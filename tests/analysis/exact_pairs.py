"""A factual run, the baseline's and its probes in a venue where theory is exact, as a study makes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketsim import scenario, simulation
from marketsim.analysis.measures.family import PairMeasure
from marketsim.analysis.measures.register import all_measures, measures_asked_for
from marketsim.datasets.run import Run
from marketsim.experiments.bundle_task import BundleTask
from marketsim.experiments.bundles import Bundle
from marketsim.experiments.design import PlannedRun
from marketsim.scenario.study.study import study_of
from tests.simulation.loop_worlds import document

STUDY = {"measures": ["multiplier"], "probe": {"horizons": ["0s", "2min", "30min"]}}
RECORD = {"quotes": "1s", "marks": "1s"}


@dataclass(frozen=True)
class ExactPair:
    """Both runs, and the measures that the study asks for."""

    factual: Run
    baseline: Run
    measures: dict[str, PairMeasure]

    def value(self, name: str) -> float | None:
        measure = self.measures[name]
        return measure.value(measure.of_replication(measure.terms(self.factual, self.baseline)))

    def values(self, *names: str) -> list[float | None]:
        return [self.value(name) for name in names]


def exact_pair(place: Path, case: dict[str, Any], study: dict[str, Any] = STUDY, **changes: Any) -> ExactPair:
    """Run a case of `loop_worlds` with and without its funds' orders, and send its probes."""
    whole = document(case, record=RECORD, study={"arms": ["factual", "frictionless"], **study}, **changes)
    world = scenario.load_text(json.dumps(whole))
    spec, runs = study_of(world.study), {}
    for arm in spec.arms:
        runs[arm.id] = simulation.run(world, folder=place / "runs", arm=arm).path
    planned = PlannedRun(0, 0, "factual", runs["factual"].name)
    receipt = BundleTask(Bundle("probes", planned), world, spec, place, "code", world.sha256()).perform()
    assert (receipt.status, receipt.reason) == ("ok", None)
    asked = measures_asked_for(spec, all_measures())
    of_pairs = {name: measure for name, measure in asked.items() if isinstance(measure, PairMeasure)}
    return ExactPair(Run(runs["factual"]), Run(runs["frictionless"]), of_pairs)
