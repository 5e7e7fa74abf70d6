"""Packages built from a study made by hand: what is in them, what stops a build, and what a killed one leaves."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from pyarrow.parquet import ParquetFile

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.datasets.tables import TABLES as LISTED
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.publication import build as building
from marketsim.publication.build import build, plan_build
from marketsim.publication.check import check
from marketsim.publication.metadata import Metadata
from marketsim.publication.record import PackageRecord
from tests.publication.made_study import aum, instruments, made_study, quotes, trade, trades, write_run

FAILED = (0, 1, "factual")
TABLES = {
    (0, 0, "factual"): {"trades": trades([trade(1, 300_000, 1), trade(1.5, 300_000, 2), trade(7, 300_000, 3)])},
    (0, 0, "frictionless"): {"trades": trades([trade(1.5, 300_000, 4), trade(8, 300_000, 5)])},
    (1, 1, "factual"): {"trades": trades([trade(0.5, 300_000, 6)])},
}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return made_study(tmp_path / "results", TABLES, {FAILED: "out of memory"})


def data(package: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(package / "data" / table / "*.parquet")


def test_rows_are_labelled_and_stand_by_cell_replication_and_time(study: Study, tmp_path: Path) -> None:
    package = build(study, tmp_path / "package", Metadata())
    found = data(package, "trades")
    assert found.columns[:7] == ["run_id", "cell", "replication", "arm", "tokens_T3_aum", "t_ns", "t_utc"]
    assert found.select("run_id", "cell", "replication", "arm", "tokens_T3_aum", "size_lots").rows() == [
        ("0-0-factual", 0, 0, "factual", 1e6, 1),
        ("0-0-factual", 0, 0, "factual", 1e6, 2),
        ("0-0-frictionless", 0, 0, "frictionless", 1e6, 4),
        ("0-0-factual", 0, 0, "factual", 1e6, 3),
        ("0-0-frictionless", 0, 0, "frictionless", 1e6, 5),
        ("1-1-factual", 1, 1, "factual", 2e6, 6),
    ]
    assert found["t_utc"][1] == datetime(2024, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert data(package, "orders").height == 0


def test_small_runs_share_a_row_group(study: Study, tmp_path: Path) -> None:
    """Readers open a file once and a row group each time; a table of hundreds of short runs is one of each."""
    package = build(study, tmp_path / "package", Metadata())
    (part,) = (package / "data" / "trades").iterdir()
    assert ParquetFile(part).num_row_groups == 1
    assert ParquetFile(part).metadata.num_rows == 6


def test_runs_that_failed_are_told_of_and_have_no_rows(study: Study, tmp_path: Path) -> None:
    package = build(study, tmp_path / "package", Metadata())
    runs = data(package, "runs")
    assert runs.height == 8
    assert runs.filter(status="failed").select("run_id", "reason").rows() == [("0-1-factual", "out of memory")]
    assert PackageRecord.read(package).study.failed == 1


def test_runs_that_collapsed_are_told_of_with_their_reason(tmp_path: Path) -> None:
    """Of five minutes, four seconds without a bid are more than 1 %, two are less; leaving the baseline is no run's."""
    tables = {
        which: {
            "instruments": instruments(),
            "quotes": quotes([(0, price, price + 2), (100, 0, price + 2), (100 + gone_s, price, price + 2)]),
        }
        for which, price, gone_s in [((0, 0, "factual"), 300_000, 4), ((0, 0, "frictionless"), 200_000, 2)]
    }
    package = build(
        made_study(tmp_path / "results", tables, {FAILED: "out of memory"}), tmp_path / "package", Metadata()
    )
    runs = {row["run_id"]: row for row in data(package, "runs").to_dicts()}
    assert runs["0-0-factual"]["collapsed"] is True
    assert runs["0-0-factual"]["reason"].startswith("collapsed: a market was without a mid for more than 1 %")
    assert (runs["0-0-frictionless"]["collapsed"], runs["0-0-frictionless"]["reason"]) == (False, None)
    assert (runs["0-1-factual"]["collapsed"], runs["0-1-factual"]["reason"]) == (None, "out of memory")
    assert "1 failed and 1 collapsed" in (package / "README.md").read_text()
    assert check(package, validators=False) == []


