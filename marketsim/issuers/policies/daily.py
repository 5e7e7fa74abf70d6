"""Policy `daily`: back to the target at times of day, or every few hours, and in an emergency between."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from marketsim.issuers.fund.nav import PriceTrigger
from marketsim.issuers.policies.borders import (
    Band,
    Crossing,
    border_words,
    borders_of,
    by_target_faults,
    crossing_reasons,
    exact,
    gross_of,
    has_moved,
    jitter_faults,
    lower_faults,
)
from marketsim.issuers.policies.decision import (
    Decision,
    PriceSource,
    RebalanceTrigger,
    RebalancingPolicy,
    Side,
    Situation,
    orders_to_targets,
)
from marketsim.issuers.policies.family import POLICIES, FundTerms, PolicySpec
from marketsim.issuers.policies.looks import looks_every
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.issuers.random_draws import DAILY_JITTER
from marketsim.ranges import ABOVE_ZERO, ANY, POLL, ZERO_OR_MORE, Range
from marketsim.spec import (
    NONE_IN_WORDS,
    OMITTED_AT_DEFAULT,
    WORDS_FOR_NONE,
    Duration,
    Fault,
    Leverage,
    Rate,
    Spec,
    TimesOfDay,
)
from marketsim.streams import Stream
from marketsim.units import (
    NS_PER_DAY,
    NS_PER_SECOND,
    Size,
    format_duration,
    format_number,
    format_rate,
    format_time_of_day,
)

SCHEDULED = RebalanceTrigger("scheduled", is_scheduled=True)
EMERGENCY = RebalanceTrigger("emergency", is_urgent=True)

_UNDER_A_DAY = Range("shorter than 1d", below=NS_PER_DAY)
_INTERVAL = Range("1s to 1d", least=NS_PER_SECOND, most=NS_PER_DAY)
_SIDES = {"delever": "only to lower leverage", "both": "in both directions", "losing": "only after a loss"}


class EmergencySpec(Spec):
    """A rebalance between scheduled ones: leverage is beyond `leverage`, or the price has moved by more than `move`.

    over_target: instead of `leverage`, the share of the target by which leverage exceeds it (FTX's "33 % over"). Its
    side `both` also acts below `lower`, or, with neither `lower` nor `move`, as far below the target as `leverage` is
    above it. crossing: whether it acts strictly `beyond` these borders, or `at` the border itself already. by_target:
    borders [lower, leverage] by the token's signed target. poll: how often it looks (0s: always), each time a random
    part of `jitter` later.
    """

    leverage: Annotated[Leverage | None, ABOVE_ZERO] = None
    over_target: Annotated[Rate | None, ABOVE_ZERO, OMITTED_AT_DEFAULT] = None
    lower: Annotated[Leverage | None, ZERO_OR_MORE] = None
    by_target: dict[Leverage, tuple[Leverage, Leverage]] | None = None
    move: Annotated[Rate | None, ABOVE_ZERO] = None
    crossing: Annotated[Crossing, OMITTED_AT_DEFAULT] = "beyond"
    side: Side
    source: PriceSource = "mark"
    poll: Annotated[Duration, POLL] = 0
    jitter: Annotated[Duration, ANY] = 0

    def faults(self, basket: Mapping[str, Decimal]) -> Iterator[Fault]:
        """Borders around the target, looks in their order."""
        gross = gross_of(basket)
        borders = (self.leverage, self.over_target, self.lower, self.by_target, self.move)
        if all(border is None for border in borders):
            allowed = "at least one of leverage, over_target, lower, by_target, move"
            yield Fault((), "this emergency has no border", allowed)
        yield from lower_faults(self.lower, gross)
        if self.leverage is not None and 0 < self.leverage <= gross:
            allowed = f"above {format_number(gross)}, without sign"
            yield Fault(("leverage",), "the emergency is not above the target", allowed)
        yield from by_target_faults(self.by_target, basket)
        yield from jitter_faults(self.jitter, self.poll)

    def words(self, target: Decimal) -> str:
        """What it waits for and which way it trades, as a part of a sentence."""
        upper = self.leverage
        if upper is None and self.over_target is not None:
            upper = round(abs(target) * (1 + self.over_target), 4)
        cause = border_words(self.lower, upper, self.by_target, self.move, self.crossing, target)
        return f"{cause} ({_SIDES[self.side]})"

    def band(self, target: Fraction, gross: Fraction) -> Band:
        """Its band around a token's target, signed, and without signs, back to which it goes."""
        lower, upper = borders_of(self.lower, self.leverage, self.by_target, target)
        if self.leverage is None and self.over_target is not None:
            upper = gross * (1 + Fraction(self.over_target))
        is_mirrored = self.side == "both" and lower is None and self.move is None
        if is_mirrored and upper is not None and 2 * gross > upper:
            lower = 2 * gross - upper
        return Band(EMERGENCY, lower, upper, exact(self.move), "target", self.side, self.crossing)


@POLICIES.register
class DailySpec(PolicySpec):
    """Every day at `at` (UTC), or `every` few hours, + a random part of `jitter`; not while leverage is in `skip_if`.

    at: one time or a list. every: counted from `at`, or from midnight. skip_move: nor while the price is within this
    share of that of the last reset; with both, only where both hold.
    """

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = (SCHEDULED, EMERGENCY)

    policy: Literal["daily"]
    at: Annotated[TimesOfDay | None, ANY] = None
    every: Annotated[Duration | None, _INTERVAL, OMITTED_AT_DEFAULT] = None
    jitter: Annotated[Duration, _UNDER_A_DAY] = 0
    emergency: Annotated[EmergencySpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    skip_if: Annotated[tuple[Leverage, Leverage] | None, ZERO_OR_MORE] = None
    skip_move: Annotated[Rate | None, ZERO_OR_MORE] = None

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """Times that are there, once each, further apart than the jitter; and those of the emergency."""
        yield from self._time_faults()
        if self.skip_if is not None and self.skip_if[0] > self.skip_if[1]:
            yield Fault(("skip_if",), "the lower end lies above the upper", "[lo, hi] with lo <= hi")
        if self.emergency is not None:
            yield from (fault.below("emergency") for fault in self.emergency.faults(basket))

    def sentence(self, target: Decimal) -> str:
        """When it resets, when it does not, and what an emergency is."""
        jitter = f" plus up to {format_duration(self.jitter)}" if self.jitter else ""
        text = f"It returns to its target {self._times_in_words()} UTC{jitter}"
        quiet = []
        if self.skip_if is not None:
            quiet.append(f"leverage is within {format_number(self.skip_if[0])} to {format_number(self.skip_if[1])}")
        if self.skip_move is not None:
            quiet.append(f"the price has moved by at most {format_rate(self.skip_move)}")
        text += f" unless {' and '.join(quiet)}" if quiet else ""
        if self.emergency is not None:
            text += f", and at once when {self.emergency.words(target)}"
        return text + "."

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """Its time of day, or what the emergency was."""
        if facts.trigger == EMERGENCY.word and self.emergency is not None:
            yield from crossing_reasons(self.emergency.band(facts.target, facts.gross), facts)
            yield f"An emergency acts {_SIDES[self.emergency.side]}."
            return
        late = f", up to {format_duration(self.jitter)} after its time" if self.jitter else ""
        yield f"It was due by the clock at {facts.when}{late}."

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy, with the emergency's band around the token's target."""
        times = ResetTimes(*self._period(), terms.start_ns, self.jitter, terms.stream)
        rule = self.emergency
        if rule is None:
            return DailyRebalancing(times, self.skip_if, self.skip_move)
        looks = looks_every(rule.poll, rule.jitter, terms.stream)
        band = rule.band(terms.target, terms.gross)
        return DailyRebalancing(times, self.skip_if, self.skip_move, band, source=rule.source, looks=looks)

    def _period(self) -> tuple[int, tuple[int, ...]]:
        """After how long the times repeat, and the times within that, ascending [ns]."""
        if self.every is not None:
            return self.every, ((self.at or (0,))[0] % self.every,)
        return NS_PER_DAY, tuple(sorted(self.at or ()))

    def _time_faults(self) -> Iterator[Fault]:
        if self.at is None and self.every is None:
            yield Fault(("at",), "the key 'at' is missing", "a time of day, a list of them, or `every`")
            return
        if self.every is not None and not _INTERVAL.holds(self.every):
            return
        if self.at is not None and len(set(self.at)) < len(self.at):
            yield Fault(("at",), "a time of day stands here twice", "each once")
            return
        if self.every is not None and self.at is not None and len(self.at) > 1:
            yield Fault(("every",), "an interval is counted from one time of day", "left out, or one time `at`")
        period, times = self._period()
        shortest = min(after - before for before, after in pairwise((*times, times[0] + period)))
        if shortest <= self.jitter < NS_PER_DAY:
            message = "resets would overtake each other: the jitter is as long as the time between two of them"
            yield Fault(("jitter",), message, f"below {format_duration(shortest)}")

    def _times_in_words(self) -> str:
        if self.every is not None:
            return f"every {format_duration(self.every)} from {format_time_of_day((self.at or (0,))[0])}"
        times = [format_time_of_day(at) for at in self._period()[1]]
        return "every day at " + " and ".join([", ".join(times[:-1]), times[-1]] if len(times) > 1 else times)


@dataclass(frozen=True, slots=True)
class ResetTimes:
    """The instants of scheduled resets 0, 1, ...: `times_ns` in every period from 00:00 UTC of the run's first day.

    start_ns: the run's start [ns since 1970]. Each reset comes a part of `jitter_ns`, shorter than the time between
    two, later: a draw of the token's stream, keyed by the UTC day and the number of the reset in it.
    """

    period_ns: int
    times_ns: tuple[int, ...]
    start_ns: int
    jitter_ns: int
    stream: Stream

    def next_ns(self, from_ns: int) -> int:
        """The first reset at or after an instant [ns from the start]; jitter may carry it into the next day."""
        period, inside_ns = divmod(from_ns + self.start_ns % NS_PER_DAY, self.period_ns)
        number = max(period * len(self.times_ns) + bisect_right(self.times_ns, inside_ns) - 1, 0)
        while (at_ns := self.reset_ns(number)) < from_ns:
            number += 1
        return at_ns

    def reset_ns(self, number: int) -> int:
        """A reset's instant [ns from the start, perhaps negative]: its time, and its jitter."""
        period, place = divmod(number, len(self.times_ns))
        utc_ns = period * self.period_ns + self.times_ns[place]
        return utc_ns - self.start_ns % NS_PER_DAY + self._jitter_ns(utc_ns, place)

    def _jitter_ns(self, utc_ns: int, place: int) -> int:
        if not self.jitter_ns:
            return 0
        day, inside_ns = divmod(utc_ns, NS_PER_DAY)
        of_day = place if len(self.times_ns) > 1 else inside_ns // self.period_ns
        return int(self.stream.bits(DAILY_JITTER, day, of_day)) * self.jitter_ns >> 64


@dataclass(slots=True)
class DailyRebalancing(RebalancingPolicy):
    """Policy `daily`: back to the target at its times, and in an emergency between (FTX 2019-2022)."""

    times: ResetTimes
    skip_if: tuple[Decimal, Decimal] | None
    skip_move: Decimal | None
    emergency: Band | None = None

    def next_due_ns(self, from_ns: int) -> int | None:
        """The first scheduled reset."""
        return self.times.next_ns(from_ns)

    def decide_due(self, now: Situation) -> Decision | None:
        """Every leg back to its target; skipped within `skip_if` and `skip_move`, ends included."""
        if self._is_skipped(now):
            return None
        return Decision(SCHEDULED, orders_to_targets(now.left(now.held)))

    def decide_watched(self, now: Situation) -> Decision | None:
        """The emergency rule."""
        return None if self.emergency is None else self.emergency.decide(now)

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """Prices of the emergency rule."""
        return () if self.emergency is None else self.emergency.triggers(now)

    def _is_skipped(self, now: Situation) -> bool:
        if self.skip_if is None and self.skip_move is None:
            return False
        if self.skip_if is not None:
            low, high = (Fraction(bound) for bound in self.skip_if)
            if now.held.is_above(high) or now.held.is_beneath(low):
                return False
        return not has_moved(now, exact(self.skip_move))
