"""loop_cells.parquet: each cell of a study beside what theory makes of its probes, and the replications behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from marketsim.analysis.crowding.factual_pairs import Pair, factual_pairs
from marketsim.analysis.loop_hypotheses import cell_prediction
from marketsim.analysis.loop_hypotheses.cell_prediction import CellPrediction
from marketsim.analysis.loop_hypotheses.registered_tests import CellLabel, RegisteredTests
from marketsim.analysis.loop_hypotheses.reset_sums import ResetSums, read_resets, total
from marketsim.analysis.measures.pair_state import pair_state
from marketsim.datasets.study import Study

COLUMNS = {
    "cell": pl.Int64, "way": pl.String, "level": pl.Float64, "size": pl.Float64, "sign": pl.String, "rule": pl.String,
    "replications": pl.Int64, "unread": pl.Int64, "collapsed": pl.Int64, "bounds": pl.Int64, "move": pl.Float64,
    "crowding_number": pl.Float64, "impact_exponent": pl.Float64, "multiplier": pl.Float64,
    "multiplier_predicted": pl.Float64, "multiplier_rival": pl.Float64, "multiplier_of_orders_sent": pl.Float64,
    "orders_ratio": pl.Float64, "orders_predicted": pl.Float64,
}  # fmt: skip
"""Columns of loop_cells.parquet, and their types. move: mean absolute return of the baseline before the
resets; bounds: probes that emptied a side, which moved the price at least as far."""


@dataclass(frozen=True)
class LoopCell:
    """The sums of each replication of a cell whose resets could be read, and how many were left out.

    collapsed: replications in which a market was destroyed, which are left out; unread: resets. rule: what the funds
    do (`once`, `children`); None where they do different things.
    """

    cell: int
    label: CellLabel
    rule: str | None
    by_replication: Mapping[int, ResetSums]
    unread: int
    collapsed: int

    def sums(self, without: int | None = None) -> ResetSums | None:
        """The sums of all replications but one; None where no other is left."""
        kept = [each for replication, each in self.by_replication.items() if replication != without]
        return total(kept) if kept else None

    def predicted(self, without: int | None = None) -> CellPrediction | None:
        """What theory makes of them; None where it has no answer."""
        sums = self.sums(without)
        return None if sums is None or self.rule is None else cell_prediction.predict(sums, self.rule)


def loop_cells(study: Study, tests: RegisteredTests) -> list[LoopCell]:
    """Every cell of a study, at the registered horizon."""
    pairs = factual_pairs(study)
    return [_cell(cell, label, pairs.get(cell, []), tests.horizon) for cell, label in enumerate(tests.cells)]


def _cell(cell: int, label: CellLabel, pairs: Sequence[Pair], horizon: str) -> LoopCell:
    found: dict[int, list[ResetSums]] = {}
    rules, unread, collapsed = set[str | None](), 0, 0
    for factual, baseline in pairs:
        if pair_state(factual, baseline).is_collapsed:
            collapsed += 1
            continue
        read = read_resets(factual, baseline, horizon)
        unread += read.unread
        if read.sums is not None:
            rules.add(read.rule)
            found.setdefault(int(factual.manifest["replication"]), []).append(read.sums)
    rule = rules.pop() if len(rules) == 1 else None
    return LoopCell(cell, label, rule, {r: total(parts) for r, parts in found.items()}, unread, collapsed)


def cells_table(cells: Sequence[LoopCell]) -> pl.DataFrame:
    """The cells as a table, columns `COLUMNS`."""
    return pl.DataFrame([_row(cell) for cell in cells], schema=COLUMNS, orient="row")


def _row(cell: LoopCell) -> dict[str, object]:
    label, sums, told = cell.label, cell.sums(), cell.predicted()
    row: dict[str, object] = {
        **dict.fromkeys(COLUMNS),
        "cell": cell.cell, "way": label.way, "level": label.level, "size": label.size,
        "sign": "up" if label.sign > 0 else "down", "rule": cell.rule, "replications": len(cell.by_replication),
        "unread": cell.unread, "collapsed": cell.collapsed,
    }  # fmt: skip
    if sums is not None:
        row |= {
            "move": sums.move / len(cell.by_replication), "crowding_number": cell_prediction.crowding(sums),
            "impact_exponent": cell_prediction.exponent(sums), "multiplier": cell_prediction.multiplier(sums),
            "orders_ratio": cell_prediction.orders_ratio(sums), "bounds": round(sums.bounds),
        }  # fmt: skip
    if told is not None:
        row |= {
            "multiplier_predicted": told.multiplier, "multiplier_rival": told.rival,
            "multiplier_of_orders_sent": told.of_orders_sent, "orders_predicted": told.orders,
        }  # fmt: skip
    return row
