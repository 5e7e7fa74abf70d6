"""Who follows the resets of tokens: groups that act on what they know of them, and when their desks look."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from marketsim.announcements import Announcement
from marketsim.spec import Fault, Identifier
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.desk_group import DeskGroupSpec
from marketsim.traders.group import Surroundings
from marketsim.traders.knowledge import Knowledge, KnowsSpec, Prospect
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator

LOOK_NS = 60 * NS_PER_SECOND
"""How often a group looks at a token whose next reset has no instant that it could wait for."""


class FollowerSpec(DeskGroupSpec):
    """A group that follows the resets of `tokens` (absent: of all whose basket has one of its markets)."""

    references: ClassVar[Mapping[tuple[str, ...], str]] = {**DeskGroupSpec.references, ("tokens",): "tokens"}

    tokens: tuple[Identifier, ...] = ()
    knows: KnowsSpec | None = None

    def followed(self, baskets: Mapping[str, Collection[str]]) -> list[str]:
        """The tokens it follows: those it names, else all with a leg in one of its markets."""
        with_leg = [name for name, legs in baskets.items() if set(legs) & set(self.markets)]
        return [name for name in with_leg if not self.tokens or name in self.tokens]

    def without(self, tokens: Collection[str]) -> Self | None:
        """The group in a world without some tokens; None where it follows no other."""
        if self.tokens and set(self.tokens) <= set(tokens):
            return None
        kept = super().without(tokens)
        if kept is None or not set(tokens) & set(kept.tokens):
            return kept
        return kept.model_copy(update={"tokens": tuple(name for name in kept.tokens if name not in tokens)})

    def knowledge_in_words(self) -> str:
        """Whom they follow, and what they know of resets."""
        followed = f"They follow {', '.join(self.tokens)}. " if self.tokens else ""
        known = "what is public" if self.knows is None else self.knows.in_words()
        return f"{followed}They know {known}."

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets and tokens there are."""
        yield from super().faults(around)
        if self.rate:
            yield Fault(("rate",), "resets wake this group, not a clock of its own", "left out")
        allowed = ", ".join(name for name, legs in around.baskets.items() if set(legs) & set(self.markets))
        for place, name in enumerate(self.tokens):
            if name in around.baskets and not set(around.baskets[name]) & set(self.markets):
                message = f"{name} holds nothing in the markets of this group"
                yield Fault(("tokens", place), message, allowed or "a token with a leg in one of its markets")


class FollowerDesk(TraderDesk):
    """A desk that looks at its tokens whenever there may be news: at announcements, and when its own lead begins.

    A subclass says in `consider` what it makes of a token's prospects, and in `polls` whether prices alone may be news
    to it.
    """

    polls = False

    def __init__(self, spec: FollowerSpec, context: DeskContext) -> None:
        super().__init__(context)
        self.markets, self.tokens = spec.markets, spec.followed(context.baskets)
        self.knowledge = Knowledge(spec.knows, context.feed, context.draws)

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
