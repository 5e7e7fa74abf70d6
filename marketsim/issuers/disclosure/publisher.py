"""The herald: lets be known what a token's `disclosure` says, and reads ahead what its policy would do.

What the next reset would be is asked of the policy itself, on a copy, at the present prices: the announced size is the
order the fund would send if nothing moved any more. The announced instant includes the reset's jitter (D31).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from json import dumps
from typing import TYPE_CHECKING

from marketsim.announcements import Announcement, Board, Subject
from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.issuers.fund.nav import Direction, PriceTrigger, cost_consistent_lots
from marketsim.issuers.policies.decision import Decision, Situation, single_leg
from marketsim.issuers.random_draws import DISCLOSED_SIZE
from marketsim.streams import relative_noise

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.issuers.desk import TokenDesk
    from marketsim.streams import Stream


@dataclass(slots=True)
class Herald:
    """Publishes what a token's disclosure allows, and is its outlook on the board.

    With a hidden schedule and a public size the size alone hangs on the board at all times, so that the moment it is
    hung tells nothing. stream: the token's own luck.
    """

    desk: TokenDesk
    spec: DisclosureSpec
    board: Board
    stream: Stream
    hanging: dict[Subject, Announcement] = field(default_factory=dict)

    @property
    def is_schedule_public(self) -> bool:
        """Whether anybody may know when resets fall due."""
        return self.spec.schedule == "public"

    @property
    def lead_ns(self) -> int:
        """How long before a reset anybody may know of it."""
        return self.spec.lead

    def due_ns(self) -> int | None:
        """When the next reset falls due, None where only prices decide."""
        return self.desk.due_ns()

    def start(self) -> None:
        """Join the board, and begin to publish if there is anything to say."""
        self.board.join(self.desk.token.id, self)
        if self._says_anything:
            self.desk.env.process(self._repeat())

    @property
    def _says_anything(self) -> bool:
        return self.is_schedule_public or self.spec.size != "none"

    # -- when

    def _repeat(self) -> ProcessGenerator:
        desk = self.desk
        if desk.warmup_ns > desk.now_ns:
            yield desk.env.timeout(desk.warmup_ns - desk.now_ns)
        while not desk.token.is_over:
            self.tell()
            pause_ns = self._pause_ns()
            if pause_ns is None:
                return
            yield desk.env.timeout(pause_ns)
        self.tell()

    def _pause_ns(self) -> int | None:
        """Time to the next announcement: `every` while there is something to say anew, else to the next lead."""
        due_ns = self.due_ns()
        ahead_ns = None if due_ns is None else due_ns - self.lead_ns - self.desk.now_ns
        repeats = not self.is_schedule_public or self.desk.policy.looks is not None or bool(self.hanging)
        if ahead_ns is None or ahead_ns <= 0:
            return self.spec.every if repeats or ahead_ns is not None else None
        return min(self.spec.every, ahead_ns) if repeats else ahead_ns

    # -- what

    def tell(self) -> None:
        """Publish what may be known now, and take down what is over."""
        if not self._says_anything:
            return
        said = {plan.subject: self._disclosed(plan) for plan in self.expected() if self._is_told(plan)}
        gone = [hung for subject, hung in self.hanging.items() if subject not in said]
        new = [each for subject, each in said.items() if subject not in self.hanging]
        self.hanging = said
        for hung in gone:
            self.board.publish(replace(hung, said_ns=self.desk.now_ns, lots=None, is_over=True))
        for each in said.values():
            self.board.publish(each)
        if new:
            self._note(new)

    def _is_told(self, plan: Announcement) -> bool:
        if plan.is_under_way:
            return True
        if plan.due_ns is None:
            return self.is_schedule_public
        return not self.is_schedule_public or plan.due_ns - self.lead_ns <= self.desk.now_ns

    def _disclosed(self, plan: Announcement) -> Announcement:
        """A plan without what is hidden."""
        lots = plan.lots
        if self.spec.size == "none" or lots is None:
            lots = None
        elif self.spec.size == "noisy":
            lots = round(lots * self._noise(plan))
        if not self.is_schedule_public:
            return replace(plan, lots=lots, due_ns=None, trigger_ticks=None)
        return replace(plan, lots=lots)

    def _noise(self, plan: Announcement) -> float:
        """Announced over true size: one draw a reset and leg, by the instant it falls due, else by its number."""
        legs = [leg.market for leg in self.desk.token.legs]
        count = plan.number if plan.due_ns is None else plan.due_ns
        return relative_noise(self.stream, float(self.spec.noise), DISCLOSED_SIZE, count, legs.index(plan.market))

    def _note(self, said: list[Announcement]) -> None:
        """Write down what is announced for the first time."""
        legs = [
            {
                "market": each.market,
                "number": each.number,
                "due_ns": each.due_ns,
                "trigger_ticks": each.trigger_ticks,
                "lots": each.lots,
            }
            for each in said
        ]
        detail = dumps({"orders": legs})
        self.desk.add_row("events", t_ns=self.desk.now_ns, event="announced", subject=self.desk.token.id, detail=detail)

    # -- what the policy would do

    def expected(self) -> tuple[Announcement, ...]:
        """The order under way, else the next reset by the clock and those that prices would bring, leg by leg."""
        desk = self.desk
        if desk.working:
            return tuple(self._under_way())
        if not desk.may_rebalance or desk.books.equity_atoms() <= 0:
            return ()
        return (*self._scheduled(), *self._triggered())

    def _under_way(self) -> Iterator[Announcement]:
        desk = self.desk
        for parent in desk.working:
            if parent.remaining_lots and not parent.is_over:
                yield replace(
                    self._of(parent.market), due_ns=desk.reset_due_ns, lots=parent.remaining_lots, is_under_way=True
                )

    def _scheduled(self) -> Iterator[Announcement]:
        due_ns = self.due_ns()
        if due_ns is None:
            return
        situation = replace(self.desk.situation(), t_ns=max(due_ns, self.desk.now_ns))
        lots = self._sized(situation, copy(self.desk.policy).decide_due(situation))
        for leg in self.desk.token.legs:
            yield replace(self._of(leg.market), due_ns=due_ns, lots=lots.get(leg.market, 0))

    def _triggered(self) -> Iterator[Announcement]:
        desk = self.desk
        if desk.now_ns < desk.warmup_ns:
            return
        situation = desk.situation()
        leg = single_leg(situation.held)
        for trigger in desk.policy.triggers(situation) if leg is not None else ():
            assert leg is not None
            is_above = trigger.direction is Direction.ABOVE
            lots = self._size_at(situation, trigger)
            yield replace(self._of(leg.market), lots=lots, trigger_ticks=trigger.ticks, is_above=is_above)

    def _size_at(self, situation: Situation, trigger: PriceTrigger) -> int | None:
        """What would be ordered at a trigger price; None where the target is drawn only then."""
        policy = self.desk.policy
        if policy.draws_target:
            return None
        (leg,) = situation.held.legs
        there = replace(situation.held, legs=(replace(leg, price_ticks=trigger.ticks),))
        then = replace(situation, held=there, watched=there)
        return self._sized(then, copy(policy).decide_watched(then)).get(leg.market, 0)

    def _sized(self, situation: Situation, decision: Decision | None) -> dict[str, int]:
        if decision is None:
            return {}
        return cost_consistent_lots(situation.held, decision.lots, self.desk.cost_allowance)

    def _of(self, market: str) -> Announcement:
        return Announcement(self.desk.token.id, market, self.desk.resets, self.desk.now_ns)
