"""What a group knows of resets: what is announced, and what it works out for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from marketsim.announcements import Announcement, AnnouncementFeed
from marketsim.ranges import ANY, NOISE
from marketsim.spec import Duration, Flag, Rate, Spec
from marketsim.streams import Stream, relative_noise
from marketsim.units import format_duration, format_rate


class KnowsSpec(Spec):
    """What a group knows beyond what is public, or instead of it; a key that is absent follows the token's disclosure.

    schedule: whether it knows when resets fall due. size_noise: it works the order out from the fund's holdings, with
    an error of this relative size (0%: exactly). lead: how long before a reset it knows of it.
    """

    schedule: Flag | None = None
    size_noise: Annotated[Rate | None, NOISE] = None
    lead: Annotated[Duration | None, ANY] = None

    def in_words(self) -> str:
        """What it knows, as it follows `They know`."""
        parts = []
        if self.schedule is not None:
            parts.append("when resets fall due" if self.schedule else "not when resets fall due")
        if self.size_noise is not None:
            parts.append(f"how large they are to {format_rate(self.size_noise)}")
        if self.lead is not None:
            parts.append(f"of a reset {format_duration(self.lead)} before it")
        return ", ".join(parts) or "what is public"


@dataclass(frozen=True, slots=True)
class Prospect:
    """One leg of a reset as a group knows it: signed lots, exact or as announced, to which own noise may come.

    due_ns: None for a reset that a price brings, at trigger_ticks. key: by which own noise is drawn.
    """

    token: str
    market: str
    number: int
    due_ns: int | None
    lots: int
    trigger_ticks: int | None
    is_under_way: bool
    key: int
    noise: float


class Knowledge:
    """Reads the announcement feed for one group: what is announced where it knows nothing of its own, else inference.

    Both pass through the token's mode. The error of an inference is one draw a (trader, reset), lognormal with mean
    one, from the stream `<group>/knows/<token>/<market>`.
    """

    def __init__(self, spec: KnowsSpec | None, feed: AnnouncementFeed, draws: Callable[[str], Stream]) -> None:
        self.spec, self.feed, self.draws = spec, feed, draws

    def lead_ns(self, token: str) -> int:
        """How long before a reset of a token the group knows of it."""
        own = None if self.spec is None else self.spec.lead
        return self.feed.outlook(token).lead_ns if own is None else own

    def next_start_ns(self, token: str, now_ns: int) -> int | None:
        """When the group may first know of the next reset by the clock, if that is still ahead."""
        due_ns = self.feed.outlook(token).due_ns()
        start_ns = None if due_ns is None else due_ns - self.lead_ns(token)
        return start_ns if start_ns is not None and start_ns > now_ns else None

    def prospects(self, token: str, now_ns: int) -> tuple[Prospect, ...]:
        """Every leg of a token's next reset of which the group knows both when and how much."""
        announced = self.feed.known(token, now_ns)
        if self.spec is None:
            return tuple(_prospect(each) for each in announced if _is_complete(each))
        return tuple(self._inferred(self.spec, token, announced, now_ns))

    def lots(self, prospect: Prospect, trader: int) -> int:
        """The order that one trader expects."""
        if prospect.noise == 0.0 or prospect.lots == 0:
            return prospect.lots
        stream = self.draws(f"knows/{prospect.token}/{prospect.market}")
        return round(prospect.lots * relative_noise(stream, prospect.noise, trader, prospect.key))

    def _inferred(
        self, spec: KnowsSpec, token: str, announced: Sequence[Announcement], now_ns: int
    ) -> Iterator[Prospect]:
        """Field by field, what it knows itself before what is announced."""
        outlook, lead_ns = self.feed.outlook(token), self.lead_ns(token)
        said = {(each.market, each.number, each.is_above): each.lots for each in announced}
        knows_when = outlook.is_schedule_public if spec.schedule is None else spec.schedule
        for plan in self.feed.foresee(token) if knows_when else ():
            if plan.due_ns is not None and plan.due_ns - lead_ns > now_ns:
                continue
            lots = said.get(plan.subject) if spec.size_noise is None else plan.lots
            if lots is not None:
                yield _prospect(plan, lots, float(spec.size_noise or 0))


def _is_complete(said: Announcement) -> bool:
    return said.lots is not None and not (said.due_ns is None and said.trigger_ticks is None)


def _prospect(said: Announcement, lots: int | None = None, noise: float = 0.0) -> Prospect:
    return Prospect(
        said.token,
        said.market,
        said.number,
        said.due_ns,
        (said.lots or 0) if lots is None else lots,
        said.trigger_ticks,
        said.is_under_way,
        said.number if said.due_ns is None else said.due_ns,
        noise,
    )
