"""The process of a token: what happens at each instant it wakes up, and in which order.

At one instant funding comes first (the venue's phase), then the management fee, then what the venue did to the account,
a split, and the reset. Everything remembered stands in objects, never in a generator's locals, so a world can be
replayed to any quiet instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.context import RunClock
from marketsim.issuers.life_cycle.reverse_split import ReverseSplits
from marketsim.issuers.policies.decision import Decision
from marketsim.issuers.resets.decisions import ResetDecisions
from marketsim.issuers.resets.rebalancer import Rebalancer
from marketsim.issuers.resets.watch import ResetWatch

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@dataclass(frozen=True, slots=True)
class ResetProcess:
    """Runs the resets of one token, from the end of the warm-up to the token's own."""

    clock: RunClock
    decisions: ResetDecisions
    watch: ResetWatch
    rebalancer: Rebalancer
    splits: ReverseSplits

    def run(self) -> ProcessGenerator:
        """Wake up, do what is due, and wait for the next reset or crossing, again and again."""
        if self.clock.is_warming_up:
            yield self.clock.env.timeout(self.clock.warmup_ns - self.clock.now_ns)
            self.rebalancer.status.tell_market()
        while True:
            self.rebalancer.charging.charge_due()
            self.rebalancer.reconciliation.reconcile()
            if self.decisions.books.token.is_over:
                return
            self.splits.split_if_due()
            decision = self._decide()
            if decision is None:
                yield from self.watch.wait()
            else:
                yield from self.rebalancer.rebalance(decision)

    def _decide(self) -> Decision | None:
        """The emergency that ended an order; else what is due by the clock, or what the prices ask for."""
        if self.rebalancer.progress.is_interrupted:
            return self._decide_emergency()
        due_ns = self.decisions.due_ns()
        if due_ns is not None and self.clock.now_ns >= due_ns:
            decision = self.decisions.decide_due()
            if decision is not None:
                self.rebalancer.progress.due_ns = due_ns
                return decision
            self.rebalancer.pass_reset()
        return self.decisions.decide_watched()

    def _decide_emergency(self) -> Decision | None:
        """The emergency for which an order was called back; the token rests where its last fills have answered it."""
        self.rebalancer.progress.is_interrupted = False
        decision = self.decisions.decide_watched()
        if decision is None:
            self.rebalancer.status.end_rebalance()
        return decision
