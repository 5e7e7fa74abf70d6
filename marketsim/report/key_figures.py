"""The figures a run's page begins with: its largest reset, what holders got, liquidations, funding."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from marketsim.report import numbers
from marketsim.report.record import RunRecord
from marketsim.report.resets import Reset, largest_reset
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

Tile = tuple[str, object, str]
"""A name, the figure, and a few words below it."""

_HOUR_NS = 3_600 * NS_PER_SECOND


def key_figures(record: RunRecord) -> list[Tile]:
    """The tiles of a run; those of tokens only where there are any."""
    has_tokens = bool(record.resolved.get("tokens")) or record.scan("tokens") is not None
    tiles = [*_of_largest_reset(record), _navs(record), _holders(record)] if has_tokens else []
    tiles += [_liquidations(record), _funding(record)] if record.has_perpetuals else []
    trades = (record.manifest.get("counts") or {}).get("trades")
    return tiles or [("Trades", numbers.count(trades), "")]


def _of_largest_reset(record: RunRecord) -> list[Tile]:
    reset = largest_reset(record)
    if reset is None:
        return [("Largest reset", "none", "no token's order was filled")]
    asset = record.of(reset.market).asset
    sides = [f"{name} {numbers.scaled(amount, asset)}" for name, amount in
             (("bought", reset.bought), ("sold", reset.sold)) if amount]  # fmt: skip
    who = reset.tokens[0] if len(reset.tokens) == 1 else f"{len(reset.tokens)} tokens"
    when = f"{record.instant(reset.decided_ns)}, {reset.market}, {who}: {', '.join(sides)}"
    return [
        ("Largest reset", numbers.scaled(reset.notional, asset), when),
        ("Its share of the volume", numbers.percent(reset.share), "of the market, from its decision to its last fill"),
        ("Its slippage", _bps(reset.slippage_bps), "against the mid at the decision; + is a cost, fees apart"),
        ("Left an hour later", _bps(reset.after_hour_bps), _left(record, reset)),
    ]


def _left(record: RunRecord, reset: Reset) -> str:
    """What the hour after a reset is told from, or why it is not known."""
    if reset.after_hour_bps is None:
        ended = reset.last_ns is not None and reset.last_ns + _HOUR_NS > record.duration_ns
        return "not known: the run ended before" if ended else "not known: the market had no mid then"
    soon = "" if reset.after_minute_bps is None else f"{_bps(reset.after_minute_bps)} a minute after its last fill; "
    return f"{soon}moves of the index are in it, which only a study takes out"


def _bps(value: float | None) -> str:
    return numbers.ABSENT if value is None else f"{numbers.short(value)} bps"


def _navs(record: RunRecord) -> Tile:
    """The lowest and the highest change of NAV over the run."""
    frame = record.table("tokens", "t_ns", "token", "nav")
    if frame is None:
        return ("NAV", numbers.ABSENT, "no token was recorded")
    ends = frame.sort("t_ns", maintain_order=True).group_by("token", maintain_order=True).agg(
        pl.col("nav").first().alias("first"), pl.col("nav").last().alias("last")
    )  # fmt: skip
    changes = {token: last / first - 1 for token, first, last in ends.iter_rows() if first and last is not None}
    if not changes:
        return ("NAV", numbers.ABSENT, "no token has one")
    low, high = min(changes, key=changes.__getitem__), max(changes, key=changes.__getitem__)
    if low == high:
        return ("NAV", _signed(changes[low]), f"of {low}, over the run")
    return ("NAV", f"{_signed(changes[low])} … {_signed(changes[high])}", f"{low} … {high}, over the run")


def _signed(share: float) -> str:
    return f"{'+' if share > 0 else ''}{numbers.percent(share)}"


def _holders(record: RunRecord) -> Tile:
    """What all holders together gained: value at the end and sales, less purchases and value at the start."""
    found = holders_result(record)
    if not found:
        return ("Holders' result", numbers.ABSENT, "holders were not recorded")
    told = " and ".join(numbers.money(atoms, asset, sign=True) for asset, atoms in found.items())
    return ("Holders' result", told, "of all tokens together: worth at the end and sales, less purchases and worth at "
            "the start")  # fmt: skip


def holders_result(record: RunRecord) -> dict[str, int]:
    """What holders gained over the run by currency [atoms]; units are worth NAV."""
    holders, tokens = record.table("holders"), record.table("tokens", "t_ns", "token", "nav")
    if holders is None or tokens is None:
        return {}
    first = tokens.sort("t_ns", maintain_order=True).group_by("token", maintain_order=True).first()
    navs: dict[str, float] = dict(first.select("token", "nav").iter_rows())
    gained: dict[str, Any] = {}
    for row in holders.iter_rows(named=True):
        opening = round(row["units_start"] * (navs.get(row["token"]) or 0.0) * ATOMS_PER_UNIT)
        asset = record.asset_of(row["token"])
        mine = row["end_value_atoms"] + row["sold_atoms"] - row["bought_atoms"] - opening
        gained[asset] = gained.get(asset, 0) + mine
    return gained


def _liquidations(record: RunRecord) -> Tile:
    counts = record.manifest.get("counts") or {}
    frame = record.table("liquidations", "market", "size_lots", "mark_price")
    amounts: dict[str, list[float]] = {}
    for market, lots, mark in [] if frame is None else frame.iter_rows():
        amounts.setdefault(record.of(market).asset, []).append(record.of(market).notional(abs(lots), mark) or 0.0)
    told = [numbers.scaled(math.fsum(own), asset) for asset, own in amounts.items()]
    told += [f"{numbers.count(number)} deleveragings" for number in [counts.get("deleveragings")] if number]
    return ("Liquidations", numbers.count(counts.get("liquidations")), ", ".join(told))


def _funding(record: RunRecord) -> Tile:
    frame = record.table("funding", "market", "rate", "paid_by_longs_atoms")
    if frame is None:
        return ("Funding", "none", "no settlement fell into the run")
    paid: dict[str, int] = {}
    for market, atoms in frame.select("market", "paid_by_longs_atoms").iter_rows():
        asset = record.of(market).asset
        paid[asset] = paid.get(asset, 0) + int(atoms)
    told = " and ".join(numbers.money(abs(atoms), asset) for asset, atoms in paid.items())
    sides = {atoms > 0 for atoms in paid.values() if atoms}
    who = "longs to shorts" if sides == {True} else "shorts to longs" if sides == {False} else "net between both sides"
    mean: Any = frame["rate"].mean()
    settled = "1 settlement" if frame.height == 1 else f"{numbers.count(frame.height)} settlements"
    return ("Funding", told, f"{who}; {settled}, {numbers.bps(mean)} in the mean")
