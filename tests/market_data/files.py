"""Small files of market data, and what an index makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marketsim.errors import DataFileError
from marketsim.units import NS_PER_SECOND
from marketsim.venues.index.file import FileIndexSpec

NOON = 1_720_526_400 * NS_PER_SECOND  # 2024-07-09T12:00:00Z
MINUTE = 60 * NS_PER_SECOND


def written(folder: Path, content: str | bytes, name: str = "data.csv") -> str:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def told(folder: Path, name: str, **keys: Any) -> FileIndexSpec:
    """The index of a file as a scenario has it once it is loaded."""
    spec = FileIndexSpec.model_validate({"kind": "file", "path": name, **keys})
    return spec.recognised(folder / name, name)


def levels(folder: Path, name: str, *, start_ns: int = NOON, minutes: int = 3, **keys: Any) -> dict[float, str]:
    """Prices by the seconds of the run at which they are listed, exactly as the path has them."""
    spec = told(folder, name, **keys)
    prepared = spec.prepare(start_ns=start_ns, duration_ns=minutes * MINUTE, root=folder)
    listed = prepared.path.__closure__
    assert listed is not None
    found = next(cell.cell_contents for cell in listed if hasattr(cell.cell_contents, "mantissas"))
    times, mantissas, places = (column.tolist() for column in (found.times_ns, found.mantissas, found.decimals))
    return {
        t / NS_PER_SECOND: f"{m / 10**p:.{p}f}" if p else str(m)
        for t, m, p in zip(times, mantissas, places, strict=True)
    }


def notes(folder: Path, name: str, *, start_ns: int = NOON, minutes: int = 3, **keys: Any) -> str:
    spec = told(folder, name, **keys)
    return "; ".join(spec.prepare(start_ns=start_ns, duration_ns=minutes * MINUTE, root=folder).notices)


def refusal(folder: Path, name: str, **keys: Any) -> DataFileError:
    """What is said of a file that cannot be an index."""
    try:
        levels(folder, name, **keys)
    except DataFileError as error:
        return error
    raise AssertionError("nothing was refused")
