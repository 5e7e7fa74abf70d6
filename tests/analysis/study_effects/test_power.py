"""What a study will find, told from the pairs of a pilot."""

from pathlib import Path

import pytest

from marketsim.analysis.study_effects.effects_table import measure_effects
from marketsim.analysis.study_effects.power import estimate_power
from tests.analysis.studies import MadeOfRuns, made_up, pairs

PREMIUM = {"premium": MadeOfRuns("premium")}
PLANNED = "{measures: [premium], primary: premium, replications: 25}"


def test_a_pilots_pairs_tell_what_the_whole_study_will_find(tmp_path: Path) -> None:
    # differences 2, -1, .5, 1, -.5, 1: mean .5, squares 2.25 + 2.25 + 0 + .25 + 1 + .25 = 6, s^2 = 1.2, s = 1.095
    arm, base = [3.0, 3.0, 7.5, 2.0, 1.5, 6.0], [1.0, 4.0, 7.0, 1.0, 2.0, 5.0]
    (told,) = estimate_power(made_up(tmp_path, PLANNED, pairs(arm, base, "premium")), PREMIUM)
    assert (told.measure, told.cell, told.arm, told.versus) == ("premium", 0, "factual", "frictionless")
    assert (told.pilot_pairs, told.pairs, told.level, told.estimate) == (6, 25, 0.05, pytest.approx(0.5))
    # .5 / 1.0954 = .456 standard deviations: .59 at 25 and .8 from 40 on by Student's test (G*Power 3.1)
    assert told.power == pytest.approx(0.59, abs=0.08)
    assert told.replications == pytest.approx(40, abs=4)
    assert told.smallest_effect == pytest.approx(0.584 * 1.0954, rel=0.08)  # .584 at n = 25
    # chi-squared with 5 degrees at .2 is 2.3425: 5 / 2.3425 = 2.134 times as many
    assert told.replications_cautious == pytest.approx(2.134 * 40, abs=9)


def test_more_replications_find_smaller_effects(tmp_path: Path) -> None:
    study = made_up(tmp_path, PLANNED, pairs([3, 3, 7.5, 2, 1.5, 6], [1, 4, 7, 1, 2, 5], "premium"))
    (few,), (many,) = (estimate_power(study, PREMIUM, replications=n) for n in (25, 100))
    assert many.smallest_effect == pytest.approx(few.smallest_effect / 2, rel=0.1)
    assert many.power > few.power


def test_the_registered_outcome_is_tested_over_all_its_rows_together(tmp_path: Path) -> None:
    runs = [run for cell in (0, 1) for run in pairs([3, 5, 10], [1, 4, 7], "premium", cell=cell)]
    told = estimate_power(made_up(tmp_path, PLANNED, runs), PREMIUM)
    assert [(each.cell, each.level) for each in told] == [(0, 0.025), (1, 0.025)]


def test_effects_against_the_factual_arm_are_told_too(tmp_path: Path) -> None:
    arms = "{arms: [factual, frictionless, blind], measures: [premium], replications: 10}"
    runs = [*pairs([3, 5, 9], [1, 4, 7], "premium"), *pairs([], [2, 2, 2], "premium", arm_id="blind")]
    told = estimate_power(made_up(tmp_path, arms, runs), PREMIUM)
    assert [(each.arm, each.versus) for each in told] == [
        ("factual", "frictionless"), ("blind", "frictionless"), ("blind", "factual"),
    ]  # fmt: skip


def test_a_pilot_of_one_pair_says_that_it_tells_nothing(tmp_path: Path) -> None:
    (told,) = estimate_power(made_up(tmp_path, PLANNED, pairs([1], [3], "premium")), PREMIUM)
    assert (told.pilot_pairs, told.power, told.replications) == (1, None, None)
    assert "two or more are needed" in (told.note or "")


def test_a_row_that_shows_nothing_says_how_many_replications_would(tmp_path: Path) -> None:
    study = made_up(tmp_path, PLANNED, pairs([3, 3, 7.5, 2, 1.5, 6], [1, 4, 7, 1, 2, 5], "premium"))
    effects = measure_effects(study, PREMIUM)
    sentence = effects.filter(versus="frictionless")["sentence"][0]
    number = int(sentence.split("About ")[1].split()[0])
    assert number == pytest.approx(40, abs=4)
    assert sentence.endswith("replications would tell an effect of this size from none (80 % power).")
    clear = measure_effects(
        made_up(tmp_path / "2", PLANNED, pairs([2.0] * 6, [1, 1.1, 0.9, 1, 1.2, 1], "premium")), PREMIUM
    )
    assert "would" not in clear.filter(versus="frictionless")["sentence"][0]
