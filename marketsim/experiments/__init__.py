"""Experiments: from the block `study` of a scenario to the runs it consists of.

Lives here: the points a study is made at (`sampling`, `axis`), its cells and its plan of runs (`design`), and what of
the plan stands on disk (`study_runs`, `bundles`); one run of it by itself (`one_run`), and a stored one made again and
compared (`reproduction`). A planned run or bundle becomes a task when its turn comes (`task`,
`run_task`, `bundle_task`; their order is `task_queue`'s), a worker performs it, and a receipt says what came of it.
`runner` sweeps over all of them on Dask's workers (`engine`, `local_workers`, `worker_host`), `pilot` foretells the
cost, `simulate` is a world as a function of its parameters. May not live here: what a run is (`simulation`), where it
is kept (`datasets`), what runs say (`analysis`, which this room does not see: effects and pages are handed in as
functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketsim.experiments.limits import Limits
    from marketsim.experiments.one_run import RunOfStudy, run_of_study
    from marketsim.experiments.pilot import Forecast, forecast
    from marketsim.experiments.reproduction import Reproduction, reproduce
    from marketsim.experiments.runner import SweptStudy, sweep
    from marketsim.experiments.shard import Shard

__all__ = [
    "Forecast",
    "Limits",
    "Reproduction",
    "RunOfStudy",
    "Shard",
    "SweptStudy",
    "forecast",
    "reproduce",
    "run_of_study",
    "sweep",
]

_MODULES = {
    "Forecast": "pilot", "Limits": "limits", "Reproduction": "reproduction", "RunOfStudy": "one_run", "Shard": "shard",
    "SweptStudy": "runner", "forecast": "pilot", "reproduce": "reproduction", "run_of_study": "one_run",
    "sweep": "runner",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Fetch what is asked for, and what it needs with it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
