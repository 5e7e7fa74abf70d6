"""Delivery: when a client gets the units or the cash of a deal, and who keeps them in trust until then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.primary_market.requests import PrimaryRequests
from marketsim.issuers.primary_market.ticket import Ticket

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment


@dataclass(slots=True)
class Delivery:
    """Delivers the deals of one token, `after_ns` after they were made; until then the issuer's account keeps them."""

    env: MarketEnvironment
    transfers: FundTransfers
    holdings: Holdings
    requests: PrimaryRequests
    issuer_account: int
    after_ns: int
    in_trust: list[Ticket] = field(default_factory=list)

    def receiver(self, ticket: Ticket) -> int:
        """Which account gets units or cash when a deal is made: the client's, or the issuer's in trust for it."""
        return self.issuer_account if self.after_ns else ticket.request.account

    def deliver(self, ticket: Ticket) -> None:
        """Settle a ticket, now or when its delivery is due."""
        if not self.after_ns:
            self._settle(ticket)
            return
        ticket.is_in_trust = True
        self.in_trust.append(ticket)
        self.requests.end(ticket, "queued", "settling")
        due = self.env.timeout(self.after_ns)
        due.callbacks.append(lambda _: self._release(ticket))

    def deliver_all(self) -> None:
        """Deliver everything in trust at once, because the token is exchanged or ended."""
        for ticket in list(self.in_trust):
            self._release(ticket)

    def _release(self, ticket: Ticket) -> None:
        """Deliver what is in trust, unless it was before."""
        if ticket.is_in_trust:
            ticket.is_in_trust = False
            self.in_trust = [other for other in self.in_trust if other is not ticket]
            account = ticket.request.account
            if ticket.is_creation:
                self.holdings.move(self.issuer_account, account, ticket.deal.units_lots)
            else:
                self.transfers.move_cash(self.issuer_account, account, ticket.deal.cash_atoms, "redemption")
            self._settle(ticket)

    def _settle(self, ticket: Ticket) -> None:
        if not ticket.is_creation:
            self.transfers.move_cash(ticket.request.account, self.issuer_account, ticket.deal.fee_atoms, "primary_fee")
        self.requests.end(ticket, "settled", None)
