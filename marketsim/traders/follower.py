"""Who follows the resets of tokens: groups that act on what they know of them, and when their desks look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from marketsim.announcements import Announcement
from marketsim.spec import Identifier
from marketsim.streams import Stream
from marketsim.traders.desk import DeskGroupSpec, Floor, TraderDesk
from marketsim.traders.knowledge import Knowledge, KnowsSpec, Prospect
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator

LOOK_NS = 60 * NS_PER_SECOND
"""How often a group looks at a token whose next reset has no instant that it could wait for."""


class FollowerSpec(DeskGroupSpec):
    """A group that follows the resets of `tokens` (absent: of all whose basket has one of its markets)."""

    tokens: tuple[Identifier, ...] = ()
    knows: KnowsSpec | None = None


class FollowerDesk(TraderDesk):
    """A desk that looks at its tokens whenever there may be news: at announcements, and when its own lead begins.

    tokens: those the group follows. A subclass says in `consider` what it makes of a token's prospects, and in `polls`
    whether prices alone may be news to it.
    """

    polls = False

    def __init__(
        self,
        spec: FollowerSpec,
        accounts: Sequence[int],
        floor: Floor,
        draws: Callable[[str], Stream],
        knowledge: Knowledge,
        tokens: Sequence[str],
    ) -> None:
        super().__init__(spec, accounts, floor, draws)
        self.markets, self.knowledge, self.tokens = spec.markets, knowledge, list(tokens)

    def start(self) -> None:
        """Begin to listen, and to look at the clock where the group knows more than is said."""
        self.knowledge.feed.listen(self._hear)
        if self.knowledge.spec is not None:
            for token in self.tokens:
                self.env.process(self._watch(token))

    def consider(self, token: str) -> None:
        """Act on what is known of a token now."""
        raise NotImplementedError(f"{type(self).__name__} has no consider()")

    def prospects(self, token: str) -> tuple[Prospect, ...]:
        """Legs of a token's next reset in the group's markets."""
        return tuple(p for p in self.knowledge.prospects(token, self.now_ns) if p.market in self.markets)

    def _hear(self, said: Announcement) -> None:
        if said.token in self.tokens and not said.is_over:
            self.consider(said.token)

    def _watch(self, token: str) -> ProcessGenerator:
        """Look when the next reset may first be known, and again and again while only a price can bring one."""
        while True:
            start_ns = self.knowledge.next_start_ns(token, self.now_ns)
            pause_ns = LOOK_NS if start_ns is None else start_ns - self.now_ns
            yield self.env.timeout(min(pause_ns, LOOK_NS) if self.polls else pause_ns)
            self.consider(token)
