"""The declaration of a leveraged token, and how it opens: its positions, supply and own market at the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Annotated, Literal

from marketsim.issuers.algorithms.family import EXECUTIONS, ExecutionSpec
from marketsim.issuers.algorithms.market import MarketExecutionSpec
from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.issuers.fees.management import ManagementFeeSpec
from marketsim.issuers.fund.nav import Exact, position_for
from marketsim.issuers.fund.token import TOKEN_LOTS_PER_TOKEN, LegTerms, Token
from marketsim.issuers.life_cycle.unit_conversion import ReverseSplitSpec
from marketsim.issuers.policies.family import POLICIES, PolicySpec
from marketsim.issuers.primary_market.nav_quote import NavQuoteSpec
from marketsim.issuers.primary_market.terms import Primary
from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE
from marketsim.spec import (
    NONE_IN_WORDS,
    QUOTE,
    WORDS_FOR_NONE,
    Factor,
    Fault,
    Identifier,
    Leverage,
    MoneyAmount,
    MoneyOrNone,
    Rate,
    Spec,
    whole_atoms_faults,
)
from marketsim.units import Money, Size, format_money, format_number, to_atoms
from marketsim.venues.contract import FeesSpec, MarketSpec
from marketsim.venues.funding import FundingSpec
from marketsim.venues.liquidation import LiquidationSpec
from marketsim.venues.margin import MarginSpec, Tiers
from marketsim.venues.marks.family import MarkSpec


class TokenStartSpec(Spec):
    """The opening state: signed `leverage` at the opening mark (absent: each leg at its target), last reset's price.

    Without a price the last reset was at the opening mark. Rules by move count from it; `leverage` does not.
    """

    leverage: Leverage | None = None
    last_reset: Annotated[MoneyAmount | None, ABOVE_ZERO] = None


class TokenAccountSpec(Spec):
    """The issuer's account at the venue: its margin tiers; none = unlimited size."""

    tiers: Tiers = ()


class TokenMarketSpec(Spec):
    """The token's own spot book; its market id is the token's id, its index the fund's NAV.

    lot: smallest amount of the token; price_band: how far from NAV a limit price may lie; holding_cap: tokens one
    account may hold.
    """

    tick: MoneyAmount = Money(Decimal("0.01"), QUOTE)
    lot: Factor = Decimal("0.01")
    fees: FeesSpec = FeesSpec(maker=Decimal("0.001"), taker=Decimal("0.001"))
    price_band: Rate | None = None
    holding_cap: Factor | None = None


