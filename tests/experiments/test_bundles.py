"""Forks and probes of a study: made from the factual run, counted, kept, and measured."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import marketsim as ms
from marketsim.analysis.crowding.crowding_row import COLUMNS as CROWDING
from marketsim.analysis.crowding.study_crowding import study_crowding
from marketsim.analysis.study_tables import study_holding
from marketsim.datasets.resets import MarketReset, ResetOrder, resets_of
from marketsim.experiments import bundle_task, probe_design
from marketsim.experiments.bundle_task import BundleTask
from marketsim.experiments.bundles import Bundle, bundles_of
from marketsim.experiments.design import PlannedRun
from marketsim.experiments.probe_design import _looks, probe_plan
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.scenario.study.study import StudySpec, study_of
from marketsim.simulation.probing import Look
from tests.simulation.worlds import DOWN, MINUTE, UP, world

RISE = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "3%"}]
STUDY = {
    "arms": ["factual", "frictionless", "contrarian"],
    "measures": ["price_share", "crowding_number"],
    "compare_holding": [{"as": "perp", "leverage": 5, "match": "capital"}],
    "fork": {"at": "rebalances", "horizon": "10min"},
    "probe": {"horizons": ["0s", "2min"]},
}


def scenario(**study: Any) -> Scenario:
    record = {"quotes": "1s", "marks": "1s"}
    return world(tokens=[UP, DOWN], events=RISE, duration="45min", record=record, study={**STUDY, **study})


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return ms.sweep(scenario(), out=tmp_path_factory.mktemp("out"), workers=1, report=False)


def test_a_factual_run_has_the_bundles_that_its_study_asks_for() -> None:
    spec = study_of(scenario().study)
    runs = [PlannedRun(0, 0, arm, arm) for arm in ("factual", "frictionless")]
    assert [bundle.name for bundle in bundles_of(spec, runs)] == ["forks-factual", "probes-factual"]
    plain = StudySpec.model_validate({"arms": ["factual", "shadow"], "measures": ["price_share"]})
    assert bundles_of(plain, runs) == []


def test_a_study_of_forks_runs_each_arm_from_each_reset(swept: Any) -> None:
    assert swept.is_complete
    assert (swept.counts["runs"], swept.counts["bundles"], swept.failed_runs) == (1, 2, [])
    runs = swept.runs()
    assert runs.filter(pl.col("fork_ns").is_null())["arm"].to_list() == ["factual"]
    forks = runs.filter(pl.col("fork_ns").is_not_null())
    assert sorted(forks["arm"]) == ["contrarian", "factual", "frictionless"]
    assert forks["fork_ns"].unique().to_list() == [32 * MINUTE]
    share = swept.effects().filter((pl.col("measure") == "price_share") & (pl.col("arm") == "factual"))
    assert share["pairs"].to_list() == [1]


def test_crowding_of_a_study_is_k_times_what_its_probes_moved(swept: Any) -> None:
    found = pl.read_parquet(swept.path / "crowding.parquet")
    assert dict(found.schema) == dict(CROWDING)
    assert found["horizon"].to_list() == ["0s", "2min"]
    assert found["horizon_s"].to_list() == [0.0, 120.0]
    for row in found.to_dicts():
        assert row["crowding_number"] == pytest.approx(row["k_usdt"] * row["impact_per_usdt"])
        assert row["impact_per_usdt"] == row["impact_per_usdt_buy"]  # both funds buy after a rise
        assert (row["resets"], row["bounds"], row["unread"], row["response"]) == (1, 0, 0, 1.0)
    assert found["impact_per_usdt_sell"][0] > 0
    # 6 x 1 MUSDT + 12 x 0.5 MUSDT at the last reset
    assert found["k_usdt"].to_list() == pytest.approx([12e6, 12e6])
    assert study_crowding(swept).equals(found)
    number = swept.effects().filter(measure="crowding_number_0s", arm="factual", versus="frictionless")
    assert number["estimate"].to_list() == pytest.approx([found["crowding_number"][0]])


def test_holders_of_a_study_are_compared_with_perpetual_positions(swept: Any) -> None:
    rows = study_holding(swept)
    assert rows["token"].unique().sort().to_list() == ["DOWN", "UP"]
    assert rows["perp_wealth_atoms"].min() > 0
    assert (swept.path / "holding.parquet").is_file()


def test_a_study_that_is_whole_makes_no_bundle_again(swept: Any) -> None:
    notes = {path: path.stat().st_mtime_ns for path in (swept.path / "bundles").iterdir()}
    again = ms.sweep(scenario(), out=swept.path.parent.parent, workers=1, report=False)
    assert again.counts["made"] == 0
    assert {path: path.stat().st_mtime_ns for path in (swept.path / "bundles").iterdir()} == notes


def test_a_bundle_that_fails_keeps_its_reason(swept: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = PlannedRun(0, 0, "factual", "abc")
    spec = study_of(scenario().study)
    task = BundleTask(Bundle("probes", run), scenario(), spec, tmp_path, "code", "identity")

    def breaks(*_: object) -> None:
        raise ValueError("a broken probe")

    monkeypatch.setattr(bundle_task, "probe_plan", breaks)
    receipt = task.perform()
    assert (receipt.status, receipt.reason) == ("failed", "ValueError: a broken probe")
    note = json.loads((tmp_path / "bundles" / "probes-abc.json").read_text())
    assert (note["status"], note["reason"], note["cell"]) == ("failed", "ValueError: a broken probe", 0)
    assert task.bundle.status(tmp_path, "code") == "failed"
    assert task.bundle.status(tmp_path, "other code") is None


def test_probes_send_what_the_funds_sent_at_their_times_in_three_sizes_beside_nothing(swept: Any) -> None:
    factual = swept.run(0, 0, "factual")
    plan = probe_plan(scenario(), swept.spec, factual.path, 0)
    rows, children = factual.table("rebalances"), factual.table("children")
    together, last = abs(rows["target_lots"].sum()), rows["t_last_ns"].max()
    assert [probe.lots for probe in plan.probes] == [round(together * size) for size in (0, 0.5, 1, 2)]
    assert {probe.t_ns for probe in plan.probes} == set(rows["t_decide_ns"])
    whole = plan.probes[2]
    assert [order.t_ns for order in whole.orders] == sorted(children["t_ns"])
    assert whole.orders[-1].until_lots == together
    for order in whole.orders:
        assert order.offset == pytest.approx(0.02, abs=1e-4)  # a ladder trades within 2 %
    assert [(look.word, look.t_ns) for look in whole.looks] == [("0s", last), ("2min", last + 2 * MINUTE)]
    assert (plan.arm.id, plan.begins) == ("frictionless", True)


def test_mids_are_looked_at_after_the_last_fill_and_in_the_last_instant_before_the_next_reset() -> None:
    """The first of two funds decides again 40 minutes after it, and the run ends before the second does."""
    first = ResetOrder(0, "UP", 5, 5, 30_000.0, 10**14, last_ns=2 * MINUTE, next_ns=41 * MINUTE)
    second = ResetOrder(1, "DOWN", 3, 3, 30_000.0, 10**14, last_ns=3 * MINUTE, next_ns=None)
    asked = ProbeSpec.model_validate({"horizons": ["0s", "2min", "next"]})
    looks = list(_looks(MarketReset("M", MINUTE, (first, second)), asked))
    assert looks == [Look("0s", 3 * MINUTE), Look("2min", 5 * MINUTE), Look("next", 41 * MINUTE - 1)]
    assert [look.word for look in _looks(MarketReset("M", MINUTE, (second,)), asked)] == ["0s", "2min"]


def test_resets_of_the_warm_up_in_balance_or_without_a_fill_are_passed_over(
    swept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factual, warm = swept.run(0, 0, "factual"), scenario().with_({"clock.warmup": "10min"})
    (reset,) = resets_of(factual)
    order = reset.orders[0]
    balanced = replace(reset, orders=(replace(order, target_lots=5), replace(order, target_lots=-5)))
    unfilled = replace(reset, orders=tuple(replace(each, last_ns=-1) for each in reset.orders))
    probes = probe_plan(warm, swept.spec, factual.path, 0).probes
    assert len(probes) == 4
    for passed_over in (replace(reset, decide_ns=10 * MINUTE - 1), balanced, unfilled):
        monkeypatch.setattr(probe_design, "resets_of", lambda run, other=passed_over: (other, reset))
        assert probe_plan(warm, swept.spec, factual.path, 0).probes == probes


def test_probes_of_whole_runs_are_sent_in_the_baseline_and_without_one_in_a_world_without_the_flow(swept: Any) -> None:
    factual = swept.run(0, 0, "factual")
    arms = {"baseline": "shadow", "arms": ["factual", "shadow"], "fork": None}
    plan = probe_plan(scenario(), study_of(scenario(**arms).study), factual.path, 0)
    assert (plan.arm.id, plan.begins) == ("shadow", False)
    alone = study_of(scenario(arms=["factual"], fork=None).study)
    assert probe_plan(scenario(), alone, factual.path, 0).arm.arm == "frictionless"


def test_a_bundle_that_failed_is_kept_as_it_is_and_tried_again_only_when_that_is_asked_for(tmp_path: Path) -> None:
    done = ms.sweep(scenario(), out=tmp_path, workers=1, report=False)
    (note,) = (done.path / "bundles").glob("probes-*.json")
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "status": "failed", "reason": "a broken probe"}))
    kept = ms.sweep(scenario(), out=tmp_path, workers=1, report=False)
    assert (kept.counts["made"], kept.is_complete) == (0, True)
    assert [run["reason"] for run in kept.failed_runs] == ["a broken probe"]
    figures: list[tuple[float, ...]] = []
    mended = ms.sweep(
        scenario(), out=tmp_path, workers=1, report=False, again=True, progress=lambda *some: figures.append(some)
    )
    assert [some[:3] for some in figures] == [(2, 0, 3), (3, 0, 3)]  # the run and its forks were there
    assert (mended.counts["made"], mended.failed_runs) == (1, [])
    assert json.loads(note.read_text())["status"] == "ok"
