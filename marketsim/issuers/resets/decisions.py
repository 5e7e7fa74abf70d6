"""Decisions of resets: when a token's policy is asked, with what it sees, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import RunClock
from marketsim.issuers.fund.nav import Exact, PriceTrigger
from marketsim.issuers.orders.treatment import Flow, Treatment
from marketsim.issuers.policies.decision import Decision, RebalancingPolicy, Situation


@dataclass(slots=True)
class ResetDecisions:
    """Asks the policy of one token.

    rebalance_fees_atoms: what a rebalance now would cost in fees. decided_ns: up to when resets by the clock are
    decided; those due before the end of the warm-up are passed. looked_ns: when the policy last looked at prices.
    """

    policy: RebalancingPolicy
    books: TokenBooks
    clock: RunClock
    treatment: Treatment
    rebalance_fees_atoms: Callable[[], int]
    decided_ns: int = field(init=False)
    looked_ns: int = -1
    was_beyond: bool = False

    def __post_init__(self) -> None:
        """Begin at the end of the warm-up."""
        self.decided_ns = self.clock.warmup_ns - 1

    # -- what the policy sees

    def due_ns(self) -> int | None:
        """The first reset by the clock that is not decided yet; it may have passed during a long order."""
        return self.policy.next_due_ns(self.decided_ns + 1)

    def situation(self) -> Situation:
        """What the policy would see now."""
        return self.books.situation(self.policy.source, self.clock.now_ns, self.rebalance_fees_atoms())

    def triggers(self) -> tuple[PriceTrigger, ...]:
        """Prices at which the policy should be asked next; none while the token may not rebalance."""
        return self.policy.triggers(self.situation()) if self.books.token.may_rebalance else ()

    def aim(self, t_ns: int) -> Exact | None:
        """Absolute leverage the policy would return to; None where that is the basket's target."""
        return self.policy.aim(t_ns)

    def foresee_urgent(self) -> Decision | None:
        """What is urgent at the present prices, None for nothing; the policy remembers nothing of having been asked."""
        looks = self.policy.looks
        if not self.books.token.may_rebalance or looks is None or not looks.falls_on(self.clock.now_ns):
            return None
        decision = copy(self.policy).decide_watched(self.situation())
        is_urgent = decision is not None and decision.trigger.is_urgent and any(decision.lots.values())
        return decision if is_urgent else None

    # -- what it answers

    def decide_due(self) -> Decision | None:
        """The reset that is due by the clock; None where it is skipped."""
        self.decided_ns = self.clock.now_ns
        return self.policy.decide_due(self.situation()) if self.books.token.may_rebalance else None

    def decide_watched(self) -> Decision | None:
        """The reset that the present prices ask for, at most once an instant; None where they ask for none."""
        looks, now_ns = self.policy.looks, self.clock.now_ns
        if not self.books.token.may_rebalance or looks is None or now_ns == self.looked_ns:
            return None
        if not looks.falls_on(now_ns):
            return None
        self.looked_ns = now_ns
        decision = self.policy.decide_watched(self.situation())
        if self.treatment.rebalance is Flow.WITHHELD:  # the bound stays crossed: one order for each crossing
            was_beyond, self.was_beyond = self.was_beyond, decision is not None
            return None if was_beyond else decision
        return decision
