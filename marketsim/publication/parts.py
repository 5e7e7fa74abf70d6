"""A published table's files: parts of a bounded size, each complete once it has its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polars as pl

from marketsim.datasets.parquet import GrowingParquet
from marketsim.datasets.storage import storing

PART_BYTES = 256_000_000
"""Size at which a part is full: the middle of 64 to 512 MB, which readers of many files like best."""

GROUP_ROWS = 65_536
"""Rows that are worth a row group; frames of fewer share one with those that follow."""


@dataclass(frozen=True)
class Part:
    """One file of a table: its path in the package, rows, bytes and SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


def write_parts(
    frames: Iterable[pl.DataFrame],
    place: Callable[[int], Path],
    *,
    first: int = 0,
    part_bytes: int = PART_BYTES,
    written: Callable[[int, int], None] = lambda rows, size: None,
) -> list[tuple[Path, int]]:
    """Write frames of equal columns, one after the other, to files `place(first)`, `place(first + 1)`, ..

    Returns the files and their rows. A file has its name once it is whole. `written` is told the rows and bytes of
    every row group. Encoding goes on in a thread of its own while the next frame is read. Without a frame there is
    no file.
    """
    files: list[tuple[Path, int]] = []
    growing: _Growing | None = None
    with ThreadPoolExecutor(1) as encoder:
        waiting: tuple[Future[bytes], int] | None = None

        def store(group: tuple[Future[bytes], int]) -> None:
            nonlocal growing
            data, rows = group[0].result(), group[1]
            if growing is None:
                growing = _Growing(place(first + len(files)))
            growing.add(data, rows)
            written(rows, len(data))
            if growing.bytes >= part_bytes:
                files.append(growing.close())
                growing = None

        try:
            for frame in _row_groups(frames):
                encoding = encoder.submit(_encoded, frame)
                if waiting is not None:
                    store(waiting)
                waiting = encoding, frame.height
            if waiting is not None:
                store(waiting)
            if growing is not None:
                files.append(growing.close())
        except BaseException:
            if growing is not None:
                growing.abandon()
            raise
    return files


def _row_groups(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `GROUP_ROWS` or more, but for the last one."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(each.height for each in waiting) >= GROUP_ROWS:
            yield frame if len(waiting) == 1 else pl.concat(waiting, rechunk=True)
            waiting = []
    if waiting:
        yield pl.concat(waiting, rechunk=True)


def measured(path: Path, rows: int, root: Path) -> Part:
    """A written file as the record tells of it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(path.relative_to(root).as_posix(), rows, path.stat().st_size, digest)


class _Growing:
    """One part in the making, beside its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = self.bytes = 0
        self._aside = path.with_name(f".{path.name}.part")
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = GrowingParquet(self._aside)

    def add(self, data: bytes, rows: int) -> None:
        with storing(self.path):
            self._file.add(data)
        self.rows += rows
        self.bytes += len(data)

    def close(self) -> tuple[Path, int]:
        with storing(self.path):
            self._file.close()
            self._aside.replace(self.path)
        return self.path, self.rows

    def abandon(self) -> None:
        self._file.__exit__(None, None, None)
        self._aside.unlink(missing_ok=True)


def _encoded(frame: pl.DataFrame) -> bytes:
    """A frame as a Parquet file of one row group."""
    file = BytesIO()
    frame.write_parquet(file, compression="zstd", compression_level=1, row_group_size=max(frame.height, 1))
    return file.getvalue()


def stored_bytes(parts: Sequence[Part]) -> int:
    """What parts take on disk together."""
    return sum(part.bytes for part in parts)
