"""The tables that a study asks for in addition to its effects: crowding, holding and transfers.

crowding.parquet    where the study sends probes: K, lambda and Lambda of each cell and market
holding.parquet     asked for by `compare_holding`: each holder of a token against a perpetual position
transfers.parquet   asked for by the measure `transfers`: who paid whom in every finished run, by cohort and cause
reset_transfers.parquet   with it: what trades around each reset moved between cohorts
sensitivity.parquet asked for by `sensitivity`: indices of every varied path for one measure
loop_cells.parquet, hypotheses.parquet   asked for by a registration whose analysis is `reset loop`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from marketsim.analysis.crowding.study_crowding import study_crowding
from marketsim.analysis.holding.token_against_perpetual import compare_holding
from marketsim.analysis.loop_hypotheses.hypotheses import hypotheses_table
from marketsim.analysis.loop_hypotheses.loop_cells import cells_table, loop_cells
from marketsim.analysis.loop_hypotheses.registered_tests import registered_tests
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.run_data.finished_runs import factual_arms, finished_runs
from marketsim.analysis.study_effects.effects_table import effects_of
from marketsim.analysis.study_effects.sensitivity_indices import measure_sensitivity
from marketsim.analysis.transfers.reset_transfers import reset_transfers
from marketsim.analysis.transfers.transfer_matrix import transfers
from marketsim.datasets.run import Run
from marketsim.datasets.store import write_whole
from marketsim.datasets.study import Study
from marketsim.scenario.study.measured import TRANSFERS


def write_study_tables(study: Study) -> list[Path]:
    """Write the tables that a study asks for, then its effects: where these stand, all else does; returns the paths."""
    written, effects = [], effects_of(study)
    if study.spec.is_probed:
        written.append(_write(study, "crowding", study_crowding(study)))
    if study.spec.compare_holding:
        written.append(_write(study, "holding", study_holding(study)))
    if study.spec.asks_for(TRANSFERS):
        written.append(_write(study, "transfers", study_transfers(study)))
        written.append(_write(study, "reset_transfers", study_reset_transfers(study)))
    if study.spec.sensitivity is not None:
        units = {name: measure.unit for name, measure in all_measures().items()}
        written.append(_write(study, "sensitivity", measure_sensitivity(study, units, effects)))
    tests = registered_tests(study)
    if tests is not None:
        cells = loop_cells(study, tests)
        written.append(_write(study, "loop_cells", cells_table(cells)))
        rng = np.random.default_rng(study.declared["seed"])
        written.append(_write(study, "hypotheses", hypotheses_table(cells, tests, rng)))
    return [*written, study.write_effects(effects)]


def study_holding(study: Study) -> pl.DataFrame:
    """Holders of tokens against perpetuals in every factual run: cell, replication, arm and the holding columns."""
    return _of_runs(study, factual_arms(study), lambda run: compare_holding(run.path, study.spec.compare_holding))


def study_transfers(study: Study) -> pl.DataFrame:
    """The flows of the transfer matrix of every finished whole run, with cell, replication and arm."""
    return _of_runs(study, {arm.id for arm in study.spec.arms}, lambda run: transfers(run).flows)


def study_reset_transfers(study: Study) -> pl.DataFrame:
    """What trades around each reset moved, in every finished whole run, with cell, replication and arm."""
    return _of_runs(study, {arm.id for arm in study.spec.arms}, lambda run: reset_transfers(run, transfers(run)))


def _of_runs(study: Study, arms: set[str], make: Callable[[Run], pl.DataFrame]) -> pl.DataFrame:
    place = ("cell", "replication", "arm")
    frames = []
    for path, *values in finished_runs(study, arms).select("path", *place).iter_rows():
        columns = [pl.lit(value).alias(name) for name, value in zip(place, values, strict=True)]
        frames.append(make(Run(path)).select(*columns, pl.all()))
    return pl.concat(frames) if frames else pl.DataFrame()


def _write(study: Study, name: str, frame: pl.DataFrame) -> Path:
    path = study.path / f"{name}.parquet"
    write_whole(path, frame.write_parquet)
    return path
