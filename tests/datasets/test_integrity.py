"""What is damaged on the disk is named and never believed: tables, manifests, other files of a run, a study's plan."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from marketsim.datasets.integrity import damage, read_manifest
from marketsim.datasets.recorder import Recorder
from marketsim.datasets.run import Run
from marketsim.datasets.store import RunDirectory, find_run
from marketsim.errors import ResultError

RUN = "0123456789abcdef"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A finished run with one table of a hundred rows."""
    with RunDirectory.create(tmp_path, "quick", RUN) as directory:
        (directory.path / "resolved.json").write_text(json.dumps({"name": "quick"}))
        recorder = Recorder(directory.path, ["events"])
        rows = [{"t_ns": n, "event": "jump", "subject": "BTC", "detail": "{}"} for n in range(100)]
        recorder.rows("events", rows)
        tables = {name: asdict(summary) for name, summary in recorder.close().items()}
        manifest = {"status": "ok", "run_id": RUN, "versions": {"marketsim": "1.0+a"}, "tables": tables}
        directory.commit(manifest)
    return tmp_path / "quick" / RUN


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(bytes(raw))


def found(place: Path) -> str:
    return find_run(place.parent.parent, "quick", RUN, "1.0+a")[0]


def test_a_run_that_is_as_it_was_written_has_no_damage(place: Path) -> None:
    assert damage(place) is None
    assert found(place) == "done"
    assert Run(place).table("events").height == 100
    assert Run(place).resolved == {"name": "quick"}


def test_every_single_bit_of_a_table_counts(place: Path) -> None:
    path = place / "tables" / "events.parquet"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        flip(path, at)
        with pytest.raises(ResultError, match=r"events\.parquet is damaged: table events is not what was written"):
            Run(place).table("events")
        path.write_bytes(whole)
    assert Run(place).table("events").height == 100


def test_a_file_is_read_again_when_it_changes_within_one_process(place: Path) -> None:
    path = place / "tables" / "events.parquet"
    before = path.stat()
    assert found(place) == "done"
    flip(path, 40)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert found(place) == "damaged"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("manifest.json", "", "no JSON"),
        ("manifest.json", "[]", "no JSON map"),
        ("manifest.json", "[" * 100_000, "nested without end"),
        ("manifest.json", '{"status": 5, "tables": {}}', "not what was written"),
        ("manifest.json", '{"status": "ok", "tables": [1]}', "not what was written"),
        ("manifest.json", '{"status": "ok", "tables": {"events": 3}}', "not what was written"),
        ("manifest.json", '{"status": "ok", "files": 3}', "not what was written"),
        ("manifest.json", "\x00\xff", "no JSON"),
        ("resolved.json", '{"name": "other"}', "resolved.json is not what was written"),
    ],
)
def test_damaged_text_files_are_named(place: Path, name: str, text: str, words: str) -> None:
    (place / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(ResultError, match="is damaged") as refused:
        _ = Run(place).resolved
    assert words in str(refused.value)
    assert name in str(refused.value)
    assert found(place) == "damaged"


def test_a_number_changed_in_the_manifest_is_noticed(place: Path) -> None:
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["tables"]["events"]["rows"] = 99
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ResultError, match=r"manifest\.json is damaged: it is not what was written"):
        read_manifest(place)


@pytest.mark.parametrize("missing", ["tables/events.parquet", "resolved.json"])
def test_what_is_missing_is_named_and_made_anew_only_when_asked(place: Path, missing: str) -> None:
    (place / missing).unlink()
    assert Path(missing).stem in str(damage(place))
    assert "is missing; --again makes it anew" in str(damage(place))
    assert found(place) == "damaged"
    with pytest.raises(ResultError, match="already there; --again replaces it"):
        RunDirectory.create(place.parent.parent, "quick", RUN)
    RunDirectory.create(place.parent.parent, "quick", RUN, again=True).commit({"status": "ok"})
    assert damage(place) is None
