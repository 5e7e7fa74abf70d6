"""Token makers: a token's market maker and authorised participant.

Its quotes are the kernel's (`market_maker`); inventory and hedge take thought and little time, and stand on the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from marketsim.messages import Purpose
from marketsim.ranges import ABOVE_ZERO, LEVELS, ONE_OR_MORE, PART, SHARE, ZERO_OR_MORE
from marketsim.spec import QUOTE, Count, Duration, EventRate, Factor, Flag, MoneyAmount, Rate
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.group import TRADERS, MarketSort
from marketsim.traders.kinds.market_maker import MEMORY_WEIGHT, MarketMakerSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, Money, format_duration

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@TRADERS.register
class TokenMakerSpec(MarketMakerSpec):
    """A token's market maker and authorised participant: quotes around NAV, hedges with the perps, creates and redeems.

    `holds` is the inventory it wants. hedge: whether it holds the opposite of its inventory in the basket's perps;
    every: how often it looks; tolerance: how far (share of the inventory) it lets inventory and hedge drift;
    uses_primary: whether it creates and redeems.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {}
    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("token",)
    may_cross: ClassVar[bool] = True  # it knows what a unit can be made and given back for

    kind: Literal["token_maker"]  # type: ignore[assignment]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(60, 3_600)
    levels: Annotated[Count, LEVELS] = 5
    first: Annotated[Rate, PART] = Decimal("0.0015")
    growth: Annotated[Factor, ONE_OR_MORE] = Decimal("1.6")
    size: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(5_000), QUOTE)
    size_growth: Annotated[Factor, ABOVE_ZERO] = Decimal("1.5")
    skew: Annotated[Rate, SHARE] = Decimal("0.002")
    skew_inventory: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(250_000), QUOTE)
    memory_weight: Annotated[Factor, MEMORY_WEIGHT] = Decimal(0)
    max_inventory: Annotated[MoneyAmount, ZERO_OR_MORE] = Money(Decimal(1_000_000), QUOTE)
    hedge: Flag = True
    uses_primary: Flag = True
    every: Annotated[Duration, ABOVE_ZERO] = 10 * NS_PER_SECOND
    tolerance: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.25")

    def further_markets(self, legs: Sequence[str]) -> tuple[str, ...]:
        """The perps of the basket."""
        return tuple(legs)

    def opening_hedge(self, units: int, supply_lots: int, fund_lots: Mapping[str, int]) -> Mapping[str, int]:
        """Lots by leg that are the opposite of its units' share of the fund."""
        return hedge_of(units, supply_lots, fund_lots) if self.hedge and supply_lots else {}

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's maker rule takes it, which counts inventory from the units it opens with."""
        return replace(super().rule(terms), counts_from="base_lots")

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that looks after inventory and hedge."""
        return TokenMakerDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        hedge = "hedge their units with the perpetuals of the basket" if self.hedge else ""
        primary = "create and redeem units to come back to the inventory they want" if self.uses_primary else ""
        tasks = " and ".join(part for part in (hedge, primary) if part)
        return super().sentence() + (f" Every {format_duration(self.every)} they {tasks}." if tasks else "")


def hedge_of(units: int, supply_lots: int, fund_lots: Mapping[str, int]) -> dict[str, int]:
    """Positions that are the opposite of so many units' share of a fund, by leg [lots, nearest]; none of no supply."""
    if supply_lots == 0:
        return dict.fromkeys(fund_lots, 0)
    return {leg: -round(Fraction(lots * units, supply_lots)) for leg, lots in fund_lots.items()}


class TokenMakerDesk(TraderDesk):
    """Looks after the accounts of one group of token makers, every `spec.every`.

    wanted: the inventory each account started with and comes back to [lots]. Rule: inventory beyond `tolerance` is
    brought back by creation or redemption; a hedge that is off by more than `tolerance` of what it should be is traded
    at market (docs/products.md#secondary-market: premium kept in by creation, redemption and the perp hedge).
    """

    def __init__(self, spec: TokenMakerSpec, context: DeskContext) -> None:
        super().__init__(context)
        assert context.fund is not None  # it trades in a token's own market alone
        self.spec, self.fund = spec, context.fund
        self.wanted = [self.view.position_lots(account, spec.market) for account in self.accounts]
        self.request = self.fund.request if spec.uses_primary else None

    def start(self) -> None:
        """Begin to look."""
        self.fund.on_rescale.append(self.rescale)
        self.env.process(self._look_after())

    def rescale(self, ratio: int) -> None:
        """Count wanted inventories in new units worth `ratio` old ones."""
        self.wanted = [lots // ratio for lots in self.wanted]

    def _look_after(self) -> ProcessGenerator:
        while True:
            yield self.env.timeout(self.spec.every)
            for account, wanted in zip(self.accounts, self.wanted, strict=True):
                units = self.view.position_lots(account, self.spec.market)
                self._keep_inventory(account, units, wanted)
                if self.spec.hedge:
                    self._keep_hedge(account, units)

    def _keep_inventory(self, account: int, units: int, wanted: int) -> None:
        missing = wanted - units
        if self.request is not None and abs(missing) > self.spec.tolerance * wanted:
            self.request(account, missing)

    def _keep_hedge(self, account: int, units: int) -> None:
        for market, lots in self.hedge_of(units).items():
            off = lots - self.view.position_lots(account, market)
            if off and abs(off) > self.spec.tolerance * max(abs(lots), 1):
                self.gateway.send(account, market, off, order_type="market", purpose=Purpose.HEDGE)

    def hedge_of(self, units: int) -> dict[str, int]:
        """Perp positions that are the opposite of so many lots of the token now, by market [lots]."""
        held = {leg: self.view.position_lots(self.fund.account, leg) for leg in self.fund.legs}
        return hedge_of(units, self.fund.supply_lots(), held)
