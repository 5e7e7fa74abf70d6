"""Tables of the accounts: liquidations and deleveragings, who owns what, the ledger, and what happened to the world."""

from __future__ import annotations

from marketsim.datasets.tables.definition import (
    ACCOUNT,
    ASSET,
    COHORT,
    MARKET,
    T_NS,
    Table,
    number,
    text,
    truth,
    whole,
)

LEDGER_ENTRIES = (
    "deposit",
    "trade",
    "trading_fee",
    "funding",
    "liquidation_fee",
    "insurance",
    "deleveraging",
    "management_fee",
    "creation",
    "redemption",
    "primary_fee",
    "rounding",
    "top_up",
    "interest",
)
LIQUIDATION_STAGES = ("partial", "takeover", "deleveraged")
EVENTS_OF_THE_WORLD = (
    "reverse_split",
    "suspended",
    "resumed",
    "wiped",
    "delisted",
    "state",
    "backlog",
    "ripcord",
    "announced",
)
"""Words of `events.event`, to which kinds of listed events and of traders add their own."""


def _event_words() -> tuple[str, ...]:
    """All words of `events.event`; the kinds are imported when somebody asks, not with the dictionary of tables."""
    from marketsim.events.family import listed_event_words
    from marketsim.traders.group import event_words

    return tuple(dict.fromkeys((*EVENTS_OF_THE_WORLD, *listed_event_words(), *event_words())))


LEDGER_ROLES = ("venue", "insurance", "outside", "outside_holders", "rounding")

_PRICE = "asset per unit of underlying"

LIQUIDATIONS = Table(
    "liquidations",
    "Every liquidation: a position the venue took apart; t_ns is the mark step at which it decided to.",
    (
        T_NS,
        MARKET,
        ACCOUNT,
        COHORT,
        whole("size_lots", "lots", "position that was liquidated; + is long"),
        number("entry_price", _PRICE, "average entry price of the position"),
        number("leverage", "ratio", "notional over equity when the engine's order came", null="no equity was left"),
        number("mark_price", _PRICE, "mark price when the engine's order came"),
        number("index_price", _PRICE, "index price when the engine's order came"),
        number("bankruptcy_price", _PRICE, "price at which the account is worth nothing"),
        number("vwap", _PRICE, "average price got in the book", null="nothing was sold in the book"),
        whole("fee_atoms", "atoms", "liquidation fee"),
        whole("insurance_atoms", "atoms", "what the insurance fund gained; negative where it paid"),
        whole("deleveraged_lots", "lots", "part of the position passed on to the other side's accounts"),
        text("stage", "the step that ended it", values=LIQUIDATION_STAGES),
        whole("cascade", "id", "cascade it belongs to, -1 where none"),
        whole("parent", "id", "rebalance, primary request or cascade that pushed the price, -1 where none"),
        truth("is_fund", "whether the account is a token's"),
        truth("solvent_at_index", "whether the account was solvent at the index price"),
        whole("t_order_ns", "ns", "when the engine's order came to the book; its trades and deleveragings have it too"),
    ),
    keys=("t_ns", "market", "account"),
    sort=("t_ns", "market", "account"),
    sorted_at_close=True,
)

DELEVERAGINGS = Table(
    "deleveragings",
    "Every position cut to take over what nobody else would.",
    (
        T_NS,
        MARKET,
        ACCOUNT,
        COHORT,
        whole("size_lots", "lots", "change of the position; + is buy"),
        number("price", _PRICE, "price at which it was cut"),
        whole("rank", "count", "place in the queue of the bankrupt position it took over, 0 is first"),
        whole("cascade", "id", "cascade it belongs to, -1 where none"),
    ),
    keys=(),  # one account may be first in the queues of two bankrupt positions of an instant
    sort=("t_ns",),
)

COHORTS = Table(
    "cohorts",
    "Cash and equity of each cohort; equity sums to the deposits at every snapshot.",
    (
        T_NS,
        COHORT,
        text("kind", "kind of cohort"),
        whole("accounts", "count", "accounts of the cohort"),
        ASSET,
        whole("cash_atoms", "atoms", "cash, with every fill at its price"),
        whole("equity_atoms", "atoms", "cash plus positions at the mark"),
    ),
    keys=("t_ns", "cohort", "asset"),
    sort=("t_ns",),
)

POSITIONS = Table(
    "positions",
    "Positions of each cohort, ledger roles too.",
    (
        T_NS,
        COHORT,
        MARKET,
        whole("net_lots", "lots", "long less short"),
        whole("long_lots", "lots", "sum over the cohort's longs, never negative"),
        whole("short_lots", "lots", "sum over the cohort's shorts, never negative"),
    ),
    keys=("t_ns", "cohort", "market"),
    sort=("t_ns",),
)

ACCOUNTS = Table(
    "accounts",
    "What each account began and ended with.",
    (
        ACCOUNT,
        COHORT,
        ASSET,
        whole("start_equity_atoms", "atoms", "equity at the start"),
        whole("end_equity_atoms", "atoms", "equity at the end"),
        whole("trading_fees_atoms", "atoms", "trading fees paid"),
        whole("funding_atoms", "atoms", "funding; + is received"),
        whole("liquidations", "count", "times the account was liquidated"),
    ),
    keys=("account", "asset"),
    sort=("account",),
)

LEDGER = Table(
    "ledger",
    "What flowed between cohorts, per kind and interval; its sums explain every change in `cohorts`.",
    (
        whole("t_ns", "ns", "end of the interval, from the start of the clock"),
        text("entry", "kind of flow", values=LEDGER_ENTRIES),
        ASSET,
        text("from_cohort", "cohort that paid", null="a deposit comes from nowhere"),
        text("to_cohort", "cohort that received"),
        whole("atoms", "atoms", "amount"),
    ),
    keys=("t_ns", "entry", "asset", "from_cohort", "to_cohort"),
    sort=("t_ns",),
)

EVENTS = Table(
    "events",
    "What happened to the world besides trading.",
    (
        T_NS,
        text("event", "kind of event", values=_event_words),
        text("subject", "id of the underlying, market or token it happened to; of a metaorder: group/parent"),
        text("detail", "JSON object, a schema per kind"),
    ),
    keys=("t_ns", "event", "subject"),
    sort=("t_ns",),
)

ACCOUNT_TABLES = (LIQUIDATIONS, DELEVERAGINGS, COHORTS, POSITIONS, ACCOUNTS, LEDGER, EVENTS)
