"""The desk of a token: its books, processes and markets in one place, as the simulation starts, reads and ends them.

What to do is decided elsewhere: when to look and in which order in `resets.process`, what to trade in `policies`, how
in `algorithms`. `desk_assembly` puts a desk together from a declaration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketsim.issuers.books.reconciliation import Reconciliation
from marketsim.issuers.books.snapshot_rows import leg_rows, token_row
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import TokenMarket
from marketsim.issuers.disclosure.publisher import DisclosurePublisher
from marketsim.issuers.fees.charging import FeeCharging
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.fund.token import Token
from marketsim.issuers.life_cycle.delisting import Delisting
from marketsim.issuers.life_cycle.reverse_split import ReverseSplits
from marketsim.issuers.life_cycle.status import TokenStatus
from marketsim.issuers.orders.treatment import Treatment
from marketsim.issuers.primary_market.desk import PrimaryMarketDesk
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.issuers.resets.process import ResetProcess


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Runs one token: `start` its processes, tell it `account_changed`, take `snapshot`s, `finish` at the end.

    primary: its primary market, None without one. treatment: where an arm sends its flows.
    """

    books: TokenBooks
    holdings: Holdings
    quote: NavQuote
    primary: PrimaryMarketDesk | None
    status: TokenStatus
    splits: ReverseSplits
    delisting: Delisting
    resets: ResetProcess
    publisher: DisclosurePublisher

    @property
    def token(self) -> Token:
        """The token it runs."""
        return self.books.token

    @property
    def market(self) -> TokenMarket | None:
        """The token's own market, if it has one."""
        return self.status.market

    @property
    def treatment(self) -> Treatment:
        """What an arm does to the flows of the token."""
        return self.resets.decisions.treatment

    @property
    def charging(self) -> FeeCharging:
        """The fees it takes."""
        return self.resets.rebalancer.charging

    @property
    def reconciliation(self) -> Reconciliation:
        """What keeps its books in step with the account at the venue."""
        return self.resets.rebalancer.reconciliation

    def start(self) -> None:
        """Begin: a token without supply never acts, unless units can be created."""
        env = self.resets.clock.env
        if self.token.supply_lots or self.primary is not None:
            env.process(self.resets.run())
            env.process(self.charging.run())
        if not self.quote.is_live:
            env.process(self.quote.run())
        if self.primary is not None:
            self.primary.start()
        self.publisher.start()
        self.status.tell_market()

    def account_changed(self) -> None:
        """Hear that the venue settled funding on the token's account, or took or closed its position."""
        self.reconciliation.reconcile()

    def begin_interval(self) -> None:
        """End the interval of the attribution now, so that what is recorded from here on begins here."""
        self.reconciliation.begin_interval()

    def snapshot(self, t_ns: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The token's row of table `tokens` and its rows of `token_legs` now."""
        self.reconciliation.reconcile()
        decisions = self.resets.decisions
        row = token_row(self.books, t_ns, decisions.triggers(), decisions.aim(t_ns), self.quote.published())
        return row, leg_rows(self.books, t_ns)

    def finish(self, t_ns: int) -> None:
        """Close the books at the end of the run: rows of rebalances not yet written, the last attribution."""
        self.resets.rebalancer.finish(t_ns)
