"""Rows of a Parquet or Feather file, read by polars."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from marketsim.errors import DataFileError
from marketsim.market_data.content import ALLOWED, MOST_BYTES, Content
from marketsim.market_data.rows import Row, Rows

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 100_000


def columnar_rows(content: Content) -> Rows:
    """The rows of a Parquet or Feather file; instants are text in UTC, or without an offset where the file has none."""
    frame = _frame(content)
    return Rows(tuple(frame.columns), _rows(frame), content.name, "row")


def _frame(content: Content) -> pl.DataFrame:
    import polars as pl  # a quarter of a second, which a world without such files does not owe

    data = io.BytesIO(content.stream.read(MOST_BYTES))
    try:
        with _silence():
            frame = pl.read_parquet(data) if content.kind == "parquet" else pl.read_ipc(data)
            return frame.with_columns(_instants_as_text(frame.schema))
    except BaseException as error:  # a damaged file makes polars panic, which is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        message = f"the file is damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        raise DataFileError("path", content.name, message[:200], ALLOWED) from error


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what polars writes about its own panic, on the standard error of the process, from everybody."""
    try:
        kept = os.dup(2)
    except OSError:  # nobody listens anyway
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _instants_as_text(schema: pl.Schema) -> list[pl.Expr]:
    """Instants and days in the text that text files have, so that what is said of times holds for both."""
    import polars as pl

    changed = []
    for name, kind in schema.items():
        if isinstance(kind, pl.Datetime):
            column = pl.col(name).cast(pl.Datetime("ns", kind.time_zone))
            if kind.time_zone is not None:
                column = column.dt.convert_time_zone("UTC")
            changed.append(column.dt.to_string("%Y-%m-%dT%H:%M:%S%.9f" + ("Z" if kind.time_zone else "")))
        elif kind == pl.Date:
            changed.append(pl.col(name).dt.to_string("%Y-%m-%d"))
        elif isinstance(kind, (pl.Categorical, pl.Enum)):
            changed.append(pl.col(name).cast(pl.String))
    return changed


def _rows(frame: pl.DataFrame) -> Iterator[tuple[int, Row]]:
    number = 0
    shortest = _shortest_floats(frame)
    for start in range(0, frame.height, _AT_ONCE):
        for row in frame.slice(start, _AT_ONCE).iter_rows():
            number += 1
            yield number, tuple(shortest[i](cell) for i, cell in enumerate(row)) if shortest else row


def _shortest_floats(frame: pl.DataFrame) -> dict[int, Any]:
    """Makes numbers of four bytes the shortest decimals that are them; nothing where there are none."""
    import numpy as np
    import polars as pl

    if pl.Float32 not in frame.dtypes:
        return {}

    def short(cell: Any) -> Any:
        return None if cell is None else np.float32(cell)

    return {i: short if kind == pl.Float32 else lambda cell: cell for i, kind in enumerate(frame.dtypes)}
