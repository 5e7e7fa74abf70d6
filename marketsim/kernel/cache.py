"""Where the kernel's machine code is kept between runs, so that only the first run after a change compiles.

numba's own cache looks at the file of the cached function alone: a changed constant or helper in another file would
silently bring back the old result. So this room's code waits in a folder whose name is a hash of every source file of
the room and of the compiler's versions, and numba's cache is pointed there, for these functions only. Importing this
file does not import numba.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent
FOLDER = "kernel-"
KEPT = 8  # folders of other sources that are left alone, the last used ones
UNUSED_S = 86_400.0  # and nothing is removed that was used within a day


@cache
def source_hash() -> str:
    """Hash of what the machine code depends on: the room's sources, its rules' included, numba's and llvmlite's versions (16 hex digits)."""
    h = sha256(f"numba {version('numba')} llvmlite {version('llvmlite')}".encode())
    for name in sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py")):
        text = (SOURCES / name).read_bytes()
        h.update(f"\n{name} {len(text)}\n".encode())
        h.update(text)
    return h.hexdigest()[:16]


def base_folder() -> Path:
    """The folder of all caches: `$MARKETSIM_CACHE_DIR`, else the platform's place for a user's caches."""
    named = os.environ.get("MARKETSIM_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "marketsim"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "marketsim"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marketsim"


def cache_folder() -> Path:
    """The folder that holds the machine code of exactly these sources (it need not exist yet)."""
    return base_folder() / f"{FOLDER}{source_hash()}"


def _machine_folder() -> Path:
    """Machine code serves one Python and one kind of processor; homes are shared between machines."""
    from llvmlite.binding import get_host_cpu_name

    return cache_folder() / f"cp{sys.version_info[0]}{sys.version_info[1]}-{get_host_cpu_name()}"


def is_warm() -> bool:
    """True when the loop's machine code is there: the next run need not compile (nor does any with the JIT off)."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return True
    try:
        return any(_machine_folder().glob("advance.advance-*.nbc"))
    except (OSError, RuntimeError):
        return False


def keep(compiler: Any, function: Any) -> None:
    """Let what compiles `function` find its machine code here and leave it here; nowhere, if no folder can be written."""
    from numba.core.caching import CompileResultCacheImpl, FunctionCache

    if not _prepare():
        return
    implementation = type("KernelCacheImpl", (CompileResultCacheImpl,), {"_locator_classes": [_Place]})
    compiler._cache = type("KernelCache", (FunctionCache,), {"_impl_class": implementation})(function)


class _Place:
    """What numba asks of a cache's place ("locator")."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file = file  # numba names it in warnings
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Place:
        return cls(function, file)

    def ensure_cache_path(self) -> None:
        _machine_folder().mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(_machine_folder())

    def get_source_stamp(self) -> str:
        return source_hash()

    def get_disambiguator(self) -> str:
        return str(self._line)


@cache
def _prepare() -> bool:
    """Make the folder, mark it as used now, remove stale ones; False when that is not allowed here."""
    try:
        folder = _machine_folder()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        os.utime(cache_folder())
        prune()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where home is
        return False
    return True


def prune() -> None:
    """Remove the folders of sources that are gone: all but the last used ones, and none used within a day."""
    others = [path for path in base_folder().glob(f"{FOLDER}*") if path != cache_folder()]
    used = {path: path.stat().st_mtime for path in others}
    for path in sorted(others, key=lambda path: used[path], reverse=True)[KEPT:]:
        if used[path] < time.time() - UNUSED_S:
            shutil.rmtree(path, ignore_errors=True)
