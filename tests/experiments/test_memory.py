"""What a process holds, as the system tells it, and where the system tells nothing."""

import os
from pathlib import Path

import pytest

from marketsim.experiments import memory


def system_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `/proc/self` is a folder, in which the files may be missing."""
    monkeypatch.setattr(memory, "Path", lambda name: folder / name.rpartition("/")[2])
    monkeypatch.setattr(memory, "peak_rss_mb", lambda: 123.5)


def test_what_is_resident_are_so_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statm").write_text("1000 250 30 5 0 400 0\n", encoding="ascii")  # proc(5): size, resident, shared, ..
    system_with(tmp_path, monkeypatch)
    assert memory.resident_bytes() == 250 * os.sysconf("SC_PAGE_SIZE")


def test_a_system_that_does_not_tell_leaves_the_most_that_was_ever_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_with(tmp_path / "none", monkeypatch)
    memory.forget_peak()
    assert memory.resident_bytes() == 123_500_000
