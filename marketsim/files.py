"""Opening what a user names: a regular file, of a size that is looked at before a byte is read; and what is shipped.

A named pipe would wait for ever, a device may have no end, a loop of links leads nowhere: each is refused in words.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO

from marketsim.errors import UnreadableFileError

SHIPPED = "marketsim:"
"""What a name begins with that means something shipped with the package, and no file of the user's."""

_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.ELOOP: "these links lead in a circle",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EACCES: "the file may not be read",
    errno.EPERM: "the file may not be read",
    errno.ENXIO: "this is not a regular file",
}


def read_file(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file of at most so many; raises UnreadableFileError, which says what is in the way."""
    with open_file(path, most_bytes) as file:
        try:
            data = file.read(most_bytes + 1)
        except OSError as error:
            raise UnreadableFileError(_reason(error), "a file that can be read") from error
    if len(data) > most_bytes:  # it grew meanwhile, or is one of those that tell no size
        raise UnreadableFileError("the file is too long", f"at most {most_bytes:,} bytes")
    return data


def open_file(path: Path, most_bytes: int) -> BinaryIO:
    """A regular file of at most so many bytes, open for reading; raises UnreadableFileError."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or a lone surrogate
        raise UnreadableFileError(_reason(error), "a file that is there") from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            what = "this is a folder" if stat.S_ISDIR(found.st_mode) else "this is not a regular file"
            raise UnreadableFileError(what, "a regular file")
        if found.st_size > most_bytes:
            raise UnreadableFileError(f"the file is too long: {found.st_size:,} bytes", f"at most {most_bytes:,} bytes")
        return os.fdopen(os.dup(handle), "rb")
    except OSError as error:
        raise UnreadableFileError(_reason(error), "a file that can be read") from error
    finally:
        os.close(handle)


def sha256_of(paths: Sequence[Path], most_bytes: int) -> str:
    """SHA-256 of the bytes of regular files, one after the other [hex]; a file that has not changed is read once."""
    return _sha256_of(tuple((path, _stamp(path)) for path in paths), most_bytes)


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from what it was before: another file, another size, another time of writing."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise UnreadableFileError(_reason(error), "a file that is there") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=64)
def _sha256_of(files: tuple[tuple[Path, tuple[int, ...]], ...], most_bytes: int) -> str:
    digest = hashlib.sha256()
    for path, _ in files:
        with open_file(path, most_bytes) as file:
            try:
                while data := file.read(1 << 20):
                    digest.update(data)
            except OSError as error:
                raise UnreadableFileError(_reason(error), "a file that can be read") from error
    return digest.hexdigest()


def missing(path: Path) -> str | None:
    """Why no file stands at a path, in words; None where one does."""
    try:
        return None if stat.S_ISREG(path.stat().st_mode) else _WORDS[errno.ENXIO]
    except (OSError, ValueError) as error:
        return _reason(error)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return _WORDS.get(error.errno or 0, f"the file cannot be read: {error.strerror}")
    return "this is no path: it holds characters that no path may hold"


@cache
def shipped_folder() -> Path:
    """Where the shipped scenarios stand: in the package as a wheel installs it, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def data_file(path: str, root: Path) -> Path:
    """The file that a resolved scenario names: below the scenario's root folder, or `marketsim:` and shipped."""
    return shipped_folder() / path.removeprefix(SHIPPED) if path.startswith(SHIPPED) else root / path
