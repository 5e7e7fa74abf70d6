"""The memory of one world: every array that the kernel works on, laid out, pointed to from the header, grown when full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marketsim.kernel import layout, maker_layout
from marketsim.kernel.advance import RESERVE_ORDERS
from marketsim.kernel.codes import (
    ENTRIES,
    EXTERNAL_RULE,
    MAX_FILLS,
    NO_ASK,
    NO_BID,
    NO_RULE,
    SPACE_ORDERS,
    STOP_NO_MARKET_RULE,
    STOP_NO_RULE,
)
from marketsim.kernel.external import ExternalRule, sending_doors
from marketsim.kernel.margin import NEVER
from marketsim.kernel.messages import KEY_SHIFT
from marketsim.kernel.records import place, release
from marketsim.kernel.rule import Rule
from marketsim.kernel.rules import CODES, rule_named

HEADER_INDEX = {name: i for i, name in enumerate(layout.HEADER.names or ())}
FREE_MESSAGE = HEADER_INDEX["free_message"]
MARKET_INDEX = {name: layout.MARKET.fields[name][1] // 8 for name in layout.MARKET.names or ()}  # type: ignore[index]
UNDERLYING_INDEX = {name: layout.UNDERLYING.fields[name][1] // 8 for name in layout.UNDERLYING.names or ()}  # type: ignore[index]

LOGS = {
    "trades": ("trade_log", "trades_n", "trades_capacity", layout.TRADE_LOG),
    "orders": ("order_log", "orders_n", "orders_log_capacity", layout.ORDER_LOG),
    "quotes": ("quote_log", "quotes_n", "quotes_capacity", layout.QUOTE_LOG),
    "liquidations": ("liquidation_log", "liquidations_n", "liquidations_capacity", layout.LIQUIDATION_LOG),
    "deleveragings": ("deleveraging_log", "deleveragings_n", "deleveragings_capacity", layout.DELEVERAGING_LOG),
}
NOTICE_ROWS = 6 * MAX_FILLS
RARE_ROWS = 2 * MAX_FILLS


def _fill(record: np.ndarray[Any, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        record[name] = value


class Memory:
    """The arrays of one world and the header that points to them; it has as many groups, traders and markets as it was built with.

    underlyings, markets, cohorts, groups: a mapping of fields for each record (`layout` names them). An underlying's
    mapping may have `sources`, pairs of market and weight. A market's mapping
    also has `tiers` (structured array), `window`, `basis_length`, `history_length`, `buckets`, and perhaps `view` (a mapping
    of fields of its record of views, `effects` as an array). A group's has `rule` (the
    name of a file of `rules`, an `ExternalRule`, or None for a group that never wakes), `parameters` and `own` by the
    names that the rule has for them (tables as arrays), and perhaps `latency_table` as an array and `makers` (arrays of fields
    of its traders' records of makers); one whose clock is thinned has 24 `hour_weights` and `excitations`, (n, 3) as in
    EXCITATION, and the world `halvings`. arrival_key: of the draws that order messages of one instant (`messages`). accounts, positions, traders:
    structured arrays, linked to each other already; slots: number of order slots in all (where each trader's are is the
    world's to say). Raises ValueError where a rule or one of its numbers is unknown or missing.
    """

    def __init__(
        self,
        *,
        underlyings: Sequence[Mapping[str, Any]],
        markets: Sequence[Mapping[str, Any]],
        cohorts: Sequence[Mapping[str, Any]],
        groups: Sequence[Mapping[str, Any]],
        accounts: np.ndarray[Any, Any],
        positions: np.ndarray[Any, Any],
        traders: np.ndarray[Any, Any],
        slots: int,
        stakes: int = 0,
        exponential: np.ndarray[Any, Any],
        arrival_key: int = 0,
        halvings: np.ndarray[Any, Any] | None = None,
        log_rows: int = 1 << 18,
        logs: Sequence[str] = ("trades",),
    ) -> None:
        self._kept: dict[int, np.ndarray[Any, Any]] = {}
        self.header = np.zeros(1, layout.HEADER)
        self.address = self._place(self.header)
        self._h = memoryview(self.header.view("i8"))
        self._set(address=self.address)
        self.underlyings = self._lay_underlyings(underlyings)
        self._set(arrival_key=arrival_key)
        self.cohorts = self._table("cohorts", layout.COHORT, cohorts)
        for what, given, due in (
            ("accounts", accounts, layout.ACCOUNT), ("positions", positions, layout.POSITION),
            ("traders", traders, layout.TRADER),
        ):  # fmt: skip
            if given.dtype != due:
                raise ValueError(f"{what} are records of {given.dtype.itemsize} bytes; layout.py says {due.itemsize}")
        self.accounts, self.positions = accounts, positions
        self._point("accounts", accounts)
        self._point("positions", positions)
        self.places = np.zeros(len(positions), layout.PLACE)
        self._point("places", self.places)
        self._lay_traders(traders, groups)
        self.stakes = np.zeros(max(stakes, 1), layout.STAKE)
        self._n_stakes = stakes
        self._point("stakes", self.stakes)
        self._point("exponential", exponential)
        self._lay_excitations(groups, halvings)
        self._set(
            n_underlyings=len(underlyings), n_markets=len(markets), n_groups=len(groups), n_cohorts=len(cohorts),
            n_accounts=len(accounts), n_positions=len(positions),
        )  # fmt: skip
        self.markets = np.zeros(max(len(markets), 1), layout.MARKET)
        self._point("markets", self.markets)
        self.views = np.zeros(max(len(markets), 1), maker_layout.VIEW)
        self._point("views", self.views)
        for i, fields in enumerate(markets):
            self._lay_market(i, fields)
        self._m_int = memoryview(self.markets.view("i8").reshape(-1))
        self._m_float = memoryview(self.markets.view("f8").reshape(-1))
        self._m_size = layout.MARKET.itemsize // 8
        self._u_float = memoryview(self.underlyings.view("f8").reshape(-1))
        self._u_size = layout.UNDERLYING.itemsize // 8
        self.groups = np.zeros(max(len(groups), 1), layout.GROUP)
        self.rules: list[Rule | None] = []
        self._point("groups", self.groups)
        self.makers = np.zeros(sum(fields["count"] for fields in groups if "makers" in fields), maker_layout.MAKER)
        self._point("makers", self.makers if len(self.makers) else np.zeros(1, maker_layout.MAKER))
        for i, fields in enumerate(groups):
            self._lay_group(i, fields)
        self._lay_flows(np.zeros((len(ENTRIES), max(len(cohorts), 1), max(len(cohorts), 1)), np.int64))
        self.crossings = np.zeros(64, layout.CROSSING)
        self._point("crossings", self.crossings)
        self._set(crossings_capacity=len(self.crossings))
        self._lay_orders(max(4096, 2 * slots // 3))
        self._lay_messages(4096 + 4 * len(self.makers))
        self._lay_logs(log_rows, logs)

    # ---- memory ---------------------------------------------------------------------------------------------------

    def _place(self, array: np.ndarray[Any, Any]) -> int:
        address = place(array)
        self._kept[address] = array
        return address

    def _point(self, name: str, array: np.ndarray[Any, Any]) -> None:
        old = self._h[HEADER_INDEX[name]]
        if old:
            self._kept.pop(old, None)
            release(old)
        self._h[HEADER_INDEX[name]] = self._place(array)

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            self._h[HEADER_INDEX[name]] = value

    def get(self, name: str) -> int:
        """A header field."""
        return self._h[HEADER_INDEX[name]]

    def market_int(self, market: int, name: str) -> int:
        """A whole-number field of a market record."""
        return self._m_int[market * self._m_size + MARKET_INDEX[name]]

    def market_float(self, market: int, name: str) -> float:
        """A float field of a market record."""
        return self._m_float[market * self._m_size + MARKET_INDEX[name]]

    def set_market(self, market: int, **values: float) -> None:
        """Set fields of a market record."""
        for name, value in values.items():
            self.markets[market][name] = value

    def index_level(self, underlying: int) -> float:
        """Index price in quote units."""
        return self._u_float[underlying * self._u_size + UNDERLYING_INDEX["level"]]

    def _table(self, name: str, dtype: np.dtype[Any], rows: Sequence[Mapping[str, Any]]) -> np.ndarray[Any, Any]:
        table = np.zeros(max(len(rows), 1), dtype)
        for i, fields in enumerate(rows):
            _fill(table[i], fields)
        self._point(name, table)
        return table

    def _lay_underlyings(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray[Any, Any]:
        table = self._table(
            "underlyings", layout.UNDERLYING, [{k: v for k, v in row.items() if k != "sources"} for row in rows]
        )
        for record, row in zip(table, rows, strict=False):
            pairs = np.array(row.get("sources", ()), np.float64).reshape(-1)
            if len(pairs):
                record["sources"], record["n_sources"] = self._place(pairs), len(pairs) // 2
        return table

    def _lay_market(self, i: int, fields: Mapping[str, Any]) -> None:
        record = self.markets[i]
        plain = {k: v for k, v in fields.items() if k not in ("tiers", "view")}
        _fill(record, plain)
        record["id"] = i
        if fields.get("view") is not None:
            record["has_view"] = 1
            self._lay_view(self.views[i], fields["view"])
        window, buckets = int(fields["window"]), int(fields["buckets"])
        if window < 128 or window & (window - 1):
            raise ValueError(f"window was {window} levels; it must be a power of two, 128 or more")
        levels = np.zeros(window, layout.LEVEL)
        levels["head"] = levels["tail"] = -1
        tiers = np.ascontiguousarray(fields["tiers"], layout.TIER)
        queue = np.zeros(len(self.accounts) + 64, np.int32)
        tables = {
            "levels": levels,
            "bitmap": np.zeros(window // 64, np.uint64),
            "basis": np.zeros(int(fields["basis_length"]), np.int64),
            "history": np.zeros(int(fields["history_length"]), np.int64),
            "tiers": tiers,
            "long_heads": np.full(buckets, -1, np.int32),
            "short_heads": np.full(buckets, -1, np.int32),
            "queue": queue,
        }
        for name, array in tables.items():
            record[name] = self._place(array)
        record["n_tiers"], record["queue_capacity"] = len(tiers), len(queue)
        record["best_bid"], record["best_ask"] = NO_BID, NO_ASK
        record["nav_account"] = fields.get("nav_account", -1)
        record["latent"] = fields.get("latent", -1)
        for name in (
            "far_bid",
            "far_bid_last",
            "far_ask",
            "far_ask_last",
            "cascade",
            "cascade_parent",
            "liquidation_due_ns",
            "ranked_ns",
        ):
            record[name] = -1
        level = self.underlyings[record["underlying"]]["level"]
        centre = int(level * record["inverse_tick"])
        record["floor"] = max(0, (centre - window // 2) & ~63)

    def _lay_view(self, record: np.ndarray[Any, Any], fields: Mapping[str, Any]) -> None:
        _fill(record, {name: value for name, value in fields.items() if name != "effects"})
        tables = {"effects": np.ascontiguousarray(fields["effects"], np.float64)}
        tables |= {name: np.zeros(int(fields["horizon"])) for name in ("surprises", "values")}
        for name, array in tables.items():
            record[name] = self._place(array)

    def _lay_makers(self, group: int, fields: Mapping[str, Any]) -> None:
        """Records of a group's makers, behind those of the groups before it."""
        first, traders = self.get("n_makers"), self.members(group)
        self.groups[group]["first_maker"] = first
        self._set(n_makers=first + len(traders))
        records = self.makers[first : first + len(traders)]
        for name, column in fields.items():
            records[name] = column
        records["group"], records["index"] = group, np.arange(len(traders))
        records["market"], records["position"] = self.groups[group]["market"], traders["position"]
        records["lots"] = self.positions["lots"][traders["position"]]
        records["cash_atoms"] = self.accounts["cash_atoms"][traders["account"]]

    def _lay_traders(self, traders: np.ndarray[Any, Any], groups: Sequence[Mapping[str, Any]]) -> None:
        """Traders and slots in one piece of memory: up to four slots inside a trader's record, more behind all of them.

        Slots are numbered as 32-bit words from the first trader's first inline slot on.
        """
        n, words = max(len(traders), 1), layout.TRADER.itemsize // 4
        many = [group for group in groups if group["slots_each"] > layout.INLINE_SLOTS]
        extra = sum(group["count"] * group["slots_each"] for group in many)
        memory = np.full(n * words + extra, -1, np.int32)
        self.traders = memory[: n * words].view(layout.TRADER)
        self.traders[: len(traders)] = traders
        for slot in range(layout.INLINE_SLOTS):
            self.traders[f"slot_{slot}"] = -1
        self.slots = memory[layout.SLOT_OFFSET // 4 :]
        self.traders["slots"] = np.arange(n) * words
        behind = n * words - layout.SLOT_OFFSET // 4
        for group in many:
            first, count, each = group["first_trader"], group["count"], group["slots_each"]
            self.traders["slots"][first : first + count] = behind + each * np.arange(count)
            behind += each * count
        self._point("traders", self.traders)
        self._point("slots", self.slots)

    def _lay_excitations(self, groups: Sequence[Mapping[str, Any]], halvings: np.ndarray[Any, Any] | None) -> None:
        """What past wake-ups have excited, group after group, and the table by which it fades."""
        parts = [np.reshape(fields["excitations"], (-1, 3)) for fields in groups if "excitations" in fields]
        if sum(map(len, parts)) and halvings is None:
            raise ValueError("the clock of a group is excited; the world was given no table of halvings")
        self.excitations = np.concatenate([np.zeros((0, 3)), *parts]).view(layout.EXCITATION).reshape(-1)
        self._point("excitations", self.excitations if len(self.excitations) else np.zeros(1, layout.EXCITATION))
        self._point("halvings", np.zeros(1) if halvings is None else halvings)

    @property
    def slot_numbers(self) -> np.ndarray[Any, Any]:
        """Numbers of all traders' order slots, by trader and slot."""
        numbers = [np.zeros(0, np.int64)]
        for group in self.groups[: self.get("n_groups")]:
            first, count, each = (int(group[name]) for name in ("first_trader", "count", "slots_each"))
            numbers.append((self.traders["slots"][first : first + count, None] + np.arange(each)).reshape(-1))
        return np.concatenate(numbers)

    def _lay_group(self, i: int, fields: Mapping[str, Any]) -> None:
        record, own_fields = self.groups[i], ("rule", "parameters", "own", "latency_table", "hour_weights", "excitations", "makers")
        if fields["slots_each"] > RESERVE_ORDERS:
            raise ValueError(f"a trader had {fields['slots_each']} orders; one wake-up may send {RESERVE_ORDERS}")
        _fill(record, {name: value for name, value in fields.items() if name not in own_fields})
        record["id"], record["requote_ns"], record["first_maker"] = i, NEVER, -1
        if "makers" in fields:
            self._lay_makers(i, fields["makers"])
        if "latency_table" in fields:
            record["latency_table"] = self._place(np.ascontiguousarray(fields["latency_table"], np.int64))
        if fields.get("is_thinned"):
            record["hour_weights"] = self._place(np.ascontiguousarray(fields["hour_weights"], np.float64))
            record["first_excitation"] = int(self.groups["n_excitations"][:i].sum())
            record["n_excitations"] = len(fields["excitations"])
        named = fields["rule"]
        rule = rule_named(named) if isinstance(named, str) else named
        self.rules.append(rule)
        if rule is None:
            record["rule"] = NO_RULE
            return
        rule.fill(record, fields.get("parameters", {}), self._place)
        rule.fill_own(self.members(i), fields.get("own", {}))
        if isinstance(rule, ExternalRule):
            record["rule"], record["rule_address"] = EXTERNAL_RULE, rule.address
            self._set(**sending_doors())
        else:
            record["rule"] = CODES[rule.name]

    def rule_fault(self, stop: int) -> str:
        """Why `advance` came back with STOP_NO_RULE, STOP_RULE_FAILED or STOP_NO_MARKET_RULE, in words."""
        if stop == STOP_NO_MARKET_RULE:
            record = self.markets[self.get("stop_argument")]
            chosen = [f"{key} {int(record[key])}" for key in ("mark_rule", "liquidation_engine", "deleveraging_rule")]
            return f"market {self.get('stop_argument')} has a code that no file of the kernel has: {', '.join(chosen)}"
        group = self.get("stop_argument")
        rule = self.rules[group]
        where = f"trader group {group} (counted from 0, in the order of the scenario)"
        if stop == STOP_NO_RULE:
            code = int(self.groups[group]["rule"])
            return f"{where} woke, and its rule code was {code}; codes are {', '.join(f'{c} {name}' for name, c in CODES.items())}"
        return f"the rule {'' if rule is None else rule.name!r} of {where} raised an exception, which is printed above"

    def members(self, group: int) -> np.ndarray[Any, Any]:
        """Records of a group's traders, to be read and written."""
        first, count = int(self.groups[group]["first_trader"]), int(self.groups[group]["count"])
        return self.traders[first : first + count]

    def _lay_orders(self, capacity: int) -> None:
        self.orders = np.zeros(capacity, layout.ORDER)
        self._link_free(self.orders, 0, -1)
        self._point("orders", self.orders)
        self._set(orders_capacity=capacity, free_order=0)

    def _lay_messages(self, capacity: int) -> None:
        self.messages = np.zeros(capacity, layout.MESSAGE)
        self._link_free(self.messages, 0, -1)
        self._point("messages", self.messages)
        self.heap = np.zeros(capacity + 1, layout.HEAP)
        self._point("heap", self.heap)
        self._set(messages_capacity=capacity, free_message=0)

    @staticmethod
    def _link_free(array: np.ndarray[Any, Any], first: int, last_next: int) -> None:
        array["next"][first:] = np.arange(first + 1, len(array) + 1)
        array["next"][-1] = last_next

    def _lay_logs(self, rows: int, kept: Sequence[str]) -> None:
        self.logs: dict[str, np.ndarray[Any, Any]] = {}
        self._spare_logs: dict[str, np.ndarray[Any, Any]] = {}
        for name, (address, _, capacity, dtype) in LOGS.items():
            size = rows if name in kept and name in ("trades", "orders", "quotes") else 1
            size = RARE_ROWS if name in ("liquidations", "deleveragings") else size
            self.logs[name] = np.zeros(size, dtype)
            self._point(address, self.logs[name])
            self._set(**{capacity: size})
            if f"log_{name}" in HEADER_INDEX:
                self._set(**{f"log_{name}": int(name in kept)})
        self.notices = np.zeros(NOTICE_ROWS, layout.NOTICE)
        self._point("notices", self.notices)
        self._notices_int = memoryview(self.notices.view("i8").reshape(-1))
        self.notice_width = layout.NOTICE.itemsize // 8
        self._set(notices_capacity=NOTICE_ROWS)

    def grow(self) -> None:
        """Double the array that `advance` said is full."""
        if self.get("stop_argument") != SPACE_ORDERS:
            self._grow_messages()
            return
        self.orders = self._doubled("orders", self.orders, "free_order")
        self._set(orders_capacity=len(self.orders))

    def _grow_messages(self) -> None:
        if 2 * len(self.messages) > 1 << KEY_SHIFT:
            raise MemoryError(f"more than {len(self.messages)} messages on their way at once")
        self.messages = self._doubled("messages", self.messages, "free_message")
        heap = np.zeros(len(self.messages) + 1, layout.HEAP)
        heap[: len(self.heap)] = self.heap
        self.heap = heap
        self._point("heap", heap)
        self._set(messages_capacity=len(self.messages))

    def _doubled(self, name: str, old: np.ndarray[Any, Any], free: str) -> np.ndarray[Any, Any]:
        new = np.zeros(2 * len(old), old.dtype)
        new[: len(old)] = old
        self._link_free(new, len(old), self.get(free))
        self._set(**{free: len(old)})
        self._point(name, new)
        return new

    def close(self) -> None:
        """Give the memory back; nothing can be asked of the world afterwards (AttributeError)."""
        for address in self.__dict__.get("_kept", ()):
            release(address)
        self.__dict__.clear()

    def add_cohort(self, **fields: int) -> int:
        """Add a cohort after the world was built; return its number."""
        n = self.get("n_cohorts")
        table = np.zeros(n + 1, layout.COHORT)
        table[:n] = self.cohorts[:n]
        _fill(table[n], fields)
        flows = np.zeros((len(self.flows), n + 1, n + 1), np.int64)
        flows[:, :n, :n] = self.flows[:, :n, :n]
        self.cohorts = table
        self._point("cohorts", table)
        self._lay_flows(flows)
        self._set(n_cohorts=n + 1)
        return n

    def _lay_flows(self, flows: np.ndarray[Any, Any]) -> None:
        flat = flows.reshape(-1)
        self._point("flows", flat)
        self.flows = flat.reshape(flows.shape)

    def add_account(self, cohort: int, cash_atoms: int, bits: int, markets: Sequence[int]) -> tuple[int, list[int]]:
        """Add an account with a deposit and a flat position in each market; return its index and its position records."""
        account, first = self.get("n_accounts"), self.get("n_positions")
        self.accounts = self._with_room("accounts", self.accounts, account, 1)
        self.positions = self._with_room("positions", self.positions, first, len(markets))
        self.places = self._with_room("places", self.places, first, len(markets))
        record = self.accounts[account]
        _fill(
            record,
            {"cash_atoms": cash_atoms, "deposit_atoms": cash_atoms, "cohort": cohort, "bits": bits, "trader": -1},
        )
        record["n_positions"], record["first_position"] = len(markets), first if markets else -1
        for k, market in enumerate(markets):
            fields = {"account": account, "market": market, "next": -1, "prev": -1, "bucket": -1}
            _fill(self.positions[first + k], {**fields, "sibling": first + k + 1 if k + 1 < len(markets) else -1})
        self._set(n_accounts=account + 1, n_positions=first + len(markets))
        for market in range(self.get("n_markets")):
            self._widen_queue(market)
        return account, list(range(first, first + len(markets)))

    @property
    def spot_positions(self) -> np.ndarray[Any, Any]:
        """The records of positions by the names that they have in a spot market."""
        return self.positions.view(layout.SPOT_POSITION)

    def keep_stake(self, record: int) -> None:
        """Write down from now on what the holding of a flat position in a token's market bought, sold and bore."""
        number, position = self._n_stakes, self.spot_positions[record]
        self.stakes = self._with_room("stakes", self.stakes, number, 1)
        market = self.markets[int(position["market"])]
        for what in ("management", "funding"):
            self.stakes[number][f"{what}_seen"] = market[f"{what}_per_lot"]
        position["stake"] = number
        self._n_stakes += 1

    def _with_room(self, name: str, old: np.ndarray[Any, Any], used: int, more: int) -> np.ndarray[Any, Any]:
        if used + more <= len(old):
            return old
        new = np.zeros(max(2 * len(old), used + more) if len(old) < 65_536 else used + more + 4_096, old.dtype)
        new[:used] = old[:used]
        self._point(name, new)
        return new

    def _widen_queue(self, market: int) -> None:
        """Keep room for every account in a market's liquidation queue."""
        record = self.markets[market]
        capacity, address = int(record["queue_capacity"]), int(record["queue"])
        if self.get("n_accounts") < capacity:
            return
        old = self._kept.pop(address)
        release(address)
        head, tail = int(record["queue_head"]), int(record["queue_tail"])
        queue = np.zeros(2 * capacity, np.int32)
        queue[: tail - head] = old[np.arange(head, tail) % capacity]
        record["queue"], record["queue_capacity"] = self._place(queue), len(queue)
        record["queue_head"], record["queue_tail"] = 0, tail - head
