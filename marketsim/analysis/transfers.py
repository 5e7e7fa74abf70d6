"""Who paid whom: the transfer matrix between cohorts, which closes to the atom (CONTRACT section 7).

Each trade moves size x (price - M(t + 10 min)) from the buyer's to the seller's cohort: what the seller got above what
the thing was worth ten minutes later. Everything else that a position earns settles against `market_pool`, which pays
the buyer size x (mark at the end - M) and is paid it by the seller. Fees, funding, insurance and the like are paid as
the ledger says. A cohort's opening equity plus what it got less what it paid is its closing equity, exactly.

How it stays exact: M is counted in half ticks and each trade's transfer is rounded down to an atom; what is rounded off
is settled with the pool in the same trade. Fills off the book are at the mark (CONTRACT section 3) and settle with the
pool alone. A position handed over (takeover, deleveraging) is valued at the mark of its instant, so that `insurance`
and `deleveraging` are what was paid beyond its worth. Equity leaves out token units, so what a unit was worth settles
with the pool as cause `units`. A trade less than ten minutes before the end is valued at the last mark (units: the last
mid); one before any mid, at its own price.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from marketsim.analysis.handovers import handed_over
from marketsim.analysis.mids import COARSEST_NS
from marketsim.analysis.priced_trades import priced_trades
from marketsim.analysis.span import require_cadence, require_trades, span_of
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import NS_PER_DAY

POOL = "market_pool"
Key = tuple[str, str]
"""Cohort and currency, or cohort and market."""

FLOW_COLUMNS: dict[str, Any] = {
    "cause": pl.String, "asset": pl.String, "from_cohort": pl.String, "to_cohort": pl.String,
    "from_purpose": pl.String, "to_purpose": pl.String, "atoms": pl.Int64,
}  # fmt: skip
BALANCE_COLUMNS: dict[str, Any] = {
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

    def paid_to(self, cohort: str) -> pl.DataFrame:
        """Who paid a cohort, and for what, net, largest first: cause, payer, both purposes, asset, atoms."""
        sides = (
            ("from_cohort", "to_cohort", "from_purpose", "to_purpose", 1),
            ("to_cohort", "from_cohort", "to_purpose", "from_purpose", -1),
        )
        rows = [
            self.flows.filter(pl.col(own) == cohort).select(
                "cause", "asset", payer=other, payer_purpose=theirs, own_purpose=mine, atoms=sign * pl.col("atoms")
            )
            for other, own, theirs, mine, sign in sides
        ]
        keys = ["cause", "payer", "payer_purpose", "own_purpose", "asset"]
        return pl.concat(rows).group_by(keys).agg(pl.col("atoms").sum()).sort("atoms", descending=True)

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
    """The transfer matrix of a run from an instant on: the first snapshot behind the warm-up, unless one is named.

    `since_ns` must be an instant at which `cohorts`, `positions` and `marks` were all written. Needs every trade and
    mids at least every minute; raises `ResultError` where the record is too coarse, or does not close.
    """
    require_trades(run, "the transfer matrix")
    require_cadence(run, "quotes", "the transfer matrix", COARSEST_NS)
    for table in ("cohorts", "positions", "marks"):
        require_cadence(run, table, "the transfer matrix", NS_PER_DAY)
    account = _Account(run, _first_snapshot(run, since_ns), span_of(run).end_ns)
    account.settle()
    found = account.transfers()
    found.check_closed()
    return found


def _first_snapshot(run: Run, since_ns: int | None) -> int:
    shared = set.intersection(*(set(run.table(t)["t_ns"].to_list()) for t in ("cohorts", "positions", "marks")))
    begin_ns, end_ns = span_of(run).begin_ns, span_of(run).end_ns
    fit = sorted(t for t in shared if t < end_ns and (t >= begin_ns if since_ns is None else t == since_ns))
    if not fit or end_ns not in shared:
        what = f"behind the warm-up of {begin_ns / 1e9:g} s" if since_ns is None else f"at {since_ns / 1e9:g} s"
        raise ResultError(
            f"{run.path}: cohorts, positions and marks have no snapshot of one instant {what} and before the end; "
            "record them more often"
        )
    return int(fit[0])


class _Account:
    """The account of one run between two instants, filled cause by cause."""

    def __init__(self, run: Run, since_ns: int, until_ns: int) -> None:
        self.run, self.since_ns, self.until_ns = run, since_ns, until_ns
        instruments = run.table("instruments").to_dicts()
        self.market = {row["market"]: row for row in instruments}
        tokens = {token["id"] for token in run.resolved["tokens"]}
        self.perps = [
            row["market"] for row in instruments if row["market"] not in tokens
        ]  # and coins, which equity has
        marks = {t: self._marks_at(t) for t in (since_ns, until_ns)}
        self.opening_mark, self.closing_mark = marks[since_ns], marks[until_ns]
        self.flows: dict[tuple[str, str, str, str, str | None, str | None], int] = defaultdict(int)
        self.booked_lots: dict[Key, int] = defaultdict(int)
        self.booked_cash: dict[Key, int] = defaultdict(int)

    def _marks_at(self, t_ns: int) -> dict[str, int]:
        """Mark of each perpetual [ticks]."""
        rows = self.run.table("marks").filter(pl.col("t_ns") == t_ns, pl.col("market").is_in(self.perps))
        return {
            market: round(price / self.market[market]["tick"])
            for market, price in rows.select("market", "mark_price").iter_rows()
        }

    def settle(self) -> None:
        """Write down trades, payments of the ledger, and what positions earned on the mark."""
        for row in priced_trades(self.run, self.since_ns, self.until_ns, self.closing_mark):
            self._trade(row)
        worth = handed_over(self.run, self.since_ns, self.until_ns)
        pooled = self._payments(worth)
        self._positions(pooled)

    def _add(self, cause: str, asset: str, payer: str, receiver: str, atoms: int, *purposes: str) -> None:
        if atoms and payer != receiver:
            self.flows[cause, asset, payer, receiver, *(purposes or (None, None))] += atoms

    def _trade(self, row: dict[str, Any]) -> None:
        """All trades of one market between two cohorts for two purposes."""
        buyer, seller, asset = row["buyer"], row["seller"], self.market[row["market"]]["asset"]
        self._add("trade", asset, buyer, seller, row["edge"], row["buyer_purpose"], row["seller_purpose"])
        is_perp = row["market"] in self.closing_mark
        for cohort, sign in ((buyer, 1), (seller, -1)):
            self._add("mark" if is_perp else "units", asset, POOL, cohort, sign * row["rest"])
            self.booked_lots[cohort, row["market"]] += sign * row["lots"]
            self.booked_cash[cohort, asset] -= sign * row["cash"]

    def _payments(self, worth: dict[tuple[str, str, str, str], int]) -> dict[Key, int]:
        """Payments as the ledger has them; returns what came for positions off the book, by cohort and currency."""
        rows = self.run.table("ledger").filter(
            pl.col("t_ns") > self.since_ns, pl.col("t_ns") <= self.until_ns, pl.col("entry") != "deposit"
        )
        pooled: dict[Key, int] = defaultdict(int)
        for cohort_asset, cash in self.booked_cash.items():
            pooled[cohort_asset] -= cash
        for entry, asset, payer, receiver, atoms in rows.select(
            "entry", "asset", "from_cohort", "to_cohort", "atoms"
        ).iter_rows():
            if entry == "trade":
                pooled[payer, asset] -= atoms
                pooled[receiver, asset] += atoms
            else:
                self._add(entry, asset, payer, receiver, atoms)
        for (entry, asset, payer, receiver), atoms in worth.items():
            self._add(
                entry, asset, payer, receiver, -atoms - self.flows.pop((entry, asset, receiver, payer, None, None), 0)
            )
            pooled[payer, asset] -= atoms
            pooled[receiver, asset] += atoms
        return pooled

    def _positions(self, pooled: dict[Key, int]) -> None:
        """Positions held since the opening, and those that came off the book, against the pool."""
        opening, closing = self._lots_at(self.since_ns), self._lots_at(self.until_ns)
        for cohort, market in sorted(opening.keys() | closing.keys() | self.booked_lots.keys()):
            if market not in self.closing_mark:
                continue
            before = opening.get((cohort, market), 0)
            other = closing.get((cohort, market), 0) - before - self.booked_lots.get((cohort, market), 0)
            one = self.market[market]
            moved = self.closing_mark[market] - self.opening_mark[market]
            earned = (before * moved + other * self.closing_mark[market]) * one["atoms_per_tick_lot"]
            self._add("mark", one["asset"], POOL, cohort, earned)
        for (cohort, asset), cash in pooled.items():
            self._add("mark", asset, POOL, cohort, cash)

    def _lots_at(self, t_ns: int) -> dict[Key, int]:
        rows = self.run.table("positions").filter(pl.col("t_ns") == t_ns)
        return {
            (cohort, market): lots for cohort, market, lots in rows.select("cohort", "market", "net_lots").iter_rows()
        }

    def transfers(self) -> Transfers:
        """What was written down, with the equity it has to explain."""
        flows = [(*key, atoms) for key, atoms in sorted(self.flows.items(), key=lambda item: str(item[0])) if atoms]
        frame = pl.DataFrame(flows, schema=FLOW_COLUMNS, orient="row")
        net: dict[Key, int] = defaultdict(int)
        for _, asset, payer, receiver, _, _, atoms in flows:
            net[payer, asset] -= atoms
            net[receiver, asset] += atoms
        deposited = self._deposits()
        equity = {t: self._equity_at(t) for t in (self.since_ns, self.until_ns)}
        opening, closing = equity[self.since_ns], equity[self.until_ns]
        keys = sorted((opening.keys() | closing.keys() | net.keys()) - {key for key in net if key[0] == POOL})
        balances = [
            (
                *(key[0], (closing.get(key) or opening.get(key) or ("", 0))[0], key[1]),
                *(opening.get(key, ("", 0))[1], deposited.get(key, 0), net[key], closing.get(key, ("", 0))[1]),
            )
            for key in keys
        ]
        return Transfers(
            self.since_ns, self.until_ns, frame, pl.DataFrame(balances, schema=BALANCE_COLUMNS, orient="row")
        )

    def _deposits(self) -> dict[Key, int]:
        rows = self.run.table("ledger").filter(
            pl.col("entry") == "deposit", pl.col("t_ns") > self.since_ns, pl.col("t_ns") <= self.until_ns
        )
        return {(c, a): n for c, a, n in rows.group_by("to_cohort", "asset").agg(pl.col("atoms").sum()).iter_rows()}

    def _equity_at(self, t_ns: int) -> dict[Key, tuple[str, int]]:
        rows = self.run.table("cohorts").filter(pl.col("t_ns") == t_ns)
        columns = rows.select("cohort", "asset", "kind", "equity_atoms").iter_rows()
        return {(cohort, asset): (kind, atoms) for cohort, asset, kind, atoms in columns}
