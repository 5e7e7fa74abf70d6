"""The kernel's log records as table columns: whole arrays at once, text as codes.

The records come as NumPy structured arrays; which fields they need is read off the code below, extra ones are ignored.
Accounts, cohorts, markets and purposes are numbers in the kernel; `Names` says what they are called outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.datasets.canonical import Array, CodedText
from marketsim.datasets.tables import SIDES
from marketsim.errors import ResultError

Records = NDArray[np.void]
Columns = dict[str, Array | CodedText]


@dataclass(frozen=True)
class Names:
    """What the kernel's numbers are called outside.

    `account_ids` (accounts,) and `account_cohorts` (accounts,) give public id and number of the cohort by the kernel's
    account index; `ticks` (markets,) the size of a tick; the rest are names by code. A reason of None becomes a null.
    """

    account_ids: NDArray[np.int64]
    account_cohorts: NDArray[np.integer[Any]]
    cohorts: Sequence[str]
    markets: Sequence[str]
    ticks: NDArray[np.float64]
    purposes: Sequence[str]
    actions: Sequence[str] = ()
    order_types: Sequence[str] = ()
    reasons: Sequence[str | None] = ()


def price_of_ticks(ticks: NDArray[np.int64], tick: float) -> NDArray[np.float64]:
    """Prices of whole ticks (n,), each the float nearest to the exact product with the decimal `tick`."""
    size = Fraction(repr(float(tick)))
    prices = ticks.astype(np.float64)
    if size.numerator != 1:
        prices *= size.numerator
    if size.denominator != 1:
        prices /= size.denominator
    return prices


def _by_market(
    ticks: NDArray[np.int64], market: NDArray[np.integer[Any]], sizes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Prices (n,) of ticks (n,) in markets (n,) with tick `sizes` (markets,)."""
    if len(sizes) == 1:
        return price_of_ticks(ticks, sizes[0])
    prices = np.empty(len(ticks))
    for index in np.flatnonzero(np.bincount(market)):
        rows = market == index
        prices[rows] = price_of_ticks(ticks[rows], sizes[index])
    return prices


def _explained(codes: NDArray[np.integer[Any]], texts: Sequence[str | None]) -> CodedText:
    """Codes into texts some of which say "nothing", as codes where those are -1."""
    said = [text for text in texts if text is not None]
    numbers = np.array([-1 if text is None else said.index(text) for text in texts], np.int8)
    return CodedText(numbers[codes], said)


class LogConverter:
    """Turns one table's log records into its columns; numbers the rows of each market across calls."""

    def __init__(self, table: str) -> None:
        converters: dict[str, Callable[[Records, Names], Columns]] = {
            "trades": self._trades,
            "orders": self._orders,
            "quotes": self._quotes,
        }
        if table not in converters:
            raise ResultError(f"table {table!r} is not logged by the kernel; logged: {', '.join(converters)}")
        self.columns = converters[table]
        self._next_seq = np.zeros(0, np.int64)

    def _seq(self, market: NDArray[np.integer[Any]], markets: int) -> NDArray[np.int64]:
        """The rows' numbers (n,) in their markets, going on where the last call ended."""
        if len(self._next_seq) < markets:
            self._next_seq = np.concatenate([self._next_seq, np.zeros(markets - len(self._next_seq), np.int64)])
        counts = np.bincount(market, minlength=len(self._next_seq))
        present = np.flatnonzero(counts)
        seq = np.arange(len(market), dtype=np.int64)
        if len(present) == 1:
            seq += self._next_seq[present[0]]
        else:
            for index in present:
                seq[market == index] = np.arange(counts[index]) + self._next_seq[index]
        self._next_seq += counts
        return seq

    def _trades(self, log: Records, names: Names) -> Columns:
        market = log["market"]
        price_ticks = np.ascontiguousarray(log["price_ticks"])
        columns: Columns = {
            "t_ns": log["t_ns"],
            "market": CodedText(market, names.markets),
            "seq": self._seq(market, len(names.markets)),
            "price_ticks": price_ticks,
            "price": _by_market(price_ticks, market, names.ticks),
            "size_lots": log["size_lots"],
            "taker_side": CodedText(log["taker_side"], SIDES),
        }
        for who in ("taker", "maker"):
            account = log[f"{who}_account"]
            columns[f"{who}_account"] = names.account_ids.take(account)
            columns[f"{who}_cohort"] = CodedText(names.account_cohorts.take(account), names.cohorts)
            columns[f"{who}_order"] = log[f"{who}_order"]
            columns[f"{who}_purpose"] = CodedText(log[f"{who}_purpose"], names.purposes)
            columns[f"{who}_parent"] = log[f"{who}_parent"]
        return columns

    def _orders(self, log: Records, names: Names) -> Columns:
        market, account = log["market"], log["account"]
        return {
            "t_ns": log["t_ns"],
            "market": CodedText(market, names.markets),
            "seq": self._seq(market, len(names.markets)),
            "order_id": log["order_id"],
            "account": names.account_ids.take(account),
            "cohort": CodedText(names.account_cohorts.take(account), names.cohorts),
            "action": CodedText(log["action"], names.actions),
            "side": CodedText(log["side"], SIDES),
            "order_type": CodedText(log["order_type"], names.order_types),
            "price_ticks": log["price_ticks"],
            "size_lots": log["size_lots"],
            "remaining_lots": log["remaining_lots"],
            "reason": _explained(log["reason"], names.reasons),
        }

    def _quotes(self, log: Records, names: Names) -> Columns:
        market = log["market"]
        no_bid, no_ask = log["bid_lots"] == 0, log["ask_lots"] == 0
        bid, ask = np.where(no_bid, 0, log["bid_ticks"]), np.where(no_ask, 0, log["ask_ticks"])
        is_formula = no_bid & no_ask & (log["bid_ticks"] > 0)  # a market without a book has no lots, and a mid
        has_no_mid = (no_bid | no_ask) & ~is_formula
        sums = np.where(has_no_mid, 0, log["bid_ticks"] + log["ask_ticks"])
        mid = _by_market(sums, market, names.ticks) / 2
        return {
            "t_ns": log["t_ns"],
            "market": CodedText(market, names.markets),
            "bid_ticks": bid,
            "bid_lots": log["bid_lots"],
            "ask_ticks": ask,
            "ask_lots": log["ask_lots"],
            "mid": np.where(has_no_mid, np.nan, mid),
        }
