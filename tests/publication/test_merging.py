"""Runs of one replication as one stream: in time, runs in their order at one instant, nothing lost."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.publication import merging
from marketsim.publication.merging import merged


def source(folder: Path, name: str, times: list[int]) -> tuple[Path, list[pl.Expr]]:
    """A file of times, numbered within it, labelled with its name."""
    path = folder / f"{name}.parquet"
    pl.DataFrame({"t_ns": times, "n": range(len(times))}, schema={"t_ns": pl.Int64, "n": pl.Int64}).write_parquet(path)
    return path, [pl.lit(name).alias("run")]


def rows(sources: list, by: str | None = "t_ns") -> list[tuple[str, int, int]]:
    return [row for frame in merged(sources, by) for row in frame.rows()]


def test_rows_come_in_time_and_at_one_instant_run_by_run(tmp_path: Path) -> None:
    sources = [source(tmp_path, "a", [1, 3, 3, 9]), source(tmp_path, "b", [0, 3, 4])]
    assert rows(sources) == [
        ("b", 0, 0),
        ("a", 1, 0),
        ("a", 3, 1),
        ("a", 3, 2),
        ("b", 3, 1),
        ("b", 4, 2),
        ("a", 9, 3),
    ]


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_windows_of_any_size_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    """An instant longer than a window, a run that ends early, and one without a row."""
    times = {"a": [1, 1, 1, 1, 1, 2, 5, 5], "b": [1, 1, 4], "c": [], "d": [0, 5, 5, 5, 6]}
    sources = [source(tmp_path, name, each) for name, each in times.items()]
    monkeypatch.setattr(merging, "HELD_ROWS", window)
    monkeypatch.setattr(merging, "SMALLEST_WINDOW", window)
    expected = sorted(
        ((name, t, n) for name, each in times.items() for n, t in enumerate(each)),
        key=lambda row: (row[1], row[0], row[2]),
    )
    assert rows(sources) == expected


def test_without_a_time_runs_stand_one_after_the_other(tmp_path: Path) -> None:
    sources = [source(tmp_path, "b", [5, 1]), source(tmp_path, "a", [3])]
    assert rows(sources, None) == [("b", 5, 0), ("b", 1, 1), ("a", 3, 0)]


def test_nothing_gives_nothing() -> None:
    assert rows([]) == []
