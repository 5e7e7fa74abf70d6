"""Absorbed costs: funding, trading fees and slippage that the issuer pays in the fund's place.

They are Gate's, whose all-in fee stands for them, whatever they come to (docs/products.md#gate); gains are the issuer's
likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.books.claims import slippage_atoms
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.messages import Fill

if TYPE_CHECKING:
    from marketsim.venues.gateway import Gateway


@dataclass(frozen=True, slots=True)
class CostAbsorption:
    """What one token's issuer absorbs: its funding, and what its rebalances cost, if either."""

    books: TokenBooks
    gateway: Gateway
    issuer_account: int
    absorbs_funding: bool
    absorbs_costs: bool

    def return_funding(self, received_atoms: int) -> None:
        """Take funding the fund has just received, or give back what it paid."""
        if received_atoms and self.absorbs_funding:
            self.gateway.transfer(self.issuer_account, self.books.token.account, -received_atoms, "funding")
            self.books.ledger.funding(-received_atoms)

    def absorb_costs(self, market: str, fills: Sequence[Fill]) -> None:
        """Pay the fund what fills of a rebalance cost against the mark."""
        if not self.absorbs_costs:
            return
        token = self.books.token
        leg = next(leg for leg in token.legs if leg.market == market)
        fees, slippage = sum(fill.fee_atoms for fill in fills), slippage_atoms(fills, leg.atoms_per_tick_lot)
        self.gateway.transfer(self.issuer_account, token.account, fees, "trading_fee")
        self.gateway.transfer(self.issuer_account, token.account, slippage, "trade")
        self.books.ledger.costs_absorbed(fees, slippage)
