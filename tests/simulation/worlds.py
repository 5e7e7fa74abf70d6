"""Small worlds that the tests of whole simulations share, and two ways to run one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from marketsim import scenario
from marketsim.datasets.recorder import Recorder
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.arms import FACTUAL
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording.model_recorder import ModelRecorder

SECOND = 10**9
MILLISECOND = 10**6
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ATOMS = 10**8

GBM = {"kind": "gbm", "price": "30000 USDT", "volatility": "70%/yr"}
STILL = {"kind": "constant", "price": "30000 USDT"}
PERP = {"id": "BTC-PERP", "underlying": "BTC", "insurance_fund": "200 kUSDT"}
FREE = {
    "id": "BTC-PERP",
    "underlying": "BTC",
    "tick": "0.1 USDT",
    "lot": "0.001 BTC",
    "fees": {"maker": "0 bps", "taker": "0 bps"},
    "mark": {"rule": "index"},
    "funding": {"interest": "0 bps", "damper": "0 bps", "cap": "0 bps"},
    "margin": {"tiers": "none"},
}
"""A market that costs nothing and marks at its index: what happens is the arithmetic of its participants alone."""

NOISE = {"id": "noise", "kind": "noise", "market": "BTC-PERP", "count": 150, "rate": "60/h", "capital": "20 kUSDT"}
MAKERS = {
    "id": "makers",
    "kind": "market_maker",
    "market": "BTC-PERP",
    "count": 3,
    "capital": "2 MUSDT",
    "size": "4 kUSDT",
    "skew_inventory": "280 kUSDT",
    "max_inventory": "1 MUSDT",
    "fees": {"maker": "0 bps", "taker": "2 bps"},
}
VALUE = {"id": "value", "kind": "fundamentalist", "market": "BTC-PERP", "count": 60, "capital": "100 kUSDT"}
TREND = {"id": "trend", "kind": "trend", "market": "BTC-PERP", "count": 20, "capital": "20 kUSDT"}
RETAIL = {
    "id": "retail",
    "kind": "retail",
    "market": "BTC-PERP",
    "count": 40,
    "capital": "3 kUSDT",
    "start": {"leverage": {"uniform": ["2", "20"]}, "long_share": "60%"},
}
CROWD = (NOISE, MAKERS, VALUE, TREND, RETAIL)

UP = {
    "id": "UP",
    "issuer": "alpha",
    "basket": {"BTC-PERP": 3},
    "aum": "1 MUSDT",
    "nav": "100 USDT",
    "rebalance": {"policy": "daily", "at": "00:02"},
    "execution": {"algorithm": "ioc_ladder", "slice": "20 kUSDT", "every": "5s"},
}
DOWN = {**UP, "id": "DOWN", "basket": {"BTC-PERP": -3}, "aum": "500 kUSDT"}
OFF_BOOK = {"algorithm": "off_book"}

RECORD = {"quotes": "1min", "marks": "1min", "tokens": "1min", "cohorts": "10min", "positions": "10min"}


def world(
    *,
    start: str = "2024-01-01T23:30:00Z",
    duration: str = "1h",
    seed: int = 1,
    index: dict[str, Any] = GBM,
    market: dict[str, Any] = PERP,
    traders: Sequence[dict[str, Any]] = CROWD,
    clock: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
    **parts: Any,
) -> Scenario:
    """A scenario from its parts; a world around midnight with one perpetual, unless the parts say otherwise."""
    whole = {
        "schema": "marketsim/1",
        "name": "small",
        "clock": {"start": start, "duration": duration, **(clock or {})},
        "seed": seed,
        "underlyings": [{"id": "BTC", "index": index}],
        "markets": [market],
        "traders": list(traders),
        "record": {**RECORD, **(record or {})},
        **parts,
    }
    return scenario.load_text(json.dumps(whole))


def steps(*points: tuple[str, str]) -> dict[str, Any]:
    """An index written down: it jumps to each price at its time."""
    return {"kind": "path", "interpolate": "step", "points": [list(point) for point in points]}


@dataclass
class Recorded:
    """A world that was run to its end, with its tables and their hashes."""

    folder: Path
    hashes: dict[str, str]
    residual_atoms: int
    digest: str

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "tables" / f"{name}.parquet")


def recorded(
    world: Scenario,
    folder: Path,
    *,
    stops: Sequence[int] = (),
    before: Callable[[MarketModel], Any] = lambda model: None,
    arm: ArmSpec = FACTUAL,
    children: pl.DataFrame | None = None,
) -> Recorded:
    """Run a world to its end with its record, stopping on the way at instants [ns]; `before` may add agents.

    children: the factual run's table, for placebo arms.
    """
    rows = () if children is None else children.iter_rows(named=True)
    model = MarketModel(world, arm=arm, children=rows)
    before(model)
    recorder = Recorder(folder)
    record = ModelRecorder(model, recorder)
    record.start()
    for t_ns in stops:
        model.env.run(t_ns)
    model.env.run()
    record.finish()
    tables = recorder.close()
    hashes = {name: summary.content_sha256 for name, summary in tables.items()}
    result = Recorded(folder, hashes, model.world.check_conserved(), model.world.digest())
    model.close()
    return result
