"""The transfer matrix: who paid whom and for what, closed to the atom (docs/contract.md#transfers).

Each trade moves size x (price - M(t + 10 min)) from the buyer's to the seller's cohort: what the seller got above what
the thing was worth ten minutes later. Everything else that a position earns settles against `market_pool`, which pays
the buyer size x (mark at the end - M) and is paid it by the seller. Fees, funding, insurance and the like are as the
ledger has them. A cohort's opening equity plus what it got less what it paid is its closing equity, exactly.

It stays exact because M is counted in half ticks and each trade's transfer is rounded down to an atom; what is rounded
off is settled with the pool in the same trade. Fills off the book are at the mark (docs/contract.md#meaning-of-a-world)
and settle with the pool alone. A position handed over (takeover, deleveraging) is valued at the mark of that instant,
so that `insurance` and `deleveraging` are what was paid beyond its worth. Equity leaves out token units, so what a unit
was worth settles with the pool as cause `units`. A trade less than ten minutes before the end is valued at the last
mark (units: the last mid); one before any mid, at its own price.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from marketsim.analysis.run_data.market_units import market_units
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import COARSEST_NS
from marketsim.analysis.run_data.recording import require_cadence, require_trades, underlying_markets
from marketsim.analysis.transfers.position_handovers import Handovers, handed_over
from marketsim.analysis.transfers.trade_transfers import TradeTransfer, trade_transfers
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import NS_PER_DAY

POOL = "market_pool"
Position = tuple[str, str]
"""Cohort and market."""
Account = tuple[str, str]
"""Cohort and currency."""


class FlowKey(NamedTuple):
    """What a sum of atoms is booked under; purposes are those of a trade's orders, else None."""

    cause: str
    asset: str
    from_cohort: str
    to_cohort: str
    from_purpose: str | None = None
    to_purpose: str | None = None


class CohortEquity(NamedTuple):
    """A cohort's kind and equity [atoms] at one instant."""

    kind: str
    atoms: int


