"""The first sentence of a study's page: figures are those of the rows, and what cannot be said is said to be so."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.inference import intervals
from marketsim.analysis.measures.family import Reset
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.study_effects.effect_row import COLUMNS, EffectRow
from marketsim.analysis.study_effects.sentences import sentence, what_would_do
from marketsim.datasets.study import Study, create_study
from marketsim.experiments.design import plan_study
from marketsim.report import write_study_report
from tests.simulation.worlds import UP, world

RESET = Reset(200e6, 14e6, 0.012, "USDT")
STAGGERED = {"id": "staggering", "set": {"tokens.UP.rebalance.at": "00:17"}}


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[..., Study]:
    def laid_out(**changes: object) -> Study:
        study = {"arms": ["factual", "frictionless", STAGGERED], "replications": 10, **changes}
        scenario = world(tokens=[UP], study=study, title="How far, and does staggering help?")
        plan = plan_study(scenario)
        return create_study(tmp_path, scenario, plan.design_table(), plan.run_table(), "code")

    return laid_out


def row(measure: str, estimate: float | None, lo: float | None, hi: float | None, **more: object) -> EffectRow:
    method = intervals.TOO_FEW if lo is None and estimate is not None else intervals.STUDENT_T
    made = EffectRow(
        0, "BTC-PERP", measure, "bps", "factual", "frictionless", 10, estimate, lo, hi, method, 0.002, 0.004
    )
    made = replace(made, **more)
    if estimate is None:
        return made
    of_reset = RESET if measure == "impact_gap_0s" else None
    against_factual = made.versus == "factual"
    return replace(made, sentence=sentence(made, all_measures()[measure], of_reset, against_factual=against_factual))


PUSH = row("impact_gap_0s", 28.0, 21.0, 35.0)
LEFT = row("impact_gap_30min", 4.0, 1.0, 7.0)
STAGGERING = row("impact_gap_0s", -12.0, -16.0, -8.0, arm="staggering", versus="factual")


def first_sentence(study: Study, *rows: EffectRow) -> str:
    """The text of the first paragraph of the page."""
    pl.DataFrame([asdict(each) for each in rows], schema=COLUMNS).write_parquet(study.path / "effects.parquet")
    page = write_study_report(study.path).read_text(encoding="utf-8")
    return page.partition('<p class="lead">')[2].partition("</p>")[0]


def test_the_title_is_answered_in_one_line(lay_out: Callable[..., Study]) -> None:
    assert first_sentence(lay_out(), PUSH, LEFT, STAGGERING) == (
        "Resets of 200 MUSDT of assets (orders of 14 MUSDT after moves of 1.2 % on average) pushed BTC-PERP by 28 bp "
        "[21, 35] at the end of the resets; after 30 min 4.0 bp [1.0, 7.0] were left; staggering (at 00:17) took 12.0 "
        "bp [8.0, 16.0] off."
    )


def test_what_it_rests_on_stands_beneath(lay_out: Callable[..., Study]) -> None:
    study = lay_out()
    first_sentence(study, PUSH)
    page = (study.path / "report.html").read_text(encoding="utf-8")
    assert (
        "impact_gap_0s of factual against frictionless, the outcome registered before the runs: 10 replications; 95 % "
        "interval by Student&#x27;s t, longer on the side of a skew; p = 0.004 by sign flips, adjusted for all tests."
    ) in page


def test_what_may_be_nothing_is_said_to_be_so(lay_out: Callable[..., Study]) -> None:
    unsure = replace(STAGGERING, estimate=-1.0, lo=-4.0, hi=2.0)
    assert first_sentence(lay_out(), PUSH, unsure).endswith(
        "; staggering (at 00:17) may have changed nothing (-1.0 bp [-4.0, 2.0])."
    )


def test_an_arm_that_makes_it_worse_has_added(lay_out: Callable[..., Study]) -> None:
    worse = replace(STAGGERING, estimate=12.0, lo=8.0, hi=16.0)
    assert first_sentence(lay_out(), PUSH, worse).endswith("; staggering (at 00:17) added 12.0 bp [8.0, 16.0].")


def test_too_few_replications_have_no_interval_and_the_page_says_how_many_do(lay_out: Callable[..., Study]) -> None:
    few = row("impact_gap_0s", 28.0, None, None, pairs=3, p=0.25, p_adjusted=0.25)
    few = replace(few, sentence=f"{few.sentence} {what_would_do(9)}")
    assert first_sentence(lay_out(), few).endswith(
        "pushed BTC-PERP by 28 bp at the end of the resets. 3 replications have no interval; 6 are needed for one. "
        "This may be chance (p = 0.25). About 9 replications would tell an effect of this size from none (80 % power)."
    )


def test_what_has_no_estimate_says_why(lay_out: Callable[..., Study]) -> None:
    none = row("impact_gap_0s", None, None, None, sentence="no reset sent an order to a market")
    assert first_sentence(lay_out(), none) == "No answer: no reset sent an order to a market."
    lost = row("impact_gap_30min", None, None, None, sentence="none could be read so long after it")
    assert "; what was left after 30 min could not be read (none could be read so long after it)." in first_sentence(
        lay_out(), PUSH, lost
    )


def test_each_cell_has_its_answer_and_of_many_the_first_middle_and_last(
    lay_out: Callable[..., Study], tmp_path: Path
) -> None:
    study = lay_out(over={"tokens.UP.aum": [f"{n} MUSDT" for n in range(1, 6)]})
    first_sentence(study, *(replace(PUSH, cell=cell) for cell in range(5)))
    page = (study.path / "report.html").read_text(encoding="utf-8")
    leads = [part.partition("</p>")[0] for part in page.split('<p class="lead">')[1:]]
    assert [lead.partition(":")[0] for lead in leads] == ["aum 1 MUSDT", "aum 3 MUSDT", "aum 5 MUSDT"]
    assert "3 of 5 cells and markets shown" in page
    few = [replace(PUSH, cell=cell, lo=None, hi=None, method="too_few", pairs=2) for cell in range(2)]
    first_sentence(lay_out(over={"tokens.UP.aum": ["1 MUSDT", "2 MUSDT"]}), *few)
    (path,) = {path for path in tmp_path.rglob("report.html") if path != study.path / "report.html"}
    assert "aum 2 MUSDT: 2 replications have no interval; 6 are needed for one." in path.read_text(encoding="utf-8")


def test_pushes_over_time_are_the_first_picture_and_the_arms_the_second(lay_out: Callable[..., Study]) -> None:
    study = lay_out()
    first_sentence(study, PUSH, LEFT, STAGGERING)
    page = (study.path / "report.html").read_text(encoding="utf-8")
    over_time, arms = (
        page.index(f'aria-label="{words}') for words in ("Impact gap: what orders", "impact_gap_0s of the arms")
    )
    assert over_time < arms
    flips = "p: two-sided, by sign flips of 10 pairs, all 1,024 of them. Adjusted: by Holm, over the rows of the"
    assert page.index(flips) > arms
    assert "<td class=number>28.0 bps</td><td class=number>[21.0, 35.0]</td>" in page


def test_an_outcome_that_is_no_push_answers_in_its_own_words(lay_out: Callable[..., Study]) -> None:
    study = lay_out(measures=["volatility"], primary="volatility")
    ratio = row("volatility", 1.1, 1.05, 1.15, market=None, unit="ratio")
    assert first_sentence(study, ratio) == ratio.sentence.partition(", factual")[0].partition(" (10")[0] + "."


def test_of_many_cells_those_are_told_that_have_an_interval(lay_out: Callable[..., Study]) -> None:
    """Twelve cells: nothing is reset in the first of each half, too few pairs are left of the last."""
    rows = [replace(row("impact_gap_0s", 20.0 + cell, 15.0 + cell, 25.0 + cell), cell=cell) for cell in range(12)]
    rows[0] = rows[6] = replace(row("impact_gap_0s", None, None, None), sentence="no reset sent an order")
    rows[0], rows[5], rows[11] = replace(rows[0], cell=0), *(replace(rows[i], lo=None, hi=None) for i in (5, 11))
    study = lay_out(over={"seed": list(range(12))})
    pl.DataFrame([asdict(each) for each in rows], schema=COLUMNS).write_parquet(study.path / "effects.parquet")
    page = write_study_report(study.path).read_text(encoding="utf-8")
    told = [part.partition("</p>")[0] for part in page.split('<p class="lead">')[1:]]
    assert [re.findall(r"by ([0-9]+) bp ", each) for each in told] == [["21"], ["27"], ["30"]]
