"""The quick profiles of the crowding studies: registered before they run, and what they say."""

from pathlib import Path

import polars as pl
import pytest

import marketsim
from marketsim.datasets.integrity import read_manifest
from marketsim.experiments import SweptStudy

STUDIES = Path(__file__).parents[2] / "scenarios/studies"


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> SweptStudy:
    return marketsim.sweep(STUDIES / "crowding_loop_quick.yaml", out=tmp_path_factory.mktemp("loop"), workers=2)


def test_the_quick_loop_was_registered_before_each_of_its_runs(loop: SweptStudy) -> None:
    assert loop.counts["done"] == loop.counts["runs"] == 48
    assert loop.registration is not None
    started = [read_manifest(Path(path))["started_utc"] for path in loop.runs()["path"]]
    assert min(started) > loop.registration.registered_utc


def test_the_quick_loop_has_a_verdict_on_every_hypothesis(loop: SweptStudy) -> None:
    """H1 is an identity up to what a book makes of two orders for one; the others are findings, only bounded here."""
    cells = pl.read_parquet(loop.path / "loop_cells.parquet")
    assert cells["replications"].to_list() == [6] * 4
    assert cells["unread"].sum() == 0
    found = {row["hypothesis"]: row for row in pl.read_parquet(loop.path / "hypotheses.parquet").iter_rows(named=True)}
    assert found["H1"]["estimate"] == pytest.approx(1.0, abs=0.1)
    assert found["H3 once"]["estimate"] == pytest.approx(1.0, abs=0.05)
    for name in ("H2", "H3", "H4"):
        assert found[name]["estimate"] == pytest.approx(1.0, abs=0.3), name
        assert found[name]["verdict"] in ("equivalent", "equivalent, and differs", "differs", "undecided"), name


def test_who_waits_for_an_announced_reset_trades_with_it_and_all_that_is_paid_is_got(tmp_path: Path) -> None:
    """Transfers are checked to the atom where they are computed; which way the announcement moves the push is open."""
    study = marketsim.sweep(STUDIES / "crowding_sunshine_quick.yaml", out=tmp_path, workers=2)
    assert study.counts["done"] == study.counts["runs"] == 18
    rows = pl.read_parquet(study.path / "reset_transfers.parquet").filter(pl.col("decide_ns").is_not_null())
    nobody, informed = (rows.filter(cell=cell, arm="factual") for cell in (0, 1))
    assert "waiting" in {*informed["from_cohort"], *informed["to_cohort"]}
    assert "waiting" not in {*nobody["from_cohort"], *nobody["to_cohort"]}
    pushes = {
        (row["cell"], row["arm"]): row["estimate"]
        for row in study.effects().filter(measure="impact_gap_0s", versus="frictionless").iter_rows(named=True)
    }
    assert pushes[0, "factual"] == pytest.approx(pushes[0, "blind"])  # nobody is there to be informed
    assert pushes[1, "factual"] != pushes[1, "blind"]


def test_what_an_issuer_can_do_takes_off_the_push_what_theory_says_it_must(tmp_path: Path) -> None:
    """By six replications with common random numbers; how far each arm goes is a finding, which side is not open."""
    study = marketsim.sweep(STUDIES / "interventions_quick.yaml", out=tmp_path, workers=2)
    assert study.counts["done"] == study.counts["runs"] == 60
    rows = {
        (row["measure"], row["arm"], row["versus"]): row
        for row in study.effects().filter(pl.col("versus").is_not_null()).iter_rows(named=True)
    }
    assert rows["impact_gap_0s", "factual", "frictionless"]["lo"] > 0
    for arm in ("staggered", "slow", "capped"):
        assert rows["impact_gap_0s", arm, "factual"]["hi"] < 0, arm
        assert rows["reset_cost", arm, "factual"]["hi"] < 0, arm
    for arm in ("sized_once", "index_mark"):  # no loop: what the move called for, and no more
        assert rows["orders_ratio", arm, "frictionless"]["estimate"] == pytest.approx(1.0, abs=0.1), arm
        assert rows["orders_ratio", arm, "factual"]["hi"] < 0, arm
        assert rows["reset_cost", arm, "factual"]["hi"] < 0, arm
    assert all(row["collapsed"] == 0 for row in rows.values())
    gains = pl.read_parquet(study.path / "trade_gains.parquet")
    sums = gains.group_by("cell", "arm").agg(pl.col("gain").sum())["gain"]
    assert sums.abs().max() < 1e-4  # what one gains others lose
    funds = {row["arm"]: row["gain"] for row in gains.filter(cohort="funds").iter_rows(named=True)}
    assert funds["frictionless"] == 0.0
    assert funds["factual"] < funds["sized_once"] < 0


def test_the_game_of_clocks_is_solved_for_every_schedule(tmp_path: Path) -> None:
    """Registered before it ran; where a fifth of a push is left after a step, nobody stays with all others."""
    study = marketsim.sweep(STUDIES / "clock_game_quick.yaml", out=tmp_path, workers=2)
    assert study.counts["done"] == study.counts["runs"] == 88
    assert study.registration is not None
    schedules = pl.read_parquet(study.path / "clock_schedules.parquet")
    assert schedules["replications"].to_list() == [8] * 10
    found = {row["schedule"]: row for row in schedules.iter_rows(named=True)}
    for time in ("00:02", "00:07", "00:12"):
        assert found[f"{time} {time} {time}"]["gain_lo"] > 0
    apart = found["00:02 00:07 00:12"]
    assert apart["hi"] < found["00:02 00:02 00:02"]["lo"]
    assert apart["cheapest_share"] > 0.9
    anarchy = pl.read_parquet(study.path / "clock_game.parquet").row(0, named=True)
    assert anarchy["quantity"] == "price_of_anarchy"
    assert anarchy["estimate"] >= 1.0


def test_headlines_are_held_against_other_worlds(tmp_path: Path) -> None:
    """Makers' capital matters only where a limit binds; an index mark ends the loop; more depth, less push."""
    study = marketsim.sweep(STUDIES / "robustness_quick.yaml", out=tmp_path, workers=2)
    assert study.counts["done"] == study.counts["runs"] == 128
    assert study.registration is not None
    headlines = pl.read_parquet(study.path / "headlines.parquet")
    found = {(row["world"], row["measure"]): row for row in headlines.iter_rows(named=True)}
    assert len(found) == 24
    assert found["as declared", "impact_gap_0s"]["lo"] > 0
    assert found["makers' capital x 2", "impact_gap_0s"]["change"] == pytest.approx(0.0, abs=0.5)
    assert found["makers' latency x 2", "impact_gap_0s"]["verdict"] == "holds"
    assert found["mark: index", "orders_ratio"]["estimate"] == pytest.approx(1.0, abs=0.2)
    assert found["makers' capital and sizes x 2", "impact_gap_0s"]["change_hi"] < 0
