"""Figures of a study: the rows of its tables as they stand, and captions that say from how many and how surely."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.loop_hypotheses.hypothesis_row import COLUMNS as HYPOTHESES
from marketsim.analysis.study_effects.effect_row import COLUMNS as EFFECTS
from marketsim.datasets.study import Study, create_study
from marketsim.errors import DamagedResultError
from marketsim.experiments.design import plan_study
from marketsim.figures import write_figures
from marketsim.figures.drawing import _sharing
from marketsim.figures.drawn import Drawn
from marketsim.figures.of_study import study_pictures
from marketsim.figures.picture import Axis, Panel, Picture, Series
from tests.figures.run_figures import rows_of
from tests.simulation.worlds import DOWN, UP, world

MADE = Callable[..., Study]


@pytest.fixture
def made(tmp_path: Path) -> MADE:
    """Makes studies that are laid out, with the effects given."""

    def study(rows: list[dict], **changes: object) -> Study:
        block = {"arms": ["factual", "frictionless", "blind"], "replications": 8, "measures": ["impact_gap"], **changes}
        scenario = world(tokens=[UP, DOWN], study=block, title="Do resets matter?")
        plan = plan_study(scenario)
        laid_out = create_study(tmp_path, scenario, plan.design_table(), plan.run_table(), "code 1")
        pl.DataFrame(rows, schema=EFFECTS, orient="row").write_parquet(laid_out.path / "effects.parquet")
        return laid_out

    return study


def effect(measure: str, estimate: float | None, *, arm: str = "factual", cell: int = 0, **more: object) -> dict:
    row = dict.fromkeys(EFFECTS) | dict(cell=cell, market="BTC-PERP", measure=measure, arm=arm, versus="frictionless")
    row |= dict(unit="bps", pairs=8, estimate=estimate, method="student_t_skew_small_n", coverage=0.94, sentence="")
    row |= dict(failed=0, collapsed=0, dropped=0, runaway=0)
    ends = {} if estimate is None else dict(lo=estimate - 2, hi=estimate + 3)
    return {**row, **ends, **more}


def picture(drawn: Drawn, name: str) -> Picture:
    (found,) = [each for each in drawn.pictures if each.name == name]
    return found


def reasons(drawn: Drawn) -> dict[str, str]:
    return {one.figure: one.reason for one in drawn.left_out}


FALLING = [effect("impact_gap_0s", 30.0), effect("impact_gap_5min", 12.0), effect("impact_gap_30min", None)]
FALLING += [effect("impact_gap_0s", 10.0, arm="blind"), effect("impact_gap_5min", 4.0, arm="blind")]


def test_the_push_against_time_has_a_series_for_each_arm_with_its_intervals(made: MADE) -> None:
    found = picture(study_pictures(made(FALLING)), "effect_over_time")
    assert [(row["x"], row["y"], row["lo"], row["hi"]) for row in rows_of(found.table(), "a", "factual")] == [
        (0, 30, 28, 33), ("5 min", 12, 10, 15),
    ]  # fmt: skip
    assert [row["y"] for row in rows_of(found.table(), "a", "blind")] == [10, 4]
    assert found.axis.names == ["0", "5 min"]


def test_a_caption_says_how_many_replications_the_level_and_what_it_covers(made: MADE) -> None:
    said = " ".join(picture(study_pictures(made(FALLING)), "effect_over_time").caption)
    assert "n = 8 replications, in each of which arm and baseline share their draws" in said
    assert "95% intervals by student_t_skew_small_n, measured to cover 94% or more at so few replications" in said
    few = [{**row, "lo": None, "hi": None, "coverage": None, "pairs": 3, "failed": 1} for row in FALLING]
    said = " ".join(picture(study_pictures(made(few)), "effect_over_time").caption)
    assert "n = 3 replications" in said
    assert "no intervals (markers are hollow: an interval takes 6 replications)" in said
    assert "4 failed pairs of runs are not in the estimates" in said


def test_provenance_names_study_seed_code_and_the_hash_of_its_tables(made: MADE) -> None:
    study = made(FALLING)
    said = "\n".join(study_pictures(study).provenance)
    assert f"Study {study.path.name} of small: 1 cell, 8 replications" in said
    assert "root seed 1; 0 of 24 runs done" in said
    assert "marketsim code 1" in said
    assert "effects.parquet " in said


def test_what_a_study_did_not_measure_is_left_out_with_its_reason(made: MADE) -> None:
    drawn = study_pictures(made([effect("impact_gap_0s", 30.0)]))
    assert [each.name for each in drawn.pictures] == ["outcome"]
    assert reasons(drawn)["effect_over_time"].startswith("impact_gap has estimates at fewer than two times")
    assert reasons(drawn)["crowding_curve"].startswith("no crowding number was measured")
    assert reasons(drawn)["response_surface"] == "a response surface has two varied paths; the study varies 0"
    assert reasons(drawn)["hypotheses"] == "the study has no hypotheses.parquet"


def test_effects_of_an_older_version_and_damaged_ones_are_told_apart(made: MADE) -> None:
    study = made(FALLING)
    pl.DataFrame({"cell": [0], "measure": ["impact_gap_0s"]}).write_parquet(study.path / "effects.parquet")
    missed = reasons(study_pictures(study))["outcome"]
    assert missed.startswith("its effects.parquet has no market, unit, arm")
    (study.path / "effects.parquet").write_bytes(b"nothing")
    with pytest.raises(DamagedResultError, match=r"effects\.parquet is damaged"):
        study_pictures(study)


def test_an_outcome_over_a_varied_amount_stands_at_the_amounts(made: MADE) -> None:
    rows = [effect("impact_gap_0s", 5.0), effect("impact_gap_0s", 9.0, cell=1)]
    found = picture(study_pictures(made(rows, over={"tokens.*.aum": ["1 MUSDT", "2 MUSDT"]})), "outcome")
    assert [(row["x"], row["y"]) for row in rows_of(found.table(), "a")] == [(1e6, 5), (2e6, 9)]
    assert (found.axis.quantity, found.axis.kind) == ("aum [USDT]", "number")


GRID = {"tokens.UP.aum": ["1 MUSDT", "2 MUSDT"], "tokens.*.execution.slice": ["10 kUSDT", "20 kUSDT", "30 kUSDT"]}


def test_a_surface_has_every_place_of_the_grid_also_one_without_an_estimate(made: MADE) -> None:
    rows = [effect("impact_gap_0s", float(cell) if cell != 4 else None, cell=cell) for cell in range(6)]
    study = made(rows, over=GRID)
    found = picture(study_pictures(study), "response_surface")
    drawn = {(row["x"], row["y"]): row["value"] for row in rows_of(found.table(), "a")}
    design = study.design().to_dicts()
    by_hand = {(row["tokens.UP.aum"], row["tokens.*.execution.slice"]): row["cell"] for row in design}
    assert drawn == {place: None if cell == 4 else float(cell) for place, cell in by_hand.items()}
    assert "n = 8 replications" in found.caption[-1]


def numbered(cell: int, number: float, multiplier: float) -> list[dict]:
    told = dict(cell=cell, unit="ratio", coverage=None, method="jackknife_t_skew")
    return [
        effect("crowding_number_0s", number, **{**told, "lo": number - 0.01, "hi": number + 0.01}),
        effect("multiplier_0s", multiplier, **{**told, "lo": multiplier - 0.1, "hi": multiplier + 0.1}),
    ]


def test_a_crowding_curve_has_both_intervals_and_the_curves_of_theory(made: MADE) -> None:
    rows = numbered(0, 0.1, 1.12) + numbered(1, 0.5, 1.6)
    found = picture(study_pictures(made(rows, over={"tokens.*.aum": ["1 MUSDT", "2 MUSDT"]})), "crowding_curve")
    first, second = rows_of(found.table(), "a", "measured")
    assert (first["x"], first["y"], first["x_lo"], first["hi"]) == pytest.approx((0.1, 1.12, 0.09, 1.22))
    assert (second["x"], second["y"]) == (0.5, 1.6)
    once, worked = (rows_of(found.table(), "a", name) for name in ("1 + Λ", "1 / (1 − Λ)"))
    assert (once[-1]["x"], once[-1]["y"]) == (0.5, 1.5)
    assert all(row["y"] == pytest.approx(1 / (1 - row["x"]), rel=1e-9) for row in worked)
    assert worked[-1]["y"] <= 1.1 * 1.7


def hypothesis(name: str, estimate: float | None, **more: object) -> dict:
    row = dict.fromkeys(HYPOTHESES) | dict(hypothesis=name, rule="once", statement="s", cells=2, replications=8)
    row |= dict(sentence="s", predicted=1.0, margin=0.1, estimate=estimate, verdict="equivalent", method="jackknife_t")
    ends = {} if estimate is None else dict(lo=estimate - 0.2, hi=estimate + 0.2, lo_90=estimate - 0.1,
                                            hi_90=estimate + 0.1)  # fmt: skip
    return {**row, **ends, **more}


def test_hypotheses_stand_with_both_intervals_their_margin_and_verdict(made: MADE) -> None:
    study = made(FALLING)
    rows = [hypothesis("H1", 1.02), hypothesis("curve", None, predicted=None)]
    pl.DataFrame(rows, schema=HYPOTHESES, orient="row").write_parquet(study.path / "hypotheses.parquet")
    found = picture(study_pictures(study), "hypotheses")
    (row,) = rows_of(found.table(), "a", "found")
    ends = [row[name] for name in ("x", "lo", "hi", "lo_90", "hi_90")]
    assert ends == pytest.approx([1.02, 0.82, 1.22, 0.92, 1.12])
    (margin,) = rows_of(found.table(), "a", "margin")
    assert (margin["y"], margin["lo"], margin["hi"]) == ("H1 (once)", 0.9, 1.1)
    assert "Verdicts: H1 (once) equivalent. n = 8 replications of 2 cells." in " ".join(found.caption)


def test_every_figure_of_a_study_is_drawn_in_one_column_and_in_two(made: MADE) -> None:
    cells = range(6)
    rows = [effect(f"impact_gap_{tau}", 9.0 - cell, cell=cell) for cell in cells for tau in ("0s", "1min", "H")]
    rows += [row for cell in cells for row in numbered(cell, 0.1 * cell, 1 + 0.12 * cell)]
    study = made(rows, over=GRID)
    pl.DataFrame([hypothesis("H1", 1.02)], schema=HYPOTHESES, orient="row").write_parquet(
        study.path / "hypotheses.parquet"
    )
    found = write_figures(study.path, formats=["svg"])
    names = ["effect_over_time", "outcome", "response_surface", "crowding_curve", "hypotheses"]
    assert [figure["name"] for figure in found.figures] == names
    assert all((found.path / f"{name}_{width}in.svg").stat().st_size > 5_000 for name in names for width in (3.4, 7.0))


def test_cells_of_another_order_have_a_scale_of_their_own() -> None:
    def panel(*y: float) -> Panel:
        return Panel("impact gap [bps]", [Series("factual", "points", ["0", "5 min"], y)])

    axis = Axis("time", "named", names=["0", "5 min"])
    assert _sharing(Picture("e", "E", [panel(30, 9), panel(100, -140)], axis, "beside")) == (True, True)
    assert _sharing(Picture("e", "E", [panel(20, 9), panel(100, -140)], axis, "beside")) == (True, False)