def test_a_design_of_two_paths_has_its_columns_in_the_order_they_are_described_in(tmp_path: Path) -> None:
    two = pl.DataFrame({"cell": [0, 1], **aum(1, 2), "seed": ["7", "8"], "seed:value": [7.0, 8.0]})
    package = build(made_study(tmp_path / "results", TABLES, design=two), tmp_path / "package", Metadata())
    columns = ["cell", "tokens_T3_aum_text", "tokens_T3_aum", "seed_text", "seed"]
    assert data(package, "design").columns == columns
    described = json.loads((package / "datapackage.json").read_text())["resources"]
    (design,) = [each for each in described if each["name"] == "design"]
    assert [field["name"] for field in design["schema"]["fields"]] == columns
    assert check(package, validators=False) == []


def test_columns_in_another_order_are_a_problem(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = building.own_tables
    monkeypatch.setattr(
        building,
        "own_tables",
        lambda sources: ((table, frame.select(frame.columns[::-1])) for table, frame in whole(sources)),
    )
    package = build(study, tmp_path / "package", Metadata())
    assert "data/design: its columns are not those of package.json, in their order" in check(package, validators=False)


def test_one_account_may_be_deleveraged_twice_at_an_instant(tmp_path: Path) -> None:
    """First in the queues of two bankrupt positions: two rows that nothing tells apart, and no damage."""
    cut = {
        "t_ns": 10**9,
        "market": "M",
        "account": 3,
        "cohort": "noise",
        "size_lots": -5,
        "price": 30_000.0,
        "rank": 0,
        "cascade": 1,
    }
    rows = pl.DataFrame([cut, cut], schema=LISTED["deleveragings"].schema())
    package = build(
        made_study(tmp_path / "results", {(0, 0, "factual"): {"deleveragings": rows}}), tmp_path / "package", Metadata()
    )
    assert data(package, "deleveragings").height == 2
    assert check(package, validators=False) == []
    described = json.loads((package / "datapackage.json").read_text())["resources"]
    assert [each["schema"]["primaryKey"] for each in described if each["name"] == "deleveragings"] == [[]]


def test_an_untouched_package_has_no_problem(study: Study, tmp_path: Path) -> None:
    package = build(study, tmp_path / "package", Metadata())
    assert check(package, validators=False) == []
    assert "metadata.yaml: title is still to be written" in check(package, strict=True, validators=False)


def test_a_byte_that_changed_is_named(study: Study, tmp_path: Path) -> None:
    package = build(study, tmp_path / "package", Metadata())
    path = next((package / "data" / "trades").iterdir())
    path.write_bytes(path.read_bytes()[:-100] + b"x" + path.read_bytes()[-99:])
    (package / "README.md").unlink()
    (package / "more.txt").write_text("x")
    assert check(package, validators=False) == [
        "README.md: is missing",
        "more.txt: is not in SHA256SUMS",
        "data/trades/part-00000.parquet: is damaged, or was edited: its bytes are not those of SHA256SUMS",
    ]


def test_rows_left_out_are_found_though_every_checksum_is_right(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder that loses a run's last row: the run's own content hash tells."""
    whole = building.compact

    def lossy(sources, table, root, start_ns, written):
        parts = whole(sources, table, root, start_ns, written)
        if table.name == "trades":
            path = root / parts[0].path
            pl.read_parquet(path).head(5).write_parquet(path)
            parts = (building.measured(path, 5, root),)
        return parts

    monkeypatch.setattr(building, "compact", lossy)
    package = build(study, tmp_path / "package", Metadata())
    assert check(package, validators=False) == [
        "data/trades: the rows of run 1-1-factual are not those that the run recorded"
    ]


def test_a_damaged_run_stops_the_build_with_its_name(study: Study, tmp_path: Path) -> None:
    path = study.path / "runs" / "1-0-factual" / "tables" / "quotes.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(
        ResultError, match=r"run 1-0-factual \(cell 1, replication 0, arm factual\) is damaged: .*quotes"
    ):
        build(study, tmp_path / "package", Metadata())
    assert not (tmp_path / "package").exists()


def test_a_study_that_is_not_finished_is_refused(study: Study, tmp_path: Path) -> None:
    manifest = study.path / "runs" / "1-0-factual" / "manifest.json"
    manifest.unlink()
    with pytest.raises(ResultError, match=r"run 1-0-factual .* is not made yet"):
        plan_build(study, tmp_path / "package")


def test_a_disk_that_does_not_suffice_is_said_before_the_work(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building.shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    with pytest.raises(EnvironmentLackError, match=r"the disk does not suffice: .* 0 MB are free"):
        build(study, tmp_path / "package", Metadata())
    assert list(tmp_path.glob(".package*")) == []


def test_what_stands_there_is_kept_unless_again_is_said(study: Study, tmp_path: Path) -> None:
    package = build(study, tmp_path / "package", Metadata())
    before = (package / "data/trades/part-00000.parquet").stat()
    with pytest.raises(ResultError, match="--again replaces it"):
        build(study, package, Metadata())
    build(study, package, Metadata(title="Resets of a fund"), again=True)
    after = (package / "data/trades/part-00000.parquet").stat()
    assert before.st_ino == after.st_ino  # the data were taken over, not written again
    assert (package / "README.md").read_text().startswith("# Resets of a fund\n")
    assert check(package, validators=False) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all I have")
    with pytest.raises(ResultError, match="is in the way and is no package"):
        build(study, tmp_path / "mine", Metadata(), again=True)


class Killed(BaseException):
    """What a process that is killed does not catch."""


@pytest.mark.parametrize("at", range(1, 28, 4))
def test_a_build_that_was_killed_goes_on_and_is_never_taken_for_whole(study: Study, tmp_path: Path, at: int) -> None:
    """Killed at the `at`-th table: nothing has the package's name, what is complete is kept, the end is the same."""
    expected = build(study, tmp_path / "undisturbed", Metadata())
    seen: list[str] = []

    def progress(table: str, rows: int, size: int) -> None:
        seen.append(table)
        if len(seen) == at:
            raise Killed

    package = tmp_path / "package"
    with pytest.raises(Killed):
        build(study, package, Metadata(), progress=progress)
    assert not package.exists()
    ledger = tmp_path / ".package.building" / "building.json"
    done = list(json.loads(ledger.read_text())["tables"]) if at > 1 else []
    assert ledger.exists() == (at > 1)  # where nothing is complete nothing is left
    again: list[str] = []
    build(study, package, Metadata(), progress=lambda table, rows, size: again.append(table))
    assert not set(again) & set(done)
    assert done == list(dict.fromkeys(seen))[:-1]
    told = [PackageRecord.read(each) for each in (expected, package)]
    assert [table.parts for table in told[0].tables] == [table.parts for table in told[1].tables]
    assert check(package, validators=False) == []
    assert not (tmp_path / ".package.building").exists()


def test_of_a_study_that_changed_meanwhile_nothing_is_taken_over(study: Study, tmp_path: Path) -> None:
    def progress(table: str, rows: int, size: int) -> None:
        if table == "quotes":
            raise Killed

    with pytest.raises(Killed):
        build(study, tmp_path / "package", Metadata(), progress=progress)
    write_run(study, (0, 0, "factual"), {"trades": trades([trade(2, 300_000, 9)])})
    package = build(Study(study.path), tmp_path / "package", Metadata())
    assert data(package, "trades").filter(run_id="0-0-factual")["size_lots"].to_list() == [9]
    assert Run(study.path / "runs" / "0-0-factual").table("trades").height == 1
