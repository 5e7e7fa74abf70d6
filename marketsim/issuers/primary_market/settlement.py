"""Settlement: the hedge of creations and redemptions, who bears what it costs, and what each client gets in the end.

At a quoted NAV (`cash_nav`, `cash_batch`) a creation's cash goes into the fund and its units are issued at once, then
the hedge follows; at the hedge's price (`cash_exec`) the cash waits in the fund as a claim until the hedge is done. A
redemption gives up its units at once and is paid when its hedge is done, so that no fund is stripped of the equity
behind a position it still holds. In kind, the client takes over, or hands in, its part of every position at the mark.
What a hedge at quoted NAV costs against the marks is borne by the issuer, or left with the holders
(docs/products.md#primary-market). With `settle_after` the issuer keeps units or cash in trust between dealing and
delivery (`delivery`). A hedge left to the next reset (`hedge: reset`) is no order of its own: redemptions are paid at
once, and the reset trades the net of flows and returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.books.claims import cost_atoms
from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.context import ChangeSignal
from marketsim.issuers.fund.token import TokenState
from marketsim.issuers.orders.hedging import Hedging
from marketsim.issuers.primary_market.delivery import Delivery
from marketsim.issuers.primary_market.hedge_sizes import hedge_by_market
from marketsim.issuers.primary_market.issuance import UnitIssuance
from marketsim.issuers.primary_market.pricing import PrimaryPricing
from marketsim.issuers.primary_market.terms import Deal, PrimarySpec, gross_for, primary_fee_atoms
from marketsim.issuers.primary_market.ticket import Ticket
from marketsim.messages import Fill, Purpose

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@dataclass(frozen=True, slots=True)
class Settlement:
    """Hedges and settles the deals of one token; plan: by which hedges trade."""

    spec: PrimarySpec
    pricing: PrimaryPricing
    transfers: FundTransfers
    issuance: UnitIssuance
    delivery: Delivery
    hedging: Hedging
    plan: ExecutionPlan
    change: ChangeSignal

    # -- the hedge

    def hedge(self, tickets: list[Ticket]) -> None:
        """Trade what the net cash asks for; settle what need not wait for it, and the rest when it is done.

        At the hedge's price each client has a hedge of its own, since it bears what that costs.
        """
        if self.spec.mode == "cash_exec" and len(tickets) > 1:
            for ticket in tickets:
                self.hedge([ticket])
            return
        cash = sum(ticket.deal.net_atoms if ticket.is_creation else -ticket.deal.cash_atoms for ticket in tickets)
        is_hedged = self.spec.mode != "in_kind" and self.spec.hedge != "reset"
        lots = hedge_by_market(self.transfers.books, cash) if is_hedged else {}
        number = self.hedging.next_number() if lots else -1
        for ticket in tickets:
            ticket.hedge = number
        for ticket in tickets:
            if ticket.claim is None:
                self.delivery.deliver(ticket)
        waiting = [ticket for ticket in tickets if ticket.claim is not None]
        for ticket in waiting:
            assert ticket.claim is not None
            ticket.claim.expect(lots)
        if lots:
            side = Purpose.CREATION if cash > 0 else Purpose.REDEMPTION
            self.hedging.env.process(self._work(lots, side, number, waiting))
        else:
            self._conclude(waiting)

    def _work(self, lots: Mapping[str, int], side: Purpose, number: int, waiting: list[Ticket]) -> ProcessGenerator:
        def bear(market: str, fills: Sequence[Fill]) -> None:
            self._bear(waiting, side, market, fills)

        yield from self.hedging.work(lots, side, number, self.plan, bear)
        self._conclude(waiting)

    def _bear(self, waiting: list[Ticket], side: Purpose, market: str, fills: Sequence[Fill]) -> None:
        """Let whoever bears the hedge's costs bear those of some fills; holders, only where they are the fund's."""
        for ticket in waiting:
            assert ticket.claim is not None
            ticket.claim.book(market, fills)
        books = self.transfers.books
        leg = next(leg for leg in books.token.legs if leg.market == market)
        cost = cost_atoms(fills, leg.atoms_per_tick_lot)
        if self.spec.mode != "cash_exec":
            if self.spec.hedge_costs == "fund":
                return
            entry = "creation" if side is Purpose.CREATION else "redemption"
            self.transfers.move_cash(self.delivery.issuer_account, books.token.account, cost, entry)
        books.decay.enter("cost", cost)

    def _conclude(self, waiting: list[Ticket]) -> None:
        """Pay redemptions, and issue units at the hedge's price."""
        books = self.transfers.books
        for ticket in waiting:
            claim = ticket.claim
            assert claim is not None
            worth_atoms = claim.worth_atoms(books.token.legs, books.marks())
            books.claims.remove(claim)
            if books.token.state is TokenState.WIPED:
                self.delivery.requests.end(ticket, "refused", "wiped")
            elif ticket.is_creation:
                self._issue_at(ticket, worth_atoms)
            else:
                self._pay_out(ticket, worth_atoms)
        if waiting:
            self.change.notify()
            self._sweep()

    # -- what each side gets

    def _issue_at(self, ticket: Ticket, worth_atoms: int) -> None:
        """Issue the units that a claim is worth; what is beyond whole lots goes back, with its share of the fee."""
        books, account, rate = self.transfers.books, ticket.request.account, self.pricing.create_rate
        token = books.token
        ticket.nav_true = token.nav(books.holders_atoms() - worth_atoms)
        lot_price = ticket.nav_true * token.lot
        units = floor(worth_atoms / lot_price) if lot_price > 0 and worth_atoms > 0 else 0
        back = max(worth_atoms - ceil(units * lot_price), 0)
        net = ticket.deal.net_atoms - back
        gross = gross_for(net, rate, ticket.deal.cash_atoms) if units and net > 0 else 0
        self.transfers.move_cash(token.account, account, back, "creation")
        fee = primary_fee_atoms(gross, rate)
        self.transfers.move_cash(self.delivery.issuer_account, account, ticket.deal.fee_atoms - fee, "primary_fee")
        ticket.deal = Deal(units, gross, fee)
        if not units:
            self.delivery.requests.end(ticket, "refused", "too_small")
            return
        ticket.price = Fraction(net) / (units * token.lot)
        self.issuance.create(self.delivery.receiver(ticket), units)
        self.delivery.deliver(ticket)

    def _pay_out(self, ticket: Ticket, worth_atoms: int) -> None:
        """Pay what a redemption's claim is worth, as far as the fund has it."""
        books, units = self.transfers.books, ticket.deal.units_lots
        gross = max(min(worth_atoms, books.equity_atoms()), 0)
        if gross != ticket.deal.cash_atoms:
            ticket.price = Fraction(gross) / (units * books.token.lot)
            ticket.deal = Deal(units, gross, primary_fee_atoms(gross, self.pricing.redeem_rate))
        self.transfers.move_cash(books.token.account, self.delivery.receiver(ticket), gross, "redemption")
        self.delivery.deliver(ticket)

    def _sweep(self) -> None:
        """What is left in a fund without holders is the issuer's, a debt too; what no book took, `outside` takes."""
        books = self.transfers.books
        token = books.token
        if token.supply_lots or books.claims or books.hedges:
            return
        self.hedging.close_off_book()
        left_atoms = books.view.cash_atoms(token.account)
        self.transfers.move_cash(token.account, self.delivery.issuer_account, left_atoms, "redemption")
