"""Sensitivity on functions whose indices are known, and on a study made up of them."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marketsim.analysis.study_effects.effect_row import COLUMNS
from marketsim.analysis.study_effects.sensitivity_indices import (
    given_data_indices,
    measure_sensitivity,
    morris_effects,
    sobol_indices,
)
from marketsim.datasets.study import PLAN, Study, create_study
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.experiments.cells import lay_out_cells
from marketsim.experiments.design import Plan
from marketsim.experiments.sampling import morris, saltelli, sample
from marketsim.scenario.resolve import load_text
from tests.analysis.studies import WORLD

PATHS = ["a", "b", "c"]
AXES = "traders.noise.rate: {uniform: [1/h, 2/h]}, clock.duration: {log: [1h, 4h]}"


def ishigami(places: np.ndarray) -> np.ndarray:
    """sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on [-pi, pi]^3 (Ishigami and Homma 1990)."""
    x = np.pi * (2 * places - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def values(frame: pl.DataFrame, index: str) -> list[float]:
    return frame.filter(index=index)["estimate"].to_list()


def test_sobol_indices_of_the_ishigami_function_are_the_known_ones() -> None:
    # with a = 7, b = 0.1: S1 = .3139, .4424, 0; ST = .5576, .4424, .2437 (Saltelli et al. 2008, Ishigami and Homma)
    found = sobol_indices(ishigami(saltelli(1024, 3, seed=1)), PATHS, seed=1)
    assert values(found, "S1") == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert values(found, "ST") == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)
    true = [0.3139, 0.5576, 0.4424, 0.4424, 0.0, 0.2437]  # S1 and ST, path by path
    assert ((found["lo"] < pl.Series(true)) & (pl.Series(true) < found["hi"])).all()
    assert found.equals(sobol_indices(ishigami(saltelli(1024, 3, seed=1)), PATHS, seed=1))


def test_first_order_indices_come_from_any_sample_too() -> None:
    places = sample("lhs", 1_000, 3, seed=1)
    found = given_data_indices(places, ishigami(places), PATHS, seed=1)
    assert values(found, "S1") == pytest.approx([0.3139, 0.4424, 0.0], abs=0.05)
    with pytest.raises(ResultError, match="needs the outcomes of 64 cells or more; there are 20"):
        given_data_indices(places[:20], ishigami(places[:20]), PATHS, seed=1)


def test_linear_functions_have_the_shares_of_their_coefficients() -> None:
    # 2 a - b: variances 4 : 1, so S1 = ST = .8 and .2, and elementary effects are the coefficients, without spread
    slopes = np.array([2.0, -1.0, 0.0])
    indices = sobol_indices(saltelli(512, 3, seed=2) @ slopes, PATHS, seed=2)
    assert values(indices, "S1") == pytest.approx([0.8, 0.2, 0.0], abs=0.01)
    assert values(indices, "ST") == pytest.approx([0.8, 0.2, 0.0], abs=0.01)
    points = morris(10, 3, seed=2)
    screened = morris_effects(points, points @ slopes, PATHS, seed=2)
    assert values(screened, "mu") == pytest.approx([2.0, -1.0, 0.0])
    assert values(screened, "mu_star") == pytest.approx([2.0, 1.0, 0.0])
    assert values(screened, "sigma") == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_morris_screening_finds_what_acts_with_others() -> None:
    # between levels 0, 2/3 and 1/3, 1 of x2, 7 sin^2 moves by 7 x .75 = 5.25 over 2/3 of the axis: mu* = 7.875 exactly
    points = morris(200, 3, seed=3)
    screened = morris_effects(points, ishigami(points), PATHS, seed=3)
    assert values(screened, "mu_star")[1] == pytest.approx(7.875)
    assert values(screened, "mu")[2] == pytest.approx(0.0, abs=1.5)  # x3 acts both ways, only together with x1
    assert values(screened, "mu_star")[2] > 5


def study_of(out: Path, design: str, drop: int = 0) -> Study:
    """A study whose cells' outcome is 2 x the first place + the second."""
    scenario = load_text(WORLD.replace("STUDY", f"{{arms: [factual], design: {design}, over: {{{AXES}}}}}"))
    design_table = Plan(scenario, tuple(lay_out_cells(scenario)), ()).design_table()
    study = create_study(out, scenario, design_table, pl.DataFrame(schema=PLAN), "code")
    outcome = 2 * design_table["traders.noise.rate:unit"] + design_table["clock.duration:unit"]
    rows = [
        {"cell": cell, "measure": "volatility", "arm": "factual", "estimate": value}
        for cell, value in enumerate(outcome.to_list()[drop:], start=drop)
    ]
    study.write_effects(pl.DataFrame(rows, schema=COLUMNS))
    return study


def test_a_studys_design_decides_what_is_computed(tmp_path: Path) -> None:
    by_blocks = measure_sensitivity(study_of(tmp_path / "1", "{saltelli: 256}"), "volatility", "factual")
    assert by_blocks["path"].unique(maintain_order=True).to_list() == ["traders.noise.rate", "clock.duration"]
    assert values(by_blocks, "S1") == pytest.approx([0.8, 0.2], abs=0.02)
    screened = measure_sensitivity(study_of(tmp_path / "2", "{morris: 6}"), "volatility", "factual")
    assert values(screened, "mu_star") == pytest.approx([2.0, 1.0])
    given = measure_sensitivity(study_of(tmp_path / "3", "{lhs: 200}", drop=1), "volatility", "factual")
    assert values(given, "S1") == pytest.approx([0.8, 0.2], abs=0.08)


def test_a_missing_outcome_is_named_where_every_cell_is_needed(tmp_path: Path) -> None:
    study = study_of(tmp_path, "{morris: 6}", drop=2)
    with pytest.raises(ResultError, match="needs the outcome volatility of every cell; 2 of 18 have none, the first"):
        measure_sensitivity(study, "volatility", "factual")


def test_without_salib_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.analyze.morris", None)
    with pytest.raises(EnvironmentLackError, match=r"pip install -e '.\[analysis\]'"):
        morris_effects(morris(4, 3, 1), np.arange(16.0), PATHS, 1)
