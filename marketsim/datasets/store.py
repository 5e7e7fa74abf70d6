"""The run directory: built aside, whole once it has its name, and found again by what a user may point at.

While a run goes on its directory is `.<run id>.<random>.building` beside its place, held by a lock that ends with the
process, so what a killed process left is known to be stale and removed by the next run there. A directory that is
replaced is first set aside as `.<run id>.<random>.replaced`, and put back should the process die in between.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marketsim.datasets.integrity import MANIFEST, damage, read_manifest, sealed
from marketsim.datasets.provenance import write_json
from marketsim.datasets.storage import named_in_text, storing
from marketsim.errors import ResultError, UsageError

if TYPE_CHECKING:
    from types import TracebackType

Found = Literal["absent", "done", "failed", "other code", "damaged"]
Kind = Literal["run", "study"]
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_MARKS: dict[Kind, str] = {"run": MANIFEST, "study": "study.json"}


def find_run(out: str | Path, scenario_name: str, run_id: str, code: str) -> tuple[Found, Path]:
    """What stands where a run would go, and where that is.

    "done" is a finished run made by the same `code` version, "other code" one by another, "failed" one that failed,
    "damaged" one of which a file is not what was written (`integrity.damage` says which).
    """
    path = named_in_text(out) / scenario_name / run_id
    with storing(path):
        if not (path / MANIFEST).exists():
            return "absent", path
    if damage(path) is not None:
        return "damaged", path
    manifest = read_manifest(path)
    if manifest["status"] != "ok":
        return "failed", path
    return ("done" if manifest.get("versions", {}).get("marketsim") == code else "other code"), path


class RunDirectory:
    """A run directory in the making; write below `path`, then `commit` or `fail` gives it its place.

    Left without either (an interruption, an exception) as a context manager it disappears.
    """

    def __init__(self, path: Path, final: Path, lock: int, again: bool) -> None:
        self.path = path
        self.final = final
        self._lock = lock
        self._again = again

    @classmethod
    def create(cls, out: str | Path, scenario_name: str, run_id: str, *, again: bool = False) -> RunDirectory:
        """Begin the directory `<out>/<scenario name>/<run id>`; a failed run that stands there will be replaced.

        `again` replaces a finished one too. Raises `ResultError` where a finished run is in the way, or a folder that
        is no run, and `EnvironmentLackError` where the disk refuses.
        """
        for part in (scenario_name, run_id):
            if not _NAME.fullmatch(part):
                raise UsageError(f"{part!r} cannot name a folder; allowed: letters, digits, '_', '-' and '.'")
        final = named_in_text(out) / scenario_name / run_id
        if not again and _status(final) in ("ok", "damaged"):
            raise ResultError(f"{final} is already there; --again replaces it")
        if final.exists() and _status(final) is None:
            raise ResultError(f"{final} is in the way and is no run directory; move it or use another --out")
        with storing(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            remove_stale(final.parent)
            path, lock = _locked(final, Path.mkdir)
            (path / "tables").mkdir()
        return cls(path, final, lock, again)

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.discard()

    def commit(self, manifest: dict[str, Any]) -> Path:
        """Write the manifest and give the directory its place, in one step; returns where it is.

        Where another process finished the same run meanwhile, that one stays and this one disappears: they are equal.
        """
        with storing(self.final):
            write_json(self.path / MANIFEST, sealed(manifest, self.path))
            replaced = _set_aside(self.final) if self._again or _status(self.final) != "ok" else None
            try:
                self.path.rename(self.final)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1
        if replaced is not None:
            shutil.rmtree(replaced, ignore_errors=True)
        return self.final

    def fail(self, reason: str, manifest: dict[str, Any]) -> Path:
        """Give the directory its place as a failed run, with the reason and what was recorded; returns where it is."""
        return self.commit({**manifest, "status": "failed", "reason": reason})

    def discard(self) -> None:
        """Remove what was written; nothing happens once the directory has its place."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def _status(path: Path) -> str | None:
    """The status of the run at `path`, `damaged` where its manifest cannot be believed, None where there is none."""
    if not (path / MANIFEST).exists():
        return None
    try:
        return str(read_manifest(path)["status"])
    except ResultError:
        return "damaged"


