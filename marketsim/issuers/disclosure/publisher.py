"""The publisher of a token's resets: announces on the feed what its `disclosure` allows, when there is news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from marketsim.announcements import Announcement, AnnouncementFeed, Subject
from marketsim.issuers.context import EventLog, RunClock
from marketsim.issuers.disclosure.outlook import ResetOutlook
from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.issuers.fund.token import Token
from marketsim.issuers.random_draws import DISCLOSED_SIZE
from marketsim.streams import relative_noise

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.streams import Stream


@dataclass(slots=True)
class DisclosurePublisher:
    """Publishes what a token's disclosure allows, and shows its outlook to whoever can read it.

    With a hidden schedule and a public size the size alone is on the feed at all times, so that the moment it is
    published tells nothing. stream: the token's own random stream. current: what is on the feed now.
    """

    token: Token
    clock: RunClock
    spec: DisclosureSpec
    feed: AnnouncementFeed
    stream: Stream
    log: EventLog
    outlook: ResetOutlook
    current: dict[Subject, Announcement] = field(default_factory=dict)

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
        return self.outlook.due_ns()

    def expected(self) -> Sequence[Announcement]:
        """The next reset, exactly as it would be at the present prices, leg by leg."""
        return self.outlook.expected()

    def start(self) -> None:
        """Register with the feed, and begin to publish if there is anything to say."""
        self.feed.register(self.token.id, self)
        if self._says_anything:
            self.clock.env.process(self._repeat())

    @property
    def _says_anything(self) -> bool:
        return self.is_schedule_public or self.spec.size != "none"

    # -- when

    def _repeat(self) -> ProcessGenerator:
        clock = self.clock
        if clock.is_warming_up:
            yield clock.env.timeout(clock.warmup_ns - clock.now_ns)
        while not self.token.is_over:
            self.publish()
            pause_ns = self._pause_ns()
            if pause_ns is None:
                return
            yield clock.env.timeout(pause_ns)
        self.publish()

    def _pause_ns(self) -> int | None:
        """Time to the next announcement: `every` while there is something to say anew, else to the next lead."""
        due_ns = self.due_ns()
        ahead_ns = None if due_ns is None else due_ns - self.lead_ns - self.clock.now_ns
        repeats = not self.is_schedule_public or self.outlook.policy.looks is not None or bool(self.current)
        if ahead_ns is None or ahead_ns <= 0:
            return self.spec.every if repeats or ahead_ns is not None else None
        return min(self.spec.every, ahead_ns) if repeats else ahead_ns

    # -- what

    def publish(self) -> None:
        """Publish what may be known now, and withdraw what is over."""
        if not self._says_anything:
            return
        before = self.current
        said = {plan.subject: self._disclosed(plan) for plan in self.expected() if self._is_disclosed(plan)}
        self.current = said
        for subject, announced in before.items():
            if subject not in said:
                self.feed.publish(replace(announced, said_ns=self.clock.now_ns, lots=None, is_over=True))
        for announced in said.values():
            self.feed.publish(announced)
        new = [announced for subject, announced in said.items() if subject not in before]
        if new:
            self._log_new(new)

    def _is_disclosed(self, plan: Announcement) -> bool:
        if plan.is_under_way:
            return True
        if plan.due_ns is None:
            return self.is_schedule_public
        return not self.is_schedule_public or plan.due_ns - self.lead_ns <= self.clock.now_ns

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
        legs = [leg.market for leg in self.token.legs]
        count = plan.number if plan.due_ns is None else plan.due_ns
        return relative_noise(self.stream, float(self.spec.noise), DISCLOSED_SIZE, count, legs.index(plan.market))

    def _log_new(self, said: list[Announcement]) -> None:
        """Log what is announced for the first time."""
        keys = ("market", "number", "due_ns", "trigger_ticks", "lots")
        self.log.write("announced", {"orders": [{key: getattr(each, key) for key in keys} for each in said]})
