"""A study on disk: written before anything runs, opened again as it stands, and read run by run."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.datasets.study import PLAN, Study, create_study, study_id
from marketsim.errors import ResultError, UsageError
from marketsim.scenario import load_text
from marketsim.scenario.schema import Scenario
from tests.datasets.manifests import write_manifest

WORLD = """
schema: marketsim/1
name: small
clock: {duration: 1h}
seed: 7
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: M, underlying: BTC}]
traders: [{id: noise, kind: noise, market: M, count: 10, capital: 20 kUSDT}]
study: {arms: [factual, {id: many, set: {traders.noise.count: 20}}], over: {PATHS}, replications: 2}
"""
TWO = "traders.noise.rate: [30/h, 60/h], clock.duration: [1h, 2h]"
DESIGN = pl.DataFrame({"cell": [0], "traders.noise.rate": ["30/h"]})
PLANNED = pl.DataFrame(
    [{"cell": 0, "replication": r, "arm": a, "run_id": f"{r}{a}"} for r in (0, 1) for a in ("many", "factual")],
    schema=PLAN,
)


def world(paths: str = TWO) -> Scenario:
    return load_text(WORLD.replace("PATHS", paths))


def finish(study: Study, run_id: str, **manifest: object) -> None:
    folder = study.path / "runs" / run_id
    folder.mkdir()
    write_manifest(folder, run_id=run_id, **manifest)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create_study(tmp_path, world(), DESIGN, PLANNED, "code 1")


def test_a_new_study_is_written_down_before_anything_runs(study: Study, tmp_path: Path) -> None:
    assert study.path == tmp_path / "small" / study_id(world())
    assert sorted(path.name for path in study.path.iterdir()) == [
        "design.parquet",
        "plan.parquet",
        "runs",
        "study.json",
    ]
    assert study.design().equals(DESIGN)
    assert study.plan().equals(PLANNED)
    assert study.spec == world().study
    assert list(study.spec.over) == ["traders.noise.rate", "clock.duration"]  # the order of the paths is kept
    assert study.scenario == world().canonical()
    assert study.declared["cells"] == 1
    assert Study(tmp_path / "small").path == study.path


def test_the_same_study_is_the_same_folder_and_the_order_of_paths_counts(study: Study) -> None:
    assert study_id(world()) == study_id(load_text(WORLD.replace("PATHS", TWO).replace("1h}", "60min}")))
    assert study_id(world()) != study_id(world("clock.duration: [1h, 2h], traders.noise.rate: [30/h, 60/h]"))
    assert study_id(world()) != study_id(load_text(WORLD.replace("PATHS", TWO).replace("seed: 7", "seed: 8")))
    again = create_study(study.path.parents[1], world(), DESIGN, PLANNED, "code 1")
    assert again.path == study.path
    assert again.declared == study.declared


def test_another_code_or_plan_in_the_folder_is_refused_unless_told(study: Study) -> None:
    out = study.path.parents[1]
    with pytest.raises(ResultError, match=r"begun by another version of the code .*--again replaces it"):
        create_study(out, world(), DESIGN, PLANNED, "code 2")
    with pytest.raises(ResultError, match="has another design"):
        create_study(out, world(), DESIGN, PLANNED.head(1), "code 1")
    finish(study, "0many")
    replaced = create_study(out, world(), DESIGN, PLANNED.head(1), "code 2", again=True)
    assert replaced.declared["versions"]["marketsim"] == "code 2"
    assert (study.path / "runs" / "0many").is_dir()


def test_runs_tell_what_became_of_each_in_the_order_of_the_plan(study: Study) -> None:
    finish(study, "0factual")
    finish(study, "1many", status="failed", reason="the time limit was met")
    (study.path / "runs" / ".1factual.abc.building").mkdir()
    finish(study, "stranger", cell=9, replication=9, arm="factual")
    runs = study.runs()
    assert runs.select("replication", "arm", "status").rows() == [
        (0, "many", "planned"), (0, "factual", "ok"), (1, "many", "failed"), (1, "factual", "planned"),
    ]  # fmt: skip
    assert runs["path"][1] == str(study.path / "runs" / "0factual")
    assert study.failures().select("arm", "reason").rows() == [("many", "the time limit was met")]
    assert study.run(0, 0, "factual").manifest["run_id"] == "0factual"
    with pytest.raises(ResultError, match="not there yet"):
        study.run(0, 0, "many")
    with pytest.raises(UsageError, match="has no run of cell 1"):
        study.run(1, 0, "many")


def test_forks_stand_beside_the_whole_runs_by_their_instant(study: Study) -> None:
    for arm, t_ns in (("many", 50), ("factual", 50), ("factual", 20)):
        finish(
            study,
            f"fork{arm}{t_ns}",
            cell=0,
            replication=1,
            arm=arm,
            fork={"from_ns": 0, "at_ns": t_ns, "until_ns": 99},
        )
    forks = study.runs().filter(pl.col("fork_ns").is_not_null())
    assert forks.select("arm", "fork_ns").rows() == [("factual", 20), ("factual", 50), ("many", 50)]
    assert study.run(0, 1, "many", fork_ns=50).manifest["run_id"] == "forkmany50"


def test_effects_are_there_once_they_are_written(study: Study) -> None:
    with pytest.raises(ResultError, match="no effects yet"):
        study.effects()
    frame = pl.DataFrame({"cell": [0], "measure": ["volatility"], "estimate": [1.5]})
    assert study.write_effects(frame) == study.path / "effects.parquet"
    assert study.effects().equals(frame)


def test_a_study_of_a_measure_that_is_not_installed_any_more_says_so(study: Study) -> None:
    study.declared["study"]["measures"] = ["of_a_plugin"]
    with pytest.raises(ResultError, match=r"study\.measures\.0: there is no such measure; install the plugin"):
        _ = study.spec
