"""Where verification leaves what it measured: tables as CSV, one picture a claim, all made again by `make verify`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "results" / "verification"
SCENARIOS = ROOT / "scenarios"
WORLDS = Path(__file__).resolve().parent / "worlds"
CONFIDENCE = 0.99


def write_table(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of one shape as results/verification/<name>.csv; floats with five digits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})


def draw(name: str, rows: Sequence[Mapping[str, Any]], title: str, layers: Sequence[alt.Chart]) -> None:
    """Draw layers over rows as results/verification/<name>.svg."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = alt.Data(values=[dict(row) for row in rows])
    chart = alt.layer(*layers, data=data).properties(width=520, height=300, title=title)
    chart.configure_axis(gridOpacity=0.4).configure_view(strokeOpacity=0).save(str(FOLDER / f"{name}.svg"))


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean of independent values and its interval by Student's t at `CONFIDENCE`: (mean, low, high)."""
    mean = float(values.mean())
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
