"""Who caused it: Shapley shares and leave-one-out, by hand and from a study's effects."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.study_effects.effect_row import COLUMNS
from marketsim.analysis.study_effects.shapley_shares import shapley, token_shares
from marketsim.datasets.study import create_study
from marketsim.errors import UsageError
from marketsim.experiments.design import plan_study
from tests.simulation.worlds import DOWN, UP, world

GLOVES = {  # one left glove (L), two right ones (A, B): a pair is worth 1
    frozenset("L"): 0.0, frozenset("A"): 0.0, frozenset("B"): 0.0, frozenset("LA"): 1.0, frozenset("LB"): 1.0,
    frozenset("AB"): 0.0, frozenset("LAB"): 1.0,
}  # fmt: skip


def test_shapley_shares_of_the_glove_game() -> None:
    # The textbook answer: 2/3 for the only left glove, 1/6 for each right one.
    shares = shapley(GLOVES, ["L", "A", "B"])
    assert shares == {"L": pytest.approx(2 / 3), "A": pytest.approx(1 / 6), "B": pytest.approx(1 / 6)}


def test_shapley_shares_need_every_coalition() -> None:
    with pytest.raises(UsageError, match="no arm for A, L alone"):
        shapley({name: worth for name, worth in GLOVES.items() if name != frozenset("LA")}, ["L", "A", "B"])


def test_shares_of_tokens_come_from_the_arms_that_touch_some(tmp_path: Path) -> None:
    arms = [
        "factual",
        "frictionless",
        {"id": "no-up", "arm": "frictionless", "only": ["UP"]},
        {"id": "no-down", "arm": "frictionless", "only": ["DOWN"]},
    ]
    scenario = world(tokens=[UP, DOWN], study={"arms": arms, "measures": ["price_share"]})
    plan = plan_study(scenario)
    study = create_study(tmp_path, scenario, plan.design_table(), plan.run_table(), "code")
    # factual has .30 that frictionless has not; no-up has .10 less than factual, no-down .15 less
    values = {
        ("factual", "frictionless"): 0.30, ("no-up", "frictionless"): 0.20, ("no-down", "frictionless"): 0.15,
        ("no-up", "factual"): -0.10, ("no-down", "factual"): -0.15,
    }  # fmt: skip
    rows = [
        dict.fromkeys(COLUMNS) | dict(cell=0, measure="price_share", arm=arm, versus=versus, estimate=value)
        for (arm, versus), value in values.items()
    ]
    study.write_effects(pl.DataFrame(rows, schema=COLUMNS, orient="row"))
    up, down = token_shares(study).to_dicts()
    # Shapley of two: half of (alone + what is added to the other).
    assert (up["token"], up["shapley"]) == ("UP", pytest.approx((0.10 + 0.30 - 0.15) / 2))
    assert (down["token"], down["shapley"]) == ("DOWN", pytest.approx((0.15 + 0.30 - 0.10) / 2))
    assert up["shapley"] + down["shapley"] == pytest.approx(0.30)
    assert (up["leave_one_out"], down["leave_one_out"]) == (pytest.approx(0.15), pytest.approx(0.20))
