"""Policy `daily`: back to the target at a time of day, and in an emergency between."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

from marketsim.issuers.luck import DAILY_JITTER
from marketsim.issuers.nav import Exact, PriceTrigger
from marketsim.issuers.policies.band import Band, borders_of, exact, has_moved
from marketsim.issuers.policies.decision import Decision, Occasion, PriceSource, Side, Situation, orders_to_targets
from marketsim.issuers.policies.looks import Looks, looks_every
from marketsim.spec import NONE_IN_WORDS, WORDS_FOR_NONE, Duration, Leverage, Rate, Spec, TimeOfDay
from marketsim.streams import Stream
from marketsim.units import NS_PER_DAY


class EmergencySpec(Spec):
    """A rebalance between the daily ones, when leverage is strictly beyond `leverage` or the price has moved by `move`.

    Its side `both` also acts below `lower`, or, with neither `lower` nor `move`, as far below the target as `leverage`
    is above it. by_target: borders [lower, leverage] by the token's signed target. poll: how often it looks (0s:
    always), each time a random part of `jitter` later.
    """

    leverage: Leverage | None = None
    lower: Leverage | None = None
    by_target: dict[Leverage, tuple[Leverage, Leverage]] | None = None
    move: Rate | None = None
    side: Side
    source: PriceSource = "mark"
    poll: Duration = 0
    jitter: Duration = 0


class DailySpec(Spec):
    """Every day at `at` (UTC) + a random part of `jitter`; not while leverage is within `skip_if`.

    skip_move: nor while the price is within this share of that of the last reset; with both, only where both hold.
    """

    policy: Literal["daily"]
    at: TimeOfDay
    jitter: Duration = 0
    emergency: Annotated[EmergencySpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    skip_if: tuple[Leverage, Leverage] | None = None
    skip_move: Rate | None = None


@dataclass(frozen=True, slots=True)
class DailyRebalancing:
    """Policy `daily`: back to the target at a time of day, and in an emergency between (FTX 2019-2022).

    start_ns: the run's start [ns since 1970]. stream: the token's own luck, whose entity 0 draws the jitter of each UTC
    day of the run.
    """

    spec: DailySpec
    start_ns: int
    stream: Stream
    emergency: Band | None
    source: PriceSource
    looks: Looks | None

    def next_due_ns(self, from_ns: int) -> int | None:
        """First daily reset at or after an instant; a reset's jitter may carry it into the next day."""
        day = max((from_ns + self.start_ns % NS_PER_DAY) // NS_PER_DAY - 1, 0)
        while (at_ns := self.reset_ns(day)) < from_ns:
            day += 1
        return at_ns

    def reset_ns(self, day: int) -> int:
        """The reset of UTC day 0, 1, ... of the run [ns from its start, perhaps negative]: `at`, and its jitter."""
        jitter_ns = int(self.stream.bits(DAILY_JITTER, day)) * self.spec.jitter >> 64 if self.spec.jitter else 0
        return day * NS_PER_DAY - self.start_ns % NS_PER_DAY + self.spec.at + jitter_ns

    def decide_due(self, now: Situation) -> Decision | None:
        """Every leg back to its target; skipped within `skip_if` and `skip_move`, ends included."""
        if self._is_skipped(now):
            return None
        return Decision(Occasion.SCHEDULED, orders_to_targets(now.left(now.held)))

    def decide_watched(self, now: Situation) -> Decision | None:
        """The emergency rule."""
        return None if self.emergency is None else self.emergency.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """Prices of the emergency rule."""
        return () if self.emergency is None else self.emergency.triggers(now)

    def aim(self, t_ns: int) -> Exact | None:
        """The basket's target."""
        return None

    def _is_skipped(self, now: Situation) -> bool:
        spec = self.spec
        if spec.skip_if is None and spec.skip_move is None:
            return False
        if spec.skip_if is not None:
            low, high = (Fraction(bound) for bound in spec.skip_if)
            if now.held.is_above(high) or now.held.is_beneath(low):
                return False
        return not has_moved(now, exact(spec.skip_move))


def daily_of(spec: DailySpec, target: Fraction, gross: Fraction, start_ns: int, stream: Stream) -> DailyRebalancing:
    """The policy of a declaration, for a token of this signed and gross target."""
    rule = spec.emergency
    if rule is None:
        return DailyRebalancing(spec, start_ns, stream, None, "mark", None)
    band = _emergency_band(rule, target, gross)
    looks = looks_every(rule.poll, rule.jitter, stream)
    return DailyRebalancing(spec, start_ns, stream, band, rule.source, looks)


def _emergency_band(rule: EmergencySpec, target: Fraction, gross: Fraction) -> Band:
    lower, upper = borders_of(rule.lower, rule.leverage, rule.by_target, target)
    is_mirrored = rule.side == "both" and lower is None and rule.move is None
    if is_mirrored and upper is not None and 2 * gross > upper:
        lower = 2 * gross - upper
    return Band(Occasion.EMERGENCY, lower, upper, exact(rule.move), "target", rule.side)
