"""Reconciliation: what the venue did to a token's account enters its books, and a token without equity ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import AddRow, ChangeSignal, RunClock
from marketsim.issuers.fund.token import TokenState


@dataclass(slots=True)
class Reconciliation:
    """Keeps one token's books in step with its account at the venue.

    enter_fills: enters what the token's own orders have got. return_funding: hears of funding received [atoms, + got].
    wipe_out: ends the token, given the equity that is left. seizures: how often the venue has touched the position.
    """

    books: TokenBooks
    clock: RunClock
    change: ChangeSignal
    add_row: AddRow
    enter_fills: Callable[[], None]
    return_funding: Callable[[int], None]
    wipe_out: Callable[[int], None]
    seizures: int = 0

    def reconcile(self) -> None:
        """Enter what happened to the account by now, and end the token when nothing is left."""
        self.enter_fills()
        token, seen_atoms = self.books.token, self.books.funding_seen_atoms
        seized = self.books.reconcile(self.clock.now_ns)
        self.seizures += bool(seized)
        received_atoms = self.books.funding_seen_atoms - seen_atoms
        self.return_funding(received_atoms)
        if seized or received_atoms:
            self.change.notify()
        equity_atoms = self.books.equity_atoms()
        is_gone = equity_atoms <= self._rounding_atoms(seized)
        if is_gone and token.supply_lots and token.state is not TokenState.WIPED:
            self.wipe_out(equity_atoms)

    def begin_interval(self) -> None:
        """End the interval of the attribution now, so that what is recorded from here on begins here."""
        self.reconcile()
        self.end_interval(self.clock.now_ns)

    def end_interval(self, t_ns: int) -> None:
        """Write the rows of tables `attribution` and `decay` since the last time, if any time has passed."""
        interval = self.books.cut(t_ns)
        if interval is not None:
            attribution, decay = interval
            self.add_row("attribution", **asdict(attribution))
            self.add_row("decay", **asdict(decay))

    def _rounding_atoms(self, seized: Mapping[str, int]) -> int:
        """What a bankrupt fund may be left with: the venue closes it at its bankruptcy price, rounded to a tick."""
        if not seized or any(leg.position_lots for leg in self.books.holding().legs):
            return 0
        return sum(abs(seized.get(leg.market, 0)) * leg.atoms_per_tick_lot for leg in self.books.token.legs)
