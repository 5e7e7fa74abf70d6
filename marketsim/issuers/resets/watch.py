"""The watch of a token: which prices and instants it waits for until its next reset may be due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketsim.issuers.context import ChangeSignal, RunClock
from marketsim.issuers.fund.nav import Direction, PriceTrigger, wipe_out_trigger
from marketsim.issuers.life_cycle.reverse_split import ReverseSplits
from marketsim.issuers.policies.decision import PriceSource
from marketsim.issuers.policies.looks import ContinuousLooks
from marketsim.issuers.resets.decisions import ResetDecisions

if TYPE_CHECKING:
    from marketsim.clock import Crossing, Event, ProcessGenerator


@dataclass(slots=True)
class ResetWatch:
    """Waits for the next reset by the clock, the next crossing of a trigger, or a change of the account."""

    clock: RunClock
    decisions: ResetDecisions
    splits: ReverseSplits
    change: ChangeSignal
    _alarm: tuple[int, Event | None] = (-1, None)

    def wait(self) -> ProcessGenerator:
        """Sleep until the next reset, look or crossing, or until the account changed."""
        armed, look_ns = self._arm()
        times = [t_ns for t_ns in (self.decisions.due_ns(), look_ns) if t_ns is not None]
        events: list[Any] = [*armed]
        if times:
            events.append(self._alarm_at(min(times)))
        yield self.clock.env.any_of([*events, self.change.next_change()])
        for crossing in armed:
            crossing.cancel()

    def wait_during(self, heard: Event) -> ProcessGenerator:
        """Sleep, while an order is worked, until the next look or crossing, a change of the account, or news of it."""
        armed, look_ns = self._arm_policy()
        events: list[Any] = [*armed, heard]
        if look_ns is not None:
            events.append(self._alarm_at(look_ns))
        yield self.clock.env.any_of([*events, self.change.next_change()])
        for crossing in armed:
            crossing.cancel()

    def _arm(self) -> tuple[list[Crossing], int | None]:
        """Crossings to wait for; or, while a bound is crossed already and for baskets, the next instant to look.

        A polled bound is armed too: nothing can be found at a poll that no crossing announced, and a run has few
        crossings and many polls.
        """
        armed, look_ns = self._arm_policy()
        if look_ns is not None:
            return armed, look_ns
        market = self.decisions.books.token.legs[0].market
        on_mark = [self._wipe_out_trigger(), self.splits.trigger()]
        return [*armed, *(self._crossing(market, "mark", trigger) for trigger in on_mark if trigger is not None)], None

    def _arm_policy(self) -> tuple[list[Crossing], int | None]:
        policy, books = self.decisions.policy, self.decisions.books
        market = books.token.legs[0].market
        triggers = self.decisions.triggers()
        price = books.price(market, policy.source)
        is_watched = policy.looks is not None or self.splits.rule is not None
        is_basket = is_watched and len(books.token.legs) > 1
        if is_basket or any(trigger.is_reached(price) for trigger in triggers):
            return [], (policy.looks or ContinuousLooks()).next_ns(self.clock.now_ns)
        return [self._crossing(market, policy.source, trigger) for trigger in triggers], None

    def _crossing(self, market: str, source: PriceSource, trigger: PriceTrigger) -> Crossing:
        if trigger.direction is Direction.ABOVE:
            return self.clock.env.crossing(market, source=source, above=trigger.ticks)
        return self.clock.env.crossing(market, source=source, below=trigger.ticks)

    def _wipe_out_trigger(self) -> PriceTrigger | None:
        held = self.decisions.books.holding()
        if len(held.legs) > 1 or not self.decisions.books.token.supply_lots:  # without holders nobody is wiped out
            return None
        (leg,) = held.legs
        return wipe_out_trigger(held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)

    def _alarm_at(self, t_ns: int) -> Event:
        """An event at an instant; the same one while the instant stays, so that no unused timeouts pile up."""
        known_ns, alarm = self._alarm
        if alarm is None or known_ns != t_ns or t_ns <= self.clock.now_ns:
            alarm = self.clock.env.timeout(max(t_ns - self.clock.now_ns, 0))
            self._alarm = (t_ns, alarm)
        return alarm
