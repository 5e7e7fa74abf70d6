"""Transfers of a fund: cash and positions that move between it, its issuer and its clients, explained to its books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.books.token_books import TokenBooks

if TYPE_CHECKING:
    from marketsim.venues.gateway import Gateway


@dataclass(frozen=True, slots=True)
class FundTransfers:
    """Moves what creations, redemptions and splits move; where the fund is one side, its attribution says so."""

    gateway: Gateway
    books: TokenBooks

    def move_cash(self, payer: int, receiver: int, atoms: int, entry: str) -> None:
        """Move cash between two accounts under an entry of table `ledger`; the fund's part is primary cash."""
        self.gateway.transfer(payer, receiver, atoms, entry)
        fund = self.books.token.account
        self.books.ledger.primary(atoms * ((receiver == fund) - (payer == fund)))

    def move_position(self, giver: int, receiver: int, market: str, lots: int) -> None:
        """Hand over a position at the mark, free of charge."""
        view, fund = self.books.view, self.books.token.account
        mark, index = view.mark_ticks(market), view.index_ticks(market)
        self.gateway.hand_over(giver, receiver, market, lots, mark)
        self.books.ledger.fill(market, lots if receiver == fund else -lots, mark, 0, mark, index)
