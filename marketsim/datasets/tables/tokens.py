"""Tables of the leveraged tokens: their state, rebalances, primary market, holders and where their return came from."""

from __future__ import annotations

from marketsim.datasets.tables.definition import (
    ACCOUNT,
    COHORT,
    MARKET,
    T_NS,
    TOKEN,
    Table,
    number,
    text,
    whole,
)
from marketsim.issuers.policies.family import trigger_words

REBALANCE_STATUSES = ("done", "partial", "shadow")
PRIMARY_SIDES = ("creation", "redemption")
PRIMARY_STATUSES = ("settled", "queued", "refused")

_PRICE = "asset per unit of underlying"
_NAV = "asset per token"
_NO_LEVERAGE = "no equity or no supply, so no leverage"
_NOTHING_LEFT = "the token was wiped out"
_VARIANCE = "-(b^2 - b) V / 2, V: squared log returns of the mark from reset to reset"
_T0 = whole("t0_ns", "ns", "start of the interval, from the start of the clock")
_T1 = whole("t1_ns", "ns", "end of the interval; the next one starts there")

TOKENS = Table(
    "tokens",
    "State of each token: NAV, supply, leverage, triggers.",
    (
        T_NS,
        TOKEN,
        number("nav", _NAV, "equity less claims per token; as declared while there are none"),
        number("nav_published", _NAV, "NAV the primary market deals at", null="nothing is published yet"),
        number("supply", "tokens", "tokens outstanding"),
        whole("equity_atoms", "atoms", "equity of the token's account at the mark"),
        whole("claims_atoms", "atoms", "its part that is clients': paid in or owed while their hedges are worked"),
        number("leverage", "ratio", "signed notional over equity", null=_NO_LEVERAGE),
        number("target_leverage", "ratio", "signed leverage the issuer aims at", null="the basket has several legs"),
        number("mid_price", _NAV, "mid of the token's own market", null="no market of its own, or a side is empty"),
        number("premium_to_nav", "ratio", "mid over NAV, less 1", null="no mid"),
        number("trigger_up", _PRICE, "price above which the issuer rebalances", null="no such trigger"),
        number("trigger_down", _PRICE, "price below which the issuer rebalances", null="no such trigger"),
        number("last_reset_price", _PRICE, "price at the last rebalance", null="the basket has several legs"),
        text("state", "what the token does"),
    ),
    keys=("t_ns", "token"),
    sort=("t_ns",),
)

TOKEN_LEGS = Table(
    "token_legs",
    "Each leg of each token's basket.",
    (
        T_NS,
        TOKEN,
        MARKET,
        whole("position_lots", "lots", "position; + is long"),
        whole("notional_atoms", "atoms", "signed notional at the mark"),
        number("leverage", "ratio", "signed notional over the token's equity", null=_NO_LEVERAGE),
        number("target_leverage", "ratio", "signed leverage the issuer aims at in this leg"),
    ),
    keys=("t_ns", "token", "market"),
    sort=("t_ns",),
)

REBALANCES = Table(
    "rebalances",
    "Every rebalance: one row per parent order.",
    (
        whole("id", "id", "id of the rebalance; `parent` of its orders"),
        COHORT,
        TOKEN,
        MARKET,
        text("trigger", "what set it off", values=trigger_words),
        text("price_source", "price the trigger looked at"),
        number("trigger_price", _PRICE, "that price at the decision", null="the trigger was a time, not a price"),
        whole("t_decide_ns", "ns", "instant of the decision"),
        whole("t_first_ns", "ns", "instant of the first fill, -1 where nothing filled"),
        whole("t_last_ns", "ns", "instant of the last fill, -1 where nothing filled"),
        number("leverage_before", "ratio", "signed leverage at the decision", null=_NO_LEVERAGE),
        number("leverage_after", "ratio", "signed leverage when it was over", null=_NO_LEVERAGE),
        whole("equity_before_atoms", "atoms", "equity at the decision"),
        whole("position_before_lots", "lots", "position at the decision, hedges under way counted; + is long"),
        number("mark_price", _PRICE, "mark at the decision"),
        number("goal_leverage", "ratio", "signed leverage that the order leads to in its market"),
        number("last_reset_price", _PRICE, "price at the token's last reset, or where it opened"),
        whole("last_reset_equity_atoms", "atoms", "what the units outstanding at the decision were worth then"),
        whole("target_lots", "lots", "size wanted at the decision; + is buy"),
        whole("filled_lots", "lots", "size got; + is buy"),
        whole("backlog_lots", "lots", "size still wanted at the end and not got; + is buy"),
        number(
            "arrival_mid",
            _PRICE,
            "mid before the first decision of that instant in the market",
            null="a side was empty",
        ),
        number("vwap", _PRICE, "volume-weighted average price of the fills", null="nothing filled"),
        number(
            "slippage_bps", "bps", "cost against arrival_mid, fees apart; + is a cost", null="no vwap or arrival_mid"
        ),
        number("shortfall_bps", "bps", "slippage with the unfilled part valued at the last mid", null="no mid for it"),
        whole("fees_atoms", "atoms", "trading fees; + is a cost"),
        whole("market_volume_lots", "lots", "volume of the market from t_decide_ns to t_last_ns, own fills included"),
        number("participation", "ratio", "own fills over market volume", null="no volume"),
        whole("cross_lots", "lots", "own fills against other tokens' orders"),
        number("mid_1m", _PRICE, "mid one minute after the last fill", null="beyond the end, or a side was empty"),
        number("mid_10m", _PRICE, "mid ten minutes after the last fill", null="beyond the end, or a side was empty"),
        number("mid_1h", _PRICE, "mid one hour after the last fill", null="beyond the end, or a side was empty"),
        whole("children", "count", "child orders sent"),
        text("status", "how it ended", values=REBALANCE_STATUSES),
    ),
    keys=("id",),
    sort=("t_decide_ns", "id"),
    sorted_at_close=True,
)

