"""The outlook of a token: what its next reset would be, read ahead from its own policy.

The policy is asked on a copy, at the present prices: the size is the order the fund would send if nothing moved any
more. The instant is the one the fund will act at, its jitter included (D31).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

from marketsim.announcements import Announcement
from marketsim.issuers.fund.nav import Direction, Exact, PriceTrigger, cost_consistent_lots
from marketsim.issuers.policies.decision import Decision, RebalancingPolicy, Situation, single_leg
from marketsim.issuers.resets.decisions import ResetDecisions
from marketsim.issuers.resets.progress import ResetProgress


@dataclass(frozen=True, slots=True)
class ResetOutlook:
    """Reads one token's next reset ahead. cost_allowance: cost per notional that the sizes of its orders allow for."""

    decisions: ResetDecisions
    progress: ResetProgress
    cost_allowance: Exact

    @property
    def policy(self) -> RebalancingPolicy:
        """The token's policy."""
        return self.decisions.policy

    def due_ns(self) -> int | None:
        """When the next reset falls due, None where only prices decide."""
        return self.decisions.due_ns()

    def expected(self) -> tuple[Announcement, ...]:
        """The order under way, else the next reset by the clock and those that prices would bring, leg by leg."""
        if self.progress.orders:
            return tuple(self._under_way())
        books = self.decisions.books
        if not books.token.may_rebalance or books.equity_atoms() <= 0:
            return ()
        return (*self._scheduled(), *self._triggered())

    def _under_way(self) -> Iterator[Announcement]:
        for order in self.progress.orders:
            if order.remaining_lots and not order.is_over:
                yield replace(
                    self._of(order.market), due_ns=self.progress.due_ns, lots=order.remaining_lots, is_under_way=True
                )

    def _scheduled(self) -> Iterator[Announcement]:
        due_ns = self.due_ns()
        if due_ns is None:
            return
        situation = replace(self.decisions.situation(), t_ns=max(due_ns, self.decisions.clock.now_ns))
        lots = self._sized(situation, copy(self.policy).decide_due(situation))
        for leg in self.decisions.books.token.legs:
            yield replace(self._of(leg.market), due_ns=due_ns, lots=lots.get(leg.market, 0))

    def _triggered(self) -> Iterator[Announcement]:
        if self.decisions.clock.is_warming_up:
            return
        situation = self.decisions.situation()
        leg = single_leg(situation.held)
        for trigger in self.policy.triggers(situation) if leg is not None else ():
            assert leg is not None
            is_above = trigger.direction is Direction.ABOVE
            lots = self._size_at(situation, trigger)
            yield replace(self._of(leg.market), lots=lots, trigger_ticks=trigger.ticks, is_above=is_above)

    def _size_at(self, situation: Situation, trigger: PriceTrigger) -> int | None:
        """What would be ordered at a trigger price; None where the target is drawn only then."""
        if self.policy.draws_target:
            return None
        (leg,) = situation.held.legs
        there = replace(situation.held, legs=(replace(leg, price_ticks=trigger.ticks),))
        then = replace(situation, held=there, watched=there)
        return self._sized(then, copy(self.policy).decide_watched(then)).get(leg.market, 0)

    def _sized(self, situation: Situation, decision: Decision | None) -> dict[str, int]:
        if decision is None:
            return {}
        return cost_consistent_lots(situation.held, decision.lots, self.cost_allowance)

    def _of(self, market: str) -> Announcement:
        token, now_ns = self.decisions.books.token, self.decisions.clock.now_ns
        return Announcement(token.id, market, self.progress.number, now_ns)
