"""The kernel's log records become the columns of the public tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.datasets.canonical import CodedText, canonical
from marketsim.datasets.columns import LogConverter, Names, price_of_ticks
from marketsim.datasets.tables import PURPOSES, TABLES
from marketsim.errors import ResultError

TRADE = np.dtype(
    [(name, np.int64) for name in ("t_ns", "price_ticks", "size_lots", "taker_order", "maker_order")]
    + [(name, np.int32) for name in ("taker_account", "maker_account", "taker_parent", "maker_parent")]
    + [("market", np.int16), ("taker_side", np.int8), ("taker_purpose", np.int8), ("maker_purpose", np.int8)]
)
ORDER = np.dtype(
    [(name, np.int64) for name in ("t_ns", "order_id", "price_ticks", "size_lots", "remaining_lots")]
    + [("account", np.int32), ("market", np.int16)]
    + [(name, np.int8) for name in ("action", "side", "order_type", "reason")]
)
QUOTE = np.dtype(
    [(name, np.int64) for name in ("t_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")] + [("market", np.int16)]
)
NAMES = Names(
    account_ids=np.array([0, 1, 1_000_000_000]),
    account_cohorts=np.array([0, 1, 2], np.int16),
    cohorts=["noise", "makers", "BTC3L"],
    markets=["BTC-PERP", "ETH-PERP"],
    ticks=np.array([0.1, 0.05]),
    purposes=PURPOSES,
    actions=["place", "cancel"],
    order_types=["limit", "market"],
    reasons=[None, "filled", None, "post_only"],
)


def values(table: str, converter: LogConverter, records: Any) -> dict[str, list[Any]]:
    """The columns as the table would hold them."""
    plain = {}
    for name, column in canonical(TABLES[table], converter.columns(records, NAMES)).items():
        if isinstance(column, CodedText):
            plain[name] = [column.texts[code] if code >= 0 else None for code in column.codes]
        else:
            plain[name] = [None if value != value else value for value in column.tolist()]
    return plain


def test_a_trade_names_its_market_accounts_cohorts_sides_and_purposes() -> None:
    log = np.zeros(1, TRADE)
    log[0] = (7, 300001, 5, 11, 12, 2, 1, 3, -1, 0, 1, 1, 0)
    trade = {name: column[0] for name, column in values("trades", LogConverter("trades"), log).items()}
    assert trade == {
        "t_ns": 7,
        "market": "BTC-PERP",
        "seq": 0,
        "price_ticks": 300001,
        "price": 30000.1,
        "size_lots": 5,
        "taker_side": "sell",
        "taker_account": 1_000_000_000,
        "maker_account": 1,
        "taker_cohort": "BTC3L",
        "maker_cohort": "makers",
        "taker_order": 11,
        "maker_order": 12,
        "taker_purpose": "rebalance",
        "maker_purpose": "normal",
        "taker_parent": 3,
        "maker_parent": -1,
    }


def test_an_order_without_a_reason_has_none() -> None:
    log = np.zeros(4, ORDER)
    log["reason"], log["action"], log["side"] = [0, 1, 2, 3], [0, 1, 0, 1], [0, 0, 1, 1]
    orders = values("orders", LogConverter("orders"), log)
    assert orders["reason"] == [None, "filled", None, "post_only"]
    assert orders["action"] == ["place", "cancel", "place", "cancel"]
    assert orders["side"] == ["buy", "buy", "sell", "sell"]
    assert orders["order_type"] == ["limit"] * 4


def test_a_quote_with_an_empty_side_has_no_mid_and_no_price_there() -> None:
    log = np.zeros(3, QUOTE)
    log["bid_ticks"], log["bid_lots"] = [100, -1, 101], [5, 0, 5]
    log["ask_ticks"], log["ask_lots"] = [103, 104, 2**62], [5, 5, 0]
    log["market"] = [0, 0, 1]
    quotes = values("quotes", LogConverter("quotes"), log)
    assert quotes["mid"] == [10.15, None, None]
    assert quotes["bid_ticks"] == [100, 0, 101]
    assert quotes["ask_ticks"] == [103, 104, 0]


@given(markets=st.lists(st.integers(0, 1), max_size=30), cuts=st.lists(st.integers(0, 30), max_size=3))
def test_rows_are_numbered_per_market_across_chunks(markets: list[int], cuts: list[int]) -> None:
    log = np.zeros(len(markets), TRADE)
    log["market"] = markets
    converter = LogConverter("trades")
    chunks = [values("trades", converter, chunk) for chunk in np.split(log, sorted(cuts))]
    found = [seq for chunk in chunks for seq in chunk["seq"]]
    assert found == [markets[:row].count(market) for row, market in enumerate(markets)]


@pytest.mark.parametrize(
    ("tick", "ticks", "price"),
    [(0.1, 3, 0.3), (0.01, 2_999_999, 29_999.99), (0.05, 7, 0.35), (5.0, 3, 15.0), (2.5, 3, 7.5), (0.0025, 3, 0.0075)],
)
def test_a_price_is_the_decimal_number_a_trader_would_write(tick: float, ticks: int, price: float) -> None:
    assert price_of_ticks(np.array([ticks]), tick)[0] == price


def test_a_table_that_the_kernel_does_not_log_is_refused() -> None:
    with pytest.raises(ResultError, match="'marks' is not logged by the kernel; logged: trades, orders, quotes"):
        LogConverter("marks")