CHILDREN = Table(
    "children",
    "Every child order of the funds: what each rebalance and hedge sent, and what it got.",
    (
        T_NS,
        whole("t_end_ns", "ns", "instant at which it was final"),
        text("purpose", "why it was sent", values=("rebalance", "creation", "redemption", "placebo")),
        whole("parent", "id", "id of the rebalance or hedge; of a placebo, of the factual rebalance"),
        whole("child", "count", "children of its parent before it"),
        TOKEN,
        MARKET,
        text("order_type", "how it traded", values=("market", "ioc", "resting", "off_book")),
        whole("size_lots", "lots", "size sent; + is buy"),
        whole("filled_lots", "lots", "size got; + is buy"),
        number("limit_price", _PRICE, "worst price allowed", null="it had no limit"),
        number("mid_price", _PRICE, "mid when it was sent", null="a side was empty"),
        text("reason", "how it ended, as in `orders`"),
    ),
    keys=("t_ns", "purpose", "parent", "market", "child"),
    sort=("t_ns", "token", "market", "child"),
    sorted_at_close=True,
)

PRIMARY = Table(
    "primary",
    "Every request to create or redeem tokens.",
    (
        whole("t_ns", "ns", "instant of this row: settled, queued or refused"),
        whole("t_request_ns", "ns", "instant of the request"),
        whole("t_settle_ns", "ns", "instant of settlement, -1 where there was none"),
        TOKEN,
        text("side", "creation or redemption", values=PRIMARY_SIDES),
        ACCOUNT,
        COHORT,
        number("units", "tokens", "tokens created or redeemed"),
        whole("cash_atoms", "atoms", "cash that changed hands, fee included"),
        number("price", _NAV, "price per token", null="not dealt"),
        number("nav_true", _NAV, "NAV at the instant of dealing", null="not dealt"),
        whole("fee_atoms", "atoms", "creation or redemption fee"),
        number("queue_ahead", "tokens", "tokens waiting ahead of this request"),
        whole("hedge_parent", "id", "parent of the hedge it caused, -1 where none"),
        text("status", "what became of it", values=PRIMARY_STATUSES),
        text("reason", "why it was queued or refused", null="it was settled"),
    ),
    keys=("t_request_ns", "token", "account", "t_ns"),
    sort=("t_ns", "t_request_ns", "token", "account"),
    sorted_at_close=True,
)

HOLDERS = Table(
    "holders",
    "What each holder of a token put in, paid and has.",
    (
        ACCOUNT,
        COHORT,
        TOKEN,
        number("units_start", "tokens", "tokens held at the start"),
        number("units_end", "tokens", "tokens held at the end"),
        whole("bought_atoms", "atoms", "cash paid for tokens in their market, without one to the fund; fees apart"),
        whole("sold_atoms", "atoms", "cash received for tokens in their market, without one from the fund; fees apart"),
        whole("create_fee_atoms", "atoms", "creation fees paid"),
        whole("redeem_fee_atoms", "atoms", "redemption fees paid"),
        whole("trading_fee_atoms", "atoms", "trading fees paid"),
        whole("management_atoms", "atoms", "share of the management fee borne"),
        whole("funding_atoms", "atoms", "share of the token's funding; + is received"),
        whole("end_value_atoms", "atoms", "worth of the tokens held at the end"),
    ),
    keys=("account", "token"),
    sort=("token", "account"),
    sorted_at_close=True,
)

ATTRIBUTION = Table(
    "attribution",
    "Where each token's equity came from: opening + the seven parts = closing, exactly.",
    (
        TOKEN,
        _T0,
        _T1,
        whole("opening_atoms", "atoms", "equity at the start of the interval"),
        whole("index_atoms", "atoms", "what the position earned on moves of the index"),
        whole("basis_atoms", "atoms", "what the position earned on moves of mark less index"),
        whole("funding_atoms", "atoms", "funding; + is received"),
        whole("management_fee_atoms", "atoms", "management fee; negative"),
        whole("trading_fee_atoms", "atoms", "trading fees; negative"),
        whole("slippage_atoms", "atoms", "signed lots x (mark at the fill - price of the fill)"),
        whole("primary_atoms", "atoms", "creations less redemptions"),
        whole("closing_atoms", "atoms", "equity at the end of the interval"),
    ),
    keys=("token", "t0_ns"),
    sort=("token", "t0_ns"),
    sorted_at_close=True,
)

DECAY = Table(
    "decay",
    "Each token's log return, taken apart after Avellaneda and Zhang: the terms and the residual add up to it.",
    (
        TOKEN,
        _T0,
        _T1,
        number("log_return", "ratio", "log return of one unit's NAV, whatever was split", null=_NOTHING_LEFT),
        number("beta_term", "ratio", "target leverage x log return of the perpetual's mark"),
        number("variance_term", "ratio", _VARIANCE, null="the basket has several legs"),
        number("funding_term", "ratio", "funding; + is received"),
        number("fee_term", "ratio", "management fee; negative"),
        number("cost_term", "ratio", "trading fees, and slippage against the mark; negative as a cost"),
        number("residual", "ratio", "what the terms leave: drift of the leverage, higher orders", null=_NOTHING_LEFT),
    ),
    keys=("token", "t0_ns"),
    sort=("token", "t0_ns"),
    sorted_at_close=True,
)

TOKEN_TABLES = (TOKENS, TOKEN_LEGS, REBALANCES, CHILDREN, PRIMARY, HOLDERS, ATTRIBUTION, DECAY)
