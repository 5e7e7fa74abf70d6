"""Forks share all history: a copied process and a replay give equal rows; a fork that changes nothing is the run."""

import json
from pathlib import Path

import polars as pl
import pytest

from marketsim import simulation
from marketsim.datasets.run import Run
from marketsim.errors import ProcessKilledError, UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation import forks as forking_module
from marketsim.simulation.forks import CAN_FORK, ForkPlan, in_child, replay_all, run_forks, windows_around
from marketsim.simulation.model import MarketModel
from marketsim.simulation.run_builder import ForkWindow
from tests.simulation.worlds import DOWN, MINUTE, RECORD, SECOND, UP, world

ARMS = tuple(
    ArmSpec.model_validate({"id": kind, "arm": kind})
    for kind in ("factual", "frictionless", "shadow", "placebo_sign", "contrarian")
)
FAST = {key: "1s" if key in ("quotes", "marks") else every for key, every in RECORD.items()}
RISE = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "3%"}]
MID_ORDER = 32 * MINUTE + 12 * SECOND  # a fork while ladders are at work

forking = pytest.mark.skipif(not CAN_FORK, reason="this platform cannot copy a process")


def night() -> Scenario:
    return world(tokens=[UP, DOWN], events=RISE, record=FAST, duration="50min")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulation.run(night(), out=tmp_path_factory.mktemp("whole")).path


@pytest.fixture(scope="module")
def forks(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[int, str], Run]]:
    resets = Run(whole).table("rebalances")["t_decide_ns"].to_list()
    windows = windows_around([*resets, MID_ORDER], before=0, horizon=5 * MINUTE, end_ns=50 * MINUTE)
    found: dict[str, dict[tuple[int, str], Run]] = {}
    for way in ("fork", "replay") if CAN_FORK else ("replay",):
        folder = tmp_path_factory.mktemp(way) / "runs"
        plan = ForkPlan(night(), windows, ARMS, folder, source=whole)
        runs = [Run(path) for path in run_forks(plan, way=way)]
        found[way] = {(run.manifest["fork"]["at_ns"], run.manifest["arm"]): run for run in runs}
    return found


def hashes(run: Run) -> dict[str, str]:
    return {name: table["content_sha256"] for name, table in run.manifest["tables"].items()}


@forking
def test_a_copied_process_and_a_replay_give_equal_rows(forks: dict[str, dict[tuple[int, str], Run]]) -> None:
    assert forks["fork"].keys() == forks["replay"].keys()
    assert len(forks["fork"]) == 2 * len(ARMS)
    for key, run in forks["fork"].items():
        assert hashes(run) == hashes(forks["replay"][key])
        assert run.manifest["counts"] == forks["replay"][key].manifest["counts"]


def test_a_fork_that_changes_nothing_is_that_part_of_the_run(
    whole: Path, forks: dict[str, dict[tuple[int, str], Run]]
) -> None:
    run = Run(whole)
    for (at, arm), fork in forks["replay"].items():
        if arm != "factual":
            continue
        inside = pl.col("t_ns").is_between(at, at + 5 * MINUTE, closed="left")
        for table in ("trades", "quotes", "marks", "children"):
            rows, facts = (each.table(table).filter(inside) for each in (fork, run))
            assert rows.drop("seq", strict=False).equals(facts.drop("seq", strict=False))  # counted by record
        assert len(fork.table("trades")) == fork.manifest["counts"]["trades"] > 100


def test_what_a_fork_counts_is_what_it_recorded(forks: dict[str, dict[tuple[int, str], Run]]) -> None:
    for run in forks["replay"].values():
        manifest = run.manifest
        assert manifest["conservation"]["residual_atoms"] == 0
        assert manifest["simulated_ns"] == 5 * MINUTE
        for table in ("trades", "rebalances", "liquidations"):
            assert manifest["counts"][table] == len(run.table(table))


@forking
def test_a_fork_s_time_in_the_kernel_is_its_own(forks: dict[str, dict[tuple[int, str], Run]]) -> None:
    for run in forks["fork"].values():
        assert 0 < run.manifest["kernel_s"] <= run.manifest["wall_s"]