FLOW_COLUMNS = {
    "cause": pl.String, "asset": pl.String, "from_cohort": pl.String, "to_cohort": pl.String,
    "from_purpose": pl.String, "to_purpose": pl.String, "atoms": pl.Int64,
}  # fmt: skip
BALANCE_COLUMNS = {
    "cohort": pl.String, "kind": pl.String, "asset": pl.String, "opening_atoms": pl.Int64,
    "deposited_atoms": pl.Int64, "received_atoms": pl.Int64, "closing_atoms": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transfers:
    """What went between cohorts from `since_ns` to `until_ns`.

    flows: `FLOW_COLUMNS`; cause `trade` (with both orders' purposes), `mark` and `units` (against `market_pool`), or
    the ledger's entry; atoms are signed, from one to the other. balances: `BALANCE_COLUMNS`; received is net.
    """

    since_ns: int
    until_ns: int
    flows: pl.DataFrame
    balances: pl.DataFrame

    def matrix(self) -> pl.DataFrame:
        """What each cohort got from each other, net, over all causes: to_cohort, from_cohort, asset, atoms."""
        paid = self.flows.select("asset", "from_cohort", "to_cohort", "atoms")
        got = paid.select("asset", from_cohort="to_cohort", to_cohort="from_cohort", atoms=-pl.col("atoms"))
        both = pl.concat([paid, got]).group_by("to_cohort", "from_cohort", "asset").agg(pl.col("atoms").sum())
        return both.sort("asset", "to_cohort", "from_cohort")

    def check_closed(self) -> None:
        """Raise `ResultError` unless every cohort's opening, deposits and receipts add up to its closing, to the atom.

        The pool, on which every gain is another's loss, must come out at zero too.
        """
        made = pl.col("opening_atoms") + pl.col("deposited_atoms") + pl.col("received_atoms")
        wrong = self.balances.select("cohort", "asset", over=pl.col("closing_atoms") - made).filter(pl.col("over") != 0)
        pool = self.matrix().filter(pl.col("to_cohort") == POOL).group_by("asset").agg(over=pl.col("atoms").sum())
        wrong = pl.concat(
            [wrong, pool.filter(pl.col("over") != 0).select(pl.lit(POOL).alias("cohort"), "asset", "over")]
        )
        if wrong.height:
            who = ", ".join(f"{cohort} by {over:+d} {asset} atoms" for cohort, asset, over in wrong.iter_rows())
            raise ResultError(f"the transfer matrix does not close: {who}")


def transfers(run: Run, since_ns: int | None = None) -> Transfers:
    """The transfer matrix of a run from an instant on: the first snapshot after the warm-up unless one is named.

    `since_ns` must be an instant at which `cohorts`, `positions` and `marks` were all written. Needs every trade and
    mids at least every minute; raises `ResultError` where the record is too coarse, or the matrix does not close.
    """
    require_trades(run, "the transfer matrix")
    require_cadence(run, "quotes", "the transfer matrix", COARSEST_NS)
    for table in ("cohorts", "positions", "marks"):
        require_cadence(run, table, "the transfer matrix", NS_PER_DAY)
    books = _Books(run, _first_snapshot(run, since_ns), measured_period(run).end_ns)
    books.settle()
    found = books.transfers()
    found.check_closed()
    return found


def _first_snapshot(run: Run, since_ns: int | None) -> int:
    shared = set.intersection(*(set(run.table(t)["t_ns"].to_list()) for t in ("cohorts", "positions", "marks")))
    begin_ns, end_ns = measured_period(run).begin_ns, measured_period(run).end_ns
    fit = sorted(t for t in shared if t < end_ns and (t >= begin_ns if since_ns is None else t == since_ns))
    if not fit or end_ns not in shared:
        what = f"after the warm-up of {begin_ns / 1e9:g} s" if since_ns is None else f"at {since_ns / 1e9:g} s"
        raise ResultError(
            f"{run.path}: cohorts, positions and marks have no common snapshot {what} and before the end; record them "
            "more often"
        )
    return int(fit[0])


def closing_marks(run: Run, t_ns: int) -> dict[str, int]:
    """Mark of each market whose positions equity counts [ticks], at a snapshot."""
    units = market_units(run)
    rows = run.table("marks").filter(pl.col("t_ns") == t_ns, pl.col("market").is_in(underlying_markets(run)))
    return {market: units[market].ticks(price) for market, price in rows.select("market", "mark_price").iter_rows()}


class _Books:
    """The books of one run between two instants, filled cause by cause."""

    def __init__(self, run: Run, since_ns: int, until_ns: int) -> None:
        self.run, self.since_ns, self.until_ns = run, since_ns, until_ns
        self.units = market_units(run)
        self.valued = underlying_markets(run)  # equity counts their positions, but no token units
        marks = {t: closing_marks(run, t) for t in (since_ns, until_ns)}
        self.opening_mark, self.closing_mark = marks[since_ns], marks[until_ns]
        self.flows: dict[FlowKey, int] = defaultdict(int)
        self.booked_lots: dict[Position, int] = defaultdict(int)
        self.booked_cash: dict[Account, int] = defaultdict(int)

    def settle(self) -> None:
        """Book trades, payments of the ledger, and what positions earned at the mark."""
        for trade in trade_transfers(self.run, self.since_ns, self.until_ns, self.closing_mark):
            self._trade(trade)
        pooled = self._payments(handed_over(self.run, self.since_ns, self.until_ns))
        self._positions(pooled)

    def _add(self, flow: FlowKey, atoms: int) -> None:
        if atoms and flow.from_cohort != flow.to_cohort:
            self.flows[flow] += atoms

    def _trade(self, trade: TradeTransfer) -> None:
        asset = self.units[trade.market].asset
        purposes = (trade.buyer_purpose, trade.seller_purpose)
        self._add(FlowKey("trade", asset, trade.buyer, trade.seller, *purposes), trade.edge)
        cause = "mark" if trade.market in self.closing_mark else "units"
        for cohort, sign in ((trade.buyer, 1), (trade.seller, -1)):
            self._add(FlowKey(cause, asset, POOL, cohort), sign * trade.rest)
            self.booked_lots[cohort, trade.market] += sign * trade.lots
            self.booked_cash[cohort, asset] -= sign * trade.cash

    def _payments(self, worth: Handovers) -> dict[Account, int]:
        """Book payments as the ledger has them; returns what was paid for positions off the book."""
        rows = self.run.table("ledger").filter(
            pl.col("t_ns") > self.since_ns, pl.col("t_ns") <= self.until_ns, pl.col("entry") != "deposit"
        )
        pooled: dict[Account, int] = defaultdict(int)
        for account, cash in self.booked_cash.items():
            pooled[account] -= cash
        columns = rows.select("entry", "asset", "from_cohort", "to_cohort", "atoms")
        for entry, asset, payer, receiver, atoms in columns.iter_rows():
            if entry == "trade":
                pooled[payer, asset] -= atoms
                pooled[receiver, asset] += atoms
            else:
                self._add(FlowKey(entry, asset, payer, receiver), atoms)
        for (entry, asset, payer, receiver), atoms in worth.items():
            back = self.flows.pop(FlowKey(entry, asset, receiver, payer), 0)
            self._add(FlowKey(entry, asset, payer, receiver), -atoms - back)
            pooled[payer, asset] -= atoms
            pooled[receiver, asset] += atoms
        return pooled

    def _positions(self, pooled: dict[Account, int]) -> None:
        """Book positions held since the opening, and those that came off the book, against the pool."""
        opening, closing = self._lots_at(self.since_ns), self._lots_at(self.until_ns)
        for cohort, market in sorted(opening.keys() | closing.keys() | self.booked_lots.keys()):
            if market not in self.closing_mark:
                continue
            before = opening.get((cohort, market), 0)
            other = closing.get((cohort, market), 0) - before - self.booked_lots.get((cohort, market), 0)
            moved = self.closing_mark[market] - self.opening_mark[market]
            earned = before * moved + other * self.closing_mark[market]
            units = self.units[market]
            self._add(FlowKey("mark", units.asset, POOL, cohort), earned * units.atoms_per_tick_lot)
        for (cohort, asset), cash in pooled.items():
            self._add(FlowKey("mark", asset, POOL, cohort), cash)

    def _lots_at(self, t_ns: int) -> dict[Position, int]:
        rows = self.run.table("positions").filter(pl.col("t_ns") == t_ns).select("cohort", "market", "net_lots")
        return {(cohort, market): lots for cohort, market, lots in rows.iter_rows()}

    def transfers(self) -> Transfers:
        """What was booked, with the equity it has to explain."""
        flows = sorted(
            ((flow, atoms) for flow, atoms in self.flows.items() if atoms), key=lambda item: str((*item[0],))
        )
        net: dict[Account, int] = defaultdict(int)
        for flow, atoms in flows:
            net[flow.from_cohort, flow.asset] -= atoms
            net[flow.to_cohort, flow.asset] += atoms
        frame = pl.DataFrame([(*flow, atoms) for flow, atoms in flows], schema=FLOW_COLUMNS, orient="row")
        return Transfers(self.since_ns, self.until_ns, frame, self._balances(net))

    def _balances(self, net: dict[Account, int]) -> pl.DataFrame:
        """Equity at both ends of every cohort, its deposits, and what it received net."""
        deposited, none = self._deposits(), CohortEquity("", 0)
        opening, closing = self._equity_at(self.since_ns), self._equity_at(self.until_ns)
        accounts = sorted((opening.keys() | closing.keys() | net.keys()) - {key for key in net if key[0] == POOL})
        rows = []
        for account in accounts:
            cohort, asset = account
            before, after = opening.get(account, none), closing.get(account, none)
            flow = (before.atoms, deposited.get(account, 0), net.get(account, 0), after.atoms)
            rows.append((cohort, after.kind or before.kind, asset, *flow))
        return pl.DataFrame(rows, schema=BALANCE_COLUMNS, orient="row")

    def _deposits(self) -> dict[Account, int]:
        rows = self.run.table("ledger").filter(
            pl.col("entry") == "deposit", pl.col("t_ns") > self.since_ns, pl.col("t_ns") <= self.until_ns
        )
        sums = rows.group_by("to_cohort", "asset").agg(pl.col("atoms").sum())
        return {(cohort, asset): atoms for cohort, asset, atoms in sums.iter_rows()}

    def _equity_at(self, t_ns: int) -> dict[Account, CohortEquity]:
        rows = self.run.table("cohorts").filter(pl.col("t_ns") == t_ns)
        columns = rows.select("cohort", "asset", "kind", "equity_atoms").iter_rows()
        return {(cohort, asset): CohortEquity(kind, atoms) for cohort, asset, kind, atoms in columns}
