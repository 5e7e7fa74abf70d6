"""The search: points drawn by Optuna (TPE), all trials kept in one file, which any number of processes share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import polars as pl

from marketsim.analysis.stylised_facts.references import REFERENCES
from marketsim.calibration.loss import distance, loss
from marketsim.calibration.plan import Plan
from marketsim.calibration.trial import try_point
from marketsim.errors import EnvironmentLackError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

JOURNAL = "trials.journal"
FAILED = 100.0
"""The loss of a point whose run failed."""


def opened(plan: Plan, name: str, folder: Path) -> Study:
    """The search of a plan in a folder, begun or gone on with; raises `EnvironmentLackError` without Optuna."""
    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalStorage
    except ImportError as error:
        raise EnvironmentLackError("calibration needs Optuna: pip install 'marketsim-lab[analysis]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    sampler = optuna.samplers.TPESampler(
        multivariate=True, constant_liar=True, n_startup_trials=4 * len(plan.parameters)
    )
    return optuna.create_study(study_name=name, storage=storage, sampler=sampler, load_if_exists=True)


def go_on(plan: Plan, study: Study, seconds: float) -> Iterator[FrozenTrial]:
    """Try points for so long, the last one to its end; yields trials, each with its loss and its facts."""
    import optuna

    until = monotonic() + seconds
    while monotonic() < until:
        asked = study.ask({name: _law(plan, name, optuna) for name in plan.parameters})
        found = try_point(plan, asked.params)
        asked.set_user_attr("facts", json.dumps(found.values))
        asked.set_user_attr("reason", found.reason)
        yield study.tell(asked, FAILED if found.reason else loss(found.values, plan))


def _law(plan: Plan, name: str, optuna: Any) -> Any:
    parameter = plan.parameters[name]
    return optuna.distributions.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def best(plan: Plan, study: Study) -> tuple[dict[str, str], pl.DataFrame]:
    """The settings of the best point by path, and its facts: value, range, distance, whether fitted or held out."""
    facts = json.loads(study.best_trial.user_attrs["facts"])
    rows = []
    for name in (*plan.weights, *plan.held_out):
        wanted = REFERENCES[name].range_of(plan.kind)
        rows.append(
            {
                "fact": name, "value": facts.get(name), "range": str(wanted or ""),
                "distance": None if wanted is None else distance(facts.get(name), wanted),
                "weight": plan.weights.get(name), "held_out": name in plan.held_out,
            }
        )  # fmt: skip
    settings: dict[str, str] = {}
    for name, value in study.best_params.items():
        settings |= plan.parameters[name].settings(value)
    return settings, pl.DataFrame(rows)
