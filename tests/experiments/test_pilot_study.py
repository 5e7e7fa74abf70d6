"""Which study is the pilot of another: the same worlds and arms, with two replications finished."""

from pathlib import Path

from marketsim.experiments.pilot_study import pilot_of
from marketsim.scenario import load_text
from tests.analysis.studies import WORLD, made_up, pairs


def planned(study: str):
    return load_text(WORLD.replace("STUDY", study))


def test_a_smaller_study_of_the_same_worlds_is_the_pilot(tmp_path: Path) -> None:
    small = made_up(tmp_path, "{replications: 3, measures: [premium]}", pairs([1, 2, 3], [2, 4, 6], "premium"))
    found = pilot_of(planned("{replications: 20, measures: [premium], primary: premium}"), tmp_path)
    assert found is not None
    assert found.path == small.path


def test_the_study_itself_comes_before_another_and_more_replications_before_fewer(tmp_path: Path) -> None:
    made_up(tmp_path, "{replications: 2}", pairs([1, 2], [2, 4], "premium"))
    larger = made_up(tmp_path, "{replications: 4}", pairs([1, 2, 3, 5], [2, 4, 6, 9], "premium"))
    found = pilot_of(planned("{replications: 20}"), tmp_path)
    assert found is not None
    assert found.path == larger.path
    own = made_up(tmp_path, "{replications: 20}", pairs([1, 2], [2, 4], "premium"))
    found = pilot_of(planned("{replications: 20}"), tmp_path)
    assert found is not None
    assert found.path == own.path


def test_another_world_other_arms_or_a_single_replication_are_no_pilot(tmp_path: Path) -> None:
    study = planned("{replications: 20}")
    assert pilot_of(study, tmp_path) is None
    made_up(tmp_path, "{arms: [factual, blind], replications: 3}", pairs([1, 2, 3], [2, 4, 6], "premium", "blind"))
    made_up(tmp_path, "{replications: 1}", pairs([1], [2], "premium"))
    made_up(tmp_path, "{over: {clock.warmup: [1min, 2min]}, replications: 2}", pairs([1, 2], [2, 4], "premium"))
    failed = pairs([1, 2], [2, 4], "premium")
    for run in failed[1::2]:
        run["status"] = "failed"
    made_up(tmp_path, "{replications: 2}", failed)
    assert pilot_of(study, tmp_path) is None
