"""What of a run is written down, and when: the kernel's logs, the processes' journal, and snapshots at their cadences.

A snapshot at t is after everything at t; there is one at 0 and one at `duration`. Recording moves nothing in the world.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.clock import Phase, ProcessGenerator
from marketsim.datasets.canonical import CodedText
from marketsim.datasets.columns import Names
from marketsim.datasets.recorder import Recorder
from marketsim.kernel import codes
from marketsim.simulation.holding import PrimaryDeals, holder_rows
from marketsim.simulation.model import MarketModel

FLUSH_NS = 3_600 * 10**9  # how often the journal is handed over, so that it stays short


class RunRecord:
    """Writes one run through a `Recorder`. `start` before the clock turns, `finish` when it stands at the end."""

    def __init__(self, model: MarketModel, recorder: Recorder) -> None:
        self.model = model
        self.recorder = recorder
        self.world = model.world
        self.env = model.env
        self.specs = model.wired.market_specs
        self.ticks = np.array([float(market.tick.amount) for market in self.specs])
        self._names: Names | None = None
        self._written: dict[str, int] = {}
        self.primary_deals = PrimaryDeals()
        self.env.on_log = self.take_logs

    # -- the run

    def start(self) -> None:
        """Write what stands at the beginning and set the clock for every cadence."""
        if self.env.now:
            self._forget_the_past()
        self._write_instruments()
        self._write_deposits()
        record = self.model.scenario.record
        quotes = record.quotes if isinstance(record.quotes, int) else None
        for every, write in (
            (quotes, self._quotes),
            (record.depth.every if record.depth else None, self._depth),
            (record.book.every if record.book else None, self._book),
            (record.marks, self._marks),
            (record.tokens, self._tokens),
            (record.cohorts, self._cohorts),
            (record.positions, self._positions),
        ):
            if every is not None:
                self.env.process(self._repeat(every, write))
        self.env.process(self._repeat(FLUSH_NS, lambda t_ns: self.flush()))

    def _forget_the_past(self) -> None:
        """Begin within a run, at a fork: rows of before are not written, what sums need from then is kept."""
        self.model.drop_logs()
        for desk in self.model.desks:
            desk.begin_interval()
        past = self.model.journal.take()
        self.primary_deals.note(past.get("primary", ()))
        self.recorder.rows("ledger", past.get("ledger", ()))

    def _repeat(self, every: int, write: Callable[[int], None]) -> ProcessGenerator:
        due = self.env.now
        while True:
            yield self.env.at(due, Phase.RECORD)
            write(self.env.now)
            due = (self.env.now // every + 1) * every

    def flush(self) -> None:
        """Hand over logs and journal."""
        self.take_logs()
        self._take_journal()

    def _take_journal(self) -> None:
        for table, rows in self.model.journal.take().items():
            self.recorder.rows(table, rows)
            if table == "primary":
                self.primary_deals.note(rows)

    def finish(self) -> None:
        """Write the closing rows at the end of the run."""
        t_ns = self.env.end_ns
        for desk in self.model.desks:
            desk.finish(t_ns)
        record = self.model.scenario.record
        if isinstance(record.quotes, int):
            self._quotes(t_ns)
        if record.depth:
            self._depth(t_ns)
        if record.book:
            self._book(t_ns)
        for wanted, write in (
            (record.marks, self._marks),
            (record.tokens, self._tokens),
            (record.cohorts, self._cohorts),
            (record.positions, self._positions),
        ):
            if wanted is not None:
                write(t_ns)
        if record.cohorts is None:
            self._ledger(t_ns)
        self.flush()
        self.recorder.rows("holders", holder_rows(self.model.wired, self.model.desks, self.primary_deals))
        self._accounts()

    # -- logs

    def names(self) -> Names:
        """What the kernel's numbers are called, as of now."""
        wired = self.model.wired
        n = len(wired.account_ids)
        if self._names is None or len(self._names.account_ids) != n:
            self._names = Names(
                wired.account_ids,
                self.world.accounts["cohort"][:n].astype(np.int64),
                list(wired.cohorts.names),
                [market.id for market in self.specs],
                self.ticks,
                codes.PURPOSES,
                codes.ACTIONS,
                codes.ORDER_TYPES,
                (None, *codes.REASONS[1:]),
            )
        return self._names

    def take_logs(self) -> None:
        """Empty the kernel's buffers into the record."""
        names = self.names()
        for table in ("trades", "orders", "quotes"):
            self.recorder.log(table, self.world.take_log(table), names)
        self.recorder.rows(
            "liquidations", [self._liquidation(row, names) for row in self.world.take_log("liquidations")]
        )
        self.recorder.rows(
            "deleveragings", [self._deleveraging(row, names) for row in self.world.take_log("deleveragings")]
        )

    def _liquidation(self, row: Any, names: Names) -> dict[str, Any]:
        account, market = int(row["account"]), int(row["market"])
        tick = self.ticks[market]
        filled = int(row["filled_lots"])
        return {
            "t_ns": int(row["t_ns"]),
            "market": names.markets[market],
            "account": int(names.account_ids[account]),
            "cohort": names.cohorts[int(names.account_cohorts[account])],
            "size_lots": int(row["size_lots"]),
            "entry_price": float(row["entry_price"]) * tick,
            "leverage": float(row["leverage"]) or None,
            "mark_price": int(row["mark_ticks"]) * tick,
            "index_price": int(row["index_ticks"]) * tick,
            "bankruptcy_price": float(row["bankruptcy_price"]) * tick,
            "vwap": int(row["filled_ticklots"]) / filled * tick if filled else None,
            "fee_atoms": int(row["fee_atoms"]),
            "insurance_atoms": int(row["insurance_atoms"]),
            "deleveraged_lots": int(row["deleveraged_lots"]),
            "stage": codes.STAGES[int(row["stage"])],
            "cascade": int(row["cascade"]),
            "parent": int(row["parent"]),
            "is_fund": bool(self.world.accounts[account]["bits"] & codes.ACC_FUND),
            "solvent_at_index": bool(row["solvent_at_index"]),
        }

    def _deleveraging(self, row: Any, names: Names) -> dict[str, Any]:
        account, market = int(row["account"]), int(row["market"])
        return {
            "t_ns": int(row["t_ns"]),
            "market": names.markets[market],
            "account": int(names.account_ids[account]),
            "cohort": names.cohorts[int(names.account_cohorts[account])],
            "size_lots": int(row["size_lots"]),
            "price": int(row["price_ticks"]) * float(self.ticks[market]),
            "rank": int(row["rank"]),
            "cascade": int(row["cascade"]),
        }

    # -- what stands at the beginning and at the end

    def _write_instruments(self) -> None:
        rows = [
            {
                "market": market.id,
                "venue": market.venue,
                "kind": market.kind,
                "underlying": market.underlying,
                "contract": market.contract,
                "tick": float(market.tick.amount),
                "lot": float(market.lot.amount),
                "atoms_per_tick_lot": self.world.market_int(i, "atoms"),
                "asset": market.currency,
            }
            for i, market in enumerate(self.specs)
        ]
        self.recorder.rows("instruments", rows)

    def _write_deposits(self) -> None:
        """Ledger rows at t = 0: every deposit, and the cash that opening positions cost against `outside`.

        Cohorts that joined before the start (agents, events) have their deposit in the journal already.
        """
        cohorts = self.model.wired.cohorts
        opening = self._sum_by_cohort(self.world.accounts["deposit_atoms"])
        moved = self._sum_by_cohort(self.model.opening_cash_atoms) - self._sum_by_cohort(self.model.opening_deposits)
        rows = []
        for c, name in enumerate(cohorts.names):
            entered = cohorts.kinds[c] in ("agent", "event")
            if opening[c] and not entered:
                rows.append(self._entry(0, "deposit", c, None, name, int(opening[c])))
        for c, name in enumerate(cohorts.names):
            if moved[c] and name != "outside":
                rows.append(self._entry(0, "trade", c, name, "outside", -int(moved[c])))
        self.recorder.rows("ledger", rows)

    def _entry(
        self, t_ns: int, entry: str, cohort: int, payer: str | None, receiver: str, atoms: int
    ) -> dict[str, Any]:
        asset = self.model.wired.cohorts.assets[cohort]
        return {
            "t_ns": t_ns,
            "entry": entry,
            "asset": asset,
            "from_cohort": payer,
            "to_cohort": receiver,
            "atoms": atoms,
        }

    def _sum_by_cohort(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums over the accounts of each cohort (cohorts,) of values by account."""
        n = min(self.world.get("n_accounts"), len(values))
        total = np.zeros(len(self.model.wired.cohorts.names), np.int64)
        np.add.at(total, self.world.accounts["cohort"][:n], values[:n])
        return total

    def _accounts(self) -> None:
        wired, n = self.model.wired, self.world.get("n_accounts")
        accounts = self.world.accounts[:n]
        cohort = accounts["cohort"]
        order = np.argsort(wired.account_ids, kind="stable")
        assets = list(dict.fromkeys(wired.cohorts.assets))
        asset_of = np.array([assets.index(asset) for asset in wired.cohorts.assets])
        columns = {
            "account": wired.account_ids[order],
            "cohort": CodedText(cohort[order].astype(np.int64), wired.cohorts.names),
            "asset": CodedText(asset_of[cohort][order], assets),
            "start_equity_atoms": accounts["deposit_atoms"][order],
            "end_equity_atoms": self.world.equity_atoms()[order],
            "trading_fees_atoms": accounts["fees_atoms"][order],
            "funding_atoms": accounts["funding_atoms"][order],
            "liquidations": accounts["liquidations"][order].astype(np.int64),
        }
        self.recorder.append("accounts", columns)

    # -- snapshots

    def _is_new(self, table: str, t_ns: int) -> bool:
        """Whether this snapshot is not written yet (the run's end may lie on a cadence)."""
        new = self._written.get(table) != t_ns
        self._written[table] = t_ns
        return new

    def _quotes(self, t_ns: int) -> None:
        if not self._is_new("quotes", t_ns):
            return
        view, rows = self.model.view, []
        for i, market in enumerate(self.specs):
            bid, ask = view.bid_ticks(market.id), view.ask_ticks(market.id)
            mid = view.mid(market.id)
            rows.append(
                {
                    "t_ns": t_ns,
                    "market": market.id,
                    "bid_ticks": bid or 0,
                    "bid_lots": self.world.best_lots(i, is_bid=True),
                    "ask_ticks": ask or 0,
                    "ask_lots": self.world.best_lots(i, is_bid=False),
                    "mid": None if mid is None else mid * float(self.ticks[i]),
                }
            )
        self.recorder.rows("quotes", rows)

    def _depth(self, t_ns: int) -> None:
        wanted = self.model.scenario.record.depth
        if wanted is None or not self._is_new("depth", t_ns):
            return
        rows = [
            {"t_ns": t_ns, "market": market.id, "side": side, "bps": float(bps), "size_lots": lots}
            for i, market in enumerate(self.specs)
            for side in ("bid", "ask")
            for bps, lots in zip(
                wanted.bps, self.world.depths_lots(i, side == "bid", [float(b) for b in wanted.bps]), strict=True
            )
        ]
        self.recorder.rows("depth", rows)

    def _book(self, t_ns: int) -> None:
        wanted = self.model.scenario.record.book
        if wanted is None or not self._is_new("book", t_ns):
            return
        rows = []
        for i, market in enumerate(self.specs):
            for side in ("bid", "ask"):
                prices, lots = self.world.book_levels(i, side == "bid")
                for level in range(min(wanted.levels, len(prices))):
                    row = {"t_ns": t_ns, "market": market.id, "side": side, "level": level + 1}
                    rows.append({**row, "price_ticks": int(prices[level]), "size_lots": int(lots[level])})
        self.recorder.rows("book", rows)

    def _marks(self, t_ns: int) -> None:
        if not self._is_new("marks", t_ns):
            return
        view, rows = self.model.view, []
        predicted = {desk.spec.id: float(desk.predicted_rate()) for desk in self.model.funding}
        for i, market in enumerate(self.specs):
            tick, mid = float(self.ticks[i]), view.mid(market.id)
            last = view.last_ticks(market.id)
            rows.append(
                {
                    "t_ns": t_ns,
                    "market": market.id,
                    "index_price": view.index_ticks(market.id) * tick,
                    "mark_price": view.mark_ticks(market.id) * tick,
                    "mid_price": None if mid is None else mid * tick,
                    "last_price": last * tick if last else None,
                    "premium": self.world.market_float(i, "premium") if market.kind == "perpetual" else None,
                    "predicted_funding": predicted.get(market.id),
                    "open_interest_lots": view.open_interest_lots(market.id),
                }
            )
        self.recorder.rows("marks", rows)

    def _tokens(self, t_ns: int) -> None:
        if not self._is_new("tokens", t_ns):
            return
        for desk in self.model.desks:
            row, legs = desk.snapshot(t_ns)
            self.recorder.rows("tokens", [{**row, **self._premium(desk.token.id, row["nav"])}])
            self.recorder.rows("token_legs", legs)

    def _premium(self, token: str, nav: float) -> dict[str, float | None]:
        """Mid of a token's own market, and its premium over NAV; None without a market or with an empty side."""
        number = self.model.wired.markets.get(token)
        mid = None if number is None else self.model.view.mid(token)
        price = None if mid is None or number is None else mid * float(self.ticks[number])
        return {"mid_price": price, "premium_to_nav": price / nav - 1.0 if price is not None and nav > 0 else None}

    def _cohorts(self, t_ns: int) -> None:
        if not self._is_new("cohorts", t_ns):
            return
        cohorts = self.model.wired.cohorts
        cash = self._sum_by_cohort(self.world.accounts["cash_atoms"])
        n = self.world.get("n_accounts")
        equity = self._sum_by_cohort(self.world.equity_atoms())
        members = np.bincount(self.world.accounts["cohort"][:n], minlength=len(cohorts.names))
        rows = [
            {
                "t_ns": t_ns,
                "cohort": name,
                "kind": cohorts.kinds[c],
                "accounts": int(members[c]),
                "asset": cohorts.assets[c],
                "cash_atoms": int(cash[c]),
                "equity_atoms": int(equity[c]),
            }
            for c, name in enumerate(cohorts.names)
        ]
        self.recorder.rows("cohorts", rows)
        self._ledger(t_ns)

    def _ledger(self, t_ns: int) -> None:
        """Flows since the last cut, one row per kind and pair of cohorts."""
        names = self.model.wired.cohorts.names
        flows = self.world.take_flows()
        rows = [
            self._entry(
                t_ns,
                codes.ENTRIES[entry],
                int(payer),
                names[payer],
                names[receiver],
                int(flows[entry, payer, receiver]),
            )
            for entry, payer, receiver in zip(*np.nonzero(flows), strict=True)
        ]
        self._take_journal()
        self.recorder.rows("ledger", rows)

    def _positions(self, t_ns: int) -> None:
        if not self._is_new("positions", t_ns):
            return
        n = self.world.get("n_positions")
        held = self.world.positions[:n]
        cohort = self.world.accounts["cohort"][held["account"]]
        names = self.model.wired.cohorts.names
        long_lots = np.zeros((len(names), len(self.specs)), np.int64)
        short_lots = np.zeros_like(long_lots)
        present = np.zeros(long_lots.shape, bool)
        present[cohort, held["market"]] = True
        np.add.at(long_lots, (cohort, held["market"]), np.maximum(held["lots"], 0))
        np.add.at(short_lots, (cohort, held["market"]), np.maximum(-held["lots"], 0))
        rows = [
            {
                "t_ns": t_ns,
                "cohort": names[c],
                "market": self.specs[m].id,
                "net_lots": int(long_lots[c, m] - short_lots[c, m]),
                "long_lots": int(long_lots[c, m]),
                "short_lots": int(short_lots[c, m]),
            }
            for c, m in zip(*np.nonzero(present), strict=True)
        ]
        self.recorder.rows("positions", rows)
