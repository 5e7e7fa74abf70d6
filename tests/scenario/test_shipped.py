"""Shipped scenarios by name and version, from any folder; a version that becomes another world is told here."""

import csv
import json
from pathlib import Path

import pytest

import marketsim
from marketsim import files
from marketsim.datasets.study import study_id
from marketsim.errors import ScenarioError, UnknownScenarioError
from marketsim.scenario import load, registry, shipped, validate, world
from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HEADER = ["name", "version", "file", "seed", "scenario_sha256", "study_id"]


def shipped_files() -> list[Path]:
    return sorted(path for path in SCENARIOS.rglob("*.yaml") if "cases" not in path.parts)


def rows() -> list[list[str]]:
    with (SCENARIOS / "catalogue.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_catalogue_has_every_shipped_file_once_and_every_version_from_1() -> None:
    head, *listed = rows()
    assert head == HEADER
    assert sorted(row[2] for row in listed) == [path.relative_to(SCENARIOS).as_posix() for path in shipped_files()]
    for name, versions in shipped.catalogue().items():
        assert sorted(versions) == list(range(1, len(versions) + 1)), name


@pytest.mark.parametrize("row", rows()[1:], ids=lambda row: f"{row[0]}@{row[1]}")
def test_a_version_is_the_world_it_was_when_it_was_listed(row: list[str]) -> None:
    """A row that differs: give the old world a file and a row of its own, the new one the next version (D36)."""
    found = load(SCENARIOS / row[2])
    study = study_id(found) if found.study is not None else ""
    assert [found.name, row[1], row[2], str(found.seed), found.sha256(), study] == row


def test_an_older_version_extends_no_newest_one() -> None:
    newest = {versions[max(versions)].file for versions in shipped.catalogue().values()}
    older = [one.file for versions in shipped.catalogue().values() for one in versions.values()]
    for path in set(older) - newest:
        extends = read(path, Problems()).map.get("extends")
        base = None if extends is None else Path(path.parent, extends.text).resolve()
        assert base not in newest, f"{path} changes when {base} does"


def test_a_name_is_the_newest_version_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    by_name, by_path = marketsim.load("marketsim:quickstart"), load(SCENARIOS / "quickstart.yaml")
    assert by_name.canonical() == by_path.canonical()
    assert load("marketsim:quickstart@1").sha256() == by_path.sha256()
    assert load(Path("marketsim:spot_book")).name == "spot_book"


def test_what_extends_a_shipped_scenario_has_its_bases_too(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: marketsim:herding@1\nname: mine\nclock: {duration: 3h}\n", encoding="utf-8")
    found = load(mine)
    assert (found.name, found.clock.duration) == ("mine", 3 * 3_600 * 10**9)
    assert {token.id for token in found.tokens} == {token.id for token in load("marketsim:token-market").tokens}
    assert found.root == tmp_path


@pytest.mark.parametrize(
    ("reference", "message", "allowed", "suggestion"),
    [
        ("marketsim:quickstat", "there is no shipped scenario of this name", "crash, crowded", "marketsim:quickstart"),
        ("marketsim:quickstart@2", "there is no version 2 of quickstart", "marketsim:quickstart@1", ""),
        ("marketsim:quickstart@0", "this is no name of a shipped scenario", "marketsim:NAME", ""),
        ("marketsim:quickstart@", "this is no name of a shipped scenario", "marketsim:NAME", ""),
        ("marketsim:", "this is no name of a shipped scenario", "marketsim:NAME", ""),
        ("marketsim:base/btc-perp.yaml", "this is no name of a shipped scenario", "marketsim:NAME", ""),
    ],
)
def test_a_name_that_is_none_is_told_with_what_there_is(
    reference: str, message: str, allowed: str, suggestion: str, tmp_path: Path
) -> None:
    with pytest.raises(UnknownScenarioError) as refused:
        load(reference)
    assert (refused.value.text, refused.value.message) == (reference, message)
    assert allowed in refused.value.allowed
    assert refused.value.suggestion == suggestion
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"# mine\nextends: {reference!r}\n", encoding="utf-8")
    (problem,) = validate(mine)
    assert (problem.line, problem.column, problem.path, problem.text) == (2, 10, "extends", reference)
    assert (problem.message, problem.suggestion) == (message, suggestion)


def test_a_path_that_was_meant_as_a_name_gets_the_name(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: base/btc-perp.yaml\n", encoding="utf-8")
    assert validate(mine)[0].suggestion == "marketsim:btc-perp"
    assert shipped.reference_meant("crowded_reset.yaml") == "marketsim:crowded-reset"
    assert shipped.reference_meant("no_such_world.yaml") == ""


WORLD = """
schema: marketsim/1
name: listed
clock: {duration: 2min}
underlyings: [{id: BTC, index: {kind: file, path: data/btc.csv, max_gap: 10min}}]
markets: [{id: BTC-PERP, underlying: BTC}]
traders: [{id: makers, kind: market_maker, market: BTC-PERP, count: 2, capital: 2 MUSDT}]
"""
DATA = "timestamp,price\n2024-01-01T00:00:00Z,30000\n2024-01-01T00:01:00Z,30100\n2024-01-01T00:02:00Z,30050\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships one world with a data file and an older version of it, and a folder elsewhere to work in."""
    package = tmp_path / "package" / "scenarios"
    (package / "data").mkdir(parents=True)
    (package / "data" / "btc.csv").write_text(DATA, encoding="utf-8")
    (package / "listed.yaml").write_text(WORLD.replace("2min", "1min"), encoding="utf-8")
    (package / "listed@1.yaml").write_text(WORLD, encoding="utf-8")
    lines = [HEADER, ["listed", "1", "listed@1.yaml", "0", "", ""], ["listed", "2", "listed.yaml", "0", "", ""]]
    (package / "catalogue.csv").write_text("".join(f"{','.join(line)}\n" for line in lines), encoding="utf-8")
    for module in (files, shipped, world, registry):
        monkeypatch.setattr(module, "shipped_folder", lambda: package)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return elsewhere


def test_the_newest_version_is_what_a_bare_name_means(installed: Path) -> None:
    minute = 60 * 10**9
    durations = [load(f"marketsim:listed{version}").clock.duration for version in ("", "@2", "@1")]
    assert durations == [minute, minute, 2 * minute]
    assert [name for name, _, _ in registry.listing("scenarios")] == ["marketsim:listed@2", "marketsim:listed@1"]


def test_a_data_file_travels_with_the_world_that_reads_it(installed: Path) -> None:
    (installed / "mine.yaml").write_text("extends: marketsim:listed@1\nname: mine\n", encoding="utf-8")
    mine = load(installed / "mine.yaml")
    assert mine.underlyings[0].index.path == "marketsim:data/btc.csv"
    assert mine.sha256() == load("marketsim:listed@1").sha256()
    run = marketsim.run(mine, out=installed / "results", report=False)
    again = marketsim.load(run.path / "scenario.yaml")
    assert again.canonical() == json.loads((run.path / "resolved.json").read_text(encoding="utf-8"))
    assert run.table("marks")["index_price"].to_list() == [30000.0, 30100.0, 30100.0]  # the end itself is not run


def test_a_file_of_ones_own_replaces_the_shipped_one(installed: Path) -> None:
    (installed / "own.csv").write_text(DATA.replace("30100", "30200"), encoding="utf-8")
    (installed / "mine.yaml").write_text(
        "extends: marketsim:listed@1\nunderlyings: [{id: BTC, index: {path: own.csv}}]\n", encoding="utf-8"
    )
    assert load(installed / "mine.yaml").underlyings[0].index.path == "own.csv"
    set_here = load("marketsim:listed@1", set=["underlyings.BTC.index.path=own.csv"])
    assert (set_here.underlyings[0].index.path, set_here.root) == ("own.csv", installed)


def test_a_shipped_file_leads_out_of_nowhere(installed: Path) -> None:
    (installed / "mine.yaml").write_text(WORLD.replace("data/btc.csv", "marketsim:../../elsewhere/mine.yaml"))
    with pytest.raises(ScenarioError, match="leads out of the scenario's root folder"):
        load(installed / "mine.yaml")
