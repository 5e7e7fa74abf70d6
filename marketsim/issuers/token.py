"""The leveraged token: a fund, its basket of signed target leverages, and its rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marketsim.issuers.execution import ExecutionSpec, MarketExecutionSpec
from marketsim.issuers.fees import ManagementFeeSpec
from marketsim.issuers.rebalancing import RebalanceSpec
from marketsim.spec import NONE_IN_WORDS, WORDS_FOR_NONE, Duration, Identifier, Leverage, MoneyAmount, Spec
from marketsim.units import NS_PER_SECOND
from marketsim.venues.margin import Tiers


class TokenStartSpec(Spec):
    """The opening state: signed `leverage` (absent: each leg at its target), price of the last reset (absent: mark)."""

    leverage: Leverage | None = None
    last_reset: MoneyAmount | None = None


class TokenAccountSpec(Spec):
    """The issuer's account at the venue: its margin tiers; none = unlimited size."""

    tiers: Tiers = ()


class NavQuoteSpec(Spec):
    """The NAV the primary market deals at."""

    source: Literal["mark"] = "mark"
    every: Duration = NS_PER_SECOND
    delay: Duration = 0


class TokenSpec(Spec):
    """A leveraged token: `basket` maps market ids to signed targets; `aum`, `nav`: equity, of one unit.

    `disclosure`, `primary`, `market`, `reverse_split` hold their default, none.
    """

    id: Identifier
    issuer: Identifier
    basket: dict[str, Leverage]
    aum: MoneyAmount
    nav: MoneyAmount
    start: TokenStartSpec = TokenStartSpec()
    rebalance: Annotated[RebalanceSpec, Field(discriminator="policy")]
    execution: Annotated[ExecutionSpec, Field(discriminator="algorithm")] = MarketExecutionSpec(algorithm="market")
    management_fee: Annotated[ManagementFeeSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    account: TokenAccountSpec = TokenAccountSpec()
    nav_quote: NavQuoteSpec = NavQuoteSpec()
    disclosure: Literal["none"] = "none"
    primary: Literal["none"] = "none"
    reverse_split: Literal["none"] = "none"
    market: Literal["none"] = "none"
