"""The answers of a blind dataset: labels of its test runs and the secret, in a folder outside the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.integrity import file_sha256
from marketsim.datasets.storage import storing
from marketsim.errors import ResultError
from marketsim.publication.blind.disguise import Disguise, new_secret
from marketsim.publication.blind.labels import LABELS

KEY = "key.json"
TEST_LABELS = "labels_test.parquet"
CHANCE = "chance.json"


@dataclass(frozen=True)
class Answers:
    """A folder of answers."""

    folder: Path

    def disguise(self) -> Disguise:
        """The secret that stands there, or a new one, written down first."""
        key = self.folder / KEY
        if key.is_file():
            return Disguise(str(self._read(KEY)["secret"]))
        disguise = Disguise(new_secret())
        with storing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(KEY, {"secret": disguise.secret})
        return disguise

    def write(self, disguise: Disguise, test: pl.DataFrame, runs: dict[str, str], chance: dict[str, Any]) -> None:
        """Write the labels (columns of `LABELS` and `split`), the secret with the true name of each run, and chance."""
        with storing(self.folder):
            test.write_parquet(self.folder / TEST_LABELS)
            self._write(KEY, {"secret": disguise.secret, "runs": runs})
            self._write(CHANCE, chance)

    def _write(self, name: str, told: dict[str, Any]) -> None:
        """Write a file in one step: a process that is killed leaves the former secret or this one, never half of it."""
        aside = self.folder / f"{name}.new"
        aside.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        aside.replace(self.folder / name)

    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file, which the package's card states."""
        return {name: file_sha256(self.folder / name) for name in (CHANCE, KEY, TEST_LABELS)}

    def test_labels(self) -> pl.DataFrame:
        """The labels of the test runs; raises `ResultError` where the folder holds no answers."""
        path = self.folder / TEST_LABELS
        if not path.is_file():
            raise ResultError(f"{self.folder} holds no answers ({TEST_LABELS} is not there)")
        try:
            found = pl.read_parquet(path)
        except pl.exceptions.PolarsError as error:
            raise ResultError(f"{path} is damaged: {error}") from error
        if not set(LABELS) <= set(found.columns):
            raise ResultError(f"{path} is damaged: it has the columns {', '.join(found.columns)}")
        return found

    def chance(self) -> dict[str, Any]:
        """The score of chance on the test runs."""
        return self._read(CHANCE)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise ResultError(f"{path} cannot be read: {error}") from error
