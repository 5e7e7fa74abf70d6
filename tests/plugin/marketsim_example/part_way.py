"""A rebalance policy: every so often, a share of the way to its target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.policies.decision import (
    Decision,
    RebalanceTrigger,
    RebalancingPolicy,
    Situation,
    orders_to_targets,
)
from marketsim.issuers.policies.family import FundTerms, PolicySpec
from marketsim.ranges import ABOVE_ZERO, CADENCE
from marketsim.spec import Duration, Fault, Rate
from marketsim.units import Size, format_duration, format_rate

PART_WAY = RebalanceTrigger("part_way", is_scheduled=True)


class PartWaySpec(PolicySpec):
    """Every `every` it trades a share `step` of what would bring it to its targets."""

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (PART_WAY,)

    policy: Literal["part_way"]
    every: Annotated[Duration, CADENCE]
    step: Annotated[Rate, ABOVE_ZERO]

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """What is wrong between its fields, or with them and the basket."""
        if self.step > 1:
            yield Fault(("step",), "this goes beyond the target", "at most 100%")

    def sentence(self, target: Decimal) -> str:
        """How often it trades, and how far."""
        return f"Every {format_duration(self.every)} it goes {format_rate(self.step)} of the way to its targets."

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy of one token."""
        return PartWay(every_ns=self.every, step=float(self.step))


@dataclass(slots=True, kw_only=True)
class PartWay(RebalancingPolicy):
    """Policy `part_way`, at multiples of `every_ns` from the start of the run."""

    every_ns: int
    step: float

    def next_due_ns(self, from_ns: int) -> int | None:
        """The next multiple."""
        return -(-from_ns // self.every_ns) * self.every_ns

    def decide_due(self, now: Situation) -> Decision | None:
        """Every leg a share of the way to its target; nothing where that is less than a lot."""
        orders = {market: round(self.step * lots) for market, lots in orders_to_targets(now.held).items()}
        moved = {market: lots for market, lots in orders.items() if lots}
        return Decision(PART_WAY, moved) if moved else None
