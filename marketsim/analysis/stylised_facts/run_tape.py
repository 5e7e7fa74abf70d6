"""The record of one market of a run, after its warm-up, from the run's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.run_data.measured_period import MeasuredPeriod, measured_period
from marketsim.analysis.run_data.recording import cadence_ns, underlying_markets
from marketsim.analysis.stylised_facts.depth import WITHIN_BPS
from marketsim.analysis.stylised_facts.hit_side import SHOWS_IT
from marketsim.analysis.stylised_facts.hit_side import WITHIN_BPS as HIT_BPS
from marketsim.analysis.stylised_facts.tape import HOUR_NS, Dated, Depth, Fills, Quotes, Tape
from marketsim.datasets.columns import price_of_ticks
from marketsim.datasets.run import Run
from marketsim.errors import UsageError
from marketsim.scenario.quantities import read_quantity
from marketsim.units import duration_ns

_FUNDING_NS = 8 * HOUR_NS


def tape_of_run(run: Run, market: str | None = None) -> Tape:
    """One market's record of a run, the warm-up left out; market: None for the first of an underlying.

    Raises `UsageError` for a market that the run has not.
    """
    instruments = {row["market"]: row for row in run.table("instruments").iter_rows(named=True)}
    chosen = next(iter(underlying_markets(run)), None) if market is None else market
    if chosen is None or chosen not in instruments:
        raise UsageError(f"--market: was {market!r}; allowed: {', '.join(instruments)}")
    return _Reader(run, chosen, measured_period(run), instruments[chosen]).tape()


@dataclass(frozen=True)
class _Reader:
    run: Run
    market: str
    period: MeasuredPeriod
    instrument: Mapping[str, Any]

    def tape(self) -> Tape:
        instrument, underlying = self.instrument, str(self.instrument["underlying"] or "")
        parts: dict[str, Any] = {"fills": self._fills(), "quotes": self._quotes(), "depth": self._depth()}
        missing = {
            "fills": "record: {trades: all} shows it",
            "quotes": "record: {quotes: 1s} shows it",
            "depth": "record: {depth: {bps: [10], every: 1min}} shows it",
            f"depth {HIT_BPS:g}": f"depth within {HIT_BPS:g} bps was not recorded; {SHOWS_IT}",
        }
        if instrument["kind"] == "perpetual":
            parts |= self._of_perpetual()
            missing["interest"] = "record: {marks: 1min} shows it"
        else:
            missing |= dict.fromkeys(("interest", "funding", "liquidations"), "a spot market has none")
        return Tape(
            f"{self.run.manifest['name']} {self.run.manifest['run_id']}, {self.market}", self.market, underlying,
            self.period.start_ns, self.period.begin_ns, self.period.end_ns, float(instrument["tick"]),
            missing=missing, is_of_index=self._is_of_index(underlying), **parts,
        )  # fmt: skip

    def _is_of_index(self, underlying: str) -> bool:
        """Whether the index moves by itself: neither made of simulated books nor behind a latent fundamental."""
        found = next((each for each in self.run.resolved["underlyings"] if each["id"] == underlying), None)
        return found is not None and (found.get("index") or {}).get("kind") != "book" and not found.get("latent")

    def _rows(self, table: str, *columns: str | pl.Expr) -> pl.DataFrame:
        """Instants and columns of the market's rows in the measured period."""
        of_market = pl.col("market") == self.market
        inside = pl.col("t_ns").is_between(self.period.begin_ns, self.period.end_ns)
        return self.run.scan(table).filter(inside & of_market).select("t_ns", *columns).collect()

    def _units(self, lots: Floats, price: Floats | float) -> Floats:
        """Lots in units of the underlying at a price."""
        size: Floats = lots * float(self.instrument["lot"])
        return size / price if self.instrument["contract"] == "inverse" else size

    def _fills(self) -> Fills | None:
        if self.run.resolved["record"]["trades"] != "all":
            return None
        sign = pl.when(pl.col("taker_side") == "buy").then(1).otherwise(-1).cast(pl.Int8).alias("sign")
        rows = self._rows("trades", "price", "size_lots", "taker_order", sign)
        price = rows["price"].to_numpy()
        size = self._units(rows["size_lots"].to_numpy(), price)
        return Fills(rows["t_ns"].to_numpy(), price, size, rows["sign"].to_numpy(), rows["taker_order"].to_numpy())

    def _quotes(self) -> Quotes | None:
        every = cadence_ns(self.run, "quotes")
        if every is None:
            return None
        rows = self._rows("quotes", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
        tick = float(self.instrument["tick"])
        bid, ask = (
            np.where(lots > 0, price_of_ticks(rows[f"{side}_ticks"].to_numpy(), tick), np.nan)
            for side, lots in (("bid", rows["bid_lots"].to_numpy()), ("ask", rows["ask_lots"].to_numpy()))
        )
        return Quotes(rows["t_ns"].to_numpy(), bid, ask, every)

    def _depth(self) -> Depth | None:
        recorded = self.run.resolved["record"]["depth"]
        if recorded in (None, "none"):
            return None
        wanted = [bps for bps in (HIT_BPS, WITHIN_BPS) if bps in [float(each) for each in recorded["bps"]]]
        bids, asks = (
            self._rows("depth", "side", "bps", "size_lots")
            .filter((pl.col("side") == side) & pl.col("bps").is_in(wanted))
            .pivot("bps", index="t_ns", values="size_lots", aggregate_function="first")
            .sort("t_ns")
            for side in ("bid", "ask")
        )
        price = self._median_price() if self.instrument["contract"] == "inverse" else 1.0
        within = {
            bps: tuple(self._units(side[str(bps)].to_numpy(), price) for side in (bids, asks))
            for bps in wanted
            if str(bps) in bids.columns
        }
        return Depth(bids["t_ns"].to_numpy(), within, duration_ns(recorded["every"]))  # type: ignore[arg-type]

    def _median_price(self) -> float:
        return float(self._rows("quotes", "mid")["mid"].median() or 1.0)  # type: ignore[arg-type]

    def _of_perpetual(self) -> dict[str, Dated | float | None]:
        terms: dict[str, Any] = next((each for each in self.run.resolved["markets"] if each["id"] == self.market), {})
        funding = terms.get("funding") or {}
        scale = 1e4 * _FUNDING_NS / duration_ns(str(funding.get("every", "8h")))
        interest = read_quantity(str(funding["interest"])) if "interest" in funding else None
        marks = self._rows("marks", "mark_price", "open_interest_lots", "predicted_funding").drop_nulls("mark_price")
        rates, predicted = self._rows("funding", "rate"), marks.drop_nulls("predicted_funding")
        found = self._rows("liquidations", "size_lots", "mark_price")
        return {
            "interest": self._notional(marks, "open_interest_lots") if cadence_ns(self.run, "marks") else None,
            "funding": Dated(rates["t_ns"].to_numpy(), rates["rate"].to_numpy() * scale),
            "predicted": Dated(predicted["t_ns"].to_numpy(), predicted["predicted_funding"].to_numpy() * scale),
            "interest_rate": None if interest is None else float(interest.amount) * scale,
            "liquidations": self._notional(found, "size_lots"),
        }

    def _notional(self, rows: pl.DataFrame, lots: str) -> Dated:
        """Lots at the mark [quote currency]."""
        price = rows["mark_price"].to_numpy()
        return Dated(rows["t_ns"].to_numpy(), np.abs(self._units(rows[lots].to_numpy(), price)) * price)
