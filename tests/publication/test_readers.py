"""Packages read back by pandas, pyarrow, DuckDB and polars: the same values and types, by each of them.

R's arrow is not among them: README.md of a package has the program, which nothing here runs.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pytest

from marketsim.publication.build import build
from marketsim.publication.metadata import Metadata
from marketsim.publication.parts import write_parts
from tests.publication.made_study import made_study, quotes, trade, trades

TRADES = {
    (0, 0, "factual"): [trade(1, 300_000, 2**40), trade(1.5, 300_001, 2, "sell")],
    (0, 0, "frictionless"): [trade(1.25, 300_002, 4)],
    (1, 1, "factual"): [trade(299.999999999, 300_003, 6)],
}
SECOND = 10**9
START_NS = 1_704_067_200 * SECOND
"""2024-01-01T00:00:00Z, the start of the study's clock."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package whose trades are in a part for each cell and replication, and whose mids are null once."""
    tables = {which: {"trades": trades(rows)} for which, rows in TRADES.items()}
    tables[0, 0, "factual"]["quotes"] = quotes([(1, 299_999, 300_001), (2, 0, 300_001)])
    place = tmp_path_factory.mktemp("readers")
    study = made_study(place / "results", tables, {(0, 1, "factual"): "out of memory"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(write_parts.__kwdefaults__, "part_bytes", 1)
        patch.setattr("marketsim.publication.parts.GROUP_ROWS", 1)
        return build(study, place / "package", Metadata())


def by_polars(package: Path, table: str) -> pa.Table:
    return pl.scan_parquet(package / "data" / table / "*.parquet").collect().to_arrow()


def by_pandas(package: Path, table: str) -> pa.Table:
    return pa.Table.from_pandas(pd.read_parquet(package / "data" / table), preserve_index=False)


def by_pyarrow(package: Path, table: str) -> pa.Table:
    return arrow_dataset.dataset(package / "data" / table).to_table()


def by_duckdb(package: Path, table: str) -> pa.Table:
    return duckdb.sql(f"SELECT * FROM '{package}/data/{table}/*.parquet'").to_arrow_table()


READERS = [by_polars, by_pandas, by_pyarrow, by_duckdb]


def kind(of: pa.DataType) -> str:
    """A type as a reader means it; text is text, however it is laid out in memory."""
    if pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of):
        return "text"
    return f"timestamp[{of.unit}]" if pa.types.is_timestamp(of) and of.tz is not None else str(of)


@pytest.mark.parametrize("read", READERS)
def test_trades_of_several_parts_have_their_values_and_types(package: Path, read: Callable[..., pa.Table]) -> None:
    assert len(list((package / "data" / "trades").iterdir())) == 2
    found = read(package, "trades")
    assert {name: kind(found.schema.field(name).type) for name in ("cell", "t_ns", "size_lots", "price_ticks")} == {
        "cell": "int64",
        "t_ns": "int64",
        "size_lots": "int64",
        "price_ticks": "int64",
    }
    assert [kind(found.schema.field(name).type) for name in ("t_utc", "arm", "taker_side", "price")] == [
        "timestamp[ns]",
        "text",
        "text",
        "double",
    ]
    t_ns = [1 * SECOND, 1_250_000_000, 1_500_000_000, 299_999_999_999]
    assert found["t_ns"].to_pylist() == t_ns
    assert found["t_utc"].cast(pa.int64()).to_pylist() == [START_NS + each for each in t_ns]
    assert found["size_lots"].to_pylist() == [2**40, 4, 2, 6]
    assert found["price"].to_pylist() == [30_000.0, 30_000.2, 30_000.1, 30_000.3]
    assert found["taker_side"].to_pylist() == ["buy", "buy", "sell", "buy"]
    assert found["arm"].to_pylist() == ["factual", "frictionless", "factual", "factual"]
    assert found["tokens_T3_aum"].to_pylist() == [1e6, 1e6, 1e6, 2e6]


@pytest.mark.parametrize("read", READERS)
def test_nulls_and_truth_values_are_read_as_such(package: Path, read: Callable[..., pa.Table]) -> None:
    assert read(package, "quotes")["mid"].to_pylist() == [30_000.0, None]
    runs = read(package, "runs")
    assert kind(runs.schema.field("collapsed").type) == "bool"
    assert [text for text in runs["reason"].to_pylist() if text is not None] == ["out of memory"]
    assert runs["reason"].null_count == 7
    assert runs["fork_ns"].null_count == 8
    assert runs["status"].to_pylist().count("failed") == 1


@pytest.mark.parametrize("read", READERS)
def test_a_table_without_rows_has_its_columns(package: Path, read: Callable[..., pa.Table]) -> None:
    found = read(package, "orders")
    assert found.num_rows == 0
    assert found.column_names[:7] == ["run_id", "cell", "replication", "arm", "tokens_T3_aum", "t_ns", "t_utc"]


def test_one_query_asks_several_parts(package: Path) -> None:
    """In calendar time, with the design beside the rows."""
    asked = duckdb.sql(
        f"SELECT t.cell, count(*), sum(size_lots) FROM '{package}/data/trades/*.parquet' t "
        f"JOIN '{package}/data/design/*.parquet' d ON t.cell = d.cell AND t.tokens_T3_aum = d.tokens_T3_aum "
        f"WHERE t_utc >= TIMESTAMPTZ '2024-01-01 00:00:01.25+00' GROUP BY t.cell ORDER BY t.cell"
    ).fetchall()
    assert asked == [(0, 2, 6), (1, 1, 6)]
    since = datetime(2024, 1, 1, 0, 0, 1, 250_000, tzinfo=UTC)
    scan = pl.scan_parquet(package / "data/trades/*.parquet").filter(pl.col("t_utc") >= since)
    assert scan.group_by("cell").agg(pl.col("size_lots").sum()).sort("cell").collect().rows() == [(0, 6), (1, 6)]


def test_the_program_of_the_readme_runs_in_the_package(package: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (package / "README.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], cwd=package, capture_output=True, text=True, check=True)
    cells = [re.findall(r"\w+", line) for line in done.stdout.splitlines()]
    assert ["factual", "3", str(2**40 + 8)] in cells
    assert ["frictionless", "1", "4"] in cells
