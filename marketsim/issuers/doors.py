"""What an issuer needs of the clock, the venue and the journal: the doors it looks through and acts through.

`clock.MarketEnvironment`, `venues.view.View`, `venues.gateway.Gateway` and `journal` open these doors in a run; a test
may put small fakes behind them. Accounts are numbers, markets are ids; prices in ticks, sizes in signed lots (+ buys),
money in atoms.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Protocol

from marketsim.issuers.rebalancing import PriceSource

Turning = Generator[Any, Any, None]
"""A process in the making: a generator that yields events."""


class Event(Protocol):
    """Something a process can wait for."""

    @property
    def triggered(self) -> bool:
        """Whether it has happened or is about to."""
        ...

    def succeed(self, value: Any = None) -> Any:
        """Let it happen now."""
        ...


class Crossing(Protocol):
    """The first instant at which a price is at a level or past it; an event to wait for."""

    def cancel(self) -> None:
        """Stop watching; nothing if it has happened."""
        ...


class Clock(Protocol):
    """The one clock: time in whole nanoseconds, processes, and prices to wait for."""

    @property
    def now(self) -> int:
        """The present instant [ns from the start]."""
        ...

    def timeout(self, delay: int) -> Any:
        """An event some nanoseconds from now."""
        ...

    def event(self) -> Any:
        """An event that happens when somebody lets it."""
        ...

    def any_of(self, events: Iterable[Any]) -> Any:
        """The first of several events."""
        ...

    def all_of(self, events: Iterable[Any]) -> Any:
        """The last of several events."""
        ...

    def process(self, generator: Turning) -> Any:
        """Turn a process from now on; an event that happens at its end."""
        ...

    def crossing(
        self, market: str, *, source: PriceSource, above: int | None = None, below: int | None = None
    ) -> Crossing:
        """The exact instant at which a price is at or above, or at or below, a level [ticks]."""
        ...


class View(Protocol):
    """The market and an account as they are now; read only."""

    def mid(self, market: str) -> float | None:
        """Middle of the best quotes [ticks, perhaps a half]; None while a side is empty."""
        ...

    def mark_ticks(self, market: str) -> int:
        """Mark price."""
        ...

    def index_ticks(self, market: str) -> int:
        """Index price."""
        ...

    def last_ticks(self, market: str) -> int:
        """Price of the last trade."""
        ...

    def cash_atoms(self, account: int) -> int:
        """An account's cash, with fills at their price."""
        ...

    def position_lots(self, account: int, market: str) -> int:
        """An account's position in a market."""
        ...

    def funding_atoms(self, account: int) -> int:
        """Funding an account has received since the start, + received."""
        ...

    def volume_lots(self, market: str) -> int:
        """Lots traded in a market up to now."""
        ...

    def volume_before_lots(self, market: str) -> int:
        """Lots traded in a market before this instant: nothing that happened at the present nanosecond counts."""
        ...


class Fill(Protocol):
    """One fill of an order."""

    @property
    def t_ns(self) -> int:
        """When."""
        ...

    @property
    def price_ticks(self) -> int:
        """At which price."""
        ...

    @property
    def lots(self) -> int:
        """How much, signed as the order."""
        ...

    @property
    def fee_atoms(self) -> int:
        """What it cost in fees, + is a cost."""
        ...

    @property
    def mark_ticks(self) -> int:
        """The mark price at the fill."""
        ...

    @property
    def index_ticks(self) -> int:
        """The index price at the fill."""
        ...


class Order(Protocol):
    """An order on its way or done."""

    @property
    def done(self) -> Any:
        """An event that happens once, when the order is final."""
        ...

    @property
    def fills(self) -> Sequence[Fill]:
        """Its fills so far."""
        ...


class Gateway(Protocol):
    """The door through which an issuer acts."""

    def send(
        self,
        account: int,
        market: str,
        lots: int,
        *,
        order_type: str,
        price_ticks: int | None,
        tif: str,
        purpose: Any,
        parent: int,
    ) -> Order:
        """Send an order of signed lots."""
        ...

    def off_book(
        self, account: int, market: str, lots: int, *, price_ticks: int, charge_fee: bool, purpose: Any, parent: int
    ) -> Fill:
        """Trade at a price against `outside`, at once."""
        ...

    def pay(self, from_account: int, to_cohort: str, atoms: int, entry: str) -> None:
        """Move cash to a ledger cohort."""
        ...


AddRow = Callable[..., None]
"""`journal.add(table, **row)`."""
