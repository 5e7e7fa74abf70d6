"""The disk's refusals in the user's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketsim.errors import EnvironmentLackError, MarketsimError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}
_NO_PATH = {errno.ENAMETOOLONG: "the path is too long", errno.ELOOP: "its links lead in a circle"}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def storing(path: Path, advice: str = "use another --out") -> Iterator[None]:
    """Say in the user's words why nothing can be written at `path`, and what to do: `refusal` has the words."""
    try:
        yield
    except OSError as error:
        raise refusal(error, f"write {path}", advice) from error


def named_in_text(path: str | Path, advice: str = "use another --out") -> Path:
    """The same path; raises `UsageError` for one that is not text, which no table could be written or read at."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"cannot use {path}: this path is not UTF-8 text; {advice}") from None
    return Path(path)


def refusal(error: OSError, doing: str, advice: str) -> MarketsimError:
    """A system's refusal in the user's words.

    A full, closed or failing disk is an `EnvironmentLackError`; a file where a folder is due, a path that is too long
    and links in a circle are a `UsageError`.
    """
    if error.errno in _FULL:
        return EnvironmentLackError(f"the disk is full: could not {doing}; make room or {advice}")
    if error.errno in _CLOSED:
        return EnvironmentLackError(f"may not {doing}: {error.strerror}; {advice}")
    if error.errno in _NO_FOLDER:
        return UsageError(f"cannot {doing}: a file stands where a folder is due; {advice}")
    if error.errno in _NO_PATH:
        return UsageError(f"cannot {doing}: {_NO_PATH[error.errno]}; {advice}")
    return EnvironmentLackError(f"could not {doing}: {error.strerror or error}; {advice}")


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, is a disk's refusal to hold more."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
