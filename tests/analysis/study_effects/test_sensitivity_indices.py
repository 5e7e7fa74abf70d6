"""Sensitivity on functions whose indices are known, and on a study made up of them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import marketsim as ms
from marketsim.analysis.study_effects.effect_row import COLUMNS
from marketsim.analysis.study_effects.sensitivity_indices import (
    COLUMNS as INDEX_COLUMNS,
)
from marketsim.analysis.study_effects.sensitivity_indices import (
    measure_sensitivity,
    morris_effects,
    sobol_indices,
)
from marketsim.datasets.study import PLAN, Study, create_study
from marketsim.experiments.cells import lay_out_cells
from marketsim.experiments.design import Plan
from marketsim.experiments.sampling import morris, saltelli
from marketsim.scenario import load_text
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


def study_of(out: Path, sensitivity: str, drop: tuple[int, ...] = (), arms: str = "[factual]") -> Study:
    """A study whose cells' outcome is 2 x the first place + the second, in the first arm; dropped cells have none."""
    declared = f"{{arms: {arms}, sensitivity: {sensitivity}, over: {{{AXES}}}}}"
    scenario = load_text(WORLD.replace("STUDY", declared))
    design_table = Plan(scenario, tuple(lay_out_cells(scenario)), ()).design_table()
    study = create_study(out, scenario, design_table, pl.DataFrame(schema=PLAN), "code")
    outcome = 2 * design_table["traders.noise.rate:unit"] + design_table["clock.duration:unit"]
    rows = [
        {"cell": cell, "measure": "volatility", "arm": "factual", "estimate": None if cell in drop else value}
        for cell, value in enumerate(outcome.to_list())
    ]
    against = [{**row, "arm": "off", "versus": "factual", "estimate": 7 - row["estimate"]} for row in rows if not drop]
    study.write_effects(pl.DataFrame([*rows, *against], schema=COLUMNS))
    return study


def test_the_method_decides_the_cells_and_what_is_computed(tmp_path: Path) -> None:
    study = study_of(tmp_path / "1", "{method: sobol, samples: 256, measure: volatility}")
    assert study.design().height == 256 * (2 + 2)
    shares = measure_sensitivity(study, {"volatility": "%/yr"}, study.effects())
    assert shares["path"].unique(maintain_order=True).to_list() == ["traders.noise.rate", "clock.duration"]
    assert values(shares, "S1") == pytest.approx([0.8, 0.2], abs=0.02)
    assert set(shares.select("measure", "unit", "arm", "versus", "method", "samples", "left_out").rows()) == {
        ("volatility", "%/yr", "factual", None, "sobol", 256, 0)
    }
    screened_study = study_of(tmp_path / "2", "{method: morris, samples: 6, measure: volatility}")
    assert screened_study.design().height == 6 * (2 + 1)
    screened = measure_sensitivity(screened_study, {}, screened_study.effects())
    assert values(screened, "mu_star") == pytest.approx([2.0, 1.0])


def sensitivity_of(study: Study) -> pl.DataFrame:
    """The indices of a study from the effects that it has."""
    return measure_sensitivity(study, {}, study.effects())


def test_a_difference_from_the_baseline_comes_before_the_level_of_an_arm(tmp_path: Path) -> None:
    asked = "{method: morris, samples: 4, measure: volatility}"
    found = sensitivity_of(study_of(tmp_path / "1", asked, arms="[factual, 'off']"))
    assert set(found.select("arm", "versus").rows()) == {("off", "factual")}
    assert values(found, "mu") == pytest.approx([-2.0, -1.0])
    named = "{method: morris, samples: 4, measure: volatility, arm: factual}"
    level = sensitivity_of(study_of(tmp_path / "2", named, arms="[factual, 'off']"))
    assert set(level.select("arm", "versus").rows()) == {("factual", None)}
    assert values(level, "mu") == pytest.approx([2.0, 1.0])


def test_a_trajectory_without_an_outcome_is_left_out_whole_and_counted(tmp_path: Path) -> None:
    found = sensitivity_of(study_of(tmp_path, "{method: morris, samples: 6, measure: volatility}", drop=(0, 4, 5)))
    assert set(found.select("samples", "left_out").rows()) == {(4, 2)}
    assert values(found, "mu_star") == pytest.approx([2.0, 1.0])


def test_outcomes_are_put_to_the_cells_that_they_are_of_in_whatever_order_they_come(tmp_path: Path) -> None:
    study = study_of(tmp_path, "{method: morris, samples: 6, measure: volatility}")
    found = measure_sensitivity(study, {}, study.effects().reverse())
    assert found.equals(sensitivity_of(study))
    assert values(found, "mu") == pytest.approx([2.0, 1.0])
    assert dict(found.schema) == INDEX_COLUMNS  # also of the market, the unit and the baseline, which are null here


def test_where_too_little_is_left_the_table_says_why(tmp_path: Path) -> None:
    asked = "{method: sobol, samples: 2, measure: volatility}"
    found = sensitivity_of(study_of(tmp_path / "1", asked, drop=(3,)))
    assert found["estimate"].null_count() == found.height == 4
    (note,) = found["note"].unique().to_list()
    assert note == "1 of 2 base points have the outcome volatility in every cell; 2 are needed"


LINEAR = """
extends: marketsim:costless
name: linear
clock: {duration: 2h}
underlyings: [{id: BTC, index: {kind: path, points: [[0s, 30000 USDT], [30min, 30300 USDT]]}}]
tokens:
  - {id: BTC3S, delete: true}
  - {id: BTC3L, management_fee: {rate: 0%, every: 1d, at: "01:00"}}
record: {tokens: 10min}
study:
  arms: [factual]
  over:
    tokens.BTC3L.basket.BTC-PERP: {uniform: [2, 4]}
    tokens.BTC3L.management_fee.rate: {uniform: [0%, 1%]}
    tokens.BTC3L.aum: {log: [10 MUSDT, 40 MUSDT]}
  sensitivity: {method: morris, samples: 2, measure: token_return}
"""


def test_a_sweep_writes_the_effects_of_what_a_linear_world_is_made_of(tmp_path: Path) -> None:
    """A coin that rises 1 % and a fee: (1 + 0.01 L) (1 - f) - 1, so 2 % over L's range, -1 % x (1 + 0.01 L) over f's.

    The sizes of funds change nothing; positions in lots of 0.001 BTC of 10 MUSDT and more err by 1e-7 at most.
    """
    path = tmp_path / "linear.yaml"
    path.write_text(LINEAR, encoding="utf-8")
    swept = ms.sweep(path, workers=1, out=tmp_path / "out", report=False)
    found = swept.sensitivity()
    leverage, fee, size = values(found, "mu")
    assert 0.02 * 0.99 <= leverage <= 0.02
    assert 1.02 <= fee / -0.01 <= 1.04
    assert size == pytest.approx(0.0, abs=1e-6)
