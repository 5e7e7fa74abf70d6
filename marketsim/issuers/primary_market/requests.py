"""Requests of a primary market: those that wait, how each ended, and their rows of table `primary`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from marketsim.issuers.context import AddRow, RunClock
from marketsim.issuers.fund.token import Token
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.issuers.primary_market.ticket import Ticket
from marketsim.messages import PrimaryRequest
from marketsim.units import ATOMS_PER_UNIT


@dataclass(slots=True)
class PrimaryRequests:
    """Requests of one token. who: public id and cohort of an account.

    settled: how many of each side were. on_place: called, while others wait, when one has ended.
    """

    clock: RunClock
    token: Token
    quote: NavQuote
    who: Callable[[int], tuple[int, str]]
    add_row: AddRow
    waiting: list[PrimaryRequest] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=lambda: {"creation": 0, "redemption": 0})
    on_place: list[Callable[[], None]] = field(default_factory=list)

    def take_waiting(self) -> list[PrimaryRequest]:
        """Take all that wait out of the queue, in their order."""
        taken, self.waiting = self.waiting, []
        return taken

    def wait(self, request: PrimaryRequest, reason: str) -> None:
        """Put a request at the end of the queue, and write down why."""
        price = self.quote.published()
        for other in self.waiting:
            if other.side == request.side:
                request.queue_ahead += _tokens(other, price)
        request.status, request.reason = "queued", reason
        self.waiting.append(request)
        self._write(request, None)

    def refuse(self, request: PrimaryRequest, reason: str) -> None:
        """End a request that was not dealt."""
        request.status, request.reason = "refused", reason
        self._write(request, None)
        request.done.succeed(request)

    def end(self, ticket: Ticket, status: str, reason: str | None) -> None:
        """Write down what became of a ticket: settled, refused, or waiting for delivery (`queued`)."""
        request = ticket.request
        request.status, request.reason = status, reason
        request.units_lots, request.lot = ticket.deal.units_lots, self.token.lot
        request.cash_atoms, request.fee_atoms = ticket.deal.cash_atoms, ticket.deal.fee_atoms
        request.price = float(ticket.price / ATOMS_PER_UNIT)
        self._write(request, ticket)
        if status == "queued":
            return
        if status == "settled":
            self.settled[request.side] += 1
        request.done.succeed(request)
        if self.waiting:
            self.clock.env.timeout(0).callbacks.append(lambda _: self._serve_next())

    def rescale(self, ratio: int, *, is_exact: bool) -> None:
        """Count waiting redemptions in a new token worth `ratio` old ones; is_exact: of a smaller lot."""
        for request in self.waiting:
            request.units_lots //= 1 if is_exact else ratio
            request.lot = self.token.lot

    def _serve_next(self) -> None:
        for serve in self.on_place:
            serve()

    def _write(self, request: PrimaryRequest, ticket: Ticket | None) -> None:
        """A row of table `primary`; the price is that of the deal, if there was one."""
        account, cohort = self.who(request.account)
        is_dealt = ticket is not None and request.status != "refused"
        now_ns = self.clock.now_ns
        self.add_row(
            "primary",
            t_ns=now_ns,
            t_request_ns=request.requested_ns,
            t_settle_ns=now_ns if request.status == "settled" else -1,
            token=request.token,
            side=request.side,
            account=account,
            cohort=cohort,
            units=request.units,
            cash_atoms=request.cash_atoms,
            price=request.price if is_dealt else None,
            nav_true=float(ticket.nav_true / ATOMS_PER_UNIT) if ticket is not None and is_dealt else None,
            fee_atoms=request.fee_atoms,
            queue_ahead=request.queue_ahead,
            hedge_parent=-1 if ticket is None else ticket.hedge,
            status=request.status,
            reason=request.reason,
        )


def _tokens(request: PrimaryRequest, nav: Fraction) -> float:
    """Tokens that a waiting request is about, a creation's cash at a NAV [atoms per token]."""
    return float(request.cash_atoms / nav) if request.side == "creation" and nav > 0 else request.units
