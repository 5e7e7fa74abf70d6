"""The quick profile of the crowding study: registered before it runs, and what it says."""

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
