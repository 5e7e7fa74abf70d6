"""The disk's refusals in the user's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketsim.errors import EnvironmentLackError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Say in the user's words why nothing can be written at `path`.

    A full, closed or failing disk is an `EnvironmentLackError`, a file where a folder is due a `UsageError`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise EnvironmentLackError(f"the disk is full: could not write {path}; make room or use --out") from error
        if error.errno in _CLOSED:
            raise EnvironmentLackError(f"may not write {path}: {error.strerror}; use another --out") from error
        if error.errno in _NO_FOLDER:
            raise UsageError(f"cannot write {path}: a file stands where a folder is due; use another --out") from error
        raise EnvironmentLackError(f"could not write {path}: {error.strerror}; use another --out") from error


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, is a disk's refusal to hold more."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
