"""Panels that figures of a run share: the depth of a book, or where that was not recorded its spread."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from marketsim.figures.picture import LeftOut, Panel, Series
from marketsim.figures.run_source import Instrument, RunSource, drawn_as
from marketsim.figures.thinning import collected

NEAREST_BPS = 10.0
"""Depth is drawn within the recorded distance nearest to this."""

Instants = Callable[[Series], Series]
"""What puts a series' instants on the axis of its figure."""


def book(source: RunSource, instrument: Instrument, begin_ns: int, end_ns: int, on_axis: Instants) -> tuple[
    Panel, str
]:  # fmt: skip
    """The depth of both sides, or the spread; raises `LeftOut` where neither was recorded."""
    try:
        return _depth(source, instrument, begin_ns, end_ns, on_axis)
    except LeftOut as no_depth:
        try:
            return _spread(source, instrument, begin_ns, end_ns, on_axis)
        except LeftOut as no_spread:
            raise LeftOut(f"no depth ({no_depth}) and no spread ({no_spread})") from None


def _depth(
    source: RunSource, instrument: Instrument, begin_ns: int, end_ns: int, on_axis: Instants
) -> tuple[Panel, str]:
    frame = source.scan("depth", "t_ns", "market", "side", "bps", "size_lots")
    own = frame.filter(pl.col("market") == instrument.market)
    distances = collected(source.run, own.select(pl.col("bps").unique()))["bps"]
    if distances.is_empty():
        raise LeftOut(f"{instrument.market} has no depth")
    within = min(distances, key=lambda bps: (abs(bps - NEAREST_BPS), bps))
    lots, sides = pl.col("size_lots").cast(pl.Float64) * instrument.lot, {}
    for place, side in enumerate(("bid", "ask")):
        rows = own.filter((pl.col("side") == side) & (pl.col("bps") == within))
        sides[side] = source.thinned(rows, lots, begin_ns, end_ns), place
    series = [on_axis(found.series(f"{side}s", place)) for side, (found, place) in sides.items()]
    label = f"depth in {within:g} bps\n[{instrument.underlying}]"
    told = f"size that rests within {within:g} bps of the mid on either side ({drawn_as(sides['bid'][0], 'depth')})"
    return Panel(label, series), told


def _spread(
    source: RunSource, instrument: Instrument, begin_ns: int, end_ns: int, on_axis: Instants
) -> tuple[Panel, str]:
    frame = source.scan("quotes", "t_ns", "market", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    two_sided = (pl.col("market") == instrument.market) & (pl.col("bid_lots") > 0) & (pl.col("ask_lots") > 0)
    bid, ask = (pl.col(name).cast(pl.Float64) for name in ("bid_ticks", "ask_ticks"))
    found = source.thinned(frame.filter(two_sided), 2e4 * (ask - bid) / (ask + bid), begin_ns, end_ns)
    told = f"ask less bid over the mid ({drawn_as(found, 'quotes')}); depth was not recorded"
    return Panel("spread\n[bps]", [on_axis(found.series(""))]), told
