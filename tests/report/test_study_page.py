"""The page of a study: complete, self-contained, and honest about what is not there yet."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from marketsim.analysis.crowding.crowding_row import COLUMNS as CROWDING
from marketsim.analysis.holding.token_against_perpetual import COLUMNS as HOLDING
from marketsim.analysis.study_effects.effect_row import COLUMNS
from marketsim.analysis.study_effects.sensitivity_indices import COLUMNS as SENSITIVITY
from marketsim.cli import main
from marketsim.datasets.study import Study, create_study
from marketsim.errors import ResultError, UsageError
from marketsim.experiments.design import plan_study
from marketsim.report import write_study_report
from marketsim.report.charts import Estimate, intervals
from marketsim.report.embedding import figure
from marketsim.report.numbers import resolved
from marketsim.report.study_crowding import theory
from marketsim.report.study_holding import summed
from marketsim.report.study_page import STUDY_SECTIONS
from marketsim.report.study_record import StudyRecord
from tests.datasets.manifests import write_manifest
from tests.simulation.worlds import DOWN, UP, world

STUDY = {
    "arms": ["factual", "frictionless", {"id": "stagger", "set": {"tokens.*.rebalance.jitter": "30min"}}],
    "over": {"tokens.*.aum": ["1 MUSDT", "2 MUSDT"]},
    "replications": 2,
    "measures": ["price_share", "crowding_number"],
    "primary": "price_share",
}


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[..., Study]:
    """Makes studies that are laid out, and nothing more."""

    def laid_out(title: str = "Do <b>resets</b> & funds matter?", **changes: object) -> Study:
        scenario = world(tokens=[UP, DOWN], study={**STUDY, **changes}, title=title)
        plan = plan_study(scenario)
        return create_study(tmp_path, scenario, plan.design_table(), plan.run_table(), "code")

    return laid_out


@pytest.fixture
def study(lay_out: Callable[..., Study]) -> Study:
    """The study most tests write their tables into."""
    return lay_out()


def effect(cell: int, arm: str, estimate: float | None, **more: object) -> dict:
    row = dict.fromkeys(COLUMNS) | dict(cell=cell, measure="price_share", arm=arm, versus="frictionless", pairs=2)
    row |= dict(
        estimate=estimate,
        lo=0.01,
        hi=0.03,
        failed=1,
        collapsed=0,
        dropped=0,
        runaway=0,
        method="student_t",
        unit="share",
        sentence="It was so (2 replications).",
    )
    return {**row, **more}


def crowded(cell: int, number: float, horizon: str) -> dict:
    row = dict.fromkeys(CROWDING) | dict(cell=cell, market="BTC-PERP", moved="BTC-PERP", horizon=horizon, resets=8)
    row |= dict(k_usdt=1.2e7, impact_per_usdt=2e-9, impact_per_usdt_buy=2e-9, impact_per_usdt_sell=3e-9)
    return {**row, "crowding_number": number, "response": 1.0, "bounds": 1, "unread": 0}


def multiplied(cell: int, number: float, multiplier: float, horizon: str) -> list[dict]:
    found = ((f"crowding_number_{horizon}", number), (f"multiplier_{horizon}", multiplier))
    return [effect(cell, "factual", value, measure=name, market="BTC-PERP", lo=None, hi=None) for name, value in found]


def held(replication: int, token: int, perp: int, **more: object) -> dict:
    row = dict.fromkeys(HOLDING) | dict(cell=0, replication=replication, token="UP", match="capital", leverage=5.0)
    return {**row, "cash_in_atoms": 100, "token_wealth_atoms": token, "perp_wealth_atoms": perp, **more}


def write(study: Study, name: str, rows: list[dict], schema: dict) -> None:
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(study.path / f"{name}.parquet")


def fail(study: Study, row: dict, reason: str) -> None:
    folder = study.path / "runs" / row["run_id"]
    folder.mkdir(parents=True)
    write_manifest(folder, **row, status="failed", reason=reason)


HELD = {"cell": pl.Int64, "replication": pl.Int64, **HOLDING}


def page(study: Study) -> str:
    return write_study_report(study.path).read_text()


def test_a_study_without_runs_says_what_it_will_be(study: Study) -> None:
    text = page(study)
    assert "Do &lt;b&gt;resets&lt;/b&gt; &amp; funds matter?" in text
    assert "12 planned and not run yet" in text
    assert "tokens.*.rebalance.jitter = 30min" in text
    assert "There is no answer yet: 0 of 12 runs are done." in text
    assert "2 MUSDT" in text


def test_effects_stand_with_intervals_failures_and_notes(study: Study) -> None:
    rows = [effect(0, "factual", 0.0213), effect(1, "factual", None, sentence="too coarse")]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(study.path / "effects.parquet")
    text = page(study)
    assert "0.0213" in text
    assert "too coarse" in text
    assert "over tokens.*.aum" in text  # no crowding number: the varied quantity is the axis
    assert text.count('<svg class="marks"') == 1


def test_the_crowding_number_is_the_axis_where_it_was_measured(study: Study) -> None:
    rows = [effect(0, "factual", 0.02), effect(1, "factual", 0.04)]
    for horizon in ("0s", "30min"):
        rows += multiplied(0, 0.1, 1.1, horizon) + multiplied(1, 0.4, 1.5, horizon)
    write(study, "effects", rows, COLUMNS)
    found = [crowded(0, 0.1, "0s"), crowded(1, 0.4, "0s"), crowded(0, 0.2, "30min"), crowded(1, 0.5, "30min")]
    write(study, "crowding", found, dict(CROWDING))
    text = page(study)
    assert "over crowding number at the end of the resets" in text
    assert "1 / (1 - Lambda)" in text
    assert "2.00e-09" in text
    assert "12.0 M" in text
    assert text.count('<svg class="marks"') == 3  # the outcome over cells, and theory at each of two horizons


SENSITIVE = {
    "over": {"tokens.UP.aum": {"uniform": ["1 MUSDT", "2 MUSDT"]}, "clock.duration": {"uniform": ["1h", "2h"]}},
    "sensitivity": {"method": "sobol", "samples": 2, "measure": "price_share"},
}


def index(path: str, name: str, estimate: float | None, half: float = 0.0, **more: object) -> dict:
    row = dict.fromkeys(SENSITIVITY) | dict(measure="price_share", unit="share", arm="frictionless", versus="factual")
    row |= dict(path=path, index=name, method="sobol", samples=64, left_out=2, estimate=estimate)
    ends = {} if estimate is None else dict(lo=estimate - half, hi=estimate + half)
    return {**row, **ends, **more}


def test_sensitivity_says_what_matters_most_first(lay_out: Callable[..., Study]) -> None:
    study = lay_out(**SENSITIVE)
    rows = [
        index("clock.duration", "S1", 0.1, 0.05), index("clock.duration", "ST", 0.2, 0.05),
        index("tokens.UP.aum", "S1", 0.6, 0.08), index("tokens.UP.aum", "ST", 0.8, 0.07),
    ]  # fmt: skip
    write(study, "sensitivity", rows, SENSITIVITY)
    text = page(study)
    assert (
        "Over these ranges tokens.UP.aum explains 60 % [52, 68] of the variance of price_share (frictionless against "
        "factual) by itself, 80 % [73, 87] with the values it acts together with; clock.duration explains 20 % "
        "[15, 25], the least."
    ) in text
    assert text.index('<section id="sensitivity"') == text.index("<section")
    assert "From 64 base points; 2 with a cell that has no outcome were left out." in text
    assert re.findall(r"<td>([\w.]+)</td><td>S[1T]</td>", text) == ["tokens.UP.aum"] * 2 + ["clock.duration"] * 2
    assert "sensitivity by sobol, 2 base points" in text


def test_sensitivity_without_indices_says_why(lay_out: Callable[..., Study]) -> None:
    study = lay_out(**SENSITIVE)
    assert "Indices are computed when every run is done or has failed." in page(study)
    write(
        study, "sensitivity", [index("tokens.UP.aum", "S1", None, note="all cells have the same outcome")], SENSITIVITY
    )
    assert "There are no indices: all cells have the same outcome." in page(study)


def test_failed_runs_are_listed_with_their_reason(study: Study) -> None:
    row = study.plan().to_dicts()[0]
    folder = study.path / "runs" / row["run_id"]
    folder.mkdir(parents=True)
    told = {**row, "status": "failed", "reason": "the time limit of 1 s was met"}
    write_manifest(folder, **told)
    text = page(study)
    assert "the time limit of 1 s was met" in text
    assert "1 failed" in text


def test_a_study_page_needs_no_network_and_without_charts_no_script(study: Study) -> None:
    text = page(study)
    assert "<script" not in text
    assert "script-src 'none'" in text
    assert not re.search(r'(?:src|href)="(?!#)', text)


def test_sections_stand_in_order_with_the_registered_outcome_first_and_every_link_has_its_target(study: Study) -> None:
    text = page(study)
    shown = re.findall(r'<section id="([\w-]+)"', text)
    assert shown == [anchor for anchor in STUDY_SECTIONS if anchor in shown]
    assert shown == ["arms", "cells", "shares", "provenance"]  # nothing was run: nothing is told of effects
    write(study, "effects", [effect(0, "factual", 0.02)], COLUMNS)
    assert re.findall(r'<section id="([\w-]+)"', page(study))[0] == next(iter(STUDY_SECTIONS)) == "primary"
    assert [link[1:] for link in re.findall(r'href="([^"]+)"', text)] == shown


def test_a_study_whose_runs_all_failed_says_so_first_and_counts_its_reasons(study: Study) -> None:
    for row in study.plan().to_dicts():
        fail(study, row, "the book was empty" if row["cell"] else "<i>the disk</i>")
    text = page(study)
    assert "This study is incomplete.</strong> 0 of 12 runs are done, 12 failed." in text
    assert text.index("is incomplete") < text.index("There is no answer yet") < text.index("<section")
    assert "<td>the book was empty</td><td class=number>6</td>" in text
    assert "&lt;i&gt;the disk&lt;/i&gt;" in text
    assert "<i>the disk</i>" not in text
    assert text.count("<td class=number>100 %</td>") == 6  # failed share of two cells with three arms


def test_worlds_that_are_not_on_the_axis_have_series_of_their_own(lay_out: Callable[..., Study]) -> None:
    over = {"underlyings.BTC.index.pass_through": ["0%", "100%"], "tokens.*.aum": ["1 MUSDT", "2 MUSDT", "4 MUSDT"]}
    study = lay_out(over=over)
    record = StudyRecord(study)
    assert record.axis.title == "tokens.*.aum"
    assert record.axis.places == {0: 1e6, 1: 2e6, 2: 4e6, 3: 1e6, 4: 2e6, 5: 4e6}
    assert record.worlds == dict.fromkeys(range(3), "pass_through 0%") | dict.fromkeys(range(3, 6), "pass_through 100%")
    write(study, "effects", [effect(cell, "factual", 0.02) for cell in range(6)], COLUMNS)
    text = page(study)
    assert ">factual, pass_through 0%</text>" in text
    assert ">factual, pass_through 100%</text>" in text


def test_money_of_a_sample_is_written_for_a_sentence(lay_out: Callable[..., Study]) -> None:
    record = StudyRecord(lay_out(over={"tokens.UP.aum": ["8000000 USDT", "3174.8 USDT", "4 MUSDT"]}))
    assert [record.settings(cell) for cell in range(3)] == ["aum 8 MUSDT", "aum 3.17 kUSDT", "aum 4 MUSDT"]


def test_without_a_varied_quantity_cells_stand_in_their_order(lay_out: Callable[..., Study]) -> None:
    record = StudyRecord(lay_out(over={}))
    assert (record.axis.title, record.axis.places, record.worlds) == ("cell", {0: 0.0}, {})


def test_a_chart_names_the_cells_it_leaves_out(study: Study) -> None:
    write(study, "effects", [effect(0, "factual", 0.02), effect(1, "factual", None)], COLUMNS)
    assert "Not drawn, for lack of an estimate or a position on the axis: cell 1." in page(study)


def test_theory_is_drawn_to_where_it_ends() -> None:
    # docs/theory.md#fixed-point: one shot 1 + Lambda, fixed point 1/(1 - Lambda), which is 5 at Lambda = 0.8.
    (_, one_shot, _), (_, fixed_point, _) = theory(1.5, 5.0)
    assert one_shot[0] == fixed_point[0] == (0.0, 1.0)
    assert one_shot[-1] == pytest.approx((1.5, 2.5), abs=1e-12)
    assert fixed_point[-1] == pytest.approx((0.8, 5.0), abs=1e-9)
    assert theory(0.5, 5.0)[1][1][-1] == pytest.approx((0.5, 2.0), abs=1e-12)


def test_a_crowding_number_above_one_keeps_the_measured_and_both_curves(study: Study) -> None:
    write(study, "effects", multiplied(0, 0.5, 1.2, "30min") + multiplied(1, 1.5, 2.2, "30min"), COLUMNS)
    write(study, "crowding", [crowded(0, 0.5, "30min"), crowded(1, 1.5, "30min")], dict(CROWDING))
    text = page(study)
    assert "Measured multiplier against the crowding number 30 min after the resets" in text
    assert ">1 / (1 - Lambda)</text>" in text


def test_series_at_one_place_stand_beside_each_other() -> None:
    rows = [Estimate(1.0, 2.0, None, None, name) for name in ("a", "b")]
    drawing = figure(intervals(rows, "x", "y"), "two estimates at one place")
    places = re.findall(r'mark-symbol role-mark[^>]*><path transform="translate\(([\d.]+),', drawing)
    assert len(places) == len(set(places)) == 2


def test_token_and_perpetual_are_sums_over_holders_with_the_range_of_replications() -> None:
    rows = [
        held(0, 90, 120), held(0, 0, 60, perp_stopped_ns=5), held(1, 150, 0, perp_liquidated_ns=7),
        held(1, 140, 150),
    ]  # fmt: skip
    told = summed(pl.DataFrame(rows, schema=HELD, orient="row")).to_dicts()
    assert len(told) == 1
    # By hand: token (90 + 0 + 150 + 140) / 400, replications 90/200 and 290/200; perpetual 330/400, 180/200, 150/200.
    expected = {"holders": 4, "with_token": 0.95, "token_min": 0.45, "token_max": 1.45}
    expected |= {"with_perp": 0.825, "perp_min": 0.75, "perp_max": 0.9, "ahead": 0.75}
    expected |= {"wiped": 0.25, "stopped": 0.25, "liquidated": 0.25}
    assert {name: told[0][name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_sums_of_rich_holders_do_not_overflow() -> None:
    rich = 6 * 10**18  # two of these leave 64 bits
    rows = [held(0, rich, rich, cash_in_atoms=rich), held(0, rich, rich, cash_in_atoms=rich)]
    told = summed(pl.DataFrame(rows, schema=HELD, orient="row")).to_dicts()[0]
    assert (told["with_token"], told["with_perp"]) == (1.0, 1.0)


def test_holdings_stand_by_how_they_are_matched(study: Study) -> None:
    write(study, "holding", [held(0, 90, 110), held(0, 90, 70, match="notional")], HELD)
    text = page(study)
    assert text.index("At equal capital") < text.index("At equal exposure")
    assert "At equal largest loss" not in text


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (1.000823, 0.001093, "1.00082"),
        (-0.1666, 0.6667, "−0.167"),
        (1234.56, 800.0, "1,235"),
        (0.5, 0.0, "0.500"),
        (0.5, None, "0.500"),
        (None, 1.0, "–"),
    ],
)
def test_an_estimate_has_the_digits_its_interval_resolves(value: float, width: float, text: str) -> None:
    assert resolved(value, width) == text


def test_the_command_writes_the_page_of_a_study_and_finds_it_in_its_folder(study: Study) -> None:
    ended = CliRunner().invoke(main, ["report", str(study.path.parent), "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == {"path": str(study.path / "report.html")}
    assert '<section id="arms">' in (study.path / "report.html").read_text(encoding="utf-8")


def test_the_same_study_gives_the_same_bytes(study: Study) -> None:
    write(study, "effects", [effect(cell, "factual", 0.02) for cell in (0, 1)], COLUMNS)
    assert page(study) == page(study)


def test_a_study_shows_itself_and_its_charts_in_a_notebook(study: Study) -> None:
    assert "runs planned" in study._repr_html_()
    assert "Do &lt;b&gt;resets&lt;/b&gt; &amp; funds matter?" in study._repr_html_()
    with pytest.raises(ResultError, match="no measure was recorded"):
        _ = study.plot.effects()
    write(study, "effects", [effect(0, "factual", 0.02), effect(1, "factual", 0.05)], COLUMNS)
    rows = [row for rows in study.plot.effects().to_dict()["datasets"].values() for row in rows]
    assert sorted(row["value"] for row in rows if "series" in row) == [0.02, 0.05]
    with pytest.raises(UsageError, match="measure: was 'x'; allowed: price_share"):
        study.plot.effects("x")
