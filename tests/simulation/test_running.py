"""From a scenario to a run directory: whole, failed with its reason, or not there at all."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from marketsim import simulation
from marketsim.clock import ProcessGenerator
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES
from marketsim.errors import ResultError, UsageError
from marketsim.issuers.resets.rebalancer import Rebalancer
from marketsim.kernel.world import World
from marketsim.scenario.schema import Scenario
from marketsim.simulation import run_builder, running
from marketsim.simulation.agents import own_agents
from marketsim.simulation.run_builder import RunResult
from marketsim.traders.agent import Agent
from tests.simulation.worlds import CROWD, DOWN, GBM, MINUTE, RETAIL, UP, world

KEYS = (
    "schema name run_id status reason scenario_sha256 seed replication cell arm versions platform started_utc wall_s "
    "compile_s kernel_s simulated_ns traders counts events_per_s peak_rss_mb conservation crowding tables "
    "liquidations_queued"
).split()
COUNTS = (
    "micro_events strategic_events orders cancels rejected_orders trades liquidations deleveragings rebalances "
    "creations redemptions"
).split()


def eventful(**parts) -> Scenario:
    events = [{"at": "25min", "kind": "jump", "underlying": "BTC", "size": "-7%"}]
    slow = [{**group, "latency": "20ms"} for group in CROWD]
    crowd = [*slow, {**RETAIL, "id": "levered", "start": {"leverage": "20", "long_share": "90%"}}]
    return world(traders=crowd, tokens=[UP, DOWN], events=events, record={"orders": "all"}, **parts)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return simulation.run(eventful(), out=tmp_path_factory.mktemp("out"))


def left_behind(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_run_directory_is_whole(done: RunResult) -> None:
    assert done.path.parent.name == "small"
    assert done.path.name == done.manifest["run_id"]
    assert sorted(path.name for path in done.path.iterdir()) == [
        "manifest.json",
        "resolved.json",
        "scenario.yaml",
        "tables",
    ]
    assert {path.stem for path in (done.path / "tables").iterdir()} == set(TABLES) == set(done.manifest["tables"])
    assert json.loads((done.path / "manifest.json").read_text()) == done.manifest
    assert not [path for path in done.path.parent.iterdir() if path != done.path]


def test_the_manifest_has_the_contracts_keys_and_true_figures(done: RunResult) -> None:
    manifest = done.manifest
    assert set(manifest) == {
        *KEYS,
        "intervention",
        "identity_sha256",
        "plugins",
        "liquidations_queued",
        "over",
        "source_sha256",
        "files",
        "manifest_sha256",
    }
    assert set(manifest["counts"]) == set(COUNTS)
    assert (manifest["schema"], manifest["name"], manifest["seed"], manifest["arm"]) == (
        "marketsim/1",
        "small",
        1,
        "factual",
    )
    assert (manifest["status"], manifest["reason"], manifest["replication"]) == ("ok", None, 0)
    assert manifest["conservation"] == {"residual_atoms": 0, "by_asset": {"USDT": 0}}
    assert manifest["simulated_ns"] == 60 * MINUTE
    assert manifest["traders"] == sum(group["count"] for group in CROWD) + 40
    assert manifest["events_per_s"] == pytest.approx(
        manifest["counts"]["micro_events"] / manifest["kernel_s"], rel=1e-3
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["started_utc"])
    assert manifest["crowding"]["BTC-PERP"]["method"] == "none"
    for name, table in manifest["tables"].items():
        assert table["rows"] == len(done.table(name))
        assert table["bytes"] == (done.path / "tables" / f"{name}.parquet").stat().st_size


def test_every_count_of_the_manifest_is_the_rows_of_its_table(done: RunResult) -> None:
    counts, orders = done.manifest["counts"], done.table("orders")
    for name in ("trades", "orders", "liquidations", "deleveragings", "rebalances"):
        assert counts[name] == len(done.table(name)), name
    assert counts["cancels"] == len(orders.filter(action="cancel"))
    assert counts["rejected_orders"] == len(orders.filter(action="reject"))
    assert min(counts[name] for name in ("trades", "liquidations", "rebalances", "cancels")) > 0
    assert counts["micro_events"] >= counts["orders"]


class Poor(Agent):
    """Sends one order that its capital is no margin for."""

    def process(self) -> ProcessGenerator:
        yield self.send("BTC-PERP", "+100 BTC", type="market").done


def test_a_rejected_order_is_counted_and_is_a_row(tmp_path: Path) -> None:
    agents = own_agents([lambda model: Poor(model, capital="10 USDT")], "poor")
    run = simulation.run(world(duration="1min", record={"orders": "all"}), out=tmp_path, agents=agents)
    assert run.manifest["counts"]["rejected_orders"] == len(run.table("orders").filter(action="reject")) == 1


def test_a_run_that_is_there_is_not_made_again(done: RunResult) -> None:
    before = (done.path / "manifest.json").stat().st_mtime_ns
    found = simulation.run(eventful(), out=done.path.parents[1])
    assert found.already_there
    assert found.manifest == done.manifest
    assert (done.path / "manifest.json").stat().st_mtime_ns == before


def test_again_replaces_a_run_by_one_with_the_same_content(tmp_path: Path) -> None:
    first = simulation.run(world(duration="5min"), out=tmp_path)
    second = simulation.run(world(duration="5min"), out=tmp_path, again=True)
    assert not second.already_there
    assert second.path == first.path

    def hashes(run: RunResult) -> dict[str, str]:
        return {name: table["content_sha256"] for name, table in run.manifest["tables"].items()}

    assert hashes(second) == hashes(first)
    assert second.manifest["counts"] == first.manifest["counts"]


def test_a_run_by_other_code_is_neither_taken_nor_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = simulation.run(world(duration="1min"), out=tmp_path)
    monkeypatch.setattr(run_builder.provenance, "code_here", lambda: "another")
    with pytest.raises(ResultError, match="another version of the code"):
        simulation.run(world(duration="1min"), out=tmp_path)
    assert not simulation.run(world(duration="1min"), out=tmp_path, again=True).already_there
    assert Run(made.path).manifest["versions"]["marketsim"] == "another"


def test_the_resolved_scenario_in_the_directory_runs_to_the_same_content(done: RunResult, tmp_path: Path) -> None:
    from marketsim import load

    again = simulation.run(load(done.path / "scenario.yaml"), out=tmp_path)
    assert again.manifest["run_id"] == done.manifest["run_id"]
    assert again.manifest["tables"]["trades"]["content_sha256"] == done.manifest["tables"]["trades"]["content_sha256"]


def test_another_seed_and_another_replication_have_other_places_and_other_luck(tmp_path: Path) -> None:
    runs = [
        simulation.run(world(duration="5min"), out=tmp_path),
        simulation.run(world(duration="5min", seed=2), out=tmp_path),
        simulation.run(world(duration="5min"), out=tmp_path, replication=1),
    ]
    assert len({run.path for run in runs}) == 3
    assert len({run.manifest["tables"]["trades"]["content_sha256"] for run in runs}) == 3
    assert len({run.manifest["scenario_sha256"] for run in runs}) == 1


def test_a_failing_run_keeps_its_reason_and_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = eventful()
    rebalance = Rebalancer.rebalance

    def broken(rebalancer, decision):
        raise RuntimeError("the desk burns")
        yield from rebalance(rebalancer, decision)

    monkeypatch.setattr(Rebalancer, "rebalance", broken)
    failed = simulation.run(scenario, out=tmp_path)
    assert (failed.manifest["status"], failed.manifest["reason"]) == ("failed", "RuntimeError: the desk burns")
    trades = failed.table("trades")
    assert len(trades) > 100
    assert trades["t_ns"].max() <= failed.manifest["simulated_ns"] < 60 * MINUTE
    assert failed.manifest["tables"]["trades"]["rows"] == len(trades)

    monkeypatch.undo()
    mended = simulation.run(scenario, out=tmp_path)
    assert (mended.path, mended.manifest["status"], mended.already_there) == (failed.path, "ok", False)


def test_money_out_of_nowhere_fails_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = World.open

    def gift(kernel: World) -> None:
        opened(kernel)
        kernel.accounts["cash_atoms"][0] += 7

    monkeypatch.setattr(World, "open", gift)
    failed = simulation.run(world(duration="1min"), out=tmp_path)
    assert failed.manifest["status"] == "failed"
    assert failed.manifest["reason"] == "money is not conserved: 7 atoms are over or short"
    assert failed.manifest["conservation"] == {"residual_atoms": 7, "by_asset": {"USDT": 7}}


def test_a_run_that_meets_its_time_limit_is_kept_as_failed(tmp_path: Path) -> None:
    late = simulation.run(world(duration="10h"), out=tmp_path, time_limit=1)
    assert late.manifest["status"] == "failed"
    assert late.manifest["reason"].startswith("the time limit of 1e-09 s was met at ")
    assert 0 < late.manifest["simulated_ns"] < 600 * MINUTE
    assert late.table("marks")["t_ns"].max() <= late.manifest["simulated_ns"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UsageError("no such thing")])
def test_an_interrupted_run_and_a_users_mistake_leave_nothing(tmp_path: Path, error: BaseException) -> None:
    def progress(now: int, end: int, events: int) -> None:
        if now > 0:
            raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else KeyboardInterrupt):
        simulation.run(world(duration="1h"), out=tmp_path, progress=progress)
    assert left_behind(tmp_path) == []


def test_progress_goes_from_the_start_to_the_end(tmp_path: Path) -> None:
    seen = []
    simulation.run(world(duration="10min"), out=tmp_path, progress=lambda *figures: seen.append(figures))
    assert seen[-1][0] == seen[-1][1] == 10 * MINUTE
    assert [now for now, _, _ in seen] == sorted(now for now, _, _ in seen)
    assert seen[-1][2] > 0


def test_snapshots_stand_at_the_start_at_every_cadence_and_at_the_end(tmp_path: Path) -> None:
    record = {
        "quotes": "7min",
        "marks": "5min",
        "tokens": "10min",
        "depth": {"bps": [5], "every": "4min"},
        "book": {"levels": 2, "every": "6min"},
    }
    run = simulation.run(world(duration="16min", record=record, tokens=[UP]), out=tmp_path)
    times = {
        name: sorted(set(run.table(name)["t_ns"]))
        for name in ("quotes", "marks", "tokens", "token_legs", "depth", "book", "cohorts")
    }
    assert times["quotes"] == [k * MINUTE for k in (0, 7, 14, 16)]
    assert times["marks"] == [k * MINUTE for k in (0, 5, 10, 15, 16)]
    assert times["tokens"] == times["token_legs"] == [k * MINUTE for k in (0, 10, 16)]
    assert times["depth"] == [k * MINUTE for k in (0, 4, 8, 12, 16)]
    assert times["book"] == [k * MINUTE for k in (6, 12, 16)] or times["book"] == [k * MINUTE for k in (0, 6, 12, 16)]
    assert times["cohorts"] == [k * MINUTE for k in (0, 10, 16)]
    for name in ("quotes", "marks", "tokens"):
        keys = TABLES[name].keys
        assert run.table(name).select(keys).is_duplicated().sum() == 0


def test_what_is_not_recorded_is_an_empty_table_and_counted_all_the_same(tmp_path: Path) -> None:
    record = {
        "trades": "none",
        "quotes": "none",
        "marks": "none",
        "tokens": "none",
        "cohorts": "none",
        "positions": "none",
    }
    run = simulation.run(world(duration="30min", record=record), out=tmp_path)
    for name in ("trades", "orders", "quotes", "marks", "tokens", "cohorts", "positions"):
        assert run.table(name).is_empty(), name
    assert run.manifest["counts"]["trades"] > 0
    assert len(run.table("accounts")) > 0
    assert run.table("ledger").filter(entry="trade")["t_ns"].unique().to_list() == [0, 30 * MINUTE]


def test_a_book_without_anybody_runs_to_its_end(tmp_path: Path) -> None:
    run = simulation.run(world(duration="2h", traders=[]), out=tmp_path)
    assert run.manifest["status"] == "ok"
    assert run.table("trades").is_empty()
    marks = run.table("marks")
    assert (marks["mark_price"] - marks["index_price"]).abs().max() <= 0.05
    assert marks["mid_price"].null_count() == len(marks)


def test_a_log_larger_than_its_buffer_is_the_same_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = world(
        duration="20min", record={"orders": "all", "quotes": "change"}, index={**GBM, "volatility": "300%/yr"}
    )
    large = simulation.run(scenario, out=tmp_path / "large")
    made = running.MarketModel
    monkeypatch.setattr(running, "MarketModel", lambda scenario, **options: made(scenario, **options, log_rows=8_704))
    small = simulation.run(scenario, out=tmp_path / "small")
    for name in ("trades", "orders", "quotes"):
        assert small.manifest["tables"][name]["content_sha256"] == large.manifest["tables"][name]["content_sha256"]
    assert len(small.table("orders")) > 8_704


def test_the_manifest_has_the_hash_of_every_table_and_file(done: RunResult) -> None:
    def sha256(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    for name, table in done.manifest["tables"].items():
        assert table["file_sha256"] == sha256(done.path / "tables" / f"{name}.parquet")
    assert done.manifest["files"]["resolved.json"] == sha256(done.path / "resolved.json")
    assert {"resolved.json", "scenario.yaml"} <= set(done.manifest["files"])