class TokenSpec(Spec):
    """A leveraged token: `basket` maps market ids to signed targets; `aum`, `nav`: equity, of one unit.

    `funding` of its perpetuals, and the `costs` of its rebalances (fees and slippage), are the fund's (`pass`), or the
    issuer's (`absorb`: Gate's all-in fee, docs/products.md#gate). `rebalance_fee`: what the fund pays the issuer for
    each rebalance that trades (TLX, docs/products.md#tlx). `disclosure`: what anybody may know of its resets; none:
    nothing.
    """

    id: Identifier
    issuer: Identifier
    basket: dict[str, Leverage]
    aum: Annotated[MoneyAmount, ZERO_OR_MORE]
    nav: Annotated[MoneyAmount, ABOVE_ZERO]
    start: TokenStartSpec = TokenStartSpec()
    rebalance: Annotated[PolicySpec, POLICIES]
    execution: Annotated[ExecutionSpec, EXECUTIONS] = MarketExecutionSpec(algorithm="market")
    management_fee: Annotated[ManagementFeeSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    rebalance_fee: Annotated[MoneyOrNone, ZERO_OR_MORE] = None
    account: TokenAccountSpec = TokenAccountSpec()
    nav_quote: NavQuoteSpec = NavQuoteSpec()
    funding: Literal["pass", "absorb"] = "pass"
    costs: Literal["pass", "absorb"] = "pass"
    disclosure: Annotated[DisclosureSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    primary: Primary = None
    reverse_split: Annotated[ReverseSplitSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    market: Annotated[TokenMarketSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None

    @property
    def aum_atoms(self) -> int:
        """Equity at the start [atoms]."""
        return to_atoms(self.aum.amount)

    @property
    def nav_atoms(self) -> int:
        """NAV at the start [atoms per token]."""
        return to_atoms(self.nav.amount)

    def faults(self, lots: Mapping[str, Size]) -> Iterator[Fault]:
        """What is wrong between its rules, its fees and its basket.

        lots: size of a lot of the markets that are declared right.
        """
        gross = sum((abs(target) for target in self.basket.values()), Decimal(0))
        yield from (fault.below("rebalance") for fault in self.rebalance.faults(self.basket, lots))
        yield from (fault.below("execution") for fault in self.execution.faults(gross))
        yield from self._fee_faults(gross)
        if self.primary is not None:
            yield from (fault.below("primary") for fault in self.primary.faults())
        if self.reverse_split is not None:
            splits = self.reverse_split.faults(self.nav, has_market=self.market is not None)
            yield from (fault.below("reverse_split") for fault in splits)

    def sentences(self) -> Iterator[str]:
        """What it holds and by which rules, in words."""
        legs = " and ".join(f"{format_number(target)} times {market}" for market, target in self.basket.items())
        fee = "no management fee" if self.management_fee is None else self.management_fee.words()
        yield (
            f"{self.id} of issuer {self.issuer} holds {legs}, with {format_money(self.aum)} under management at "
            f"{format_money(self.nav)} a unit and {fee}."
        )
        yield self.rebalance.sentence(sum(self.basket.values(), Decimal(0)))
        yield from self.execution.sentences()
        if self.primary is not None:
            yield self.primary.sentence()
        if self.nav_quote != NavQuoteSpec():
            yield self.nav_quote.sentence()
        if self.reverse_split is not None:
            yield self.reverse_split.sentence()
        if self.rebalance_fee is not None:
            yield f"Each rebalance costs it {format_money(self.rebalance_fee)}, before the order is sized."
        if self.funding == "absorb":
            yield "The issuer pays and keeps the funding."
        if self.costs == "absorb":
            yield "The issuer bears the fees and the slippage of its rebalances."
        if self.disclosure is not None:
            yield self.disclosure.sentence()

    def _fee_faults(self, gross: Decimal) -> Iterator[Fault]:
        """Fees that would never be charged, or take all there is."""
        fee, primary = self.management_fee, self.primary
        if not self.rebalance.ever_rebalances:
            message = "this token never rebalances, so this is never charged"
            if fee is not None and fee.when == "rebalance":
                yield Fault(("management_fee", "when"), message, "every, or a token that rebalances")
            if self.rebalance_fee is not None:
                yield Fault(("rebalance_fee",), message, "none, or a token that rebalances")
            if primary is not None and primary.hedge == "reset":
                message = "this token never rebalances, so nothing would hedge its units"
                yield Fault(("primary", "hedge"), message, "execution, or a token that rebalances")
        yield from whole_atoms_faults(self.rebalance_fee, "rebalance_fee")
        for name in ("create_fee", "redeem_fee"):
            if primary is not None and primary.fee_of == "notional" and getattr(primary, name) * gross >= 1:
                message = f"of {format_number(gross)} times the cash, this fee leaves nothing of it"
                yield Fault(("primary", name), message, "less than the cash, or fee_of: cash")


def opening_lots(spec: TokenSpec, legs: Sequence[LegTerms], mark_ticks: Mapping[str, int]) -> dict[str, int]:
    """Positions a token opens with, by market: its start leverage at the opening marks, to the nearest lot.

    `start.leverage` scales every leg of a basket alike; absent, each leg opens at its target. Cash is then
    `aum - sum(position x mark)`. Raises `ValueError` for a start leverage of a basket whose net target is zero.
    """
    net = sum((leg.target for leg in legs), Fraction(0))
    scale = Fraction(1)
    if spec.start.leverage is not None:
        if net == 0:
            raise ValueError(f"{spec.id}: start.leverage has no meaning for a basket whose targets sum to zero")
        scale = Fraction(spec.start.leverage) / net
    if spec.aum_atoms == 0:
        return {leg.market: 0 for leg in legs}
    return {
        leg.market: position_for(scale * leg.target, spec.aum_atoms, mark_ticks[leg.market], leg.atoms_per_tick_lot)
        for leg in legs
    }


def market_of(spec: TokenSpec, leg: MarketSpec) -> MarketSpec | None:
    """The token's own book as a market of kind `spot`, on the venue of its first leg; None without one."""
    own = spec.market
    if own is None:
        return None
    return MarketSpec.model_construct(
        id=spec.id,
        kind="spot",
        underlying=spec.id,
        venue=leg.venue,
        contract=None,
        tick=own.tick if own.tick.currency else Money(own.tick.amount, leg.currency),
        lot=Size(own.lot, spec.id),
        fees=own.fees,
        mark=MarkSpec(rule="mid"),
        funding=FundingSpec(),
        margin=MarginSpec(),
        liquidation=LiquidationSpec(),
        insurance_fund=Money(Decimal(0), leg.currency),
    )


def lots_per_token(spec: TokenSpec) -> int:
    """Lots in one token: of its own market, else hundred-millionths."""
    return TOKEN_LOTS_PER_TOKEN if spec.market is None else int(1 / spec.market.lot)


def opening_supply_lots(spec: TokenSpec) -> int:
    """Tokens outstanding at the start, in lots, rounded down."""
    return floor(spec.aum_atoms * lots_per_token(spec) / Fraction(spec.nav_atoms))


def open_token(spec: TokenSpec, account: int, legs: Sequence[LegTerms], mark_ticks: Mapping[str, int]) -> Token:
    """A token at the start of a run.

    The last reset is at `start.last_reset` or, absent, at the opening mark.
    """
    nav = Fraction(spec.nav_atoms)
    last = spec.start.last_reset
    resets: dict[str, Exact] = {
        leg.market: mark_ticks[leg.market] if last is None else Fraction(last.amount) / Fraction(leg.tick)
        for leg in legs
    }
    per_token, supply_lots = lots_per_token(spec), opening_supply_lots(spec)
    return Token(spec.id, spec.issuer, account, tuple(legs), supply_lots, nav, resets, nav, lots_per_token=per_token)
