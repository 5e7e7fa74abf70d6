"""The page of a study: complete, self-contained, and honest about what is not there yet."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.effects import COLUMNS
from marketsim.analysis.study_tables import CROWDING
from marketsim.datasets.study import Study, create_study
from marketsim.experiments.design import plan_study
from marketsim.report import write_study_report
from tests.simulation.worlds import DOWN, UP, world

STUDY = {
    "arms": ["factual", "frictionless", {"id": "stagger", "set": {"tokens.*.rebalance.jitter": "30min"}}],
    "over": {"tokens.*.aum": ["1 MUSDT", "2 MUSDT"]},
    "replications": 2,
    "measures": ["price_share", "crowding_number"],
    "primary": "price_share",
}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study that is laid out, and nothing more."""
    scenario = world(tokens=[UP, DOWN], study=STUDY, title="Do <b>resets</b> & funds matter?")
    plan = plan_study(scenario)
    return create_study(tmp_path, scenario, plan.design_table(), plan.run_table(), "code")


def effect(cell: int, arm: str, estimate: float | None, **more: object) -> dict:
    row = dict.fromkeys(COLUMNS) | dict(cell=cell, measure="price_share", arm=arm, versus="factual", pairs=2)
    row |= dict(estimate=estimate, lo=0.01, hi=0.03, failed=0.5, collapsed=0.0, primary=True)
    return {**row, **more}


def crowded(cell: int, number: float, horizon: float) -> dict:
    row = dict.fromkeys(CROWDING) | dict(cell=cell, market="BTC-PERP", horizon_s=horizon, method="probes")
    row |= dict(k_usdt=1.2e7, impact_per_usdt=2e-9, crowding_number=number, amplification=1.25, pairs=8)
    return {**row, "one_shot": 1 + number, "fixed_point": 1 / (1 - number)}


def page(study: Study) -> str:
    return write_study_report(study.path).read_text()


def test_a_study_without_runs_says_what_it_will_be(study: Study) -> None:
    text = page(study)
    assert "Do &lt;b&gt;resets&lt;/b&gt; &amp; funds matter?" in text
    assert "12 planned" in text
    assert "tokens.*.rebalance.jitter = 30min" in text
    for sentence in ("nothing is computed of it yet", "Effects come when every run is done", "No run failed"):
        assert sentence in text
    assert "2 MUSDT" in text


def test_effects_stand_with_intervals_failures_and_notes(study: Study) -> None:
    rows = [effect(0, "frictionless", 0.0213), effect(1, "frictionless", None, note="too coarse")]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(study.path / "effects.parquet")
    text = page(study)
    assert "0.0213" in text
    assert "too coarse" in text
    assert "over tokens.*.aum" in text  # no crowding number: the varied quantity is the axis
    assert text.count('<svg class="marks"') == 1


def test_the_crowding_number_is_the_axis_where_it_was_measured(study: Study) -> None:
    rows = [effect(0, "frictionless", 0.02), effect(1, "frictionless", 0.04)]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(study.path / "effects.parquet")
    found = [crowded(0, 0.1, 60.0), crowded(0, 0.2, 600.0), crowded(1, 0.4, 60.0), crowded(1, 0.5, 600.0)]
    pl.DataFrame(found, schema=dict(CROWDING), orient="row").write_parquet(study.path / "crowding.parquet")
    text = page(study)
    assert "over crowding number at the longest horizon" in text
    assert "1 / (1 - Lambda)" in text
    assert "2.00e-09" in text
    assert "12.0 M" in text
    assert text.count('<svg class="marks"') == 2


def test_failed_runs_are_listed_with_their_reason(study: Study) -> None:
    row = study.plan().to_dicts()[0]
    folder = study.path / "runs" / row["run_id"]
    folder.mkdir(parents=True)
    told = {**row, "status": "failed", "reason": "the time limit of 1 s was met"}
    (folder / "manifest.json").write_text(json.dumps(told))
    text = page(study)
    assert "the time limit of 1 s was met" in text
    assert "1 failed" in text


def test_a_study_page_needs_no_network_and_no_script(study: Study) -> None:
    text = page(study)
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!#)', text)
