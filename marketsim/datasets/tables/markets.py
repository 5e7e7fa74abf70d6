"""Tables of the markets: what is traded, the tape, the book, prices and funding."""

from __future__ import annotations

from marketsim.datasets.tables.definition import (
    ACCOUNT,
    COHORT,
    MARKET,
    T_NS,
    Column,
    Table,
    number,
    text,
    whole,
)

SIDES = ("buy", "sell")
BOOK_SIDES = ("bid", "ask")
MARKET_KINDS = ("perpetual", "spot")
CONTRACTS = ("linear", "inverse", "quanto")
PURPOSES = (
    "normal",
    "rebalance",
    "creation",
    "redemption",
    "liquidation",
    "deleveraging",
    "hedge",
    "arbitrage",
    "anticipation",
    "placebo",
)

_NO_SIDE = "0 where the side is empty"

INSTRUMENTS = Table(
    "instruments",
    "What can be traded: one row per market.",
    (
        MARKET,
        text("venue", "id of the venue; accounts are per participant and venue"),
        text("kind", "kind of market", values=MARKET_KINDS),
        text("underlying", "id of the underlying, of which a lot is a quantity"),
        text("contract", "how the contract pays", null="a spot market has no contract", values=CONTRACTS),
        number("tick", "asset per unit of underlying", "smallest step of the price"),
        number("lot", "units of underlying", "smallest step of the size"),
        whole("atoms_per_tick_lot", "atoms", "worth of one tick of one lot"),
        text("asset", "currency in which the market settles"),
    ),
    keys=("market",),
    sort=("market",),
    sorted_at_close=True,
)

TRADES = Table(
    "trades",
    "Every match in a book: one row per fill of one resting order.",
    (
        T_NS,
        MARKET,
        whole("seq", "count", "number of the trade in its market, from 0"),
        whole("price_ticks", "ticks", "price of the trade"),
        number("price", "asset per unit of underlying", "price of the trade"),
        whole("size_lots", "lots", "size of the trade, always positive"),
        text("taker_side", "side of the order that came", values=SIDES),
        whole("taker_account", "id", "account of the order that came"),
        whole("maker_account", "id", "account of the order that rested"),
        text("taker_cohort", "cohort of the taker's account"),
        text("maker_cohort", "cohort of the maker's account"),
        whole("taker_order", "id", "order that came"),
        whole("maker_order", "id", "order that rested, -1 of `outside`, which sends none"),
        text("taker_purpose", "why the taker traded", values=PURPOSES),
        text("maker_purpose", "why the maker's order stood there", values=PURPOSES),
        whole(
            "taker_parent",
            "id",
            "rebalance, primary request, cascade or (normal) metaorder of the taker's cohort, -1 where none",
        ),
        whole(
            "maker_parent",
            "id",
            "rebalance, primary request, cascade or (normal) metaorder of the maker's cohort, -1 where none",
        ),
    ),
    keys=("market", "seq"),
    sort=("t_ns",),
)

ORDERS = Table(
    "orders",
    "Every message about an order that reached a venue, refused ones too.",
    (
        whole("t_ns", "ns", "instant of arrival at the venue, from the start of the clock"),
        MARKET,
        whole("seq", "count", "number of the row in its market, from 0"),
        whole("order_id", "id", "id of the order"),
        ACCOUNT,
        COHORT,
        text("action", "what the message did"),
        text("side", "side of the order", values=SIDES),
        text("order_type", "type of the order"),
        whole("price_ticks", "ticks", "limit price, 0 where the order has none"),
        whole("size_lots", "lots", "size of the order, always positive"),
        whole("remaining_lots", "lots", "what is left of it after the message, never negative"),
        text("reason", "why the order ended or was refused", null="it stands, nothing to explain"),
    ),
    keys=("market", "seq"),
    sort=("t_ns",),
)

QUOTES = Table(
    "quotes",
    "Best bid and ask, at their changes or at an interval.",
    (
        T_NS,
        MARKET,
        whole("bid_ticks", "ticks", f"best bid, {_NO_SIDE}"),
        whole("bid_lots", "lots", f"size at the best bid, {_NO_SIDE}"),
        whole("ask_ticks", "ticks", f"best ask, {_NO_SIDE}"),
        whole("ask_lots", "lots", f"size at the best ask, {_NO_SIDE}"),
        number(
            "mid",
            "asset per unit of underlying",
            "middle of bid and ask; of a market without a book its price",
            null="a side is empty",
        ),
    ),
    keys=("t_ns", "market"),
    sort=("t_ns",),
)

DEPTH = Table(
    "depth",
    "Size that rests within a distance of the mid.",
    (
        T_NS,
        MARKET,
        text("side", "side of the book", values=BOOK_SIDES),
        number("bps", "bps", "distance from the mid"),
        whole("size_lots", "lots", "size that rests within the distance"),
    ),
    keys=("t_ns", "market", "side", "bps"),
    sort=("t_ns",),
)

BOOK = Table(
    "book",
    "The levels of the book, best first.",
    (
        T_NS,
        MARKET,
        text("side", "side of the book", values=BOOK_SIDES),
        whole("level", "count", "number of the level, 0 is the best"),
        whole("price_ticks", "ticks", "price of the level"),
        whole("size_lots", "lots", "size that rests there"),
    ),
    keys=("t_ns", "market", "side", "level"),
    sort=("t_ns",),
)

MARKS = Table(
    "marks",
    "Index, mark, mid and last price of each market, its premium and open interest.",
    (
        T_NS,
        MARKET,
        number("index_price", "asset per unit of underlying", "index price", null="the market has no index"),
        number("mark_price", "asset per unit of underlying", "mark price", null="the market has no mark"),
        number("mid_price", "asset per unit of underlying", "middle of bid and ask", null="a side is empty"),
        number("last_price", "asset per unit of underlying", "price of the last trade", null="no trade yet"),
        number("premium", "ratio", "premium of the impact prices over the index", null="the market pays no funding"),
        number("predicted_funding", "ratio", "rate if funding settled now", null="the market pays no funding"),
        whole("open_interest_lots", "lots", "long lots of all cohorts but outside; 0 in spot markets"),
        Column(
            "latent_price",
            "float64",
            "asset per unit of underlying",
            "latent fundamental of the underlying, which only informed traders see",
            null="the underlying has none",
            is_newer=True,
        ),
    ),
    keys=("t_ns", "market"),
    sort=("t_ns",),
)

FUNDING = Table(
    "funding",
    "Every funding settlement.",
    (
        T_NS,
        MARKET,
        number("rate", "ratio", "funding rate of the interval; + means longs pay shorts"),
        number("mean_premium", "ratio", "weighted mean of the premium samples of the interval"),
        number("mark_price", "asset per unit of underlying", "mark price at which the rate was applied"),
        whole("atoms_per_lot", "atoms", "what one long lot paid; negative where it received"),
        whole("paid_by_longs_atoms", "atoms", "sum over the longs; negative where they received"),
        whole("received_by_shorts_atoms", "atoms", "sum over the shorts; negative where they paid"),
    ),
    keys=("t_ns", "market"),
    sort=("t_ns", "market"),
    sorted_at_close=True,
)

MARKET_TABLES = (INSTRUMENTS, TRADES, ORDERS, QUOTES, DEPTH, BOOK, MARKS, FUNDING)
