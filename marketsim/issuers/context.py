"""Context of a token: the run's clock, the log of events, the signal of a change, ledger accounts, its own market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from marketsim.clock import Event, MarketEnvironment

AddRow = Callable[..., None]
"""Writes a row of a table, as `journal.add` does: the table's name, then its columns by name."""


@dataclass(frozen=True, slots=True)
class RunClock:
    """The clock of a run. start_ns: the run's start [ns since 1970]; warmup_ns: from when on issuers act [ns]."""

    env: MarketEnvironment
    start_ns: int
    warmup_ns: int

    @property
    def now_ns(self) -> int:
        """The present instant [ns from the start]."""
        return int(self.env.now)

    @property
    def is_warming_up(self) -> bool:
        """Whether issuers do not act yet."""
        return self.now_ns < self.warmup_ns


@dataclass(frozen=True, slots=True)
class EventLog:
    """Writes rows of table `events` about one token, each at the present instant."""

    token: str
    clock: RunClock
    add_row: AddRow

    def write(self, event: str, detail: Mapping[str, Any]) -> None:
        """Write one event; the schema of its detail is in the dictionary of tables."""
        self.add_row("events", t_ns=self.clock.now_ns, event=event, subject=self.token, detail=dumps(detail))


@dataclass(slots=True)
class ChangeSignal:
    """Tells the process that waits for a token's next reset that what it waits for may have moved."""

    env: MarketEnvironment
    _next: Event | None = None

    def next_change(self) -> Event:
        """An event of the next change from now on."""
        self._next = self.env.event()
        return self._next

    def notify(self) -> None:
        """Let whoever waits look again."""
        if self._next is not None and not self._next.triggered:
            self._next.succeed()


@dataclass(frozen=True, slots=True)
class LedgerAccounts:
    """Accounts of the ledger cohorts `issuer:ID`, `rounding` and `outside` in a token's venue and currency."""

    issuer: int
    rounding: int
    outside: int


class TokenMarket(Protocol):
    """What an issuer may do to a token's own market."""

    def open_primary(self, is_open: bool) -> None:
        """Let holders know whether the fund creates and redeems."""
        ...

    def halt(self, is_halted: bool) -> None:
        """Refuse new orders, or take them again."""
        ...

    def clear(self) -> None:
        """Cancel every resting order."""
        ...

    def rescale(self, ratio: int) -> None:
        """Count prices in a new unit worth `ratio` old ones."""
        ...

    def publish_nav(self, nav_atoms: Fraction) -> None:
        """Show a NAV [atoms per token] that no units stand behind, until there are some."""
        ...
