"""Every run of a study can be made again: of every arm, forks and probes too, from its directory alone or by name."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import marketsim as ms
from marketsim.cli import main
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError, UsageError
from marketsim.experiments import reproduction
from marketsim.scenario.study.arm import ArmSpec
from tests.experiments.reproducing import every_arm, forks


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduction")


@pytest.fixture(scope="module")
def arms(out: Path) -> Study:
    return ms.sweep(every_arm(), workers=2, out=out, report=False)


@pytest.fixture(scope="module")
def forked(out: Path) -> Study:
    return ms.sweep(forks(), workers=2, out=out, report=False)


def hashes(run: Run) -> dict[str, str]:
    return {name: table["content_sha256"] for name, table in run.manifest["tables"].items()}


def runs_of(study: Study) -> Iterator[Run]:
    rows = study.runs()
    assert set(rows["status"]) == {"ok"}
    for path in rows["path"]:
        yield Run(path)


def copied(run: Run, folder: Path) -> Path:
    """A run directory moved away from its study."""
    return Path(shutil.copytree(run.path, folder / run.path.name))


def test_every_run_of_every_arm_comes_out_the_same(arms: Study) -> None:
    found = [ms.reproduce(run) for run in runs_of(arms)]
    assert len(found) == 15
    assert {(each.is_same, each.first, each.tables) for each in found} == {(True, None, 23)}


def test_the_arms_of_that_study_are_different_worlds(arms: Study) -> None:
    runs = {run.manifest["arm"]: run for run in runs_of(arms)}
    trades = {arm: hashes(run)["trades"] for arm, run in runs.items()}
    assert trades["no_hedges"] == trades["off"]
    assert trades["placebo_sign"] == trades["contrarian"]  # the sign that is drawn for the one reset
    assert len(set(trades.values())) == 13
    assert runs["off"].table("rebalances").is_empty()


def test_forks_and_probes_come_out_the_same_away_from_their_study_too(forked: Study, tmp_path: Path) -> None:
    forks_made = [run for run in runs_of(forked) if "fork" in run.manifest]
    assert {run.manifest["arm"] for run in forks_made} == {"factual", "frictionless", "contrarian"}
    assert len(list((forked.path / "probes").iterdir())) == 1
    for run in runs_of(forked):
        assert ms.reproduce(run).is_same
    assert ms.reproduce(copied(forks_made[-1], tmp_path)).is_same


def test_run_with_cell_replication_and_arm_makes_what_the_sweep_made(arms: Study, tmp_path: Path) -> None:
    for run in runs_of(arms):
        told = run.manifest
        if told["arm"] not in ("off", "placebo_time", "late", "late_contrarian", "larger_contrarian"):
            continue
        made = ms.run(every_arm(), cell=told["cell"], replication=0, arm=told["arm"], out=tmp_path, report=False)
        assert (made.path.name, hashes(made)) == (run.path.name, hashes(run))
        same = ("cell", "over", "arm", "intervention", "identity_sha256", "scenario_sha256", "source_sha256")
        assert [made.manifest[key] for key in same] == [told[key] for key in same]


@pytest.mark.parametrize("arm", ["off", "no_hedges", "placebo_time", "late_contrarian"])
def test_the_scenario_of_a_run_makes_that_run_and_no_other(arms: Study, tmp_path: Path, arm: str) -> None:
    run = arms.run(0, 0, arm)
    made = ms.run(run.path / "scenario.yaml", out=tmp_path, report=False)
    assert (made.path.name, hashes(made)) == (run.path.name, hashes(run))
    assert made.manifest["identity_sha256"] == run.manifest["identity_sha256"]


def test_the_scenario_of_a_fork_makes_that_fork(forked: Study, tmp_path: Path) -> None:
    run = next(run for run in runs_of(forked) if run.manifest["arm"] == "contrarian")
    made = ms.run(run.path / "scenario.yaml", out=tmp_path, report=False)
    assert (made.path.name, hashes(made)) == (run.path.name, hashes(run))
    with pytest.raises(UsageError, match="this run needs the state of the factual run"):
        ms.MarketModel(run.path / "scenario.yaml")


def test_the_scenario_of_a_run_says_which_run_it_is(arms: Study) -> None:
    text = (arms.run(0, 0, "off").path / "scenario.yaml").read_text(encoding="utf-8")
    first, _, document = text.partition("\n")
    assert first == "# One run: cell 0, replication 0, arm off. `marketsim run` makes it again."
    assert json.loads(document)["run"] == {
        "cell": 0,
        "over": {"tokens.DOWN.aum": "2 MUSDT"},
        "arm": {"id": "off", "arm": "off"},
    }
    assert "run" not in json.loads((arms.run(0, 0, "off").path / "resolved.json").read_text(encoding="utf-8"))


def test_a_model_of_a_stored_scenario_is_of_its_arm_and_replication(tmp_path: Path) -> None:
    run = ms.run(every_arm(), cell=0, replication=3, arm="off", out=tmp_path, report=False)
    model = ms.MarketModel(run.path / "scenario.yaml")
    assert (model.replication, len(model.desks)) == (3, 0)
    model.close()


def test_one_run_is_no_study_and_no_other_run(arms: Study, tmp_path: Path) -> None:
    scenario = arms.run(0, 0, "off").path / "scenario.yaml"
    told = r"every-arm is one run already \(cell 0, replication 0, arm off\)"
    with pytest.raises(UsageError, match=f"{told}; sweep the study's own file"):
        ms.sweep(scenario, workers=1, out=tmp_path)
    with pytest.raises(UsageError, match=f"{told}; name the study's own file"):
        ms.run(scenario, arm="factual", out=tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"arm": "off"}, "the study has 2 cells; say which: --cell 0 to 1"),
        ({"cell": 2}, "cell: was 2; allowed: 0 to 1"),
        ({"cell": 0, "arm": "of"}, "arm: was 'of'; allowed: factual, frictionless, no_hedges"),
        ({"cell": 0, "replication": -1}, "replication: was -1; allowed: 0 and above"),
    ],
)
def test_a_run_that_the_study_has_not_is_refused(options: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        ms.run(every_arm(sizes="500 kUSDT, 2 MUSDT"), out=tmp_path, **options)


def test_an_arm_that_is_forked_is_not_made_from_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'frictionless' is made from forks in this study, and never from the start"):
        ms.run(forks(), cell=0, arm="frictionless", out=tmp_path)


def test_a_placebo_of_another_worlds_orders_is_refused_away_from_them(arms: Study, tmp_path: Path) -> None:
    away = copied(arms.run(0, 0, "larger_contrarian"), tmp_path)
    with pytest.raises(UsageError, match=r"factual run of another world .* does not stand beside it"):
        ms.reproduce(away)
    with pytest.raises(UsageError, match="sends again the orders of a run of another world"):
        ms.run(away / "scenario.yaml", out=tmp_path, report=False)


def test_a_changed_value_is_told_with_table_row_and_column(arms: Study, tmp_path: Path) -> None:
    away = copied(arms.run(0, 0, "blind"), tmp_path)
    path = away / "tables" / "trades.parquet"
    table = pl.read_parquet(path)
    row = 5
    changed = table.with_columns(
        size_lots=pl.when(pl.int_range(pl.len()) == row).then(pl.col("size_lots") + 1).otherwise(pl.col("size_lots"))
    )
    changed.write_parquet(path)
    found = ms.reproduce(away)
    assert found.differing == ("trades",)
    assert found.first is not None
    assert (found.first.table, found.first.row, found.first.column) == ("trades", row, "size_lots")
    assert (found.first.a, found.first.b) == (table["size_lots"][row] + 1, table["size_lots"][row])
    ended = CliRunner().invoke(main, ["reproduce", str(away), "--json"])
    told = json.loads(ended.stdout)
    assert (ended.exit_code, told["is_same"], told["first"]["stored"]) == (4, False, found.first.a)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "table marks: stored missing, made again can be read"),
        (lambda path: path.write_bytes(b"PAR1"), "table marks: stored no Parquet file, made again can be read"),
        (
            lambda path: pl.read_parquet(path).head(3).write_parquet(path),
            "table marks, row 3: stored has no such row, made again has the row",
        ),
        (
            lambda path: pl.read_parquet(path).drop("premium").write_parquet(path),
            "table marks: stored has no other columns, made again has premium (Float64)",
        ),
    ],
)
def test_damage_is_a_difference(arms: Study, tmp_path: Path, damage: object, told: str) -> None:
    away = copied(arms.run(0, 0, "off"), tmp_path)
    damage(away / "tables" / "marks.parquet")  # type: ignore[operator]
    ended = CliRunner().invoke(main, ["reproduce", str(away), "--quiet"])
    assert ended.exit_code == 4
    assert f"error: {told}" in ended.stderr
    assert "1 differ: marks" in ended.stderr


def test_a_changed_probe_is_a_difference(forked: Study, tmp_path: Path) -> None:
    study = Path(shutil.copytree(forked.path, tmp_path / "study"))
    run = Study(study).run(0, 0, "factual")
    path = study / "probes" / f"{run.path.name}.parquet"
    pl.read_parquet(path).with_columns(pl.col("lots") + 1).write_parquet(path)
    found = ms.reproduce(run)
    assert (found.differing, found.first and found.first.column) == (("probes",), "lots")


def test_probes_of_a_world_that_does_not_stand_beside_are_not_made_again(
    forked: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    rich = ArmSpec(id="rich", arm="shadow", set={"tokens.UP.aum": "9 MUSDT"})
    monkeypatch.setattr(reproduction, "probe_arm", lambda spec: rich)
    with pytest.raises(UsageError, match="sent in the world of 'rich', which does not stand beside it"):
        ms.reproduce(forked.run(0, 0, "factual"))


def test_a_failed_run_is_not_compared(tmp_path: Path) -> None:
    failed = ms.run(every_arm(), cell=0, out=tmp_path, report=False, time_limit="1ms")
    with pytest.raises(ResultError, match=r"is a failed run .*nothing whole to compare"):
        ms.reproduce(failed)


class Buyer(ms.Agent):
    def process(self):  # type: ignore[no-untyped-def]
        yield self.wait("5min")
        order = self.send("BTC-PERP", size="+1 BTC", type="market")
        yield order.done
        self.record(filled=order.filled_lots)


def buyer(model: ms.MarketModel) -> None:
    Buyer(model, capital="1 MUSDT")


def other_buyer(model: ms.MarketModel) -> None:
    Buyer(model, capital="2 MUSDT")


def test_a_run_with_agents_is_made_again_with_them_and_refused_without(tmp_path: Path) -> None:
    for given in ({"agents": [buyer]}, {"agents": [lambda model: buyer(model)], "agents_id": "one buyer"}):
        run = ms.run(every_arm(), cell=0, out=tmp_path, report=False, **given)
        assert ms.reproduce(run, agents=given["agents"]).is_same
        with pytest.raises(UsageError, match=r"was made with agents .*marketsim.reproduce"):
            ms.reproduce(run)
        with pytest.raises(UsageError, match="this run was made with agents"):
            ms.run(run.path / "scenario.yaml", out=tmp_path / "elsewhere", report=False)
        found = ms.reproduce(run, agents=[other_buyer])
        assert not found.is_same
        assert "accounts" in found.differing
    kept = run.path / "agents.json"
    told = json.loads(kept.read_text(encoding="utf-8"))
    ((name, rows),) = told["records"].items()
    rows[0]["filled"] += 1
    kept.write_text(json.dumps(told), encoding="utf-8")
    found = ms.reproduce(run, agents=[buyer])
    assert found.differing == ("agents.json",)
    assert found.first is not None
    assert (found.first.row, found.first.column, found.first.b["filled"]) == (0, name, rows[0]["filled"] - 1)


def test_a_run_without_agents_takes_none(arms: Study) -> None:
    with pytest.raises(UsageError, match="was made without agents"):
        ms.reproduce(arms.run(0, 0, "off"), agents=[buyer])


def test_a_world_with_a_file_of_prices_is_made_again_from_its_folder(tmp_path: Path) -> None:
    from tests.experiments.reproducing import WORLD

    world = WORLD.replace("kind: gbm, price: 30000 USDT, volatility: 70%/yr", "kind: file, path: data/btc.csv")
    folder = tmp_path / "scenarios"
    (folder / "data").mkdir(parents=True)
    rows = "".join(f"{60 * minute},{30_000 + minute}\n" for minute in range(102))
    (folder / "data" / "btc.csv").write_text(f"timestamp,price\n{rows}", encoding="utf-8")
    (folder / "mine.yaml").write_text(world, encoding="utf-8")
    run = ms.run(folder / "mine.yaml", out=tmp_path / "results", report=False)
    assert ms.reproduce(run).is_same
    shutil.move(tmp_path / "results", tmp_path / "moved")
    (folder / "data").rename(folder / "hidden")
    moved = tmp_path / "moved" / "every-arm"
    ended = CliRunner().invoke(main, ["reproduce", str(moved)])
    assert ended.exit_code == 3
    (tmp_path / "elsewhere").mkdir()
    (folder / "hidden").rename(tmp_path / "elsewhere" / "data")
    ended = CliRunner().invoke(main, ["reproduce", str(moved), "--data", str(tmp_path / "elsewhere")])
    assert ended.exit_code == 0
    assert "all 23 tables came out the same" in ended.stdout


def test_a_stored_run_with_another_value_is_no_run_of_the_study(arms: Study, tmp_path: Path) -> None:
    scenario = arms.run(0, 0, "off").path / "scenario.yaml"
    run = ms.run(scenario, set={"traders.noise.count": 7}, out=tmp_path, report=False)
    assert (run.manifest["arm"], run.manifest["cell"], run.manifest["over"]) == ("off", None, {})


def test_the_command_makes_the_run_that_is_asked_for(arms: Study, tmp_path: Path) -> None:
    study = tmp_path / "every-arm.yaml"
    study.write_text(every_arm().to_yaml(), encoding="utf-8")
    chosen = ["--cell", "0", "--replication", "0", "--arm", "off"]
    ended = CliRunner().invoke(main, ["run", str(study), *chosen, "--out", str(tmp_path), "--no-report", "--json"])
    told = json.loads(ended.stdout)
    stored = arms.run(0, 0, "off")
    assert (told["run_id"], told["cell"], told["arm"]) == (stored.path.name, 0, "off")
    assert {name: table["content_sha256"] for name, table in told["tables"].items()} == hashes(stored)
