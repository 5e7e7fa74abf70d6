"""Positions handed over at a liquidation without a trade, by takeover or deleveraging: their worth at the mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields

import polars as pl

from marketsim.analysis.run_data.market_units import MarketUnits, market_units
from marketsim.datasets.run import Run

Handovers = dict[tuple[str, str, str, str], int]
"""Atoms by (ledger entry, currency, cohort that took the position, cohort that gave it); negative for shorts."""


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A row of `liquidations` that handed a position on, as far as is needed here."""

    t_order_ns: int
    market: str
    cohort: str
    size_lots: int
    mark_price: float
    bankruptcy_price: float
    deleveraged_lots: int


@dataclass(frozen=True, slots=True)
class Deleveraging:
    """A row of `deleveragings`, as far as is needed here."""

    t_ns: int
    market: str
    cohort: str
    size_lots: int
    price: float
    rank: int


def handed_over(run: Run, since_ns: int, until_ns: int) -> Handovers:
    """Worth at the mark of the positions taken over and deleveraged in (since, until].

    The cash of a takeover goes from the insurance fund to the account (of a long), that of a deleveraging from the
    account on the other side; what was paid beyond this worth is what it cost them.
    """
    inside = pl.col("t_order_ns").is_between(since_ns, until_ns, closed="right")
    rows = run.table("liquidations").filter(inside, pl.col("stage").is_in(["takeover", "deleveraged"]))
    worth: Handovers = defaultdict(int)
    if rows.is_empty():
        return worth
    units = market_units(run)
    _add_takeovers(run, rows, units, worth)
    for cut, victim in deleveraged_for(run, rows):
        key = ("deleveraging", units[cut.market].asset, cut.cohort, victim.cohort)
        worth[key] += units[cut.market].worth_atoms(cut.size_lots, victim.mark_price)
    return worth


def _add_takeovers(run: Run, rows: pl.DataFrame, units: dict[str, MarketUnits], worth: Handovers) -> None:
    """The lots taken over are those of the liquidation that no trade of the account closed."""
    keys = ["t_order_ns", "market", "account"]
    sold = (
        run.scan("trades")
        .filter(pl.col("taker_purpose") == "liquidation", pl.col("t_ns").is_in(rows["t_order_ns"].unique().to_list()))
        .group_by("market", t_order_ns="t_ns", account="taker_account")
        .agg(filled=pl.when(pl.col("taker_side") == "sell").then("size_lots").otherwise(-pl.col("size_lots")).sum())
        .collect()
    )
    passes = run.table("liquidations").join(rows.select(keys).unique(), on=keys, how="semi")
    whole = passes.group_by(keys).agg(closed=pl.col("size_lots").sum(), passed_on=pl.col("deleveraged_lots").sum())
    taken = rows.filter(stage="takeover").join(whole, on=keys).join(sold, on=keys, how="left")
    columns = taken.select("market", "cohort", "mark_price", "closed", "passed_on", pl.col("filled").fill_null(0))
    for market, cohort, mark_price, closed, passed_on, filled in columns.iter_rows():
        lots = closed - filled - (passed_on if closed > 0 else -passed_on)
        worth["insurance", units[market].asset, "insurance", cohort] += units[market].worth_atoms(lots, mark_price)


def deleveraged_for(run: Run, rows: pl.DataFrame) -> Iterator[tuple[Deleveraging, Liquidation]]:
    """Each deleveraging with the liquidation it served, of the `liquidations` in `rows`.

    Which one it served is told by instant, market, lots, side and price.
    """
    victims: dict[tuple[int, str], list[Liquidation]] = defaultdict(list)
    for liquidation in _liquidations(rows.filter(stage="deleveraged")):
        victims[liquidation.t_order_ns, liquidation.market].append(liquidation)
    for cuts in _passes(run.table("deleveragings")):
        waiting = victims.get((cuts[0].t_ns, cuts[0].market), [])
        if waiting:
            victim = _victim_of(cuts, waiting)
            waiting.remove(victim)
            yield from ((cut, victim) for cut in cuts)


def _liquidations(rows: pl.DataFrame) -> Iterator[Liquidation]:
    return (Liquidation(*row) for row in rows.select(field.name for field in fields(Liquidation)).iter_rows())


def _passes(cuts: pl.DataFrame) -> list[list[Deleveraging]]:
    """Deleveragings in the order they happened, those for one account together: each pass counts its ranks from 0."""
    passes: list[list[Deleveraging]] = []
    for row in cuts.select(field.name for field in fields(Deleveraging)).iter_rows():
        cut = Deleveraging(*row)
        if cut.rank == 0 or not passes:
            passes.append([])
        passes[-1].append(cut)
    return passes


def _victim_of(cuts: list[Deleveraging], waiting: list[Liquidation]) -> Liquidation:
    """The liquidation that a pass belongs to: of the same lots and side, and nearest in price."""
    lots, price = sum(cut.size_lots for cut in cuts), cuts[0].price
    return min(
        waiting,
        key=lambda one: (
            one.deleveraged_lots != abs(lots),
            (one.size_lots > 0) != (lots > 0),
            abs(one.bankruptcy_price - price),
        ),
    )
