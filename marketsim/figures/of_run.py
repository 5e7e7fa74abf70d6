"""The figures of a run: the loop of each market, and the largest reset."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from marketsim.datasets.run import Run
from marketsim.figures.drawn import Drawn, Gathering, Omission
from marketsim.figures.largest_reset import largest_reset
from marketsim.figures.loop import loop
from marketsim.figures.picture import LeftOut, Picture
from marketsim.figures.run_source import RunSource

MOST_MARKETS = 6
_TABLES = ("children", "depth", "instruments", "marks", "quotes", "rebalances", "token_legs", "tokens")
"""Tables that the figures are made of."""


def run_pictures(run: Run) -> Drawn:
    """What can be drawn of a run, and what not; a failed run as far as it got.

    Raises `DamagedResultError` where a table is not what was written.
    """
    source, gathering = RunSource(run), Gathering([])
    try:
        markets = source.markets
    except LeftOut as reason:
        return Drawn([], [Omission("every figure", str(reason))], provenance(run))
    gathering.left_out += [
        Omission(f"loop of {market}", f"only the first {MOST_MARKETS} markets are drawn")
        for market in markets[MOST_MARKETS:]
    ]
    names = _names(markets[:MOST_MARKETS])
    makers: list[tuple[str, Callable[[], Picture]]] = [
        (name, partial(loop, source, market, name, gathering)) for market, name in names.items()
    ]
    makers.append(("largest_reset", partial(largest_reset, source, "largest_reset", gathering)))
    return Drawn(gathering.pictures(makers), gathering.left_out, provenance(run))


def _names(markets: list[str]) -> dict[str, str]:
    """The name of each market's files: `loop`, with the market where there are several."""
    if len(markets) == 1:
        return {markets[0]: "loop"}
    return {market: f"loop_{place}_{re.sub(r'[^A-Za-z0-9-]', '-', market)}" for place, market in enumerate(markets, 1)}


def provenance(run: Run) -> list[str]:
    """Which run it was, of which world, by which code, and what its tables hold, as sentences."""
    manifest = run.manifest
    get = manifest.get
    cell = "" if get("cell") is None else f"cell {get('cell')}, "
    said = [
        f"Run {get('run_id')} of {get('name')}: {cell}seed {get('seed')}, replication {get('replication')}, arm"
        f" {get('arm')}.",
        f"marketsim {get('versions', {}).get('marketsim', 'of an unknown version')}; scenario_sha256"
        f" {get('scenario_sha256')}.",
    ]
    if get("status") != "ok":
        said.append(f"The run failed ({get('reason')}), and is drawn as far as it got.")
    hashes = [
        f"  {name} {table['content_sha256']}"
        for name in _TABLES
        if (table := get("tables", {}).get(name)) is not None and table.get("content_sha256")
    ]
    return [*said, "\n".join(["content_sha256 of its tables:", *hashes])] if hashes else said
