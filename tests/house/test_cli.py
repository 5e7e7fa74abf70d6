"""The command line: exit codes, what goes to stdout, and that a user's mistake never shows a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketsim
from marketsim.cli import main
from marketsim.errors import EnvironmentLackError, KernelError, Problem, ResultError, ScenarioError

MANIFEST = {
    "name": "small",
    "run_id": "0123456789abcdef",
    "seed": 7,
    "cell": None,
    "replication": 0,
    "arm": "factual",
    "status": "ok",
    "reason": None,
    "wall_s": 1.5,
    "compile_s": 0.2,
    "counts": {"micro_events": 1000, "orders": 500, "trades": 40, "liquidations": 2, "rebalances": 1},
    "conservation": {"residual_atoms": 0},
}
PROBLEM = Problem("small.yaml", 3, 7, "clock.duraton", "duraton", "unknown key", "duration, start", "duration")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text("schema: marketsim/1\n", encoding="utf-8")
    monkeypatch.setattr(
        marketsim, "load", lambda *_, **__: SimpleNamespace(study=None, run=None, notices=[]), raising=False
    )
    return path


def running(outcome: Exception | type[BaseException] | dict[str, Any]) -> Callable[..., SimpleNamespace]:
    def run(*_: object, **__: object) -> SimpleNamespace:
        if isinstance(outcome, dict):
            return SimpleNamespace(path=Path("results/small/0123456789abcdef"), manifest=outcome, already_there=False)
        raise outcome

    return run


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (MANIFEST, 0),
        ({**MANIFEST, "status": "failed", "reason": "time limit"}, 1),
        (ScenarioError([PROBLEM]), 3),
        (ResultError("residual is 1 atom"), 4),
        (EnvironmentLackError("no room on the disk"), 5),
        (KeyboardInterrupt, 130),
    ],
)
def test_every_way_a_run_can_end_has_its_exit_code(
    outcome: Any, code: int, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketsim, "run", running(outcome))
    ended = command("run", str(scenario))
    assert ended.exit_code == code, ended.output
    assert "Traceback" not in ended.output


def test_a_defect_of_ours_keeps_its_traceback(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketsim, "run", running(KernelError("code 9 from advance", 9)))
    ended = command("run", str(scenario))
    assert ended.exit_code == 1
    assert isinstance(ended.exception, KernelError)


def test_json_is_one_object_on_stdout_and_everything_else_on_stderr(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketsim, "run", running(MANIFEST))
    monkeypatch.setattr(
        marketsim, "load", lambda *_, **__: SimpleNamespace(study={"arms": ["factual"]}, run=None, notices=[])
    )
    ended = command("run", str(scenario), "--json")
    assert json.loads(ended.stdout) == {**MANIFEST, "path": "results/small/0123456789abcdef"}
    ignored = "`run` ignores it, unless --cell, --replication or --arm is given"
    assert ended.stderr == f"study: is read by `marketsim sweep`; {ignored}\n"


def test_json_of_a_refusal_carries_every_problem(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketsim, "run", running(ScenarioError([PROBLEM])))
    ended = command("run", str(scenario), "--json")
    assert json.loads(ended.stdout)["error"]["problems"] == [vars(PROBLEM)]
    first, last = ended.stderr.splitlines()
    assert first.startswith("small.yaml:3:7: clock.duraton: unknown key")
    assert last == "error: 1 problem; nothing was run"


def test_summary_counts_the_compiler_apart(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketsim, "run", running({**MANIFEST, "wall_s": 31.5, "compile_s": 30.0}))
    ended = command("run", str(scenario))
    assert "1,000 micro events in 1.5 s, after 30 s of compiling the kernel" in ended.stdout


def test_quiet_says_only_where_the_run_is(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketsim, "run", running(MANIFEST))
    ended = command("run", str(scenario), "--quiet")
    assert (ended.stdout, ended.stderr) == ("results/small/0123456789abcdef\n", "")


def test_options_of_run_reach_the_run(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    world = SimpleNamespace(study=None, run=None, notices=[])
    monkeypatch.setattr(marketsim, "load", lambda path, **options: seen.update(options, path=path) or world)
    monkeypatch.setattr(marketsim, "run", lambda _, **options: seen.update(options) or running(MANIFEST)())
    ended = command(
        *["run", str(scenario), "--seed", "3", "--set", "clock.duration=1h", "--set", "tokens.A.aum=1 MUSDT"],
        *["--out", "elsewhere", "--no-report", "--again", "--time-limit", "10min"],
        *["--cell", "1", "--replication", "2", "--arm", "off"],
    )
    assert ended.exit_code == 0, ended.output
    del seen["progress"]
    assert seen == {
        "path": scenario,
        "seed": 3,
        "set": ("clock.duration=1h", "tokens.A.aum=1 MUSDT"),
        "out": Path("elsewhere"),
        "report": False,
        "again": True,
        "time_limit": "10min",
        "live": None,
        "cell": 1,
        "replication": 2,
        "arm": "off",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "not_there.yaml"],
        ["run", "small.yaml", "--time-limit", "soon"],
        ["run", "small.yaml", "--seed", "-1"],
        ["validate"],
        ["report", "small.yaml"],
        ["compare", "small.yaml"],
        ["list", "unicorns"],
        ["new", "../escape"],
        ["bench", "unicorns"],
        ["dance"],
    ],
)
def test_wrong_usage_is_exit_code_2_without_a_traceback(arguments: list[str], scenario: Path) -> None:
    ended = command(*arguments)
    assert ended.exit_code == 2, ended.output
    assert ended.stderr
    assert "Traceback" not in ended.output


def test_help_names_every_command_of_the_contract() -> None:
    assert list(main.commands) == [
        *["run", "validate", "show", "sweep", "compare", "reproduce", "facts", "explain", "report", "dataset", "list"],
        *["new", "schema", "tables", "bench", "doctor", "figures", "ui"],
    ]


def test_report_wants_exactly_one_run(scenario: Path) -> None:
    ended = command("report", ".")
    assert (ended.exit_code, "holds no run or study directory" in ended.stderr) == (2, True)
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "manifest.json").write_text("{}", encoding="utf-8")
    ended = command("report", ".")
    assert (ended.exit_code, "holds 2; name one of a, b" in ended.stderr) == (2, True)


def test_new_writes_a_valid_scenario_and_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("new", "my_world").exit_code == 0
    assert "name: my_world\n" in Path("my_world.yaml").read_text(encoding="utf-8")
    assert command("validate", "my_world.yaml").output == "my_world.yaml: valid\n"
    Path("my_world.yaml").write_text("mine", encoding="utf-8")
    ended = command("new", "my_world")
    assert (ended.exit_code, Path("my_world.yaml").read_text(encoding="utf-8")) == (2, "mine")


def test_validate_prints_every_problem_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command("new", "wrong")
    path = Path("wrong.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace("duration: 6h", "duraton: 6h"), encoding="utf-8")
    ended = command("validate", "wrong.yaml")
    assert ended.exit_code == 3
    assert ended.stdout.startswith("wrong.yaml:7:")
    assert "did you mean 'duration'?" in ended.stdout
    ended = command("validate", "wrong.yaml", "--json")
    found = json.loads(ended.stdout)
    assert (ended.exit_code, found["valid"]) == (3, False)
    assert found["files"]["wrong.yaml"][0]["line"] == 7


def test_tables_and_schema_are_one_json_object_each() -> None:
    tables = json.loads(command("tables", "--json").stdout)
    assert [column["name"] for column in tables["funding"]["columns"]][:3] == ["t_ns", "market", "rate"]
    assert json.loads(command("schema").stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_measures_are_listed_by_the_room_that_measures() -> None:
    rows = {row["name"]: row for row in json.loads(command("list", "measures", "--json").stdout)["measures"]}
    assert rows["price_share"]["origin"] == "marketsim.analysis.measures.price_share"
    assert rows["slippage_bps"]["about"].endswith("[bps; single run]")


def test_doctor_names_versions_cache_and_extras() -> None:
    ended = command("doctor", "--json")
    found = json.loads(ended.stdout)
    assert ended.exit_code == 0, ended.output
    assert found["missing"] == []
    assert set(found["versions"]) >= {"simpy", "mesa", "numba", "polars"}
    assert found["extras"]["dev"]["install"] == "pip install -e '.[dev]'"
    assert Path(found["kernel_cache"]["folder"]).is_absolute()
    assert "kernel cache" in command("doctor").stdout
