"""A deal ticket: one request of the primary market that was dealt, on its way to settlement."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from marketsim.issuers.books.claims import Claim
from marketsim.issuers.primary_market.terms import Deal
from marketsim.messages import PrimaryRequest


@dataclass(slots=True, eq=False)
class Ticket:
    """Terms of a deal, its price [atoms per token], NAV then, its hedge (-1: none) and its claim on the fund.

    is_in_trust: whether the issuer keeps units or cash for the client until delivery.
    """

    request: PrimaryRequest
    deal: Deal
    price: Fraction
    nav_true: Fraction
    hedge: int = -1
    claim: Claim | None = None
    is_in_trust: bool = False

    @property
    def is_creation(self) -> bool:
        """Whether units are created."""
        return self.request.side == "creation"
