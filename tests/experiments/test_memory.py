"""What a process holds, as the system tells it, and where the system tells nothing."""

import os
from pathlib import Path

import pytest

from marketsim.experiments import memory, run_task


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


def test_a_run_may_hold_its_limit_and_not_a_byte_more(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = run_task.memory_watch(1_000_000)
    monkeypatch.setattr(run_task, "resident_bytes", lambda: 1_000_000)
    watch(0, 10, 0)
    monkeypatch.setattr(run_task, "resident_bytes", lambda: 1_000_001)
    with pytest.raises(MemoryError, match=r"the memory limit of 1 MB was met at 2\.5 s of"):
        watch(2_500_000_000, 10**10, 0)
