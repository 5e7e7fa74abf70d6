"""The facts of a calibrated world over several seeds: means with intervals, beside the ranges of real markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from marketsim import scenario as scenarios
from marketsim import simulation
from marketsim.analysis.inference.intervals import t_interval
from marketsim.analysis.stylised_facts import FactsTable, facts_of_run
from marketsim.analysis.stylised_facts.fact import Fact, Range, Verdict
from marketsim.calibration.plan import Plan
from marketsim.files import shipped_folder

WARMUP_H = 1
"""Hours before the first day of a run."""

SCHEMA = {
    "id": pl.String, "fact": pl.String, "unit": pl.String, "mean": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "least": pl.Float64, "most": pl.Float64, "seeds": pl.Int64, "seeds_inside": pl.Int64, "reference": pl.String,
    "verdict": pl.String, "fitted": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One run to be measured: a plan's world with some overrides, on a seed."""

    plan: Plan
    seed: int
    settings: Mapping[str, Any]


def facts_over_seeds(plan: Plan, seeds: Sequence[int], days: int, workers: int) -> pl.DataFrame:
    """Run a plan's world as it is shipped on each seed, and tell each fact over the seeds, as `SCHEMA` has it.

    mean, lo, hi: over the seeds on which the fact could be measured, the 95 % interval Student's (none below six).
    least, most: of single seeds. seeds_inside: those inside the range. verdict: of the mean. fitted: whether the plan's
    loss has it.
    """
    settings = {
        "clock.start": "2024-01-01T00:00:00Z",
        "clock.duration": f"{24 * days + WARMUP_H}h",
        "clock.warmup": f"{WARMUP_H}h",
        "record": plan.window["record"],
    }
    return over_seeds(facts_of_jobs([Job(plan, seed, settings) for seed in seeds], workers), plan)


def facts_of_jobs(jobs: Sequence[Job], workers: int) -> list[FactsTable]:
    """The facts of each job's run, in their order, made by some processes at a time."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return list(pool.map(facts_of_job, jobs))


def facts_of_job(job: Job) -> FactsTable:
    """Run one job in a folder that is gone afterwards."""
    world = scenarios.opened(shipped_folder() / job.plan.world, dict(job.settings), seed=job.seed)
    with TemporaryDirectory(prefix="marketsim-seeds-") as folder:
        run = simulation.run(world, out=Path(folder))
        return facts_of_run(run, job.plan.market, job.plan.kind)


def over_seeds(tables: Sequence[FactsTable], plan: Plan) -> pl.DataFrame:
    """The facts of several seeds as one table."""
    rows = [_row([table.rows[i] for table in tables], plan) for i in range(len(tables[0].rows))]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(facts: Sequence[Fact], plan: Plan) -> tuple[object, ...]:
    measured = [fact for fact in facts if fact.value is not None]
    of = (measured or facts)[0]
    values = np.array([fact.value for fact in measured], dtype=float)
    mean = lo = hi = least = most = None
    if measured:
        mean, least, most = float(values.mean()), float(values.min()), float(values.max())
    if mean is not None and len(values) > 1:
        interval = t_interval(mean, (values.sum() - values) / (len(values) - 1))
        lo, hi = interval.lo, interval.hi
    verdict = of.verdict if mean is None or of.verdict == "of the index" else _place(of, mean)
    inside = sum(_place(of, value) == "inside" for value in values)
    return (
        of.id, of.fact, of.unit, mean, lo, hi, least, most, len(values), inside, of.reference, verdict,
        of.id in plan.weights,
    )  # fmt: skip


def _place(fact: Fact, value: float) -> Verdict:
    if fact.low is None and fact.high is None:
        return "no reference"
    return "inside" if Range(fact.low, fact.high).holds(value) else "outside"
