"""The tables that a study asks for in addition to its effects: crowding, holding and transfers.

crowding.parquet    where the study sends probes: K, lambda and Lambda of each cell and market
holding.parquet     asked for by `compare_holding`: each holder of a token against a perpetual position
transfers.parquet   asked for by the measure `transfers`: who paid whom in every finished run, by cohort and cause
reset_transfers.parquet   with it: what trades around each reset moved between cohorts
reset_payers.parquet      with it: what each cohort got of that in the end, against the baseline, with intervals
break_even.parquet        with it, where cells differ by assets alone: from which on resets cost more than the fee
trade_gains.parquet   with it: what each cohort gained by trading, arm by arm, with intervals
sensitivity.parquet asked for by `sensitivity`: indices of every varied path for one measure
loop_cells.parquet, hypotheses.parquet   asked for by a registration whose analysis is `reset loop`
hypotheses.parquet  asked for by one whose analysis is `resets in turn`, too
clock_schedules.parquet, clock_game.parquet   asked for by one whose analysis is `clock game`
headlines.parquet   asked for by one whose analysis is `robustness`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from marketsim.analysis.clock_game.clock_game import game_table, schedules_table, solve
from marketsim.analysis.clock_game.game_costs import game_costs
from marketsim.analysis.clock_game.registered_clocks import check_clocks, registered_clocks
from marketsim.analysis.crowding.study_crowding import study_crowding
from marketsim.analysis.holding.token_against_perpetual import compare_holding
from marketsim.analysis.loop_hypotheses.hypotheses import hypotheses_table
from marketsim.analysis.loop_hypotheses.loop_cells import cells_table, loop_cells
from marketsim.analysis.loop_hypotheses.registered_tests import (
    check_tests,
    registered_tests,
    registered_turns,
)
from marketsim.analysis.loop_hypotheses.resets_in_turn import hypotheses_in_turn
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.robustness.headline_moves import headlines_table
from marketsim.analysis.robustness.registered_headlines import check_headlines, registered_headlines
from marketsim.analysis.run_data.finished_runs import factual_arms, finished_runs
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.study_effects.effects_table import effects_of
from marketsim.analysis.study_effects.sensitivity_indices import measure_sensitivity
from marketsim.analysis.transfers.break_even import break_even, is_over_assets
from marketsim.analysis.transfers.reset_payers import reset_payers
from marketsim.analysis.transfers.reset_transfers import reset_transfers
from marketsim.analysis.transfers.trade_gains import trade_gains
from marketsim.analysis.transfers.transfer_matrix import transfers
from marketsim.datasets.run import Run
from marketsim.datasets.store import write_whole
from marketsim.datasets.study import Study
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.measured import TRANSFERS


def write_study_tables(study: Study) -> list[Path]:
    """Write the tables that a study asks for, then its effects: where these stand, all else does; returns the paths."""
    written, effects = [], effects_of(study)
    if study.spec.is_probed:
        written.append(_write(study, "crowding", study_crowding(study)))
    if study.spec.compare_holding:
        written.append(_write(study, "holding", study_holding(study)))
    if study.spec.asks_for(TRANSFERS):
        flows = study_transfers(study)
        written.append(_write(study, "transfers", flows))
        funds = [token["id"] for token in study.scenario.get("tokens", [])]
        written.append(_write(study, "trade_gains", trade_gains(flows, funds, study.spec.baseline_arm)))
        around = study_reset_transfers(study)
        written.append(_write(study, "reset_transfers", around))
        written.append(_write(study, "reset_payers", reset_payers(around, study.spec.baseline_arm)))
        if is_over_assets(study):
            written.append(_write(study, "break_even", break_even(study)))
    if study.spec.sensitivity is not None:
        units = {name: measure.unit for name, measure in all_measures().items()}
        written.append(_write(study, "sensitivity", measure_sensitivity(study, units, effects)))
    written += _registered_tables(study)
    return [*written, study.write_effects(effects)]


def check_registered(scenario: Scenario, cells: int) -> None:
    """Raise `UsageError` where a study's registration asks for what it cannot have; before anything runs."""
    check_tests(scenario, cells)
    check_clocks(scenario)
    check_headlines(scenario, cells)


def _registered_tables(study: Study) -> list[Path]:
    """The tables that the registration of a study asks for."""
    tables: dict[str, pl.DataFrame] = {}
    if (tests := registered_tests(study)) is not None:
        cells = loop_cells(study, tests)
        tables["loop_cells"] = cells_table(cells)
        tables["hypotheses"] = hypotheses_table(cells, tests, np.random.default_rng(study.declared["seed"]))
    if (turns := registered_turns(study)) is not None:
        tables["hypotheses"] = hypotheses_in_turn(study, turns)
    if (clocks := registered_clocks(study)) is not None:
        rng = np.random.default_rng(study.declared["seed"])
        solved = solve(game_costs(study, clocks), clocks, rng)
        tables["clock_schedules"], tables["clock_game"] = schedules_table(solved), game_table(solved)
    if (headlines := registered_headlines(study)) is not None:
        tables["headlines"] = headlines_table(study, headlines)
    return [_write(study, name, table) for name, table in tables.items()]


def study_holding(study: Study) -> pl.DataFrame:
    """Holders of tokens against perpetuals in every factual run: cell, replication, arm and the holding columns."""
    return _of_runs(study, factual_arms(study), lambda run: compare_holding(run.path, study.spec.compare_holding))


def study_transfers(study: Study) -> pl.DataFrame:
    """The flows of the transfer matrix of every finished whole run, with cell, replication and arm."""
    return _of_runs(study, {arm.id for arm in study.spec.arms}, lambda run: transfers(run).flows)


def study_reset_transfers(study: Study) -> pl.DataFrame:
    """What trades around each reset moved, in every finished whole run, with cell, replication and arm.

    Runs whose funds send no orders are read at the resets of the factual run of their cell and replication.
    """
    factual = finished_runs(study, factual_arms(study)).select("cell", "replication", "path").iter_rows()
    resets = {(cell, replication): Run(path) for cell, replication, path in factual}

    def make(run: Run) -> pl.DataFrame:
        place = (run.manifest["cell"], run.manifest["replication"])
        return reset_transfers(run, transfers(run), None if measured_resets(run) else resets.get(place))

    return _of_runs(study, {arm.id for arm in study.spec.arms}, make)


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
