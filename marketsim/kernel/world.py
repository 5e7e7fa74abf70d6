"""The kernel's world as Python holds it: the doors into the loop, its logs, what is true of it, its digest.

`World` knows records and integers only; names, units and processes are the business of the rooms above.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from marketsim.kernel import advance as doors
from marketsim.kernel import layout, maker_layout
from marketsim.kernel.codes import F_ENGINE, NO_ASK, NO_BID, SRC_LAST
from marketsim.kernel.memory import FREE_MESSAGE, LOGS, Memory
from marketsim.kernel.messages import KEY_MASK
from marketsim.kernel.records import release


class World(Memory):
    """One world of the kernel. Build it from tables of records (`Memory`), `open()` it once, then `advance` it."""

    # ---- doors ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Publish the first index and draw the first wake-ups."""
        doors.open_world(self.address)

    def advance(self, until_ns: int, until_phase: int) -> int:
        """Run everything before (until_ns, until_phase); return a STOP code."""
        return int(doors.advance(self.address, until_ns, until_phase))

    def send_order(
        self,
        arrival_ns: int,
        position: int,
        flags: int,
        price: int,
        size: int,
        purpose: int,
        parent: int,
        order_id: int,
        key: int = 0,
    ) -> None:
        """Put an order on its way; `flags` carries side, kind and F_NOTIFY.

        key: of the stream that ranks it among the messages of its instant, 0 for none.
        """
        if self._h[FREE_MESSAGE] < 0:
            self._grow_messages()
        doors.send_order(self.address, arrival_ns, position, flags, price, size, purpose, parent, order_id, key)

    def send_cancel(self, arrival_ns: int, position: int, order: int, order_id: int, key: int = 0) -> None:
        """Put a cancel of resting order record `order` on its way; key: as of `send_order`."""
        if self._h[FREE_MESSAGE] < 0:
            self._grow_messages()
        doors.send_cancel(self.address, arrival_ns, position, order, order_id, key)

    def next_order_id(self) -> int:
        """A new order id."""
        value = self.get("next_order_id") + 1
        self._set(next_order_id=value)
        return value

    def give_path(self, underlying: int, first: int, values: np.ndarray[Any, Any]) -> None:
        """Hand over the chunk of an underlying's path that starts at step `first`."""
        record = self.underlyings[underlying]
        old = int(record["path"])
        if old:
            self._kept.pop(old, None)
            release(old)
        record["path"] = self._place(np.ascontiguousarray(values, np.float64))
        record["path_first"], record["path_n"] = first, len(values)

    def watch_crossing(self, market: int, source: int, above: bool, price_ticks: int) -> int:
        """Register a price trigger; return its number (a notice N_CROSSING carries it once)."""
        free = np.flatnonzero(self.crossings["live"] == 0)
        if len(free) == 0:
            larger = np.zeros(2 * len(self.crossings), layout.CROSSING)
            larger[: len(self.crossings)] = self.crossings
            free = np.array([len(self.crossings)])
            self.crossings = larger
            self._point("crossings", larger)
            self._set(crossings_capacity=len(larger))
        number = int(free[0])
        self.crossings[number] = (market, source, int(above), price_ticks, 1)
        self._set(live_crossings=self.get("live_crossings") + 1)
        if source >= SRC_LAST:
            self._set(crossings_inside=self.get("crossings_inside") + 1)
        return number

    def drop_crossing(self, number: int) -> None:
        """Withdraw a price trigger that has not fired."""
        if self.crossings[number]["live"]:
            self.crossings[number]["live"] = 0
            self._set(live_crossings=self.get("live_crossings") - 1)
            if self.crossings[number]["source"] >= SRC_LAST:
                self._set(crossings_inside=self.get("crossings_inside") - 1)

    def take_log(self, name: str) -> np.ndarray[Any, Any]:
        """Rows of a log since the last call, good until the call after the next; the kernel goes on in another buffer."""
        address, count, _, _ = LOGS[name]
        rows = self.logs[name]
        n = self.get(count)
        self._set(**{count: 0})
        if n == 0:
            return rows[:0]
        if n * 4 < len(rows):
            return rows[:n].copy()
        # Two buffers take turns: fresh memory would cost more than the rows.
        spare = self._spare_logs.get(name)
        self._spare_logs[name] = rows
        self.logs[name] = spare if spare is not None and len(spare) == len(rows) else np.zeros_like(rows)
        self._point(address, self.logs[name])
        return rows[:n]

    def take_notices(self) -> tuple[memoryview, int]:
        """Notices since the last call: all their fields in one row of whole numbers, and how many notices there are.

        The memory is written again by the next `advance`; field k of notice j is at j * `notice_width` + k
        (`layout.NOTICE`).
        """
        n = self.get("notices_n")
        self._set(notices_n=0)
        return self._notices_int, n

    def take_flows(self) -> np.ndarray[Any, Any]:
        """Ledger flows since the last call: atoms by (entry, from cohort, to cohort)."""
        flows = self.flows.copy()
        self.flows[:] = 0
        return flows

    # ---- what is true
    # --------------------------------------------------------------------------------------------------

    def equity_atoms(self) -> np.ndarray[Any, Any]:
        """Equity of every account at mark, coins held included, shape (accounts,) [atoms]."""
        equity = self.accounts["cash_atoms"][: self.get("n_accounts")].copy()
        positions = self.positions[: self.get("n_positions")]
        held = positions[(positions["lots"] != 0) & (self.markets["nav_account"] < 0)[positions["market"]]]
        per_lot = (self.markets["mark_ticks"] * self.markets["atoms"])[held["market"]]
        np.add.at(equity, held["account"], held["lots"] * per_lot)
        return equity

    def position_record(self, account: int, market: int) -> int:
        """Record of an account's position in a market, -1 for none."""
        i = int(self.accounts[account]["first_position"])
        while i >= 0 and int(self.positions[i]["market"]) != market:
            i = int(self.positions[i]["sibling"])
        return i

    def accrue_stake(self, record: int) -> None:
        """Bring the written-down fee and funding of a holding up to this instant (before its size changes)."""
        position = self.spot_positions[record]
        number, market = int(position["stake"]), self.markets[int(position["market"])]
        if number < 0:
            return
        stake = self.stakes[number]
        for what in ("management", "funding"):
            stake[f"{what}_atoms"] += position["lots"] * (market[f"{what}_per_lot"] - stake[f"{what}_seen"])
            stake[f"{what}_seen"] = market[f"{what}_per_lot"]

    def account_equity(self, account: int) -> int:
        """Equity of one account at mark, coins held included, a token's units left out (D22, D30) [atoms]."""
        record = self.accounts[account]
        equity, i = int(record["cash_atoms"]), int(record["first_position"])
        while i >= 0:
            position = self.positions[i]
            market = int(position["market"])
            per_lot = self.market_int(market, "mark_ticks") * self.market_int(market, "atoms")
            per_lot = per_lot if self.market_int(market, "nav_account") < 0 else 0
            equity += int(position["lots"]) * per_lot
            i = int(position["sibling"])
        return equity

    def book_levels(self, market: int, is_bid: bool) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Occupied price levels of a side inside the window, best first: (prices [ticks], lots)."""
        record = self.markets[market]
        levels = self._kept[int(record["levels"])]
        bitmap = self._kept[int(record["bitmap"])]
        bits = np.flatnonzero(np.unpackbits(bitmap.view(np.uint8), bitorder="little"))
        floor, window = int(record["floor"]), int(record["window"])
        prices = floor + (bits - floor) % window
        order = np.argsort(prices)
        prices, lots = prices[order], levels["lots"][bits[order]]
        chosen = prices <= record["best_bid"] if is_bid else prices >= record["best_ask"]
        prices, lots = prices[chosen], lots[chosen]
        return (prices[::-1], lots[::-1]) if is_bid else (prices, lots)

    def best_lots(self, market: int, *, is_bid: bool) -> int:
        """Lots at the best price of a side, 0 when it is empty."""
        price = self.market_int(market, "best_bid" if is_bid else "best_ask")
        if price in (NO_BID, NO_ASK):
            return 0
        record = self.markets[market]
        floor, window = int(record["floor"]), int(record["window"])
        if floor <= price < floor + window:
            return int(self._kept[int(record["levels"])][price & (window - 1)]["lots"])
        lots, i = 0, int(record["far_bid" if is_bid else "far_ask"])
        while i >= 0 and self.orders[i]["price_ticks"] == price:
            lots, i = lots + int(self.orders[i]["remaining_lots"]), int(self.orders[i]["next"])
        return lots

    def depth_lots(self, market: int, is_bid: bool, bps: float) -> int:
        """Lots on a side within `bps` of the mid; of the side's best price while the other side is empty."""
        return self.depths_lots(market, is_bid, [bps])[0]

    def depths_lots(self, market: int, is_bid: bool, distances_bps: Sequence[float]) -> list[int]:
        """The same for several distances at once."""
        bid, ask = self.market_int(market, "best_bid"), self.market_int(market, "best_ask")
        if (bid if is_bid else ask) in (NO_BID, NO_ASK):
            return [0] * len(distances_bps)
        mid = (bid if is_bid else ask) if bid == NO_BID or ask == NO_ASK else (bid + ask) / 2
        prices, lots = self._levels_within(market, is_bid, int(mid * max(distances_bps, default=0) / 1e4) + 2)
        away = (mid - prices if is_bid else prices - mid) * 1e4 / mid
        return [int(lots[away <= bps].sum()) for bps in distances_bps]

    def _levels_within(
        self, market: int, is_bid: bool, ticks: int
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Price levels of a side inside the window, up to `ticks` behind the best, empty ones too: (prices, lots)."""
        record = self.markets[market]
        floor, window = int(record["floor"]), int(record["window"])
        best = int(record["best_bid" if is_bid else "best_ask"])
        low, high = (best - ticks, best) if is_bid else (best, best + ticks)
        prices = np.arange(max(low, floor), min(high, floor + window - 1) + 1)
        return prices, self._kept[int(record["levels"])]["lots"][prices & (window - 1)]

    def liquidations_under_way(self, market: int) -> int:
        """Accounts in a market's liquidation queue, and those whose order of the engine has not reached the book."""
        sent = self.messages[self.heap["key"][: self.get("heap_size")] & KEY_MASK]
        sent = sent[sent["bits"] & F_ENGINE != 0]
        on_the_way = int((self.positions["market"][sent["position"]] == market).sum())
        return self.market_int(market, "queue_tail") - self.market_int(market, "queue_head") + on_the_way

    def check_conserved(self) -> int:
        """Residual of the whole world: sum of equities less sum of deposits [atoms]; 0 or something is broken."""
        equity = int(sum(int(x) for x in self.equity_atoms()))
        return equity - int(sum(int(x) for x in self.accounts["deposit_atoms"][: self.get("n_accounts")]))

    def digest(self) -> str:
        """SHA-256 of the state, addresses and logs left out: equal worlds have equal digests however they were advanced."""
        h = hashlib.sha256()
        skipped = {*layout.ADDRESSES, *layout.LOG_COUNTERS}
        for name in layout.HEADER.names or ():
            if name not in skipped:
                h.update(self.header[name].tobytes())
        for table, left_out in (
            (self.underlyings, {"path", "path_first", "path_n", "sources"}),
            (self.markets, {*layout.MARKET_ADDRESSES, *layout.QUOTE_MEMORY, *layout.RANKING}),
            (self.groups, set(layout.GROUP_MEANS)),
        ):
            for name in table.dtype.names or ():
                if name not in left_out:
                    h.update(np.ascontiguousarray(table[name]).tobytes())
        for record, rule in zip(self.groups, self.rules, strict=False):
            h.update(rule.plain_parameters(record) if rule is not None else b"")
        for array in (
            self.cohorts,
            self.accounts,
            self.positions,
            self.traders,
            self.stakes,
            self.orders,
            self.excitations,
        ):
            h.update(array.tobytes())
        for array in (self.slots[self.slot_numbers],):
            h.update(array.tobytes())
        h.update(self.makers.tobytes())
        for market, view in zip(self.markets, self.views, strict=True):
            if market["has_view"]:
                h.update(
                    b"".join(
                        view[name].tobytes()
                        for name in maker_layout.VIEW.names or ()
                        if name not in maker_layout.VIEW_ADDRESSES
                    )
                )
                h.update(self._kept[int(view["surprises"])].tobytes() + self._kept[int(view["values"])].tobytes())
        heap = self.heap[: self.get("heap_size")]
        h.update(heap.tobytes())
        messages = self.messages[heap["key"] & KEY_MASK]
        for name in layout.MESSAGE.names or ():
            if name not in ("next", "spare"):
                h.update(np.ascontiguousarray(messages[name]).tobytes())
        for market in self.markets[: self.get("n_markets")]:
            queue = self._kept[int(market["queue"])]
            h.update(queue[np.arange(market["queue_head"], market["queue_tail"]) % len(queue)].tobytes())
            h.update(self._kept[int(market["basis"])].tobytes())
            h.update(self._kept[int(market["history"])].tobytes())
        return h.hexdigest()
