"""The tape of one perpetual: its mark, quotes and funding as a run recorded them, and its fees and margin terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Integers
from marketsim.datasets.run import Run
from marketsim.units import rate_parts, to_atoms
from marketsim.venues.contract import MarketSpec
from marketsim.venues.margin import TierTable, tier_table


@dataclass(frozen=True, slots=True)
class PerpTerms:
    """Atoms of one lot moving one tick, taker fee and liquidation fee [parts of 1e8], margin tiers."""

    atoms_per_tick_lot: int
    taker_parts: int
    liquidation_parts: int
    tiers: TierTable


@dataclass(frozen=True, slots=True)
class Tape:
    """Prices (n,) at each recorded instant [ns; ticks, 0 where a side was empty], and funding settlements.

    funding: (t_ns, atoms) of each settlement; the atoms are what one long lot paid.
    """

    t_ns: Integers
    mark: Integers
    bid: Integers
    ask: Integers
    funding: tuple[tuple[int, int], ...]

    def at(self, t_ns: int) -> int:
        """Index of the last instant recorded at t_ns or before; of the first one where there is none."""
        return max(int(np.searchsorted(self.t_ns, t_ns, side="right")) - 1, 0)


def perp_terms(market: MarketSpec) -> PerpTerms:
    """The fees and margin tiers of a market, as declared."""
    return PerpTerms(
        to_atoms(market.tick.amount * market.lot.amount),
        rate_parts(market.fees.taker),
        rate_parts(market.liquidation.fee),
        tier_table(market.margin.tiers),
    )


def read_tape(run: Run, market: MarketSpec) -> Tape:
    """The tape of a market, as fine as the `marks` and `quotes` of the run."""
    tick = float(market.tick.amount)
    marks = run.scan("marks").filter(pl.col("market") == market.id, pl.col("mark_price").is_not_null())
    quotes = run.scan("quotes").filter(pl.col("market") == market.id)
    both = (
        marks.select("t_ns", mark=(pl.col("mark_price") / tick).round().cast(pl.Int64))
        .join(
            quotes.select(
                "t_ns",
                bid=pl.when(pl.col("bid_lots") > 0).then("bid_ticks").otherwise(0),
                ask=pl.when(pl.col("ask_lots") > 0).then("ask_ticks").otherwise(0),
            )
            .group_by("t_ns")
            .last(),
            on="t_ns",
            how="full",
            coalesce=True,
        )
        .sort("t_ns")
        .with_columns(pl.col("mark", "bid", "ask").forward_fill())
        .filter(pl.col("mark").is_not_null())
        .with_columns(pl.col("bid", "ask").fill_null(0))
        .collect()
    )
    settled = run.table("funding").filter(market=market.id).sort("t_ns").select("t_ns", "atoms_per_lot").rows()
    mark, bid, ask = (both[name].to_numpy().astype(np.int64) for name in ("mark", "bid", "ask"))
    return Tape(both["t_ns"].to_numpy().astype(np.int64), mark, bid, ask, tuple(settled))
