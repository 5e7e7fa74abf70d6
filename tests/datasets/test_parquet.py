"""Parts put one after the other read as one file, in any reader's eyes a plain one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.datasets import thrift
from marketsim.datasets.parquet import GrowingParquet


def part(frame: pl.DataFrame) -> bytes:
    data = BytesIO()
    frame.write_parquet(data, compression="zstd", row_group_size=3, statistics="full")
    return data.getvalue()


def test_parts_read_as_one_table_and_coded_text_as_text(tmp_path: Path) -> None:
    frames = [
        pl.DataFrame({"a": [begin + 1, begin + 2, None, 4, 5], "b": pl.Series(["x", "y", None, "x", "y"])})
        for begin in (0, 100)
    ]
    path = tmp_path / "grown.parquet"
    with GrowingParquet(path) as file:
        file.add(part(frames[0]))
        file.add(part(frames[1].with_columns(pl.col("b").cast(pl.Enum(["y", "x", "unused"])))))
        file.add(part(frames[0].clear()))
        file.close()
    whole = pl.read_parquet(path)
    assert whole.equals(pl.concat(frames))
    assert whole.schema == {"a": pl.Int64, "b": pl.String}
    assert pl.scan_parquet(path).filter(pl.col("a") > 100).collect()["a"].to_list() == [101, 102]


def test_parts_of_different_columns_are_refused(tmp_path: Path) -> None:
    with GrowingParquet(tmp_path / "grown.parquet") as file:
        file.add(part(pl.DataFrame({"a": [1]})))
        with pytest.raises(ValueError, match="different columns"):
            file.add(part(pl.DataFrame({"a": [1.5]})))


def test_a_file_without_any_part_is_refused(tmp_path: Path) -> None:
    with GrowingParquet(tmp_path / "grown.parquet") as file, pytest.raises(ValueError, match="at least one part"):
        file.close()


# The compact protocol's own example values: zigzag 0, -1, 1, -2 are the bytes 0, 1, 2, 3; 300 as a varint is AC 02.
def test_whole_numbers_are_written_as_the_protocol_says() -> None:
    assert thrift.written({1: (thrift.I32, -1)}) == bytes([0x15, 1, 0])
    assert thrift.written({1: (thrift.I64, 150)}) == bytes([0x16, 0xAC, 0x02, 0])
    assert thrift.written({20: (thrift.I32, 1)}) == bytes([0x05, 40, 2, 0])
    assert thrift.written({1: (thrift.TRUE, True), 2: (thrift.TRUE, False)}) == bytes([0x11, 0x12, 0])


def values(depth: int) -> st.SearchStrategy[tuple[int, object]]:
    """Any value of the protocol with its type."""
    whole = st.tuples(st.just(thrift.I64), st.integers(-(2**63), 2**63 - 1))
    binary = st.tuples(st.just(thrift.BINARY), st.binary(max_size=200))
    double = st.tuples(st.just(thrift.DOUBLE), st.binary(min_size=8, max_size=8))
    simple = whole | binary | double
    if depth == 0:
        return simple | st.tuples(st.just(thrift.TRUE), st.booleans())
    inner = st.dictionaries(st.integers(1, 300), values(depth - 1), max_size=4)
    structs = st.tuples(st.just(thrift.STRUCT), inner)
    lists = st.lists(inner, max_size=20).map(lambda members: (thrift.LIST, (thrift.STRUCT, members)))
    return simple | structs | lists


@given(st.dictionaries(st.integers(1, 300), values(2), max_size=5))
def test_any_struct_comes_back_as_it_was_written(struct: thrift.Struct) -> None:
    def plain(fields: thrift.Struct) -> thrift.Struct:
        return {
            number: (thrift.TRUE if value else thrift.FALSE, value) if kind == thrift.TRUE
            else (kind, plain(value)) if kind == thrift.STRUCT
            else (kind, (value[0], [plain(each) for each in value[1]])) if kind == thrift.LIST
            else (kind, value)
            for number, (kind, value) in fields.items()
        }  # fmt: skip

    assert thrift.Reader(thrift.written(struct)).struct() == plain(struct)
