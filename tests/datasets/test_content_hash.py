"""The content hash knows the values alone: not the chunks, not the codes of its texts, not the writer of the file."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.datasets.canonical import CodedText, canonical
from marketsim.datasets.hashing import ContentHash
from marketsim.datasets.tables import LEDGER_ENTRIES, TABLES, Table
from marketsim.datasets.writer import content_sha256_of

QUOTES, LEDGER = TABLES["quotes"], TABLES["ledger"]

quote_rows = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.text(max_size=3),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=12,
)


def quote_columns(rows: list[Any]) -> dict[str, Any]:
    """Rows of (t_ns, market, mid) as the columns of `quotes`."""
    times, markets, mids = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    sizes = dict.fromkeys(("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"), times)
    return {"t_ns": times, "market": markets, **sizes, "mid": mids}


def hash_in_chunks(rows: list[Any], cuts: list[int]) -> str:
    content = ContentHash(QUOTES)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for begin, end in pairwise(edges):
        content.update(canonical(QUOTES, quote_columns(rows[begin:end])))
    return content.hexdigest()


def hash_by_definition(rows: list[Any]) -> str:
    """The definition at the head of `datasets/hashing.py`, written again one value at a time."""

    def sized(text: str) -> bytes:
        return struct.pack("<Q", len(text.encode())) + text.encode()

    whole = b""
    for column in QUOTES.columns:
        values, nulls, seen = b"", b"", {}
        for number, value in enumerate(quote_columns(rows)[column.name]):
            if value is None:
                nulls += struct.pack("<q", number)
                values += bytes(8)
            elif column.dtype == "text":
                values += struct.pack("<I", seen.setdefault(value, len(seen)))
            else:
                values += struct.pack("<q", value) if column.dtype == "int64" else struct.pack("<d", value or 0.0)
        parts = [values, nulls, b"".join(map(sized, seen))]
        head = sized(column.name) + sized(column.dtype) + struct.pack("<Q", len(rows))
        whole += hashlib.sha256(head + b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
    return hashlib.sha256(whole).hexdigest()


@given(rows=quote_rows, cuts=st.lists(st.integers(0, 12), max_size=4))
def test_the_hash_is_the_written_definition_however_the_rows_are_cut(rows: list[Any], cuts: list[int]) -> None:
    assert hash_in_chunks(rows, cuts) == hash_by_definition(rows)


@given(rows=quote_rows)
def test_a_frame_read_back_has_the_hash_of_its_rows(rows: list[Any]) -> None:
    frame = pl.DataFrame(quote_columns(rows), schema=QUOTES.schema())
    assert content_sha256_of(frame, "quotes") == hash_in_chunks(rows, [])


@given(first=quote_rows, second=quote_rows)
def test_other_rows_have_another_hash(first: list[Any], second: list[Any]) -> None:
    assert (hash_in_chunks(first, []) == hash_in_chunks(second, [])) == (first == second)


def test_texts_hash_alike_whatever_codes_they_came_with() -> None:
    def hash_of(*chunks: tuple[list[int], list[str]]) -> str:
        content = ContentHash(LEDGER)
        for codes, texts in chunks:
            whole = np.arange(len(codes))
            names = CodedText(np.array(codes, np.int8), texts)
            entry = CodedText(np.zeros(len(codes), np.int8), LEDGER_ENTRIES)
            columns = {"t_ns": whole, "entry": entry, "asset": names, "atoms": whole}
            content.update(canonical(LEDGER, {**columns, "from_cohort": names, "to_cohort": names}))
        return content.hexdigest()

    spelled = hash_of(([0, 1, 0, 2], ["makers", "noise", "venue"]))
    assert spelled == hash_of(([3, 0, 3, 1], ["noise", "venue", "unused", "makers"]))
    assert spelled == hash_of(([1, 0, 2, 3], ["noise", "makers", "makers", "venue"]))
    assert spelled != hash_of(([0, 1, 0, 1], ["makers", "noise", "venue"]))


def test_zero_has_one_sign() -> None:
    assert hash_in_chunks([(0, "A", -0.0)], []) == hash_in_chunks([(0, "A", 0.0)], [])


def test_a_null_is_not_a_zero_and_not_an_empty_text() -> None:
    assert hash_in_chunks([(0, "A", None)], []) != hash_in_chunks([(0, "A", 0.0)], [])
    flow = {"t_ns": [0], "entry": ["deposit"], "asset": ["USDT"], "to_cohort": ["noise"], "atoms": [1]}
    hashes = [
        content_sha256_of(pl.DataFrame({**flow, "from_cohort": [payer]}, schema_overrides=LEDGER.schema()), LEDGER)
        for payer in (None, "", "deposit")
    ]
    assert len(set(hashes)) == 3


def test_the_hash_of_an_empty_table_is_frozen() -> None:
    # Typed in when the definition was made: a change here means that published hashes no longer hold.
    assert (
        content_sha256_of(QUOTES.empty(), QUOTES) == "dc8254b093432a234d2310565fec3d9eb5297494bc7d69df3bc6dc649604188f"
    )


@pytest.mark.parametrize("compression", ["zstd", "uncompressed"])
def test_the_hash_does_not_depend_on_the_parquet_writer(tmp_path: Path, compression: Any) -> None:
    rows = [(number, f"M{number % 3}", None if number % 4 else number / 8) for number in range(1000)]
    frame = pl.DataFrame(quote_columns(rows), schema=QUOTES.schema())
    for coded in (frame, frame.with_columns(pl.col("market").cast(pl.Categorical))):
        coded.write_parquet(tmp_path / "quotes.parquet", compression=compression, row_group_size=77)
        assert content_sha256_of(pl.read_parquet(tmp_path / "quotes.parquet"), QUOTES) == hash_in_chunks(rows, [500])


def test_a_newer_column_counts_only_once_it_has_a_value() -> None:
    marks = TABLES["marks"]
    older = replace(marks, columns=tuple(column for column in marks.columns if not column.is_newer))
    assert marks.names[-1] == "latent_price"
    assert older.names == marks.names[:-1]
    row: dict[str, Any] = {column.name: ["P"] if column.dtype == "text" else [1] for column in older.columns}

    def hashed(table: Table, **more: Any) -> str:
        content = ContentHash(table)
        content.update(canonical(table, {**row, **more}))
        return content.hexdigest()

    assert hashed(marks, latent_price=[None]) == hashed(older)
    assert hashed(marks, latent_price=[1.5]) != hashed(older)
    assert ContentHash(marks).hexdigest() == ContentHash(older).hexdigest()
