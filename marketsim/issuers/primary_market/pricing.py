"""Pricing of creations and redemptions now: the price that is dealt at, and the fees."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.issuers.primary_market.terms import Deal, PrimarySpec, creation, redemption
from marketsim.messages import PrimaryRequest


@dataclass(frozen=True, slots=True)
class PrimaryPricing:
    """Prices one token's units for its clients."""

    spec: PrimarySpec
    books: TokenBooks
    quote: NavQuote

    @property
    def create_rate(self) -> Fraction:
        """Fee of a creation, as a share of its gross cash."""
        return Fraction(self.spec.create_fee) * self._fee_base

    @property
    def redeem_rate(self) -> Fraction:
        """Fee of a redemption, as a share of its gross cash."""
        return Fraction(self.spec.redeem_fee) * self._fee_base

    @property
    def _fee_base(self) -> Fraction:
        """What fees are a rate of, in multiples of the cash."""
        return self.books.token.gross_target if self.spec.fee_of == "notional" else Fraction(1)

    def price(self) -> Fraction:
        """The quoted NAV [atoms per token]; in kind and at the hedge's price, NAV."""
        is_quoted = self.spec.mode in ("cash_nav", "cash_batch")
        return self.quote.published() if is_quoted else self.books.nav()

    def estimate(self, request: PrimaryRequest) -> Deal:
        """What a request would come to at the present price."""
        lot_price = self.price() * self.books.token.lot
        if request.side == "redemption":
            return redemption(request.units_lots, lot_price, self.redeem_rate)
        return creation(request.cash_atoms, lot_price, self.create_rate) if lot_price > 0 else Deal(0, 0, 0)
