"""FCN agents against PAMS, which has them too: equal worlds, one market, many seeds (docs/bare-book.md#fcn-agents).

PAMS runs in an environment of its own, since it asks for an older NumPy. What is compared is one number a seed, so that
the two samples are independent: a return and a volume between two orders long after the start, the volatility of a run,
its first trades. Writes fcn_*.csv and fcn_*.svg.
"""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from marketsim import run
from marketsim.datasets.run import Run
from tests.verification.results import WORLDS, draw, write_table

PAMS = "pams==0.3.0"
PROGRAM = Path(__file__).parent / "pams_fcn.py"
SEEDS, STEPS = 200, 500
SETTLED = 300  # orders; windows are of at most 200
AGENTS = "traders.agents."
IN_BOTH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "weights_of_ci2002": (
        {},
        {"chartWeight": 0.0, "meanReversionTime": [50, 100], "timeWindowSize": [100, 200], "noiseScale": 0.001},
    ),
    "with_a_chart": (
        {
            f"{AGENTS}chart": {"exponential": 0.2},
            f"{AGENTS}reversion": {"uniform": ["20s", "40s"]},
            f"{AGENTS}window": {"uniform": ["20s", "40s"]},
            f"{AGENTS}noise_scale": "0.5%",
        },
        {
            "chartWeight": {"expon": [0.2]},
            "meanReversionTime": [20, 40],
            "timeWindowSize": [20, 40],
            "noiseScale": 0.005,
        },
    ),
}
"""Keys of the scenario, and the same as settings of PAMS; with larger weights on the chart a price there soon is 0."""
SHARED = {"fundamentalWeight": {"expon": [1.0]}, "noiseWeight": {"expon": [1.0]}, "orderMargin": [0.0, 0.1]}
Sample = dict[str, list[float]]


def sampled(runs: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Sample:
    """Figures of runs: the price after each of `STEPS` orders, and the lots that each traded; one of each a run."""
    found: Sample = {}
    for prices, volumes in runs:
        logs = np.log(prices)
        settled = np.diff(logs[SETTLED:])
        figures = {
            "return_1": logs[SETTLED + 1] - logs[SETTLED],
            "return_10": logs[SETTLED + 10] - logs[SETTLED],
            "return_100": logs[SETTLED + 100] - logs[SETTLED],
            "price": logs[-1],
            "volatility": settled.std(),
            "kurtosis": stats.kurtosis(settled),
            "autocorrelation": np.corrcoef(settled[1:], settled[:-1])[0, 1],
            "volume_first_100": volumes[:100].sum(),
            "volume_settled": volumes[SETTLED:].sum(),
        }
        for name, value in figures.items():
            found.setdefault(name, []).append(float(value))
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment made for PAMS."""
    folder = tmp_path_factory.mktemp("pams")
    venv.create(folder, with_pip=True)
    program = str(folder / "bin" / "python")
    install = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PAMS]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"no {PAMS} to be had here: {installed.stderr.strip().splitlines()[-1]}")
    return program


def theirs(python: str, settings: dict[str, Any]) -> Sample:
    given = [str(SEEDS), str(STEPS), json.dumps(SHARED | settings)]
    done = subprocess.run([python, str(PROGRAM), *given], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return sampled([(np.array(prices), np.array(volumes)) for prices, volumes in rows])


def ours(folder: Path, keys: dict[str, Any], seeds: int = SEEDS) -> Sample:
    runs = (run(WORLDS / "fcn.yaml", seed=seed, set=keys, out=folder, report=False) for seed in range(seeds))
    return sampled([by_order(Run(each.path)) for each in runs])


def by_order(done: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The last price after each order and the lots that it traded, as PAMS has them by step; the index at first."""
    orders = done.table("orders").filter(pl.col("action") == "place").sort("t_ns").head(STEPS)
    assert len(orders) == STEPS
    trades = done.table("trades").group_by("taker_order").agg(pl.col("price_ticks").last(), pl.col("size_lots").sum())
    rows = orders.join(trades, left_on="order_id", right_on="taker_order", how="left", maintain_order="left")
    traded = rows["price_ticks_right"].fill_null(strategy="forward").fill_null(300_000).to_numpy()
    return traded / 1_000.0, rows["size_lots_right"].fill_null(0).to_numpy()


@pytest.mark.parametrize("world", IN_BOTH)
def test_returns_and_volumes_have_the_distribution_they_have_in_pams(world: str, python: str, tmp_path: Path) -> None:
    keys, settings = IN_BOTH[world]
    here, there = ours(tmp_path, keys), theirs(python, settings)
    rows = []
    for name, mine in here.items():
        test = stats.ks_2samp(mine, there[name])
        shared = {"figure": name, "distance": float(test.statistic), "p": float(test.pvalue)}
        rows.append({**shared, "mean": float(np.mean(mine)), "mean_pams": float(np.mean(there[name]))})
    write_table(f"fcn_{world}", rows)
    draw_returns(world, here, there)
    assert min(row["p"] for row in rows) > 0.01 / len(rows), rows
    assert np.mean(here["volume_settled"]) > 50


def draw_returns(world: str, here: Sample, there: Sample) -> None:
    rows = [
        {"return": value, "share": (place + 0.5) / SEEDS, "in": name}
        for name, sample in (("marketsim", here), ("PAMS", there))
        for place, value in enumerate(sorted(sample["return_100"]))
    ]
    x = alt.X("return:Q", title="log return over 100 orders")
    y = alt.Y("share:Q", title="share of seeds below")
    draw(f"fcn_{world}", rows, "FCN agents here and in PAMS", [alt.Chart().mark_line().encode(x=x, y=y, color="in:N")])


def test_a_fifth_of_the_seeds_would_tell_margins_half_as_wide(tmp_path: Path) -> None:
    """What is tested can fail: with margins of up to 5 % instead of 10 % volume is another."""
    wide = ours(tmp_path, {}, 40)
    narrow = ours(tmp_path, {f"{AGENTS}margin": {"uniform": [0, 0.05]}}, 40)
    assert stats.ks_2samp(wide["volume_settled"], narrow["volume_settled"]).pvalue < 1e-6
