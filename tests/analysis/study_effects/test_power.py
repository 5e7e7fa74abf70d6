"""What a study can detect, by hand."""

from pathlib import Path

import pytest

from marketsim.analysis.study_effects.power import estimate_power, smallest_effect
from tests.analysis.studies import MadeOfRuns, made_up, pairs


def test_smallest_effect_is_2_80_standard_errors() -> None:
    # z_.975 = 1.959964, z_.80 = 0.841621, sum 2.801585; sd 3 in 9 pairs: 2.801585
    assert smallest_effect(3.0, 9) == pytest.approx(2.801585, abs=1e-6)
    assert smallest_effect(3.0, 36) == pytest.approx(2.801585 / 2, abs=1e-6)
    assert smallest_effect(1.0, 1, level=0.10, power=0.50) == pytest.approx(1.644854, abs=1e-6)


def test_a_pilots_pairs_tell_what_the_whole_study_can_detect(tmp_path: Path) -> None:
    # differences 2, 1, 3: sd 1 in the pilot's three pairs; with 25 pairs 2.801585 / 5
    study = made_up(
        tmp_path, "{measures: [premium], primary: premium, replications: 25}", pairs([1, 4, 7], [3, 5, 10], "premium")
    )
    (told,) = estimate_power(study, {"premium": MadeOfRuns("premium")})
    assert (told.measure, told.cell, told.arm, told.pilot_pairs) == ("premium", 0, "factual", 3)
    assert told.sd_paired == pytest.approx(1.0)
    assert told.pair_correlation == pytest.approx(10.5 / 117**0.5)
    assert (told.pairs, told.smallest_effect) == (25, pytest.approx(0.560317, abs=1e-6))
    (more,) = estimate_power(study, {"premium": MadeOfRuns("premium")}, replications=100)
    assert more.smallest_effect == pytest.approx(0.280159, abs=1e-6)


def test_a_pilot_of_one_pair_without_days_says_that_it_tells_nothing(tmp_path: Path) -> None:
    study = made_up(tmp_path, "{measures: [premium]}", pairs([1], [3], "premium"))
    (told,) = estimate_power(study, {"premium": MadeOfRuns("premium")})
    assert told.sd_paired is None
    assert "too few pairs" in told.note
    assert told.smallest_effect is None
