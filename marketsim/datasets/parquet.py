"""One Parquet file grown part by part: the parts' row groups are put one after the other, never decoded again.

Source: Apache Parquet, "File format" and parquet.thrift: a file is `PAR1`, row groups, a footer (a Thrift struct with
absolute offsets into the file), the footer's length and `PAR1`. So a part's bytes can be copied as they are, and only
the offsets in its footer move. It holds one part in memory, however long the table.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketsim.datasets import thrift

if TYPE_CHECKING:
    from types import TracebackType

_MAGIC = b"PAR1"
# Fields of parquet.thrift that matter here.
_FILE_SCHEMA, _FILE_ROWS, _FILE_ROW_GROUPS, _FILE_KEYS = 2, 3, 4, 5
_GROUP_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _GROUP_ORDINAL = 1, 3, 5, 7
_CHUNK_OFFSETS, _CHUNK_META = (2, 4, 6), 3
_META_OFFSETS = (9, 10, 11, 14)


def rows_of_groups(path: Path) -> list[int]:
    """How many rows each row group of a file has, as its footer says."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        length = struct.unpack("<I", file.read(4))[0]
        file.seek(-8 - length, os.SEEK_END)
        footer = thrift.Reader(file.read(length)).struct()
    return [group[_GROUP_ROWS][1] for group in footer[_FILE_ROW_GROUPS][1][1]]


def _moved(fields: thrift.Struct, numbers: tuple[int, ...], by: int) -> None:
    """Move the offsets `numbers` of a struct; an offset of 0 says "not given"."""
    for number in numbers:
        if number in fields and fields[number][1] > 0:
            kind, offset = fields[number]
            fields[number] = (kind, offset + by)


class GrowingParquet:
    """A Parquet file that takes whole Parquet files of equal schema as its parts and is complete once closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(_MAGIC)
        self._end = len(_MAGIC)
        self._footer: thrift.Struct = {}
        self._groups: list[Any] = []
        self._rows = 0

    def __enter__(self) -> GrowingParquet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, part: bytes) -> None:
        """Put one part's rows at the end; raises `ValueError` where its columns are not those of the first part."""
        length = struct.unpack("<I", part[-8:-4])[0]
        footer = thrift.Reader(part[-8 - length : -8]).struct()
        if not self._footer:
            # The writer's own notes would give coded text a type that only its own reader knows; plain text is meant.
            self._footer = {number: field for number, field in footer.items() if number != _FILE_KEYS}
        elif self._footer[_FILE_SCHEMA] != footer[_FILE_SCHEMA]:
            raise ValueError("parts of one Parquet file have different columns")
        by = self._end - len(_MAGIC)
        groups = footer[_FILE_ROW_GROUPS][1][1]
        for group in groups:
            group.pop(_GROUP_ORDINAL, None)
            _moved(group, (_GROUP_OFFSET,), by)
            for chunk in group[_GROUP_COLUMNS][1][1]:
                _moved(chunk, _CHUNK_OFFSETS, by)
                _moved(chunk[_CHUNK_META][1], _META_OFFSETS, by)
        self._groups += groups
        self._rows += footer[_FILE_ROWS][1]
        self._file.write(memoryview(part)[len(_MAGIC) : -8 - length])
        self._end += len(part) - 8 - length - len(_MAGIC)

    def close(self) -> None:
        """Write the footer; raises `ValueError` where no part, not even an empty one, was ever added."""
        if not self._footer:
            raise ValueError("a Parquet file needs at least one part to know its columns")
        footer = dict(self._footer)
        footer[_FILE_ROWS] = (thrift.I64, self._rows)
        footer[_FILE_ROW_GROUPS] = (thrift.LIST, (thrift.STRUCT, self._groups))
        written = thrift.written(footer)
        self._file.write(written + struct.pack("<I", len(written)) + _MAGIC)
        self._file.close()
