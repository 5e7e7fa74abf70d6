"""hypotheses.parquet: the registered hypotheses about the loop, each with its interval, its margin and a verdict.

Replications are the unit: every estimate is computed again without each of them, all cells, predictions and probes
included. An estimate is sum v measured / sum v predicted over cells, of pushes (H1, H2, H4) with v = registered level
/ variance, of traded over K r (H3) with v = 1 / variance; 1 is as predicted, whatever the size of the loop. The
registered level stands for the prediction in v (an instrument, Wald 1940): probes are noisy, and a least-squares slope
on them would come out too small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.inference.equivalence import Equivalence, equivalence
from marketsim.analysis.inference.one_curve import LOWEST_WEIGHT, Readings, shuffled_ways_p, slopes
from marketsim.analysis.loop_hypotheses import cell_prediction
from marketsim.analysis.loop_hypotheses.cell_prediction import CellPrediction
from marketsim.analysis.loop_hypotheses.curves import CURVES, misfit
from marketsim.analysis.loop_hypotheses.hypothesis_row import COLUMNS, HypothesisRow
from marketsim.analysis.loop_hypotheses.loop_cells import LoopCell
from marketsim.analysis.loop_hypotheses.registered_tests import CellLabel, RegisteredTests
from marketsim.analysis.loop_hypotheses.reset_sums import ResetSums

ONCE, CHILDREN = "once", "children"
Measured = Callable[[ResetSums], float]
Expected = Callable[[CellPrediction], float | None]


@dataclass(frozen=True)
class Hypothesis:
    """What is measured of a cell, and what is predicted for it; the slope of the one on the other is to be 1."""

    name: str
    margin: str
    rule: str
    statement: str
    measured: Measured
    expected: Expected
    is_of_levels: bool = True


def _push(sums: ResetSums) -> float:
    return cell_prediction.multiplier(sums) - 1


def _less_one(value: float | None) -> float | None:
    return None if value is None else value - 1


HYPOTHESES = (
    Hypothesis("H1", "H1", ONCE, "R = r + I(K r)", _push, lambda told: told.multiplier - 1),
    Hypothesis("H2", "H2", CHILDREN, "the children's system with the probes' kernel", _push,
               lambda told: told.multiplier - 1),
    Hypothesis("H2 rival", "H2", CHILDREN, "R = r + I(K R)", _push, lambda told: _less_one(told.rival)),
    Hypothesis("H3 once", "H3", ONCE, "traded = K r", cell_prediction.orders_ratio, lambda told: told.orders,
               is_of_levels=False),
    Hypothesis("H3", "H3", CHILDREN, "traded / (K r) = sum u_k", cell_prediction.orders_ratio,
               lambda told: told.orders, is_of_levels=False),
    Hypothesis("H4", "H4", CHILDREN, "push = the kernel applied to the orders sent", _push,
               lambda told: _less_one(told.of_orders_sent)),
)  # fmt: skip


def hypotheses_table(cells: Sequence[LoopCell], tests: RegisteredTests, rng: np.random.Generator) -> pl.DataFrame:
    """Every hypothesis that has cells; columns `hypothesis_row.COLUMNS`."""
    rows = list(_rows(cells, tests, rng))
    return pl.DataFrame([asdict(row) for row in rows], schema=COLUMNS, orient="row")


def _rows(cells: Sequence[LoopCell], tests: RegisteredTests, rng: np.random.Generator) -> Iterator[HypothesisRow]:
    for rule in (ONCE, CHILDREN):
        mine = [cell for cell in cells if cell.rule == rule and cell.by_replication]
        for hypothesis in HYPOTHESES:
            if hypothesis.rule == rule and mine:
                yield _slope_row(hypothesis, mine, tests.margins[hypothesis.margin])
        if len(mine) > 1:
            yield from _curve_rows(rule, mine, tests, rng)


# -- measured on predicted


def replications_of(cells: Sequence[LoopCell]) -> list[int]:
    """The replications of which any cell could be read."""
    return sorted({replication for cell in cells for replication in cell.by_replication})


def _slope_row(hypothesis: Hypothesis, cells: Sequence[LoopCell], margin: float) -> HypothesisRow:
    known = [cell for cell, value in zip(cells, _points(hypothesis, cells, None)[1], strict=True) if np.isfinite(value)]
    replications = replications_of(known)
    told = HypothesisRow(
        hypothesis.name, hypothesis.rule, hypothesis.statement, len(known), len(replications), "", 1.0, margin
    )
    if not known:
        return replace(told, sentence=f"{hypothesis.name}: no cell has a prediction; its probes did not push.")
    each = replications if len(replications) > 1 else []
    whole, *left = (_points(hypothesis, known, without) for without in (None, *each))
    weights = _weights(np.array([measured for measured, _ in left])) if left else np.ones(len(known))
    if hypothesis.is_of_levels:
        weights *= np.array([cell.label.level for cell in known])
    estimate, left_out = _ratio(*whole, weights), np.array([_ratio(*points, weights) for points in left])
    found = equivalence(estimate, left_out, 1.0, margin)
    return replace(told, sentence=_slope_sentence(hypothesis, found, len(known), len(replications)), **_numbers(found))


def _points(hypothesis: Hypothesis, cells: Sequence[LoopCell], without: int | None) -> tuple[Floats, Floats]:
    """Measured and expected (c,) without a replication; NaN where there is none."""
    measured, expected = np.full((2, len(cells)), np.nan)
    for i, cell in enumerate(cells):
        sums = cell.sums(without)
        told = None if sums is None or cell.rule is None else cell_prediction.predict(sums, cell.rule)
        value = None if told is None else hypothesis.expected(told)
        if sums is not None and value is not None:
            measured[i], expected[i] = hypothesis.measured(sums), value
    return measured, expected


def _weights(left: Floats) -> Floats:
    """1 / jackknife variance of each cell's measured value (c,), from its values without one replication each."""
    n = len(left)
    spread = (n - 1) / n * np.nansum((left - np.nanmean(left, axis=0)) ** 2, axis=0)
    weights: Floats = 1 / np.maximum(spread, LOWEST_WEIGHT)
    return weights


