"""The quick profiles of the crowding studies: registered before they run, and what they say."""

from pathlib import Path

import polars as pl
import pytest

import marketsim
from marketsim.analysis.transfers.reset_transfers import reset_transfers
from marketsim.analysis.transfers.transfer_matrix import transfers
from marketsim.datasets.integrity import read_manifest
from marketsim.datasets.run import Run
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


def registered_before_runs(study: SweptStudy) -> None:
    """All of its runs are done, and began after what is expected of them was written down."""
    assert study.counts["done"] == study.counts["runs"]
    assert study.registration is not None
    started = [read_manifest(Path(path))["started_utc"] for path in study.runs()["path"]]
    assert min(started) > study.registration.registered_utc


def test_flows_offset_an_order_by_their_share_and_all_of_them_leave_the_market_alone(tmp_path: Path) -> None:
    """F1 to F3 of crowding_flows.toml; half the flow leaves more than half of the push where impact is concave."""
    study = marketsim.sweep(STUDIES / "crowding_flows_quick.yaml", out=tmp_path, workers=2)
    registered_before_runs(study)
    rows = study.effects().filter(versus="frictionless")
    found = {(row["measure"], row["arm"]): row["estimate"] for row in rows.iter_rows(named=True)}
    sent = {arm: found["orders_ratio", arm] for arm in ("factual", "half", "all", "hedged")}
    assert sent == pytest.approx({"factual": 1, "half": 0.5, "all": 0, "hedged": 1}, abs=0.05)
    push = {arm: found["impact_gap_0s", arm] for arm in ("factual", "half", "all", "hedged", "early")}
    assert push["all"] == 0
    assert push["half"] == pytest.approx(push["factual"] * 0.5 ** found["impact_exponent", "factual"], rel=0.25)
    assert abs(push["hedged"]) < 10
    assert push["early"] < push["factual"]
    runs = study.runs().filter(pl.col("arm").is_in(["all", "frictionless"]))
    manifests = [read_manifest(Path(path)) for path in runs["path"]]
    quotes = {(each["replication"], each["tables"]["quotes"]["content_sha256"]) for each in manifests}
    assert len(manifests) == 12
    assert len(quotes) == 6  # by replication the same in both arms, row for row


@pytest.mark.parametrize("world", ["who_pays", "who_pays_alt", "who_pays_two_markets"])
def test_what_a_reset_moves_between_cohorts_closes_to_the_atom_in_every_world(world: str, tmp_path: Path) -> None:
    """Four minutes around a reset: every cohort's equity is explained, and trades around it sum to those of the run."""
    soon = {
        "clock.start": "2024-01-01T23:59:00Z", "clock.duration": "4min", "clock.warmup": "20s",
        "tokens.*.rebalance.at": "00:00", "tokens.*.management_fee.at": "00:00", "tokens.*.disclosure.lead": "30s",
        "tokens.*.execution.over": "30s", "tokens.*.execution.slices": "3", "events.0.at": "30s",
        "record.cohorts": "10s", "record.positions": "10s", "record.marks": "10s",
    }  # fmt: skip
    run = Run(marketsim.run(STUDIES / f"{world}.yaml", set=soon, out=tmp_path).path)
    whole = transfers(run)
    whole.check_closed()
    around = reset_transfers(run, whole).filter(pl.col("decide_ns").is_not_null())
    net = pl.concat(
        [
            around.select(cohort="to_cohort", atoms="atoms"),
            around.select(cohort="from_cohort", atoms=-pl.col("atoms")),
        ]
    )
    assert net["atoms"].sum() == 0
    assert {"UP", "DOWN", "makers"} <= set(net["cohort"])


def test_funds_pay_most_for_an_announced_reset_and_every_token_has_a_word_on_break_even(tmp_path: Path) -> None:
    """P1 and P2 of who_pays.toml at the larger assets; break-even is told, or that it is not in the grid."""
    study = marketsim.sweep(STUDIES / "who_pays_quick.yaml", out=tmp_path, workers=2)
    registered_before_runs(study)
    payers = pl.read_parquet(study.path / "reset_payers.parquet")
    sums = payers.group_by("cell").agg(pl.col("estimate").sum(), scale=pl.col("estimate").abs().sum())
    assert (sums["estimate"].abs() < 1e-9 * sums["scale"]).all()
    got = dict(payers.filter(cell=1).select("cohort", "estimate").iter_rows())
    assert min(got, key=lambda cohort: got[cohort]) == "DOWN"  # its order is twice that of UP
    assert got["UP"] < 0 < got["makers"]
    rows = pl.read_parquet(study.path / "break_even.parquet")
    assert rows["token"].to_list() == ["UP", "DOWN"]
    assert rows["fee"].to_list() == pytest.approx([1e-4, 1e-4])
    assert rows["replications"].to_list() == [6, 6]
    assert (rows["cost_at_most"] > rows["cost_at_least"]).all()


def test_a_quarter_of_value_traders_capacity_has_a_verdict_as_a_way_to_a_level(tmp_path: Path) -> None:
    """Which sign it has is open; that Lambda hardly moves is what the study rests on."""
    study = marketsim.sweep(STUDIES / "crowding_capacity_quick.yaml", out=tmp_path, workers=2)
    registered_before_runs(study)
    cells = pl.read_parquet(study.path / "loop_cells.parquet")
    whole, quarter, *_ = cells["crowding_number"].to_list()
    assert quarter == pytest.approx(whole, rel=0.2)
    rows = pl.read_parquet(study.path / "hypotheses.parquet").filter(hypothesis="ways: capacity")
    assert set(rows["rule"]) == {"once", "children"}
    assert (rows["estimate"].abs() < 0.2).all()


def test_three_resets_within_the_life_of_impact_have_a_verdict_on_what_they_send_and_push(tmp_path: Path) -> None:
    """L1 and L2 of crowding_life.toml, only bounded here."""
    study = marketsim.sweep(STUDIES / "crowding_life_quick.yaml", out=tmp_path, workers=2)
    registered_before_runs(study)
    found = {row["hypothesis"]: row for row in pl.read_parquet(study.path / "hypotheses.parquet").iter_rows(named=True)}
    assert set(found) == {"in turn: orders", "in turn: push"}
    assert all(row["replications"] == 6 for row in found.values())
    assert found["in turn: orders"]["estimate"] == pytest.approx(1.0, abs=0.2)
    assert found["in turn: push"]["estimate"] == pytest.approx(0.0, abs=0.15)


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
