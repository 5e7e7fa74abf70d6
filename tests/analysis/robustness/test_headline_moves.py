"""How a headline moves between cells: changes of replications in common, held against the registered margin."""

from pathlib import Path

import pytest

from marketsim.analysis.measures.pair_state import PairState
from marketsim.analysis.robustness.headline_moves import headlines_table
from marketsim.analysis.robustness.registered_headlines import RegisteredHeadlines, read_headlines
from marketsim.errors import UsageError
from marketsim.scenario.study.study import StudySpec
from tests.analysis.studies import Gap, made_up

STUDY = "{arms: [factual, frictionless], replications: 8, measures: [impact_gap_0s]}"
TOLD = RegisteredHeadlines(("impact_gap_0s",), 0.25, ("as declared", "alike", "half"))


def runs(cell: int, pushes: list[float]) -> list[dict]:
    return [
        {"cell": cell, "replication": r, "arm": arm, "made": {"impact_gap_0s": [{"x": x, "weight": 1.0}]}}
        for r, push in enumerate(pushes)
        for arm, x in (("factual", push), ("frictionless", 0.0))
    ]


def rows(folder: Path, *cells: list[float]) -> list[dict]:
    study = made_up(folder, STUDY, [run for cell, pushes in enumerate(cells) for run in runs(cell, pushes)])
    table = headlines_table(study, TOLD, {"impact_gap_0s": Gap("impact_gap_0s")}, lambda a, b: PairState())
    return table.rows(named=True)


def test_a_change_is_of_the_same_replications_and_is_held_against_the_margin(tmp_path: Path) -> None:
    """Pushes differ by tens between replications and by hundredths between cells: the changes are sharp."""
    first = [20.0, 60.0, 30.0, 50.0, 45.0, 35.0, 55.0, 25.0]
    alike = [x + d for x, d in zip(first, [0.1, -0.1, 0.2, -0.2, 0.1, -0.1, 0.2, -0.2], strict=True)]
    declared, same, half = rows(tmp_path, first, alike, [x / 2 for x in first])
    assert (declared["estimate"], declared["change"], declared["verdict"]) == (40.0, None, None)
    assert declared["lo"] < 40.0 < declared["hi"]
    assert (same["world"], same["verdict"], same["margin"]) == ("alike", "holds", 10.0)
    assert same["change"] == pytest.approx(0.0, abs=1e-12)
    assert same["change_hi"] < 0.2
    assert (half["change"], half["change_share"], half["verdict"]) == (
        pytest.approx(-20.0),
        pytest.approx(-0.5),
        "moves",
    )
    assert half["sentence"].startswith("half: impact_gap_0s is 20.00 bps, -20.00 (95 %: ")
    assert half["sentence"].endswith("from as declared: moves.")


def test_a_cell_that_misses_a_replication_is_compared_in_the_others(tmp_path: Path) -> None:
    first = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 1_000.0]
    _, shorter, _ = rows(tmp_path, first, [x + 1 for x in first[:7]], first)
    assert (shorter["replications"], shorter["change"]) == (7, pytest.approx(1.0))


GOOD = 'analysis = "robustness"\nheadlines = ["impact_gap_0s"]\nmargin = 0.25\ncells = ["as declared", "other"]\n'


def read(text: str, study: str = STUDY):
    arms = (
        {"arms": ["factual", "frictionless"], "measures": ["impact_gap"]} if study == STUDY else {"arms": ["factual"]}
    )
    return read_headlines(text.encode(), "e.toml", 2, StudySpec.model_validate(arms))


def test_what_is_registered_is_read() -> None:
    assert read(GOOD) == RegisteredHeadlines(("impact_gap_0s",), 0.25, ("as declared", "other"))
    assert read('analysis = "reset loop"') is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('["impact_gap_0s"]', "[]", r"headlines: was \[\]; allowed: measures"),
        ("impact_gap_0s", "volatility", r"headlines: was 'volatility'; allowed: what the study measures, impact_gap"),
        ("0.25", "25", "margin: was 25; allowed: above 0, below 1"),
        (', "other"', "", "cells: was 1 labels; allowed: one for each of the study's 2 cells"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_is_allowed(before: str, after: str, message: str) -> None:
    assert before in GOOD
    with pytest.raises(UsageError, match=message):
        read(GOOD.replace(before, after))


def test_a_study_of_one_arm_has_no_headline() -> None:
    with pytest.raises(UsageError, match="the study has no such two"):
        read(GOOD, study="alone")
