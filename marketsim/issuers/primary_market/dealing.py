"""Dealing: what a client gives when a request is dealt, or why that cannot be.

A creation pays its cash; in kind, it hands in its part of every position. A redemption gives up its units, and what
they are worth becomes a claim on the fund until it is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketsim.issuers.books.claims import Claim
from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.primary_market.collateral import ClientCollateral
from marketsim.issuers.primary_market.delivery import Delivery
from marketsim.issuers.primary_market.issuance import UnitIssuance
from marketsim.issuers.primary_market.pricing import PrimaryPricing
from marketsim.issuers.primary_market.terms import (
    Deal,
    PrimarySpec,
    hedge_lots,
    primary_fee_atoms,
    share_lots,
)
from marketsim.issuers.primary_market.ticket import Ticket
from marketsim.messages import PrimaryRequest


@dataclass(frozen=True, slots=True)
class Dealing:
    """Deals the requests of one token; their hedges are still to follow (`settlement`)."""

    spec: PrimarySpec
    pricing: PrimaryPricing
    collateral: ClientCollateral
    transfers: FundTransfers
    issuance: UnitIssuance
    delivery: Delivery

    def deal(self, request: PrimaryRequest) -> Ticket | str:
        """Deal a request: move what its client gives, now; or say why that cannot be."""
        return self._create(request) if request.side == "creation" else self._redeem(request)

    def _create(self, request: PrimaryRequest) -> Ticket | str:
        """Take a creation's cash, and issue its units unless they wait for the hedge."""
        deal, books = self.pricing.estimate(request), self.pricing.books
        fund, waits = books.token.account, self.spec.mode == "cash_exec"
        if not deal.units_lots:
            return "too_small"
        if waits:
            deal = Deal(0, request.cash_atoms, primary_fee_atoms(request.cash_atoms, self.pricing.create_rate))
        lots = self._lots_in_kind(deal)
        obstacle = self._cannot_give(request.account, lots)
        if obstacle or not self._affords(deal.cash_atoms, request.account, {leg: -n for leg, n in lots.items()}):
            return obstacle or "insufficient_cash"
        ticket = Ticket(request, deal, self.pricing.price(), books.nav())
        self.transfers.move_cash(request.account, fund, deal.net_atoms, "creation")
        self.transfers.move_cash(request.account, self.delivery.issuer_account, deal.fee_atoms, "primary_fee")
        for market, given in lots.items():
            self.transfers.move_position(request.account, fund, market, given)
        if waits:
            ticket.claim = Claim(deal.net_atoms, None, True)
            books.claims.append(ticket.claim)
        else:
            self.issuance.create(self.delivery.receiver(ticket), deal.units_lots)
        return ticket

    def _redeem(self, request: PrimaryRequest) -> Ticket | str:
        """Take a redemption's units; what they are worth becomes a claim until it is paid."""
        deal, books = self.pricing.estimate(request), self.pricing.books
        if self.issuance.holdings.free_of(request.account) < request.units_lots:
            return "insufficient_units"
        if not deal.cash_atoms:
            return "too_small"
        if deal.cash_atoms > books.holders_atoms():
            return "insufficient_equity"
        lots = self._lots_in_kind(deal)
        if lots and not self._affords(-deal.net_atoms, request.account, lots):
            return "insufficient_cash"
        claim = Claim(deal.cash_atoms, books.marks(), self.spec.mode == "cash_exec")
        ticket = Ticket(request, deal, self.pricing.price(), books.nav(), claim=claim)
        self.issuance.redeem(request.account, request.units_lots)
        books.claims.append(claim)
        for market, taken in lots.items():
            self.transfers.move_position(books.token.account, request.account, market, taken)
        return ticket

    # -- in kind

    def _lots_in_kind(self, deal: Deal) -> dict[str, int]:
        """Part of every position behind a deal's units, where deals are in kind; of an empty fund, its targets."""
        if self.spec.mode != "in_kind":
            return {}
        books = self.pricing.books
        supply, shares = books.token.supply_lots, {}
        for leg in books.holding().legs:
            if supply:
                shares[leg.market] = share_lots(leg.position_lots, deal.units_lots, supply)
            else:
                shares[leg.market] = hedge_lots(leg.target, deal.net_atoms, leg.price_ticks, leg.atoms_per_tick_lot)
        return {market: lots for market, lots in shares.items() if lots}

    def _cannot_give(self, account: int, lots: Mapping[str, int]) -> str | None:
        """Why an account cannot hand in parts of its positions: it has none of that side and size."""
        for market, given in lots.items():
            held = self.collateral.position_lots(account, market) or 0
            if held * given <= 0 or abs(held) < abs(given):
                return "insufficient_position"
        return None

    def _affords(self, cash_atoms: int, account: int, lots: Mapping[str, int]) -> bool:
        """Whether an account has so much free once it has taken lots over; it has not where it may not hold them."""
        may_hold = all(self.collateral.position_lots(account, market) is not None for market in lots)
        return may_hold and self.collateral.free_atoms(account, lots) >= cash_atoms
