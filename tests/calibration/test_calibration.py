"""Calibration: distances from a range by hand, overrides of a point, and a search that goes on where it was ended."""

import json
from pathlib import Path

import pytest

from marketsim.analysis.stylised_facts.fact import Range
from marketsim.calibration import search
from marketsim.calibration.loss import UNMEASURED, distance, loss
from marketsim.calibration.plan import Parameter, Plan
from marketsim.calibration.trial import Trial

SPEED = Parameter("traders.noise.rate", 1, 100, "/h", more={"traders.trend.rate": 0.5})
PLAN = Plan(
    world="base/btc-perp.yaml",
    market="BTC-PERP",
    kind="btc",
    window={"clock.duration": "2h"},
    seeds=(1,),
    parameters={"speed": SPEED},
    weights={"spread": 1.0, "sign_acf_10": 3.0},
    held_out=("kurtosis_day",),
)


@pytest.mark.parametrize(
    ("value", "ends", "worth"),
    [
        (0.30, (0.1, 0.5), 0.0),  # in the middle
        (0.14, (0.1, 0.5), 0.0),  # on the margin, a tenth of .4 inside
        (0.12, (0.1, 0.5), 0.1),  # .02 below the margin, of a half-width of .2
        (0.90, (0.1, 0.5), 2.2),  # .44 above it
        (2.0, (4.0, None), 1.0),  # 2 below an open range that begins at 4: half of that
        (5.0, (4.0, None), 0.0),
        (0.5, (None, 0.25), 2.0),
        (-0.5, (0.0, None), 0.5),  # of a range that begins at nothing, 1 is the measure
        (None, (0.1, 0.5), UNMEASURED),
    ],
)
def test_a_distance_is_in_half_widths_from_a_tenth_inside(
    value: float | None, ends: tuple[float | None, float | None], worth: float
) -> None:
    assert distance(value, Range(*ends)) == pytest.approx(worth)


def test_a_loss_is_the_weighted_mean_of_squares() -> None:
    """Spread .58 of .1-.5: (.58 - .46) / .2 = .6; sign memory -.01 of .05-.2: (.065 + .01) / .075 = 1."""
    assert loss({"spread": 0.58, "sign_acf_10": -0.01}, PLAN) == pytest.approx((0.36 + 3 * 1.0) / 4)


def test_a_fact_without_a_range_cannot_be_fitted() -> None:
    plan = Plan(**{**PLAN.__dict__, "weights": {"skewness": 1.0}})
    with pytest.raises(ValueError, match="skewness has no range"):
        loss({}, plan)


def test_a_point_is_overrides_with_units_beside_the_window() -> None:
    assert PLAN.settings({"speed": 12.3456}) == {
        "clock.duration": "2h",
        "traders.noise.rate": "12.35/h",
        "traders.trend.rate": "6.173/h",
    }


def test_a_search_goes_on_and_finds_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world whose spread is the speed over 100: points of 14 to 46 lose nothing; one in four runs fails."""

    def made_up(plan: Plan, point: dict[str, float]) -> Trial:
        tried.append(point["speed"])
        if len(tried) % 4 == 0:
            return Trial({}, "the book broke")
        return Trial({"spread": point["speed"] / 100, "sign_acf_10": 0.1, "kurtosis_day": 3.0})

    tried: list[float] = []
    monkeypatch.setattr(search, "try_point", made_up)
    for number in (6, 10):
        study = search.opened(PLAN, "made up", tmp_path)
        trials = search.go_on(PLAN, study, 60.0)
        for _ in range(number):
            next(trials)
    study = search.opened(PLAN, "made up", tmp_path)
    done = [trial for trial in study.trials if trial.value is not None]
    assert len(done) == len(tried) == 16
    assert [trial.value for trial in done][3::4] == [search.FAILED] * 4
    assert json.loads(done[0].user_attrs["facts"])["spread"] == pytest.approx(tried[0] / 100)
    settings, facts = search.best(PLAN, study)
    assert study.best_value == 0.0
    assert 14 <= float(settings["traders.noise.rate"].removesuffix("/h")) <= 46
    assert facts.filter(fact="kurtosis_day").row(0, named=True)["held_out"]
