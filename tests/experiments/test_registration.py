"""A study is registered before its first run, by a file that stays what it was."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketsim import scenario
from marketsim.cli import main
from marketsim.datasets import registration
from marketsim.datasets.integrity import read_manifest
from marketsim.datasets.registration import Registration, registered_bytes, runs_not_later, wait_until_past
from marketsim.datasets.run import Run
from marketsim.datasets.study import PLAN, Study, create_study, study_id
from marketsim.errors import ResultError, ScenarioError
from marketsim.experiments import forecast, sweep
from marketsim.experiments.design import plan_study
from marketsim.experiments.given_files import keep_given_files
from marketsim.publication.replication import write_replication_files
from marketsim.report.study_page import render_study
from marketsim.scenario.schema import Scenario
from tests.datasets.manifests import write_manifest
from tests.experiments.studies import text

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXPECTED = "H1: R = r + I(K r), within 10 %\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario's root folder with a study and what it expects."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies/expected.toml").write_text(EXPECTED, encoding="utf-8")
    return tmp_path


def load(folder: Path, named: str | None = "studies/expected.toml") -> Scenario:
    """The small study of one cell, registered by a file."""
    told = text(sizes="1 MUSDT", replications=1)
    return scenario.load_text(told + (f"  registration: {named}\n" if named else ""), folder=folder, name="small")


def create(folder: Path, study: Scenario, *, again: bool = False) -> Study:
    plan = plan_study(study)
    made = create_study(folder / "out", study, plan.design_table(), plan.run_table(), "code", again=again)
    keep_given_files(study, made.path)
    return made


def run_at(study: Study, started_utc: str) -> None:
    """A finished run of the study that began then."""
    run_id = study.plan()["run_id"][0]
    (study.path / "runs" / run_id).mkdir()
    labels = {name: study.plan()[name][0] for name in PLAN}
    write_manifest(study.path / "runs" / run_id, **labels, started_utc=started_utc, versions={"marketsim": "code"})


def now(monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    monkeypatch.setattr(registration, "utc_now", lambda: instant)


def test_a_study_holds_the_files_hash_and_the_time_and_a_copy_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now(monkeypatch, "2026-01-01T00:00:00Z")
    study = create(folder, load(folder))
    digest = hashlib.sha256(EXPECTED.encode()).hexdigest()
    assert study.registration == Registration("studies/expected.toml", digest, "2026-01-01T00:00:00Z")
    assert study.declared["registration"]["sha256"] == digest
    assert (study.path / "given/studies/expected.toml").read_text() == EXPECTED
    assert registered_bytes(study.path, study.registration) == EXPECTED.encode()
    now(monkeypatch, "2026-01-02T00:00:00Z")
    again = create(folder, load(folder), again=True)
    assert again.registration == study.registration  # the first time counts


def test_a_registration_is_no_part_of_a_studys_identity_nor_of_a_runs_documents(folder: Path) -> None:
    assert study_id(load(folder)) == study_id(load(folder, None))
    assert load(folder).sha256() == load(folder, None).sha256()
    assert load(folder).of_a_run() == load(folder, None).of_a_run()
    assert load(folder).canonical()["study"]["registration"] == "studies/expected.toml"
    assert "registration" not in load(folder, None).canonical()["study"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("studies/missing.toml", "there is no such file"),
        ("studies", "this is a folder"),
        ("../expected.toml", "this path leads out of the scenario's root folder"),
        ("/etc/hostname", "this path leads out of the scenario's root folder"),
    ],
)
def test_a_file_that_is_not_there_or_outside_is_named_with_its_place(folder: Path, named: str, message: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(folder, named)
    (problem,) = refused.value.problems
    assert (problem.path, problem.message) == ("study.registration", message)
    assert problem.line == len(text().splitlines()) + 1


def test_a_changed_file_is_refused_with_both_hashes_once_something_ran(folder: Path) -> None:
    study = create(folder, load(folder))
    (folder / "studies/expected.toml").write_text("H1: anything\n", encoding="utf-8")
    before, after = (hashlib.sha256(each.encode()).hexdigest() for each in (EXPECTED, "H1: anything\n"))
    with pytest.raises(ResultError, match=f"(?s){before}.*{after}.*--again, as nothing has run"):
        create(folder, load(folder))
    with pytest.raises(ResultError, match="was changed after it was registered"):
        forecast(load(folder), out=folder / "out")
    assert create(folder, load(folder), again=True).registration.sha256 == after
    assert (study.path / "given/studies/expected.toml").read_text() == "H1: anything\n"
    run_at(study, "2099-01-01T00:00:00Z")
    (folder / "studies/expected.toml").write_text(EXPECTED, encoding="utf-8")
    for again in (False, True):
        with pytest.raises(ResultError, match=f"(?s){after}.*{before}.*begin another study"):
            create(folder, load(folder), again=again)


def test_a_registration_that_comes_after_a_run_or_goes_away_is_refused(folder: Path) -> None:
    study = create(folder, load(folder, None))
    assert create(folder, load(folder)).registration is not None  # nothing has run: it is registered now
    with pytest.raises(ResultError, match="names no registration any more"):
        create(folder, load(folder, None))
    assert create(folder, load(folder, None), again=True).registration is None
    run_at(study, "2026-01-01T00:00:03Z")
    for again in (False, True):
        with pytest.raises(ResultError, match=r"after the first run of .* began at 2026-01-01T00:00:03Z"):
            create(folder, load(folder), again=again)


def test_runs_that_did_not_begin_later_are_told_on_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now(monkeypatch, "2026-01-01T00:00:05Z")
    study = create(folder, load(folder))
    assert "Registered in studies/expected.toml at 2026-01-01T00:00:05Z, before its first run." in render_study(study)
    run_at(study, "2026-01-01T00:00:05Z")
    paths = study.runs().filter(status="ok")["path"].to_list()
    assert runs_not_later(study.registration, paths) == paths
    assert runs_not_later(None, paths) == []
    page = render_study(study)
    assert "This is no registered study." in page
    assert "1 runs did not begin after its registration" in page


def test_a_copy_that_was_edited_is_not_believed(folder: Path) -> None:
    study = create(folder, load(folder))
    (study.path / "given/studies/expected.toml").write_text("H1: anything\n", encoding="utf-8")
    with pytest.raises(ResultError, match="is not the registered file"):
        registered_bytes(study.path, study.registration)


def test_a_shipped_file_is_kept_in_one_place_whatever_folder_one_works_in(tmp_path: Path) -> None:
    """The repository's folder is above that of the shipped scenarios; a temporary one is not."""
    for root in (Path(__file__).parents[2], tmp_path):
        study = load(root, "marketsim:README.md")
        plan = plan_study(study)
        made = create_study(tmp_path / root.name, study, plan.design_table(), plan.run_table(), "code")
        keep_given_files(study, made.path)
        assert made.registration is not None
        assert made.registration.path == "marketsim:README.md"
        assert registered_bytes(made.path, made.registration) == (SCENARIOS / "README.md").read_bytes()
        assert (made.path / "given/shipped/README.md").is_file()
    (made.path / "given/shipped/README.md").unlink()
    with pytest.raises(ResultError, match="the copy of the registered file: there is no such file"):
        registered_bytes(made.path, made.registration)


