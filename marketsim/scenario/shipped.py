"""Scenarios by name: `marketsim:NAME` is the newest version of a shipped scenario, `marketsim:NAME@1` a fixed one.

`scenarios/catalogue.csv` says which file each version is and what it hashes to (ARCHITECTURE D36). NAME is the name
that the scenario itself declares.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from marketsim.errors import EnvironmentLackError, UnknownScenarioError
from marketsim.files import SHIPPED, shipped_folder
from marketsim.scenario.nodes import near

CATALOGUE = "catalogue.csv"
CLAIM = "claim-"
_REFERENCE = re.compile(rf"{SHIPPED}(?P<name>[A-Za-z0-9_-]+)(?:@(?P<version>[1-9][0-9]*))?")
_ALLOWED = f"{SHIPPED}NAME or {SHIPPED}NAME@VERSION, as {SHIPPED}quickstart@1"


@dataclass(frozen=True)
class ShippedScenario:
    """One version of a shipped scenario: its file, and what it hashes to; study_id is empty without a study."""

    name: str
    version: int
    file: Path
    seed: int
    scenario_sha256: str
    study_id: str

    @property
    def reference(self) -> str:
        """What names exactly this version."""
        return f"{SHIPPED}{self.name}@{self.version}"


def is_reference(text: str | Path) -> bool:
    """Whether a text names a shipped scenario, and no file."""
    return str(text).startswith(SHIPPED)


def catalogue() -> Mapping[str, Mapping[int, ShippedScenario]]:
    """Every shipped scenario, by name and version, in the order of the list."""
    return _catalogue(shipped_folder())


@cache
def _catalogue(folder: Path) -> Mapping[str, Mapping[int, ShippedScenario]]:
    found: dict[str, dict[int, ShippedScenario]] = {}
    try:
        with (folder / CATALOGUE).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                version, seed = int(row["version"]), int(row["seed"])
                found.setdefault(row["name"], {})[version] = ShippedScenario(
                    row["name"], version, folder / row["file"], seed, row["scenario_sha256"], row["study_id"]
                )
    except FileNotFoundError:
        raise EnvironmentLackError(f"the shipped scenarios are not there: {folder / CATALOGUE}") from None
    return found


def find(reference: str | Path) -> ShippedScenario:
    """The scenario that a reference names; raises `UnknownScenarioError`, which says what there is."""
    text = str(reference)
    parts, known = _REFERENCE.fullmatch(text), catalogue()
    if parts is None:
        raise UnknownScenarioError(text, "this is no name of a shipped scenario", _ALLOWED)
    name, version = parts["name"], parts["version"]
    if name not in known:
        meant = near(name, known)
        allowed = f"{', '.join(n for n in known if not n.startswith(CLAIM))}; `marketsim list scenarios` has all"
        raise UnknownScenarioError(
            text, "there is no shipped scenario of this name", allowed, f"{SHIPPED}{meant}" if meant else ""
        )
    versions = known[name]
    number = int(version) if version is not None else max(versions)
    if number not in versions:
        raise UnknownScenarioError(
            text, f"there is no version {number} of {name}", ", ".join(f"{SHIPPED}{name}@{n}" for n in versions)
        )
    return versions[number]


def reference_meant(path: str | Path) -> str:
    """The shipped scenario that a path to no file was perhaps meant to name, or nothing."""
    stem = Path(path).stem
    for name, versions in catalogue().items():
        newest = versions[max(versions)]
        if stem in (name, newest.file.stem):
            return f"{SHIPPED}{name}"
    return ""
