"""A blind dataset of a study made by hand: nothing in it tells a label, and the answers are elsewhere."""

import json
from pathlib import Path

import polars as pl
import pytest

from marketsim.datasets.integrity import file_sha256
from marketsim.datasets.study import Study
from marketsim.datasets.tables import TABLES
from marketsim.errors import ResultError, UsageError
from marketsim.publication.blind import labels
from marketsim.publication.blind.answers import Answers
from marketsim.publication.blind.build import build_blind
from marketsim.publication.blind.disguise import Disguise
from marketsim.publication.blind.visibility import PUBLIC, visibility
from marketsim.publication.checksums import read_checksums
from marketsim.publication.metadata import Metadata
from tests.publication.made_study import made_study, quotes, run_id, trade, trades

SECRETS = ("T3", "noise", "rebalance", "factual", "frictionless", "scenario_sha256", "cohort", "account", "parent")


def rebalances(filled: int) -> pl.DataFrame:
    """One rebalance of T3 with its fill; what else it has is of no account here."""
    table = TABLES["rebalances"]
    zero = {"int64": 0, "float64": None, "text": None, "bool": False}
    row = {
        column.name: zero[column.dtype] if column.null or column.dtype == "int64" else None for column in table.columns
    }
    row |= {column.name: "x" for column in table.columns if column.dtype == "text" and not column.null}
    row |= {column.name: 1.0 for column in table.columns if column.dtype == "float64" and not column.null}
    row |= {
        "token": "T3",
        "cohort": "T3",
        "market": "M",
        "trigger": "scheduled",
        "status": "done",
        "filled_lots": filled,
    }
    return pl.DataFrame([row], schema=table.schema())


def instrument() -> pl.DataFrame:
    """The one market there is."""
    row = dict(market="M", venue="main", kind="perpetual", underlying="BTC", contract="linear", tick=0.1, lot=0.001)
    return pl.DataFrame([row | dict(atoms_per_tick_lot=10_000, asset="USDT")], schema=TABLES["instruments"].schema())


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two cells, two replications, two arms; orders of 50 lots in cell 0 and of 1 in cell 1."""
    tables = {
        (cell, replication, arm): {
            "trades": trades([trade(1, 300_000, 8, "buy", "rebalance", "T3"), trade(70, 300_100, 2, "sell")]),
            "quotes": quotes([(1, 299_990, 300_010)]),
            "instruments": instrument(),
            "rebalances": rebalances(-50 if cell == 0 else -1),
        }
        for cell in (0, 1)
        for replication in (0, 1)
        for arm in ("factual", "frictionless")
    }
    return made_study(tmp_path_factory.mktemp("blind"), tables)


@pytest.fixture(scope="module")
def built(study: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answers]:
    place = tmp_path_factory.mktemp("built")
    return build_blind(study, place / "package", place / "answers", Metadata()), Answers(place / "answers")


def test_every_column_is_public_or_hidden_and_none_of_a_fund_is_public() -> None:
    assert visibility("trades", "taker_side") == "public"
    assert visibility("trades", "taker_purpose") == "hidden"
    assert visibility("rebalances", "target_lots") == "hidden"
    public = {column for columns in PUBLIC.values() for column in columns}
    assert not {
        name for name in public if any(word in name for word in ("account", "cohort", "order", "purpose", "parent"))
    }
    assert not {"tokens", "rebalances", "children", "primary", "holders", "events", "positions"} & set(PUBLIC)


def test_labels_say_what_is_true(study: Study) -> None:
    """The rule and assets of a fund that shows; `none` where its orders are off the book or far too small.

    10 lots trade in five minutes, 120 in an hour: 50 lots are 42 % of them, 1 lot is .8 %.
    """
    found = {
        which: labels.label_of(study.run(*which))
        for which in ((0, 0, "factual"), (0, 0, "frictionless"), (1, 0, "factual"))
    }
    assert found[0, 0, "factual"] == {"rule": "daily", "clock_utc": "00:02", "aum": 1e6, "why": "a fund"}
    assert found[0, 0, "frictionless"]["why"] == "the fund sends nothing"
    assert found[1, 0, "factual"]["why"] == "a fund far too small to be seen"
    assert {found[key]["rule"] for key in found} == {"daily", "none"}


def test_no_file_of_the_package_holds_a_label_or_a_name(built: tuple[Path, Answers], study: Study) -> None:
    """Every byte of every public file, its name and its time, and the footers of Parquet."""
    package, _ = built
    files = [path for path in package.rglob("*") if path.is_file()]
    assert len(files) > 10
    names = [*SECRETS, *(run_id((c, r, a)) for c in (0, 1) for r in (0, 1) for a in ("factual", "frictionless"))]
    for path in files:
        if path.name in ("labels_train.parquet", "README.md", "card.json", "SHA256SUMS"):
            continue
        data = path.read_bytes()
        assert [name for name in names if name.encode() in data] == [], path
        assert path.stat().st_mtime == 0
    assert not {path.name for path in files} & {
        "study.yaml",
        "resolved.json",
        "effects.parquet",
        "runs.parquet",
        "key.json",
    }
    for path in package.rglob("*.parquet"):
        assert set(pl.read_parquet_metadata(path)) <= {"ARROW:schema"}


def test_runs_stand_in_the_order_of_names_that_tell_nothing(built: tuple[Path, Answers]) -> None:
    package, answers = built
    runs = pl.read_parquet(package / "public" / "trades" / "*.parquet")["run"].unique(maintain_order=True).to_list()
    assert runs == sorted(runs)
    disguise = answers.disguise()
    told = json.loads((answers.folder / "key.json").read_text())["runs"]
    assert {disguise.name(run) for run in told.values()} == set(runs) == set(told)
    assert Disguise("another").name("0-0-factual") != disguise.name("0-0-factual")


def test_train_and_test_share_no_world_or_no_draw(built: tuple[Path, Answers]) -> None:
    """Of two cells and two replications one each is held out: a quarter of the runs is for training."""
    package, answers = built
    splits = dict(pl.read_parquet(package / "splits.parquet").rows())
    assert sorted(splits.values()) == ["test_seed"] * 2 + ["test_world"] * 4 + ["train"] * 2
    train = pl.read_parquet(package / "labels_train.parquet")
    test = answers.test_labels()
    assert set(train["run"]) == {run for run, split in splits.items() if split == "train"}
    assert set(test["run"]) == splits.keys() - set(train["run"])


def test_the_card_has_the_hashes_of_the_answers_and_the_score_of_chance(built: tuple[Path, Answers]) -> None:
    package, answers = built
    card = json.loads((package / "card.json").read_text())
    for name, digest in card["answers_sha256"].items():
        assert file_sha256(answers.folder / name) == digest
    assert card["scores"]["chance"] == answers.chance()
    assert set(card["scores"]["baseline"]) == set(card["scores"]["chance"])
    assert set(read_checksums((package / "SHA256SUMS").read_text())) >= {"card.json", "splits.parquet"}


def test_the_same_secret_gives_the_same_package(built: tuple[Path, Answers], study: Study, tmp_path: Path) -> None:
    package, answers = built
    again = build_blind(study, tmp_path / "package", answers.folder, Metadata())
    assert (again / "SHA256SUMS").read_text() == (package / "SHA256SUMS").read_text()


def test_answers_inside_the_package_are_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whoever has it would have the answers"):
        build_blind(study, tmp_path / "package", tmp_path / "package" / "answers", Metadata())
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "x").touch()
    with pytest.raises(ResultError, match="already there"):
        build_blind(study, tmp_path / "package", tmp_path / "answers", Metadata())