def test_runs_begin_after_the_second_of_the_registration_and_not_by_a_slow_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(registration.time, "sleep", slept.append)
    monkeypatch.setattr(registration.time, "time", lambda: 1_767_225_605.25)  # 2026-01-01T00:00:05.25Z
    wait_until_past(Registration("f", "h", "2026-01-01T00:00:05Z"))
    assert slept == [0.75]
    wait_until_past(Registration("f", "h", "2026-01-01T00:00:04Z"))
    wait_until_past(None)
    assert slept == [0.75]
    with pytest.raises(ResultError, match="set the clock"):
        wait_until_past(Registration("f", "h", "2026-01-01T00:00:12Z"))


def test_a_sweep_registers_first_and_its_runs_and_package_are_made_again_without_the_file(folder: Path) -> None:
    study = load(folder)
    told = forecast(study, out=folder / "out")
    digest = hashlib.sha256(EXPECTED.encode()).hexdigest()
    assert told.registration == {"path": "studies/expected.toml", "sha256": digest}
    swept = sweep(study, out=folder / "out", workers=1)
    held = swept.registration
    assert held is not None
    paths = swept.runs()["path"].to_list()
    assert all(read_manifest(Path(path))["started_utc"] > held.registered_utc for path in paths)
    assert forecast(study, out=folder / "out").registration == held.as_object()
    assert "registration" not in Run(paths[0]).resolved["study"]
    scenario.load(Path(paths[0]) / "scenario.yaml")  # the file is not beside it
    package = folder / "package"
    package.mkdir()
    files = write_replication_files(swept, package)
    assert "scenario/studies/expected.toml" in files
    again = scenario.load(package / "scenario/study.yaml")
    assert study_id(again) == swept.path.name


def test_the_command_says_what_a_study_is_registered_by(folder: Path) -> None:
    create(folder, load(folder))
    (folder / "small.yaml").write_text(
        text(sizes="1 MUSDT", replications=1) + "  registration: studies/expected.toml\n", encoding="utf-8"
    )
    asked = [str(folder / "small.yaml"), "--out", str(folder / "out"), "--dry-run"]
    shown = CliRunner().invoke(main, ["show", str(folder / "small.yaml"), "--sentences"])
    assert "registered in studies/expected.toml before its first run" in shown.output
    told = json.loads(CliRunner().invoke(main, ["sweep", *asked, "--json"]).stdout)
    assert told["registration"]["sha256"] == hashlib.sha256(EXPECTED.encode()).hexdigest()
