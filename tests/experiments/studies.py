"""A small study, and what the tests of sweeps say about one."""

import json
from pathlib import Path
from typing import Any

from marketsim import scenario
from marketsim.scenario.schema import Scenario

SMALL = """
schema: marketsim/1
name: small
clock: {start: 2024-01-01T23:58:00Z, duration: 6min}
seed: 7
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}
markets:
  - {id: BTC-PERP, underlying: BTC, insurance_fund: 200 kUSDT}
tokens:
  - id: UP
    issuer: alpha
    basket: {BTC-PERP: 3}
    aum: 1 MUSDT
    nav: 100 USDT
    start: {leverage: 3.1}
    rebalance: {policy: daily, at: "00:02"}
    execution: {algorithm: ioc_ladder, slice: 20 kUSDT, every: 5s}
traders:
  - {id: noise, kind: noise, market: BTC-PERP, count: 40, rate: 60/h, capital: 20 kUSDT}
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 2, capital: 2 MUSDT, size: 4 kUSDT}
record: {quotes: 1min}
study:
  arms: ARMS
  replications: REPLICATIONS
  over: {tokens.UP.aum: [SIZES]}
"""


def text(arms: str = "[factual, frictionless]", replications: int = 2, sizes: str = "1 MUSDT, 2 MUSDT") -> str:
    """The same as a file."""
    return SMALL.replace("ARMS", arms).replace("REPLICATIONS", str(replications)).replace("SIZES", sizes)


def study(arms: str = "[factual, frictionless]", replications: int = 2, sizes: str = "1 MUSDT, 2 MUSDT") -> Scenario:
    """Six minutes of forty traders and a token that resets in them, in as many cells, replications and arms."""
    return scenario.load_text(text(arms, replications, sizes), name="small")


def manifests(path: Path) -> dict[str, dict[str, Any]]:
    """The manifest of every run directory below a folder, by run id."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(path.rglob("manifest.json"))]
    assert len({manifest["run_id"] for manifest in found}) == len(found)
    return {manifest["run_id"]: manifest for manifest in found}


def contents(path: Path) -> dict[str, dict[str, str]]:
    """The content hash of every table of every run below a folder, by run id."""
    return {
        run_id: {table: summary["content_sha256"] for table, summary in manifest["tables"].items()}
        for run_id, manifest in manifests(path).items()
    }


def left_over(path: Path) -> list[str]:
    """Hidden files and folders below a folder: what something half-done would have left."""
    return sorted(str(each.relative_to(path)) for each in path.rglob(".*"))
