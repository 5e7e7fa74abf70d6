"""Issuance: units that are created for an account, or redeemed from it, change a token's supply."""

from __future__ import annotations

from dataclasses import dataclass

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import ChangeSignal, TokenMarket
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.policies.decision import PriceSource


@dataclass(frozen=True, slots=True)
class UnitIssuance:
    """Creates and redeems units of one token; source: the price its policy measures moves on.

    market: the token's own, None without one.
    """

    books: TokenBooks
    holdings: Holdings
    change: ChangeSignal
    source: PriceSource
    market: TokenMarket | None = None

    def create(self, account: int, units_lots: int) -> None:
        """Give an account new units; the first units of an empty fund are its last reset."""
        token = self.books.token
        was_empty = not token.supply_lots
        self.holdings.create(account, units_lots)
        token.supply_lots += units_lots
        if was_empty:
            self.books.mark_reset(self.source)
            self.books.begin()
        self.change.notify()

    def redeem(self, account: int, units_lots: int) -> None:
        """Take units of an account out of the supply; without any left, NAV is what was declared."""
        token = self.books.token
        if units_lots == token.supply_lots:
            self.books.end()
        self.holdings.destroy(account, units_lots)
        token.supply_lots -= units_lots
        if not token.supply_lots and self.market is not None:
            self.market.publish_nav(token.declared_nav)
