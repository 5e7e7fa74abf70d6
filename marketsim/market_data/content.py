"""What a file holds: text, Parquet or Feather, each also in gzip or zip, told by its bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from marketsim.errors import DataFileError, UnreadableFileError
from marketsim.files import open_file

MOST_BYTES = 2**31
"""Largest file, and largest content of a packed one."""

ALLOWED = "CSV, Parquet or Feather, each also gzipped or zipped"

_PACKED = {
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"(\xb5/\xfd": "Zstandard",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
}
_OTHER = {
    b"\x89HDF": "HDF5",
    b"FEA1": "Feather version 1",
    b"%PDF": "PDF",
    b"SQLite": "SQLite",
    b"\x80\x04": "a pickle",
}
_BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Content:
    """An open file's content: its kind, a stream at its beginning, and its name (with that inside an archive)."""

    kind: Literal["text", "parquet", "feather"]
    stream: BinaryIO
    name: str


class _Limited(io.RawIOBase):
    """A stream of at most MOST_BYTES; what goes beyond, or is damaged, is a DataFileError that names the file."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name, self._read = stream, name, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer, and count."""
        try:
            data = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise DataFileError("path", self._name, f"the file is damaged ({error})", ALLOWED) from error
        self._read += len(data)
        if self._read > MOST_BYTES:
            raise DataFileError("path", self._name, "the file holds too much", f"at most {MOST_BYTES:,} bytes unpacked")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path, name: str) -> Iterator[Content]:
    """A file's content; raises DataFileError for what cannot be read, in the words of `name`."""
    try:
        file = open_file(path, MOST_BYTES)
    except UnreadableFileError as error:
        raise DataFileError("path", name, error.message, error.allowed) from error
    with file:
        try:
            packed, inner = _unpacked(file, name)
        except _BROKEN as error:
            raise DataFileError("path", name, f"the file is damaged ({error})", ALLOWED) from error
        limited: BinaryIO = io.BufferedReader(_Limited(packed, inner), 1 << 20)
        yield Content(_kind(limited.peek(64)[:64], inner), limited, inner)  # type: ignore[attr-defined]


def _unpacked(file: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    """The stream inside gzip or zip, and what it is called; the file itself where it is neither."""
    magic = file.read(8)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file), name  # type: ignore[return-value]
    if not magic.startswith(b"PK\x03\x04") and not magic.startswith(b"PK\x05\x06"):
        return file, name
    archive = zipfile.ZipFile(file)
    names = [item for item in archive.namelist() if not item.endswith("/") and not _is_hidden(item)]
    if "[Content_Types].xml" in archive.namelist():
        raise DataFileError("path", name, "this is a workbook of a spreadsheet", "the sheet saved as CSV")
    if len(names) != 1:
        found = ", ".join(names[:5]) + (", .." if len(names) > 5 else "")
        raise DataFileError("path", name, f"the archive holds {len(names)} files: {found}", "an archive of one file")
    return archive.open(names[0]), f"{name}/{names[0]}"  # type: ignore[return-value]


def _is_hidden(name: str) -> bool:
    """What archivers add by themselves."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _kind(head: bytes, name: str) -> Literal["text", "parquet", "feather"]:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "feather"
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise DataFileError("path", name, f"the file is packed with {what}", "unpacked, or with gzip or zip")
    for magic, what in _OTHER.items():
        if head.startswith(magic):
            raise DataFileError("path", name, f"this is {what}", ALLOWED)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataFileError("path", name, "this is no text", ALLOWED)
    return "text"
