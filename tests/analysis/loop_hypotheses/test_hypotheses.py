"""Registered hypotheses over cells made by hand: slopes, intervals, verdicts and curves."""

import numpy as np
import polars as pl
import pytest

from marketsim.analysis.loop_hypotheses.hypotheses import hypotheses_table
from marketsim.analysis.loop_hypotheses.loop_cells import LoopCell, cells_table
from marketsim.analysis.loop_hypotheses.registered_tests import MARGINS, RegisteredTests
from tests.analysis.loop_hypotheses.cells_by_hand import cell, children, once

TESTS = RegisteredTests("0s", dict.fromkeys(MARGINS, 0.1), ())
NOISE = (-0.02, -0.01, 0.0, 0.0, 0.01, 0.02)
"""Of six replications, in r; their mean is 0."""


def table(cells: list[LoopCell]) -> dict[tuple[str, str], dict]:
    found = hypotheses_table(cells, TESTS, np.random.default_rng(1))
    return {(row["hypothesis"], row["rule"]): row for row in found.iter_rows(named=True)}


def test_h1_is_the_slope_of_measured_on_predicted_pushes() -> None:
    """Pushes of .21 r and .42 r where probes say .2 and .4, equal noise: 1.05, standard error that of the sums."""
    cells = [
        cell(0, "once", [once(0.2, 0.21 + e) for e in NOISE], level=0.2),
        cell(1, "once", [once(0.4, 0.42 + e) for e in NOISE], level=0.4),
    ]
    row = table(cells)["H1", "once"]
    assert row["estimate"] == pytest.approx(1.05)
    # sum level y / sum level p with equal variances: e (.2 + .4) / (.04 + .16) = 3 e, e of s / sqrt(6)
    error = 3 * np.sqrt(0.001 / 5 / 6)
    assert row["hi"] - row["lo"] == pytest.approx(2 * 2.5706 * error, rel=1e-3)
    assert row["hi_90"] == pytest.approx(1.05 + 2.0150 * error, rel=1e-4)
    assert row["verdict"] == "equivalent, and differs"  # 1.0849 is within 1.1, and 1.0055 above 1


def test_h1_to_h4_hold_where_the_world_is_as_theory_says() -> None:
    """Linear, permanent, two children: they trade .5 and .75 and push .625 r, of Lambda .5."""
    world = [children(0.5, 0.625 + 0.1 * e, [0.5, 0.75], alive=[1, 1]) for e in NOISE]
    found = table([cell(0, "once", [once(0.5, 0.5 + 0.1 * e) for e in NOISE]), cell(1, "children", world)])
    for name, rule in (("H1", "once"), ("H3 once", "once"), ("H2", "children"), ("H3", "children"), ("H4", "children")):
        assert found[name, rule]["estimate"] == pytest.approx(1.0), name
        assert found[name, rule]["verdict"] == "equivalent", name
    assert found["H2 rival", "children"]["estimate"] == pytest.approx(0.625)  # R = 2 r would push r
    assert found["H2 rival", "children"]["verdict"] == "differs"
    assert found["H2", "children"]["cells"] == 1


def test_the_curve_that_the_cells_lie_on_is_missed_least_and_a_size_that_bends_it_is_told() -> None:
    cells = []
    for size in (0.01, 0.02):
        for level in (0.1, 0.2, 0.4):
            bent = level * (1 + 0.2 * np.log2(size / 0.01))
            sums = [once(level, bent + 0.1 * e, move=size) for e in NOISE]
            cells.append(cell(len(cells), "once", sums, level=level, size=size))
    found = table(cells)
    assert found["size", "once"]["estimate"] == pytest.approx(0.2, abs=1e-6)
    assert found["size", "once"]["verdict"] == "differs"
    straight = table([each for each in cells if each.label.size == 0.01])
    misses = {key[0]: row["statistic"] for key, row in straight.items() if key[0].startswith("curve")}
    assert min(misses, key=lambda name: misses[name]) == "curve 1 + Lambda"
    assert misses["curve 1 + Lambda"] == pytest.approx(0, abs=1e-9)


def test_of_one_replication_there_is_an_estimate_and_no_interval() -> None:
    row = table([cell(0, "once", [once(0.2, 0.21)]), cell(1, "once", [once(0.4, 0.4)])])["H1", "once"]
    assert row["estimate"] == pytest.approx(0.61 / 0.6)  # one level, no variance to weigh by
    assert (row["lo"], row["verdict"]) == (None, "too few")


def test_cells_that_cannot_be_predicted_are_told_and_not_counted() -> None:
    nothing = cell(0, "children", [children(-0.1, 0.0, [0.5, 0.5], alive=[1, 1])] * 6)
    row = table([nothing])["H2", "children"]
    assert row["estimate"] is None
    assert row["sentence"] == "H2: no cell has a prediction; its probes did not push."
    frame = cells_table([nothing, cell(1, "once", [once(0.2, 0.3)] * 2, sign=-1.0)])
    assert frame["multiplier_predicted"].to_list() == [None, pytest.approx(1.2)]
    assert frame["sign"].to_list() == ["up", "down"]
    assert frame.filter(pl.col("rule") == "once")["multiplier"].to_list() == [pytest.approx(1.3)]