def _hidden(final: Path, ending: str) -> Path:
    return final.with_name(f".{final.name}.{secrets.token_hex(4)}.{ending}")


def _take_lock(path: Path) -> int | None:
    """Take the lock of a file or folder; None where another process holds it or was quicker, or there are no locks."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # it got its place, or is removed already
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _locked(final: Path, make: Callable[[Path], object]) -> tuple[Path, int]:
    """Something new and hidden beside `final`, and its lock."""
    while True:
        path = _hidden(final, "building")
        make(path)
        try:
            lock = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # a cleaner was quicker and took it for a stale one
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a cleaner is at it
            os.close(lock)
            continue
        except OSError:  # no such locks here: nobody can take it for a stale one
            return path, lock
        if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
            return path, lock
        os.close(lock)


def write_whole(path: Path, write: Callable[[Path], Any], advice: str = "use another --out") -> None:
    """Write a file beside its place and rename it: what stands at `path` is whole, and a cleaner finds what is not."""
    with storing(path, advice):
        building, lock = _locked(path, Path.touch)
        try:
            write(building)
            building.replace(path)
        finally:
            building.unlink(missing_ok=True)
            os.close(lock)


def _set_aside(final: Path) -> Path | None:
    """Move what stands at `final` out of the way; None where nothing stood there."""
    if not final.exists():
        return None
    replaced = _hidden(final, "replaced")
    final.rename(replaced)
    return replaced


def remove_stale(folder: Path) -> None:
    """Remove what killed processes left in `folder`, and put back what they had set aside."""
    for path in folder.glob(".*.building"):
        lock = _take_lock(path)
        if lock is not None:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            os.close(lock)
    for path in folder.glob(".*.replaced"):
        run_id = path.name[1:].rsplit(".", 2)[0]
        if any(folder.glob(f".{run_id}.*.building")):
            continue  # a living process is between its two renames
        if (folder / run_id).exists():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError):  # another cleaner was quicker
                path.rename(folder / run_id)


@dataclass(frozen=True)
class Resolved:
    """What a command's PATH turned out to be."""

    kind: Kind
    path: Path


def resolve_path(path: str | Path, kind: Kind | None = None) -> Resolved:
    """The run or study a PATH means: the thing itself, or a folder that holds exactly one (of `kind`, where given).

    Raises `UsageError` where nothing is there, where the folder holds none, and, naming them, where it holds several.
    """
    wanted = kind or "run or study"
    marks = [mark for each, mark in _MARKS.items() if kind in (None, each)]
    folder = named_in_text(path, "rename the folder")
    if not folder.is_dir():
        raise UsageError(f"{folder} is {'no folder' if folder.exists() else 'not there'}; give a {wanted} directory")
    found = [one for one in _held_by(folder, depth=2) if kind in (None, one.kind)]
    if not found:
        raise UsageError(f"{folder} holds no {wanted} directory (one with {' or '.join(marks)} in it)")
    if len(found) > 1:
        names = ", ".join(str(one.path) for one in found[:8]) + (", ..." if len(found) > 8 else "")
        raise UsageError(f"{folder} holds {len(found)}; name one of {names}")
    return found[0]


def _held_by(folder: Path, depth: int) -> list[Resolved]:
    """The runs and studies in `folder`, itself included; those inside a study belong to it and are not listed."""
    for kind, mark in _MARKS.items():
        if (folder / mark).is_file():
            return [Resolved(kind, folder)]
    if depth == 0:
        return []
    inside = (child for child in sorted(folder.iterdir()) if child.is_dir() and not child.name.startswith("."))
    return [one for child in inside for one in _held_by(child, depth - 1)]
