"""What issuers let be known of their next resets: announcements, and the feed that passes them on.

An issuer publishes; traders listen, look, or work out for themselves what the fund will do (`foresee`). Both ways go
through the token's mode, so that a study can silence a token, or let its resets be known with a size of zero, without
touching who listens (docs/contract.md#arms: `blind`, `frictionless`, `phantom`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

Mode = Literal["true", "zero", "silent"]
"""How a token's announcements are passed on: as they are, with every size zero, or not at all."""


Subject = tuple[str, int, bool | None]
"""What an announcement is about: market, number of the reset, side of the trigger."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is said of one leg of a token's next reset, or of the one under way.

    number: of the reset, counted by token. said_ns: when it was said. due_ns: when the reset falls due, None where that
    is hidden or a price decides. lots: the signed order expected at the present prices, or what is left of it; None:
    not said. trigger_ticks, is_above: the price from which on a rule without a clock acts. is_over: nothing more comes.
    """

    token: str
    market: str
    number: int
    said_ns: int
    due_ns: int | None = None
    lots: int | None = None
    trigger_ticks: int | None = None
    is_above: bool | None = None
    is_under_way: bool = False
    is_over: bool = False

    @property
    def subject(self) -> Subject:
        """What it is about: a later announcement on the same subject replaces it."""
        return self.market, self.number, self.is_above


class Outlook(Protocol):
    """What a token's holdings and rules say about its next reset, for whoever can read them."""

    @property
    def is_schedule_public(self) -> bool:
        """Whether anybody may know when its resets fall due."""
        ...

    @property
    def lead_ns(self) -> int:
        """How long before a reset anybody may know of it."""
        ...

    def due_ns(self) -> int | None:
        """When the next reset falls due, None where only prices decide."""
        ...

    def expected(self) -> Sequence[Announcement]:
        """The next reset, exactly as it would be at the present prices, leg by leg."""
        ...


class AnnouncementFeed:
    """Announcements of all tokens, and the outlooks of those that are registered; any other token is silent."""

    def __init__(self) -> None:
        self._modes: dict[str, Mode] = {}
        self._latest: dict[str, dict[Subject, Announcement]] = {}
        self._outlooks: dict[str, Outlook] = {}
        self._listeners: list[Callable[[Announcement], None]] = []

    def register(self, token: str, outlook: Outlook) -> None:
        """Let a token's resets be foreseen by who knows how."""
        self._outlooks[token] = outlook

    def outlook(self, token: str) -> Outlook:
        """What can be read of a token at any time, whatever its mode: KeyError for one that is not registered."""
        return self._outlooks[token]

    def set_mode(self, token: str, mode: Mode) -> None:
        """Pass a token's announcements on as they are (`true`), with sizes of zero (`zero`), or not at all (`silent`).

        Raises ValueError for another word.
        """
        if mode not in ("true", "zero", "silent"):
            raise ValueError(f"mode was {mode!r}; allowed: true, zero, silent")
        self._modes[token] = mode

    def mode(self, token: str) -> Mode:
        """How a token's announcements are passed on now."""
        return self._modes.get(token, "true")

    def publish(self, announcement: Announcement) -> None:
        """Replace the last announcement on the same subject by this one, and tell all who listen."""
        current = self._latest.setdefault(announcement.token, {})
        if announcement.is_over:
            current.pop(announcement.subject, None)
        else:
            current[announcement.subject] = announcement
        for told in self._passed_on(announcement.token, (announcement,)):
            for hear in self._listeners:
                hear(told)

    def listen(self, hear: Callable[[Announcement], None]) -> None:
        """Call `hear` with every announcement from now on, as it is passed on."""
        self._listeners.append(hear)

    def known(self, token: str, now_ns: int) -> tuple[Announcement, ...]:
        """What has been announced of a token by now and is not over, as it is passed on."""
        current = self._latest.get(token, {}).values()
        return self._passed_on(token, [each for each in current if each.said_ns <= now_ns])

    def foresee(self, token: str) -> tuple[Announcement, ...]:
        """What the holdings and rules of a token say now, as the mode passes it on: for own inference."""
        if token not in self._outlooks or self.mode(token) == "silent":
            return ()
        return self._passed_on(token, self._outlooks[token].expected())

    def _passed_on(self, token: str, said: Sequence[Announcement]) -> tuple[Announcement, ...]:
        match self.mode(token):
            case "silent":
                return ()
            case "zero":
                return tuple(replace(each, lots=0) for each in said)
        return tuple(said)
