"""The record of a real market from a file of trades, quotes, books or bars, or from trades and quotes in two files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.depth import WITHIN_BPS
from marketsim.analysis.stylised_facts.hit_side import WITHIN_BPS as HIT_BPS
from marketsim.analysis.stylised_facts.taker_orders import merged_by_millisecond
from marketsim.analysis.stylised_facts.tape import Bars, Depth, Fills, Quotes, Tape
from marketsim.errors import DataFileError
from marketsim.market_data.market_rows import MarketRows, read_market_rows

_NOT_IN_A_FILE = ("interest", "funding", "liquidations")
_REACHED = 0.95
"""The share of books whose levels have to go as far as the distance."""


def tape_of_files(path: Path, quotes: Path | None = None, asset: str | None = None) -> Tape:
    """One market's record of a file; quotes: a second file of its quotes; asset: which, of a file of several.

    The first instant of a file is the begin of its record. Raises `DataFileError` for what cannot be read.
    """
    first = read_market_rows(path, asset)
    second = None if quotes is None else read_market_rows(quotes, asset)
    if second is not None and (first.of, second.of) != ("trades", "quotes"):
        raise DataFileError("path", f"{path.name}, {quotes}", "these are two files", "trades, then quotes")
    both = [first] if second is None else [first, second]
    start = min(int(rows.t_ns[0]) for rows in both)
    begin = max(int(rows.t_ns[0]) for rows in both) - start
    end = min(int(rows.t_ns[-1]) for rows in both) - start
    if end <= begin:
        raise DataFileError("path", path.name, "its rows span no time", "two instants or more, in both files")
    missing = dict.fromkeys(_NOT_IN_A_FILE, f"a file of {first.of} does not show it")
    missing["quotes"] = f"a file of {first.of} shows no quotes (--quotes FILE gives them beside trades)"
    missing["depth"] = f"a file of {first.of} shows no depth"
    missing["fills"] = f"a file of {first.of} shows no trades"
    underlying = first.asset or _asset_in(path.name)
    tape = Tape(f"{path.name} ({first.format})", first.asset, underlying, start, begin, end, missing=missing)
    for rows in both:
        tape = _with(tape, rows, rows.t_ns - start)
    return tape


def _asset_in(name: str) -> str:
    """A large market that a file's name says, nothing where it says none."""
    return next((large for large in ("BTC", "XBT", "ETH") if large in name.upper()), "")


def _with(tape: Tape, rows: MarketRows, times: Integers) -> Tape:
    """The record with what a file has of it, between its begin and its end."""
    if rows.of == "trades":
        return _with_trades(tape, rows, times)
    if rows.of == "quotes":
        quotes = Quotes(times, rows.columns["bid"], rows.columns["ask"], 0)
        depth, why = _depth(rows, times)
        return replace(tape, quotes=quotes, depth=depth, missing={**tape.missing, **why})
    every = int(np.median(np.diff(times))) if len(times) > 1 else 0
    if every <= 0:
        raise DataFileError("path", tape.title, "one bar does not say how long it is", "two bars or more")
    columns, volume = rows.columns, rows.columns.get("notional")
    if volume is None and "volume" in columns:
        volume = columns["volume"] * columns["close"]
    bars = Bars(times + every, columns["open"], columns["close"], volume, every)
    return replace(tape, bars=bars, end_ns=tape.end_ns + every)


def _with_trades(tape: Tape, rows: MarketRows, times: Integers) -> Tape:
    inside = (times >= tape.begin_ns) & (times <= tape.end_ns)
    columns = {key: column[inside] for key, column in rows.columns.items()}
    times = times[inside]
    if "size" not in columns:
        return replace(
            tape, fills=None, missing={**tape.missing, "fills": "the file does not say sizes"},
            bars=Bars(times, columns["price"], columns["price"], None, 0),
        )  # fmt: skip
    sign = columns.get("sign", np.zeros(len(times))).astype(np.int8)
    order, group = merged_by_millisecond(times, sign)
    times = times[group[order]]  # of the first fill of each order
    fills = Fills(times, columns["price"][order], columns["size"][order], sign[order], group[order])
    return replace(tape, fills=fills)


def _depth(rows: MarketRows, times: Integers) -> tuple[Depth | None, dict[str, str]]:
    """Depth of the books of a file, as far as their levels go."""
    if rows.books is None:
        return None, {"depth": "a file of best quotes shows no depth"}
    places, levels = rows.books
    within: dict[float, tuple[Floats, Floats]] = {}
    why: dict[str, str] = {}
    mid = (levels["bid_prices"][:, 0] + levels["ask_prices"][:, 0]) / 2
    usable = np.isfinite(mid)
    for bps in (HIT_BPS, WITHIN_BPS):
        sides, reached = [], np.ones(len(mid), np.bool_)
        for side, sign in (("bid", 1.0), ("ask", -1.0)):
            distance = sign * (mid[:, None] - levels[f"{side}_prices"]) / mid[:, None] * 1e4
            reached &= ~(distance[:, -1] < bps)
            sides.append(np.where(distance <= bps, np.nan_to_num(levels[f"{side}_sizes"]), 0.0).sum(axis=1))
        if reached[usable].mean() < _REACHED if usable.any() else True:
            why[f"depth {bps:g}"] = f"the {levels['bid_prices'].shape[1]} levels of the books end within {bps:g} bps"
            continue
        within[bps] = (sides[0][usable], sides[1][usable])
    sampled = times[places][usable]
    every = int(np.median(np.diff(sampled))) if len(sampled) > 1 else 0
    return Depth(sampled, within, every), why
