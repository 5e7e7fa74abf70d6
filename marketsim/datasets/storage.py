"""The disk's refusals in the user's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketsim.errors import EnvironmentLackError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn a full or closed disk met while writing at `path` into an `EnvironmentLackError` that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise EnvironmentLackError(f"the disk is full: could not write {path}; make room or use --out") from error
        if error.errno in _CLOSED:
            raise EnvironmentLackError(f"may not write {path}: {error.strerror}; use another --out") from error
        raise
