"""Anticipators: they trade ahead of a fund in its direction, and hand it the position back when it comes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from marketsim.messages import Purpose
from marketsim.ranges import ABOVE_ZERO, BELOW_ONE, SLICES, ZERO_OR_MORE
from marketsim.spec import Count, Duration, Factor, Rate
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.follower import FollowerDesk, FollowerSpec
from marketsim.traders.group import TRADERS
from marketsim.traders.knowledge import Prospect
from marketsim.units import NS_PER_SECOND, format_duration, format_number, format_rate

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@TRADERS.register
class AnticipatorSpec(FollowerSpec):
    """Trades ahead of a reset in the fund's direction, and unwinds into it and after it (predatory trading).

    share: of the order it expects, for each trader; leverage: of its equity, at most, over all it anticipates. slices:
    market orders on the way in, and again on the way out, which takes `unwind` from the reset on. near: a rule without
    a clock counts as due within the lead while the mark is this near its trigger price (0%: never).
    """

    kind: Literal["anticipator"]
    share: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.1")
    leverage: Annotated[Factor, ABOVE_ZERO] = Decimal(3)
    slices: Annotated[Count, SLICES] = 10
    unwind: Annotated[Duration, ABOVE_ZERO] = 300 * NS_PER_SECOND
    near: Annotated[Rate, BELOW_ONE] = Decimal(0)

    def desk(self, context: DeskContext) -> TraderDesk:
        """The desk that runs their campaigns."""
        return AnticipatorDesk(self, context)

    def sentence(self) -> str:
        """What each of them does, in words."""
        return (
            f"They trade {format_rate(self.share)} of the order each expects ahead of a reset, in {self.slices} "
            f"orders, at most {format_number(self.leverage)} times their equity, and back within "
            f"{format_duration(self.unwind)}. {self.knowledge_in_words()}"
        )


@dataclass(slots=True)
class Campaign:
    """One trader's anticipation of one leg of one reset.

    goal_lots: the position it wants for it now, signed. due_ns: when it stops building, at the latest. key: of its own
    draws.
    """

    trader: int
    token: str
    market: str
    number: int
    begun_ns: int
    due_ns: int
    key: int
    goal_lots: int = 0
    step: int = 0


class AnticipatorDesk(FollowerDesk):
    """Runs the campaigns of one group of anticipators.

    From the moment a reset is known to the reset the wanted position grows in equal steps to share x expected order;
    from the reset on it falls in equal steps to nothing. Each step comes at a random time of its slice, so that rivals
    do not act at the same instant. An account trades the difference between what all its campaigns want and what it
    holds. Source: Brunnermeier & Pedersen 2005, "Predatory trading", J. Finance 60:1825-1863: who knows that another
    must trade first trades in the same direction, then back, and rivals share the gain. The even pace is our choice.
    """

    def __init__(self, spec: AnticipatorSpec, context: DeskContext) -> None:
        super().__init__(spec, context)
        self.spec, self.polls = spec, spec.near > 0
        self.begun: set[tuple[int, str, str, int]] = set()
        self.campaigns: list[Campaign] = []

    def consider(self, token: str) -> None:
        """Begin a campaign for every leg of a reset that has none yet."""
        for prospect in self.prospects(token):
            due_ns = self._due_ns(prospect)
            if due_ns <= self.now_ns or prospect.is_under_way or not prospect.lots:
                continue
            for trader in range(len(self.accounts)):
                self._begin(trader, prospect, due_ns)

    def _due_ns(self, prospect: Prospect) -> int:
        """When to be in position; now, which is too late, for a trigger price that is not near."""
        if prospect.due_ns is not None:
            return prospect.due_ns
        is_near = self._distance(prospect) <= float(self.spec.near) * (prospect.trigger_ticks or 0)
        return self.now_ns + (self.knowledge.lead_ns(prospect.token) if is_near else 0)

    def _begin(self, trader: int, prospect: Prospect, due_ns: int) -> None:
        name = trader, prospect.token, prospect.market, prospect.number
        if name not in self.begun:
            self.begun.add(name)
            campaign = Campaign(*name, self.now_ns, due_ns, prospect.key)
            self.campaigns.append(campaign)
            self.env.process(self._work(campaign))

    # -- one campaign

    def _work(self, campaign: Campaign) -> ProcessGenerator:
        length_ns = campaign.due_ns - campaign.begun_ns
        while campaign.step < self.spec.slices:
            at_ns = campaign.begun_ns + self._offset_ns(campaign, campaign.step, length_ns)
            yield self.env.timeout(max(at_ns - self.now_ns, 0))
            campaign.step += 1
            if not self._aim(campaign):
                break
        else:
            yield self.env.timeout(max(campaign.due_ns - self.now_ns, 0))
        yield from self._unwind(campaign)

    def _offset_ns(self, campaign: Campaign, slice_: int, length_ns: int) -> int:
        """When in `length_ns` a slice comes: at a random time of its equal part."""
        stream = self.draws(f"slices/{campaign.token}/{campaign.market}")
        late = float(stream.uniform(campaign.trader, campaign.key, campaign.step))
        return int((slice_ + late) * length_ns / self.spec.slices)

    def _aim(self, campaign: Campaign) -> bool:
        """Take the next step in; False when the reset has begun or is over."""
        found = [
            each
            for each in self.prospects(campaign.token)
            if (each.market, each.number) == (campaign.market, campaign.number)
        ]
        if not found or found[0].is_under_way:
            return False
        expected = min(found, key=self._distance)
        wanted = float(self.spec.share) * self.knowledge.lots(expected, campaign.trader)
        campaign.goal_lots = round(wanted * campaign.step / self.spec.slices)
        self._trade(campaign.trader, campaign.market)
        return True

    def _distance(self, prospect: Prospect) -> int:
        """How far the mark is from a trigger [ticks]; 0 by the clock."""
        if prospect.trigger_ticks is None:
            return 0
        return abs(self.view.mark_ticks(prospect.market) - prospect.trigger_ticks)

    def _unwind(self, campaign: Campaign) -> ProcessGenerator:
        """Out in equal steps from now on; then again and again until nothing is left that no campaign wants."""
        slices, held, began_ns = self.spec.slices, campaign.goal_lots, self.now_ns
        for out in range(slices):
            at_ns = began_ns + self._offset_ns(campaign, out, self.spec.unwind)
            yield self.env.timeout(max(at_ns - self.now_ns, 0))
            campaign.step += 1
            campaign.goal_lots = round(held * (slices - 1 - out) / slices)
            self._trade(campaign.trader, campaign.market)
        while self._trade(campaign.trader, campaign.market):
            yield self.env.timeout(max(self.spec.unwind // slices, NS_PER_SECOND))
        self.campaigns = [each for each in self.campaigns if each is not campaign]

    def _trade(self, trader: int, market: str) -> int:
        """Trade towards what all campaigns of an account want in a market; lots still missing before."""
        live = (each for each in self.campaigns if (each.trader, each.market) == (trader, market))
        most = int(self.affordable_lots(trader, market, float(self.spec.leverage)))
        wanted = max(-most, min(most, sum(campaign.goal_lots for campaign in live)))
        missing = wanted - self.committed_lots(trader, market)
        if missing:
            self.send(trader, market, missing, purpose=Purpose.ANTICIPATION)
        return missing
