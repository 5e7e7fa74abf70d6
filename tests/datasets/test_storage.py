"""A disk that refuses is named in the user's words, whatever its reason."""

import errno
import os
from pathlib import Path

import pytest

from marketsim.datasets.storage import storing
from marketsim.errors import EnvironmentLackError, UsageError


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (
            errno.ENOSPC,
            EnvironmentLackError,
            "the disk is full: could not write there/it; make room or use another",
        ),
        (errno.EROFS, EnvironmentLackError, "may not write there/it: .*; use another --out"),
        (errno.ENOTDIR, UsageError, "cannot write there/it: a file stands where a folder is due; use another --out"),
        (errno.ENOENT, EnvironmentLackError, "could not write there/it: .*; use another --out"),
        (errno.ENAMETOOLONG, UsageError, "cannot write there/it: the path is too long; use another --out"),
        (errno.ELOOP, UsageError, "cannot write there/it: its links lead in a circle; use another --out"),
        (errno.EIO, EnvironmentLackError, "could not write there/it: .*; use another --out"),
    ],
)
def test_refusal_of_the_disk_says_where_why_and_what_to_do(number: int, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words), storing(Path("there/it")):
        raise OSError(number, os.strerror(number))
