"""The kinds of listed events: what each has to say and to do, and the port through which it acts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from marketsim.issuers.fund.token import Part
from marketsim.kinds import Family
from marketsim.ranges import ANY
from marketsim.spec import EventTime, Fault, Spec
from marketsim.venues.contract import FeesSpec

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


class TokenPort(Protocol):
    """What a listed event may do to a token."""

    def suspend(self, what: Iterable[Part]) -> None:
        """Suspend parts of it until they are resumed."""

    def resume(self, what: Iterable[Part]) -> None:
        """Resume parts of it."""

    def split(self, ratio: int, event: Literal["reverse_split", "merge"], halt_ns: int, *, is_exact: bool) -> None:
        """Make one token of `ratio`, now."""

    def delist(self, *, is_off_book: bool) -> ProcessGenerator:
        """End it at NAV: close its position, at the mark or by its execution, and pay its holders."""

    def change_supply_cap(self, cap: Decimal | None) -> None:
        """Create no more beyond so many tokens outstanding; None = no cap."""


class EventPort(Protocol):
    """What a listed event may do, at the instant it falls due."""

    def note(self, event: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Write a row of the table `events`."""

    def token(self, name: str) -> TokenPort | None:
        """A token by id; None where there is none of that id."""

    def open_account(self, sender: EventSpec, market: str) -> None:
        """Open an account for the orders that an event sends from outside; before the run starts.

        Each event has its own: two of them trade with each other like any two strangers.
        """

    def send(self, sender: EventSpec, market: str, size: Decimal, order_type: str, price: Decimal | None) -> None:
        """Send an order from outside for an event, signed size, + buys."""

    def change_fees(self, market: str, fees: FeesSpec) -> None:
        """New fees for all who paid the market's; groups with fees of their own keep them."""

    def halt(self, market: str) -> int:
        """Give a market one more reason to take no orders; its number."""

    def lift_halt(self, market: str, reason: int) -> None:
        """Take one reason away."""

    def lift_all_halts(self, market: str) -> None:
        """Take every reason away that listed events have given."""

    def wait(self, duration_ns: int) -> Any:
        """An event of the clock, so much later."""


@dataclass(frozen=True)
class Surroundings:
    """What listed events of a scenario may refer to.

    grids: tick and lot of each market, tokens' own among them; markets: ids of those that are no token's; dealing: ids
    of tokens with a primary market; booked: of those with a market of their own; without_book: markets that match by a
    formula.
    """

    grids: Mapping[str, tuple[Decimal, Decimal]]
    markets: Collection[str]
    tokens: Collection[str]
    dealing: Collection[str]
    booked: Collection[str]
    without_book: Collection[str] = ()


class EventSpec(Spec):
    """What every listed event has: when it falls due."""

    at: Annotated[EventTime, ANY]

    event_words: ClassVar[tuple[str, ...]]
    """Words of column `event` of the table `events` that it notes."""

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its fields, or with what they refer to; their ranges hold."""
        return iter(())

    def index_jump(self) -> tuple[str, Decimal] | None:
        """The underlying whose index it makes jump, and the size as a share of the level; None for most."""
        return None

    def listed_order(self) -> tuple[str, Decimal] | None:
        """The market and the signed size of the order that it sends; None for most."""
        return None

    def prepare(self, port: EventPort) -> None:
        """What has to be there before the run starts."""

    def happen(self, port: EventPort) -> ProcessGenerator | None:
        """What it does when it falls due; steps of a process where that takes time."""
        raise NotImplementedError

    def sentence(self) -> str:
        """What happens, as the rest of "1d into the run ..."."""
        raise NotImplementedError


EVENTS = Family(
    "event",
    EventSpec,
    key="kind",
    home="marketsim.events",
    needs=("happen", "event_words", "sentence"),
    announced={
        "terms_change": "fee_change, or a scenario for each set of terms",
        "funding_change": "funding.tape (a file of rates and of their instants)",
    },
)
"""The kinds of listed events."""


def listed_event_words() -> tuple[str, ...]:
    """The words that the kinds there are note in the table `events`, each once."""
    return tuple(dict.fromkeys(word for kind in EVENTS.kinds.values() for word in kind.event_words))
