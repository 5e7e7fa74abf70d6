"""Investors: before a reset they create or redeem units of a fund, and so offset a share of what it would trade."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from marketsim.kernel import codes
from marketsim.ranges import ZERO_OR_MORE
from marketsim.spec import Duration, EventRate, Fault, Rate
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.group import TRADERS, MarketSort, Surroundings, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, format_duration, format_rate

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@TRADERS.register
class InvestorSpec(TraderGroupSpec):
    """Creates and redeems units against the return of a fund, `lead` before each of its resets by the clock.

    share: of the net creations -(L - 1) A r at which the fund has nothing to trade, all traders together; 0: none.
    lead 0s: just before the reset, at the mark that sizes it. `holds` says what there is to redeem.
    """

    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("token",)

    kind: Literal["investor"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(0)
    share: Annotated[Rate, ZERO_OR_MORE] = Decimal(1)
    lead: Annotated[Duration, ZERO_OR_MORE] = 0

    def has_clock(self) -> bool:
        """The kernel never wakes them."""
        return False

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel takes it: accounts, which it never wakes."""
        return GroupRule(None)

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that deals with the fund."""
        return InvestorDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        when = f"{format_duration(self.lead)} before" if self.lead else "just before"
        return (
            f"{when[0].upper()}{when[1:]} each reset of {self.market} they create or redeem {format_rate(self.share)} "
            "of the units that would leave the fund nothing to trade."
        )

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or with the token that it deals in."""
        yield from super().faults(around)
        if self.rate:
            yield Fault(("rate",), "resets wake this group, not a clock of its own", "left out")
        if self.market in around.without_clock:
            yield Fault(("market",), f"{self.market} never resets at a time of day", "a token with such a reset")
        if self.market in around.without_primary:
            yield Fault(("market",), f"{self.market} has no primary market to deal in", "a token with `primary`")
        if len(around.baskets.get(self.market, ())) > 1:
            yield Fault(("market",), f"no flow offsets all legs of {self.market} at once", "a token with one leg")


class InvestorDesk(TraderDesk):
    """Deals for one group before each reset of its fund.

    A fund of leverage l and target L, supply S, wants nothing once S changes by S (l / L - 1) units at NAV: its
    position l A is then L times its equity. After a return r since a reset this is worth -(L - 1) A r (Ivanov & Lenkey
    2018, J. Financial Markets 41:36-56). Each trader deals an equal part.
    """

    def __init__(self, spec: InvestorSpec, context: DeskContext) -> None:
        super().__init__(context)
        assert context.fund is not None  # it trades in a token's own market alone
        self.spec, self.fund, self.feed = spec, context.fund, context.feed

    def start(self) -> None:
        """Begin to wait for resets."""
        if self.spec.share:
            self.env.process(self._deal_before_resets())

    def wanted_lots(self) -> int:
        """Token lots that all traders together create (+) or redeem (-) now; none of a fund without equity."""
        leverage = self.fund.leverage()
        if leverage is None:
            return 0
        (target,) = self.fund.legs.values()
        return round(Fraction(self.spec.share) * self.fund.supply_lots() * (leverage / target - 1))

    def _deal_before_resets(self) -> ProcessGenerator:
        """Deal once before each reset, in the order of the clock: after the mark of an instant, before its decisions.

        A reset that waits for a longer order is dealt for when it fell due, and not again.
        """
        dealt_ns = -1
        while (due_ns := self.feed.outlook(self.spec.market).due_ns()) is not None:
            if due_ns == dealt_ns:
                yield self.env.timeout(NS_PER_SECOND)
                continue
            yield self.env.at(max(due_ns - self.spec.lead, self.now_ns), codes.PH_DELIVERY)
            self._deal(self.wanted_lots())
            dealt_ns = due_ns
            yield self.env.at(max(due_ns, self.now_ns), codes.PH_RECORD)

    def _deal(self, lots: int) -> None:
        """Ask for each trader's part of some lots, so that the parts add up to them."""
        assert self.fund.request is not None  # its token has a primary market
        traders = len(self.accounts)
        for number, account in enumerate(self.accounts):
            part = lots * (number + 1) // traders - lots * number // traders
            if part:
                self.fund.request(account, part)
