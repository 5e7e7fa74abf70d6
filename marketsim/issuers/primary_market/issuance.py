"""Issuance: units that are created for an account, or redeemed from it, change a token's supply."""

from __future__ import annotations

from dataclasses import dataclass

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import ChangeSignal
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.policies.decision import PriceSource


@dataclass(frozen=True, slots=True)
class UnitIssuance:
    """Creates and redeems units of one token; source: the price its policy measures moves on."""

    books: TokenBooks
    holdings: Holdings
    change: ChangeSignal
    source: PriceSource

    def create(self, account: int, units_lots: int) -> None:
        """Give an account new units; the first units of an empty fund are its last reset."""
        token = self.books.token
        was_empty = not token.supply_lots
        self.holdings.create(account, units_lots)
        token.supply_lots += units_lots
        if was_empty:
            self.books.mark_reset(self.source)
        self.change.notify()

    def redeem(self, account: int, units_lots: int) -> None:
        """Take units of an account out of the supply."""
        self.holdings.destroy(account, units_lots)
        self.books.token.supply_lots -= units_lots
