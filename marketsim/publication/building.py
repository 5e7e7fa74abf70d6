"""The folder of a package in the making: it has the package's name once the package is whole.

It stands beside the package as `.<name>.building`, held by a lock that ends with the process. Its ledger says for which
study it was begun and which tables are complete, so a build that was killed goes on where it was; of another study, or
of a study that has changed since, nothing is taken over. A package that is replaced is first set aside as
`.<name>.replaced`, and put back should the process die in between.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from marketsim.datasets.integrity import file_sha256
from marketsim.datasets.storage import storing
from marketsim.errors import ResultError
from marketsim.publication.layout import DATA, LEDGER, RECORD
from marketsim.publication.parts import Part


class BuildingFolder:
    """The folder that becomes the package at `final`; `identity` is the hash of all that its data are made of."""

    def __init__(self, final: Path, identity: str) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.building")
        self.done: dict[str, tuple[Part, ...]] = {}
        self._is_committed = False
        with storing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        self._identity = identity
        self._replaced = final.with_name(f".{final.name}.replaced")
        self._put_back()
        self._take_over()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._is_committed and not self.done:
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _put_back(self) -> None:
        """Bring back the package that a killed process was replacing, or remove it where the new one is there."""
        with storing(self.final):
            if self._replaced.exists() and not self.final.exists():
                self._replaced.rename(self.final)
        shutil.rmtree(self._replaced, ignore_errors=True)

    def _locked(self) -> int:
        lock = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise ResultError(f"another process builds {self.final}; wait for it or use another --out") from error
        return lock

    def _take_over(self) -> None:
        """Keep complete tables of the same identity; remove all else."""
        ledger = self.path / LEDGER
        try:
            told = json.loads(ledger.read_text(encoding="utf-8"))
            done = {name: tuple(Part(**part) for part in parts) for name, parts in told["tables"].items()}
            is_same = told["identity"] == self._identity
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            done, is_same = {}, False
        if is_same:
            self.done = {name: parts for name, parts in done.items() if self._is_whole(parts)}
        with storing(self.path):
            for path in self.path.iterdir():
                if path.name != DATA or not self.done:
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            data = self.path / DATA
            for path in data.iterdir() if data.is_dir() else ():
                if path.name not in self.done:
                    shutil.rmtree(path)
            self._write_ledger()

    def _is_whole(self, parts: Sequence[Part]) -> bool:
        paths = [(self.path / part.path, part) for part in parts]
        return all(path.is_file() and file_sha256(path) == part.sha256 for path, part in paths)

    def complete(self, table: str, parts: Sequence[Part]) -> None:
        """Note that a table's parts are all there."""
        self.done[table] = tuple(parts)
        self._write_ledger()

    def _write_ledger(self) -> None:
        told = {
            "identity": self._identity,
            "tables": {name: [asdict(part) for part in parts] for name, parts in self.done.items()},
        }
        aside = self.path / f"{LEDGER}.new"
        with storing(self.path):
            aside.write_text(json.dumps(told), encoding="utf-8")
            aside.replace(self.path / LEDGER)

    def take_data_of(self, package: Path, tables: dict[str, tuple[Part, ...]]) -> None:
        """Take the tables of a package of the same identity over, as further names of the same files."""
        for name, parts in tables.items():
            if name in self.done:
                continue
            with storing(self.path):
                for part in parts:
                    (self.path / part.path).parent.mkdir(parents=True, exist_ok=True)
                    os.link(package / part.path, self.path / part.path)
            self.complete(name, parts)

    def commit(self, *, again: bool) -> Path:
        """Give the folder the package's name, in one step; `again` replaces a package that stands there."""
        with storing(self.final):
            (self.path / LEDGER).unlink()
            if self.final.exists() and any(self.final.iterdir()):
                if not again or not (self.final / RECORD).is_file():
                    raise ResultError(f"{self.final} is in the way; --again replaces a package, --out writes elsewhere")
                self.final.rename(self._replaced)
            self.path.rename(self.final)
            self._is_committed = True
        shutil.rmtree(self._replaced, ignore_errors=True)
        return self.final