def _ratio(measured: Floats, expected: Floats, weights: Floats) -> float:
    return float(np.nansum(weights * measured) / np.nansum(weights * expected))


def _numbers(found: Equivalence) -> dict[str, Any]:
    return {key: value for key, value in asdict(found).items() if key not in ("predicted", "margin")}


def _interval(found: Equivalence) -> str:
    return "" if found.lo is None or found.hi is None else f" (95 % interval {found.lo:.3f} to {found.hi:.3f})"


def _slope_sentence(hypothesis: Hypothesis, found: Equivalence, cells: int, replications: int) -> str:
    return (
        f"{hypothesis.name}, {hypothesis.statement}: measured is {found.estimate:.3f} of predicted{_interval(found)}, "
        f"margin +-{found.margin:g}: {found.verdict} ({cells} cells, {replications} replications)."
    )


# -- one curve


def readings_of(cells: Sequence[LoopCell]) -> Readings:
    """Pushes, readings of probes and moves of the cells by replication; NaN where a replication has none."""
    replications = replications_of(cells)
    arrays = np.full((3, len(cells), len(replications)), np.nan)
    for i, cell in enumerate(cells):
        for j, replication in enumerate(replications):
            sums = cell.by_replication.get(replication)
            if sums is not None:
                arrays[:, i, j] = sums.push, sums.own_later, sums.move
    return Readings(*arrays)


def _curve_rows(
    rule: str, cells: Sequence[LoopCell], tests: RegisteredTests, rng: np.random.Generator
) -> Iterator[HypothesisRow]:
    readings, labels = readings_of(cells), [cell.label for cell in cells]
    if readings.replications < 2:
        return
    counts: dict[str, Any] = {"cells": len(cells), "replications": readings.replications}
    ways = np.unique([label.way for label in labels], return_inverse=True)[1]
    strata = np.unique([(label.level, label.size, label.sign) for label in labels], axis=0, return_inverse=True)[
        1
    ].ravel()
    if len(set(ways)) > 1 and any(len(set(ways[strata == one])) > 1 for one in set(strata)):
        p = shuffled_ways_p(readings, ways, strata, rng)
        sentence = f"One curve of Lambda however it was reached: p = {p:.3f} by labels shuffled within replications."
        told = HypothesisRow("one curve", rule, "the way does not matter", sentence=sentence, p=p, **counts)
        yield replace(told, method="shuffled_labels")
    yield from _factor_rows(rule, readings, _factors(labels, ways), tests, counts)
    x, y = readings.curve()
    for name, curve in CURVES[rule].items():
        squares = misfit(x, 1 + y, readings.variances(), curve)
        sentence = f"The curve {name} is missed by {squares:.2f} weighted squares a cell."
        yield HypothesisRow(f"curve {name}", rule, name, sentence=sentence, statistic=squares, **counts)


def _factors(labels: Sequence[CellLabel], ways: Integers) -> dict[str, Floats]:
    """Values (c,) of what may bend the curve: each way but the first, log2 of the size over 1 %, half the sign."""
    names = sorted({label.way for label in labels})
    found = {f"ways: {name}": (ways == number).astype(np.float64) for number, name in enumerate(names) if number}
    found["size"] = np.log2(np.array([label.size for label in labels]) / 0.01)
    found["sign"] = np.array([label.sign for label in labels]) / 2
    return found


def _factor_rows(
    rule: str, readings: Readings, factors: dict[str, Floats], tests: RegisteredTests, counts: dict[str, Any]
) -> Iterator[HypothesisRow]:
    fitted = slopes(readings, factors)
    for slope in fitted.slopes:
        margin = tests.margins[slope.factor.partition(":")[0]]
        found = equivalence(slope.estimate, slope.left_out, 0.0, margin)
        statement = f"{slope.factor} does not bend the curve"
        sentence = (
            f"{slope.factor}: the multiplier changes by {slope.estimate:.3f} Lambda{_interval(found)}, margin "
            f"+-{margin:g}: {found.verdict}."
        )
        row = HypothesisRow(slope.factor, rule, statement, sentence=sentence, predicted=0.0, margin=margin, **counts)
        yield replace(row, **_numbers(found))
    if fitted.p is not None and fitted.f is not None:
        sentence = f"No factor bends the curve: Hotelling F = {fitted.f:.2f}, p = {fitted.p:.3f}."
        told = HypothesisRow("factors", rule, "way, size and sign do not bend the curve", sentence=sentence, **counts)
        yield replace(told, statistic=fitted.f, p=fitted.p, method="jackknife_hotelling")
