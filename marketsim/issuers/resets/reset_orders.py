"""Orders of a reset: what a policy decided becomes one parent order for each leg, less what trading costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import RunClock
from marketsim.issuers.fund.nav import Exact, cost_consistent_lots
from marketsim.issuers.fund.token import LegTerms
from marketsim.issuers.orders.parent import OrderTerms
from marketsim.issuers.orders.post_trade import PostTradeTracker
from marketsim.issuers.orders.rebalance_order import RebalanceOrder, ResetTerms
from marketsim.issuers.policies.decision import Decision, Goal, PriceSource


@dataclass(frozen=True, slots=True)
class ResetOrders:
    """Makes the orders of one token's resets.

    cost_allowance: cost per notional that their sizes allow for. source: the price its policy watches. resizes: whether
    what is left of them is sized anew before each child.
    """

    clock: RunClock
    books: TokenBooks
    tracker: PostTradeTracker
    plan: ExecutionPlan
    source: PriceSource
    cost_allowance: Exact
    resizes: bool

    def of(self, decision: Decision) -> list[RebalanceOrder]:
        """The orders of a decision, numbered and taken up by the tracker; hedges under way count as done."""
        held = self.books.committed(self.books.holding())
        lots = cost_consistent_lots(held, decision.lots, self.cost_allowance)
        legs = enumerate(self.books.token.legs)
        return [self._order(decision, lots, leg, place) for place, leg in legs if lots.get(leg.market)]

    def _order(self, decision: Decision, lots: Mapping[str, int], leg: LegTerms, place: int) -> RebalanceOrder:
        order = RebalanceOrder(
            OrderTerms(
                id=self.tracker.register.next_id(),
                token=self.books.token.id,
                market=leg.market,
                tick=float(leg.tick),
                plan=self.plan.opened(self.clock.now_ns, place),
                decided_ns=self.clock.now_ns,
                target_lots=lots[leg.market],
                arrival_mid=self.tracker.register.arrival_mid(
                    leg.market, self.clock.now_ns, self.books.view.mid(leg.market)
                ),
                volume_before_lots=self.books.view.volume_before_lots(leg.market),
            ),
            reset=self._terms(decision, leg),
        )
        if self.resizes:
            order.rest = partial(self._rest, leg.market, decision.goals.get(leg.market, Goal(leg.target)))
        self.tracker.begin(order)
        return order

    def _rest(self, market: str, goal: Goal) -> int:
        """What an order would trade if it were decided now, at the price the policy watches."""
        held = self.books.committed(self.books.holding(self.source))
        leg = next(leg for leg in held.legs if leg.market == market)
        return cost_consistent_lots(held, {market: goal.lots(held, leg)}, self.cost_allowance)[market]

    def _terms(self, decision: Decision, leg: LegTerms) -> ResetTerms:
        held = self.books.holding()
        committed = next(each for each in self.books.committed(held).legs if each.market == leg.market)
        price = None if decision.trigger.is_scheduled else self.books.price(leg.market, self.source)
        return ResetTerms(
            trigger=decision.trigger,
            price_source=self.source,
            trigger_ticks=None if price is None else Fraction(price),
            leverage_before=held.leverage,
            equity_before_atoms=int(held.equity_atoms),
            position_before_lots=committed.position_lots,
            mark_ticks=Fraction(committed.price_ticks),
            goal=Fraction(decision.goals.get(leg.market, Goal(leg.target)).leverage),
            last_reset_ticks=Fraction(self.books.token.reset_ticks[leg.market]),
            last_reset_equity_atoms=int(self.books.token.reset_nav * self.books.token.supply),
        )