def test_what_the_kernel_took_before_a_fork_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = forking_module.open_world

    def after_an_hour(*given: object) -> MarketModel:
        model = opened(*given)
        model.env.kernel_s += 3600
        return model

    monkeypatch.setattr(forking_module, "open_world", after_an_hour)
    windows = windows_around([MINUTE], before=0, horizon=MINUTE, end_ns=2 * MINUTE)
    plan = ForkPlan(world(duration="2min"), windows, ARMS[:1], tmp_path / "runs")
    replay_all(plan, plan.builders())
    (path,) = run_forks(plan)
    assert 0 < Run(path).manifest["kernel_s"] < 60


def test_arms_of_a_fork_have_one_identity_and_differ_in_their_intervention(
    forks: dict[str, dict[tuple[int, str], Run]],
) -> None:
    manifests = [run.manifest for run in forks["replay"].values()]
    assert len({manifest["identity_sha256"] for manifest in manifests}) == 1
    assert len({manifest["run_id"] for manifest in manifests}) == len(manifests)
    assert {json.dumps(manifest["intervention"], sort_keys=True) for manifest in manifests} == {
        json.dumps(arm.model_dump(mode="json"), sort_keys=True) for arm in ARMS
    }


def test_ledger_and_attribution_of_a_fork_explain_its_balances(forks: dict[str, dict[tuple[int, str], Run]]) -> None:
    for run in forks["replay"].values():
        ledger = run.table("ledger")
        last = run.table("cohorts").filter(pl.col("t_ns") == pl.col("t_ns").max())
        for row in last.iter_rows(named=True):
            got = ledger.filter(pl.col("to_cohort") == row["cohort"])["atoms"].sum()
            gave = ledger.filter(pl.col("from_cohort") == row["cohort"])["atoms"].sum()
            assert got - gave == row["cash_atoms"]
        first = run.table("attribution").group_by("token").agg(pl.col("t0_ns").min())
        assert first["t0_ns"].unique().to_list() == [run.manifest["fork"]["from_ns"]]


def test_a_fork_in_a_world_of_its_arm_is_known_by_that_of_its_cell(tmp_path: Path) -> None:
    windows = windows_around([20 * MINUTE], before=0, horizon=MINUTE, end_ns=50 * MINUTE)
    plans = [ForkPlan(night(), windows, ARMS[:2], tmp_path, identity=identity) for identity in (None, "c0ffee")]
    assert [{one.identity for one in plan.builders()} for plan in plans] == [{night().sha256()}, {"c0ffee"}]


def test_windows_are_of_each_instant_once_and_begin_and_end_within_the_run() -> None:
    windows = windows_around([50, 10, 95, 50, 4, 5], before=5, horizon=10, end_ns=100)
    assert [(one.from_ns, one.at_ns, one.until_ns) for one in windows] == [
        (0, 5, 15),
        (5, 10, 20),
        (45, 50, 60),
        (90, 95, 100),
    ]


def test_forks_that_are_there_are_not_run_again(tmp_path: Path) -> None:
    plan = ForkPlan(night(), (ForkWindow(MINUTE, MINUTE, 2 * MINUTE),), ARMS[:1], tmp_path / "runs")
    (path,) = run_forks(plan)
    made = (path / "manifest.json").stat().st_mtime_ns
    assert run_forks(plan) == [path]
    assert (path / "manifest.json").stat().st_mtime_ns == made


@forking
def test_a_child_that_is_killed_is_told(tmp_path: Path) -> None:
    import os
    import signal

    with pytest.raises(ProcessKilledError, match="killed by signal 9"):
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_a_quiet_instant_lies_before_everything_of_its_time() -> None:
    model = MarketModel(night())
    model.env.run_before(10 * SECOND)
    assert (model.env.now, model.world.get("now_ns") < 10 * SECOND) == (10 * SECOND, True)
    digest = model.world.digest()
    model.env.run_before(10 * SECOND)
    assert model.world.digest() == digest
    with pytest.raises(UsageError, match="a quiet instant was asked for at 9000000000 ns"):
        model.env.run_before(9 * SECOND)
    model.close()
