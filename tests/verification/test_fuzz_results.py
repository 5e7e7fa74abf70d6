"""A fuzzer of results: whatever becomes of a run's or study's files, every command that reads them answers in words.

Files are changed by accident (then every command that looks at them refuses them) or by hand, with the hashes put right
afterwards (then they may be believed, and no command may fall over them). MARKETSIM_FUZZ_RESULTS sets how many there
are, MARKETSIM_FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import marketsim as ms
from marketsim.datasets.integrity import signed
from marketsim.errors import EnvironmentLackError
from tests.experiments.studies import text
from tests.verification import doors

MUTANTS = int(os.environ.get("MARKETSIM_FUZZ_RESULTS", "300"))
SEED = int(os.environ.get("MARKETSIM_FUZZ_SEED", "0")) or secrets.randbelow(2**31) + 1
VALUES: tuple[Any, ...] = (
    *(None, 0, -1, 1.5, 1e308, 2**70, True, "", "x", "\x1b[31m", "n" * 300, "../..", "2024-01-01T00:00:00Z", "1 USDT"),
    *([], [[]], [None], {}, {"a": {"b": []}}, ["BTC", 3]),
)
HASHES = {"manifest.json": "manifest_sha256", "study.json": "study_sha256"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two runs and two single runs, finished."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "study.yaml").write_text(text(replications=1, sizes="1 MUSDT"), encoding="utf-8")
    (folder / "world.yaml").write_text(text().partition("study:")[0], encoding="utf-8")
    ms.sweep(folder / "study.yaml", out=folder / "studies", workers=1)
    for seed in (8, 9):
        ms.run(folder / "world.yaml", out=folder / "runs", seed=seed, report=False)
    return folder


@dataclass(frozen=True)
class Places:
    """Where things are: the folder of all, the study, two runs."""

    folder: Path
    study: Path
    first: Path
    second: Path

    @classmethod
    def of(cls, folder: Path) -> Places:
        (study,) = (path.parent for path in folder.glob("studies/*/*/study.json"))
        return cls(folder, study, *sorted(path.parent for path in folder.glob("runs/*/*/manifest.json")))

    def moved(self, to: Path) -> Places:
        """The same in a copy."""
        return Places(to, *(to / path.relative_to(self.folder) for path in (self.study, self.first, self.second)))


def changed(document: Any, draw: random.Random) -> Any:
    """A JSON document with one value changed, taken out, moved, or under another key."""
    if not isinstance(document, (dict, list)) or not document or draw.random() < 0.05:
        return draw.choice(VALUES)
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = draw.choice(keys)
    fresh: Any = dict(document) if isinstance(document, dict) else list(document)
    if isinstance(fresh[key], (dict, list)) and fresh[key] and draw.random() < 0.8:
        fresh[key] = changed(fresh[key], draw)
        return fresh
    how = draw.randrange(4)
    if how == 0:
        del fresh[key]
    elif how == 1:
        fresh[key] = fresh[draw.choice(keys)]
    elif how == 2 and isinstance(fresh, dict):
        fresh[str(key) + "x"] = fresh.pop(key)
    else:
        fresh[key] = draw.choice(VALUES)
    return fresh


def damage_bytes(path: Path, draw: random.Random) -> None:
    """A file with a byte changed, cut short, empty, or gone."""
    data, how = bytearray(path.read_bytes()), draw.randrange(5)
    if how == 4:
        path.unlink()
        return
    if how <= 1:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    else:
        del data[draw.randrange(len(data)) if how == 2 else 0 :]
    path.write_bytes(data)


def edit(path: Path, draw: random.Random) -> None:
    """A JSON file changed by hand, and all hashes put right."""
    document = changed(json.loads(path.read_text(encoding="utf-8")), draw)
    if path.name in HASHES and isinstance(document, dict):
        document = signed(document, HASHES[path.name])
    path.write_text(json.dumps(document), encoding="utf-8")
    beside = path.with_name("manifest.json")
    if path.name not in HASHES and beside.is_file():
        manifest = json.loads(beside.read_text(encoding="utf-8"))
        manifest["files"].pop(path.name, None)
        beside.write_text(json.dumps(signed(manifest, "manifest_sha256")), encoding="utf-8")


def commands(at: Places) -> list[tuple[str, ...]]:
    """What is asked: each command that reads results."""
    first, second, folder = str(at.first), str(at.second), at.folder
    return [
        ("report", first),
        ("report", str(at.study)),
        ("compare", first, second),
        ("compare", first, second, "--json"),
        ("run", str(folder / "world.yaml"), "--seed", "8", "--out", str(folder / "runs"), "--no-report"),
        ("sweep", str(folder / "study.yaml"), "--out", str(folder / "studies"), "--workers", "1"),
        ("sweep", str(folder / "study.yaml"), "--out", str(folder / "studies"), "--dry-run"),
        ("validate", str(at.first / "scenario.yaml")),
        ("show", str(at.first / "scenario.yaml"), "--sentences"),
    ]


def refuse_cluster(*_: object) -> None:
    raise EnvironmentLackError("this sweep makes nothing: no workers here")


def test_damaged_and_edited_results_are_answered_in_words(
    whole: Path, tmp_path: Path, say: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketsim.experiments.runner._open_cluster", refuse_cluster)
    at, counts, failed = Places.of(whole).moved(tmp_path / "copy"), Counter[str](), dict[str, str]()
    for number in range(MUTANTS):
        draw = random.Random(f"{SEED} results {number}")
        shutil.rmtree(at.folder, ignore_errors=True)
        shutil.copytree(whole, at.folder)
        files = sorted(path for path in at.folder.rglob("*") if path.suffix in (".json", ".parquet", ".yaml"))
        files = [path for path in files if path.parent != at.folder]
        by_hand = draw.random() < 0.6
        path = draw.choice([path for path in files if path.suffix == ".json"] if by_hand else files)
        (edit if by_hand else damage_bytes)(path, draw)
        where = path.relative_to(at.folder)
        for asked in draw.sample(commands(at), 3):
            try:
                ended = doors.command(*asked, ends=(0, 1, 2, 3, 4, 5))
                counts[f"{'edited' if by_hand else 'damaged'} {asked[0]} {ended.exit_code}"] += 1
            except (Exception, doors.HangError) as error:
                frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
                at_line = next((frame for frame in reversed(frames) if "/marketsim/" in frame), frames[-1])
                kind = f"{type(error).__name__} at {at_line}"
                failed.setdefault(kind, f"mutant {number}, {where}, {' '.join(asked)}: {kind}: {error}")
                counts["failed"] += 1
    say(f"MARKETSIM_FUZZ_SEED={SEED}, {MUTANTS} results: {dict(sorted(counts.items()))}")
    assert not failed, f"MARKETSIM_FUZZ_SEED={SEED}\n" + "\n".join(failed.values())
