"""Settlement: what creation and redemption do to cash, units and perpetuals, and when each side gets its own.

At a quoted NAV (`cash_nav`, `cash_batch`) a creation's cash goes into the fund and its units are issued at once, then
the hedge follows; at the hedge's price (`cash_exec`) the cash waits in the fund as a claim until the hedge is done. A
redemption gives up its units at once and is paid when its hedge is done, so that no fund is stripped of the equity
behind a position it still holds. In kind, the client takes over, or hands in, its part of every position at the mark.
What a hedge at quoted NAV costs against the marks is made good by the issuer, or left with the holders (RULES A.6).
With `settle_after` the issuer keeps units or cash in trust between dealing and delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.books.claims import Claim, cost_atoms
from marketsim.issuers.context import Purse
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.fund.token import TokenState
from marketsim.issuers.orders.hedging import hedge_by_market, hedge_orders
from marketsim.issuers.primary_market.terms import (
    Deal,
    PrimarySpec,
    creation,
    gross_for,
    primary_fee_atoms,
    redemption,
    share_lots,
)
from marketsim.messages import PrimaryRequest, Purpose

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.issuers.books.token_books import TokenBooks
    from marketsim.issuers.desk import TokenDesk
    from marketsim.messages import Fill


@dataclass(slots=True)
class Ticket:
    """One request that was dealt: its terms, its price [atoms per token], NAV then, its hedge and its claim."""

    request: PrimaryRequest
    deal: Deal
    price: Fraction
    nav_true: Fraction
    hedge: int = -1
    claim: Claim | None = None
    is_in_trust: bool = False

    @property
    def is_creation(self) -> bool:
        """Whether units come into the world."""
        return self.request.side == "creation"


@dataclass(slots=True)
class Settlement:
    """Deals the requests of one token.

    issuer_account: of the cohort `issuer:ID`, in the token's venue and currency. next_hedge: a number for a new hedge.
    on_end: hears each ticket with what became of it: `settled`, `queued` until it is delivered, or `refused` and why.
    """

    desk: TokenDesk
    spec: PrimarySpec
    holdings: Holdings
    purse: Purse
    plan: ExecutionPlan
    issuer_account: int
    next_hedge: Callable[[], int]
    on_end: Callable[[Ticket, str, str | None], None] = field(init=False)
    in_trust: list[Ticket] = field(default_factory=list)

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
        return self.desk.token.gross_target if self.spec.fee_of == "notional" else Fraction(1)

    @property
    def books(self) -> TokenBooks:
        """The token's books."""
        return self.desk.books

    def estimate(self, request: PrimaryRequest) -> Deal:
        """What a request would come to now, at the quoted NAV; in kind and at the hedge's price, at NAV."""
        price = self._price() * self.desk.token.lot
        if request.side == "redemption":
            return redemption(request.units_lots, price, self.redeem_rate)
        return creation(request.cash_atoms, price, self.create_rate) if price > 0 else Deal(0, 0, 0)

    def _price(self) -> Fraction:
        is_quoted = self.spec.mode in ("cash_nav", "cash_batch")
        return self.desk.quote.published() if is_quoted else self.books.nav()

    # -- dealing

    def open(self, request: PrimaryRequest) -> Ticket | str:
        """Deal a request: move what its client gives, now; or say why that cannot be. Its hedge is to follow."""
        return self._buy(request) if request.side == "creation" else self._sell(request)

    def _buy(self, request: PrimaryRequest) -> Ticket | str:
        """Take a creation's cash, and issue its units unless they wait for the hedge."""
        deal, at_hedge = self.estimate(request), self.spec.mode == "cash_exec"
        if not deal.units_lots:
            return "too_small"
        if at_hedge:
            deal = Deal(0, request.cash_atoms, primary_fee_atoms(request.cash_atoms, self.create_rate))
        lots = self._lots_in_kind(deal.units_lots) if self.spec.mode == "in_kind" else {}
        obstacle = self._cannot_give(request.account, lots)
        if obstacle or self._free_after(request.account, {leg: -n for leg, n in lots.items()}) < deal.cash_atoms:
            return obstacle or "insufficient_cash"
        ticket = Ticket(request, deal, self._price(), self.books.nav())
        self._move(request.account, self.desk.token.account, deal.net_atoms, "creation")
        self._move(request.account, self.issuer_account, deal.fee_atoms, "primary_fee")
        for market, given in lots.items():
            self._hand_over(request.account, self.desk.token.account, market, given)
        if at_hedge:
            ticket.claim = Claim(deal.net_atoms, None, True)
            self.books.claims.append(ticket.claim)
        else:
            self._issue(ticket)
        return ticket

    def _sell(self, request: PrimaryRequest) -> Ticket | str:
        """Take a redemption's units; what they are worth becomes a claim until it is paid."""
        deal, token = self.estimate(request), self.desk.token
        if self.holdings.free_of(request.account) < request.units_lots:
            return "insufficient_units"
        if not deal.cash_atoms:
            return "too_small"
        if deal.cash_atoms > self.books.holders_atoms():
            return "insufficient_equity"
        lots = self._lots_in_kind(deal.units_lots) if self.spec.mode == "in_kind" else {}
        if lots and self._free_after(request.account, lots) + deal.net_atoms < 0:
            return "insufficient_cash"
        marks = {leg.market: self.desk.view.mark_ticks(leg.market) for leg in token.legs}
        claim = Claim(deal.cash_atoms, marks, self.spec.mode == "cash_exec")
        ticket = Ticket(request, deal, self._price(), self.books.nav(), claim=claim)
        self.holdings.destroy(request.account, request.units_lots)
        token.supply_lots -= request.units_lots
        self.books.claims.append(claim)
        for market, taken in lots.items():
            self._hand_over(token.account, request.account, market, taken)
        return ticket

    # -- in kind

    def _lots_in_kind(self, units_lots: int) -> dict[str, int]:
        supply = self.desk.token.supply_lots
        shares = {leg.market: leg.position_lots for leg in self.books.holding().legs}
        shares = {market: share_lots(held, units_lots, supply) for market, held in shares.items()}
        return {market: lots for market, lots in shares.items() if lots}

    def _cannot_give(self, account: int, lots: Mapping[str, int]) -> str | None:
        """Why an account cannot hand in parts of its positions: it has none of that side and size."""
        for market, given in lots.items():
            held = self.purse.position_lots(account, market) or 0
            if held * given <= 0 or abs(held) < abs(given):
                return "insufficient_position"
        return None

    def _free_after(self, account: int, lots: Mapping[str, int]) -> int:
        """Free equity once these lots are taken over; less than nothing where the account may not hold them."""
        if any(self.purse.position_lots(account, market) is None for market in lots):
            return -1
        return self.purse.free_atoms(account, lots)

    def _hand_over(self, giver: int, receiver: int, market: str, lots: int) -> None:
        """Hand over a position at the mark, free of charge."""
        view, fund = self.desk.view, self.desk.token.account
        mark, index = view.mark_ticks(market), view.index_ticks(market)
        self.desk.gateway.hand_over(giver, receiver, market, lots, mark)
        self.books.ledger.fill(market, lots if receiver == fund else -lots, mark, 0, mark, index)

    # -- the hedge

    def hedge(self, tickets: list[Ticket]) -> None:
        """Trade what the net cash asks for; settle what need not wait for it, and the rest when it is done."""
        cash = sum(ticket.deal.net_atoms if ticket.is_creation else -ticket.deal.cash_atoms for ticket in tickets)
        lots = {} if self.spec.mode == "in_kind" else hedge_by_market(self.books, cash)
        number = self.next_hedge() if lots else -1
        for ticket in tickets:
            ticket.hedge = number
        for ticket in tickets:
            if ticket.claim is None:
                self._deliver(ticket)
        waiting = [ticket for ticket in tickets if ticket.claim is not None]
        for ticket in waiting:
            assert ticket.claim is not None
            ticket.claim.expect(lots)
        if lots:
            self.desk.env.process(
                self._work(lots, Purpose.CREATION if cash > 0 else Purpose.REDEMPTION, number, waiting)
            )
        else:
            self._conclude(waiting)

    def _work(self, lots: Mapping[str, int], side: Purpose, number: int, waiting: list[Ticket]) -> ProcessGenerator:
        desk = self.desk
        orders = hedge_orders(
            lots, desk.token.legs, desk.view, number=number, token=desk.token.id, plan=self.plan, side=side,
            now_ns=desk.now_ns, on_fills=lambda market, fills: self._bear(waiting, side, market, fills),
        )  # fmt: skip
        yield from desk.work_hedge(orders)
        self._conclude(waiting)

    def _bear(self, waiting: list[Ticket], side: Purpose, market: str, fills: Sequence[Fill]) -> None:
        """Let whoever bears the hedge's costs bear those of some fills; holders, only where they are the fund's."""
        for ticket in waiting:
            assert ticket.claim is not None
            ticket.claim.book(market, fills)
        leg = next(leg for leg in self.desk.token.legs if leg.market == market)
        cost = cost_atoms(fills, leg.atoms_per_tick_lot)
        if self.spec.mode != "cash_exec":
            if self.spec.hedge_costs == "fund":
                return
            entry = "creation" if side is Purpose.CREATION else "redemption"
            self._move(self.issuer_account, self.desk.token.account, cost, entry)
        self.books.decay.hear("cost", cost)

    def _conclude(self, waiting: list[Ticket]) -> None:
        """Pay redemptions, and issue units at the hedge's price."""
        for ticket in waiting:
            claim, token = ticket.claim, self.desk.token
            assert claim is not None
            worth = claim.worth_atoms(
                token.legs, {leg.market: self.desk.view.mark_ticks(leg.market) for leg in token.legs}
            )
            self.books.claims.remove(claim)
            if token.state is TokenState.WIPED:
                self.on_end(ticket, "refused", "wiped")
            elif ticket.is_creation:
                self._issue_at(ticket, worth)
            else:
                self._pay_out(ticket, worth)
        if waiting:
            self.desk.wake()
            self._sweep()

    # -- what each side gets

    def _issue(self, ticket: Ticket) -> None:
        """Bring a creation's units into the world, for the client or in trust for him."""
        token, units = self.desk.token, ticket.deal.units_lots
        was_empty = not token.supply_lots
        self.holdings.create(self._holder(ticket), units)
        token.supply_lots += units
        if was_empty:
            self.books.mark_reset(self.desk.policy.source)
        self.desk.wake()

    def _issue_at(self, ticket: Ticket, worth_atoms: int) -> None:
        """Issue the units that a claim is worth; what is beyond whole lots goes back, with its share of the fee."""
        token, account, rate = self.desk.token, ticket.request.account, self.create_rate
        ticket.nav_true = token.nav(self.books.holders_atoms() - worth_atoms)
        lot_price = ticket.nav_true * token.lot
        units = floor(worth_atoms / lot_price) if lot_price > 0 and worth_atoms > 0 else 0
        back = max(worth_atoms - ceil(units * lot_price), 0)
        net = ticket.deal.net_atoms - back
        gross = gross_for(net, rate, ticket.deal.cash_atoms) if units and net > 0 else 0
        self._move(token.account, account, back, "creation")
        fee = primary_fee_atoms(gross, rate)
        self._move(self.issuer_account, account, ticket.deal.fee_atoms - fee, "primary_fee")
        ticket.deal = Deal(units, gross, fee)
        if not units:
            self.on_end(ticket, "refused", "too_small")
            return
        ticket.price = Fraction(net) / (units * token.lot)
        self._issue(ticket)
        self._deliver(ticket)

    def _pay_out(self, ticket: Ticket, worth_atoms: int) -> None:
        """Pay what a redemption's claim is worth, as far as the fund has it."""
        token, units = self.desk.token, ticket.deal.units_lots
        gross = max(min(worth_atoms, self.books.equity_atoms()), 0)
        if gross != ticket.deal.cash_atoms:
            ticket.price = Fraction(gross) / (units * token.lot)
            ticket.deal = Deal(units, gross, primary_fee_atoms(gross, self.redeem_rate))
        self._move(token.account, self._holder(ticket), gross, "redemption")
        self._deliver(ticket)

    def _holder(self, ticket: Ticket) -> int:
        """Who gets what the issuer's side gives: the client, or the issuer in trust for him."""
        return self.issuer_account if self.spec.settle_after else ticket.request.account

    def _deliver(self, ticket: Ticket) -> None:
        """Settle a ticket, now or when its delivery is due."""
        if not self.spec.settle_after:
            self._settle(ticket)
            return
        ticket.is_in_trust = True
        self.in_trust.append(ticket)
        self.on_end(ticket, "queued", "settling")
        due = self.desk.env.timeout(self.spec.settle_after)
        due.callbacks.append(lambda _: self._hand_out(ticket))

    def hand_out_all(self) -> None:
        """Deliver everything in trust at once, because the token is exchanged or ended."""
        for ticket in list(self.in_trust):
            self._hand_out(ticket)

    def _hand_out(self, ticket: Ticket) -> None:
        """Deliver what is in trust, unless it was before."""
        if ticket.is_in_trust:
            ticket.is_in_trust = False
            self.in_trust = [other for other in self.in_trust if other is not ticket]
            account = ticket.request.account
            if ticket.is_creation:
                self.holdings.move(self.issuer_account, account, ticket.deal.units_lots)
            else:
                self._move(self.issuer_account, account, ticket.deal.cash_atoms, "redemption")
            self._settle(ticket)

    def _settle(self, ticket: Ticket) -> None:
        if not ticket.is_creation:
            self._move(ticket.request.account, self.issuer_account, ticket.deal.fee_atoms, "primary_fee")
        self.on_end(ticket, "settled", None)

    def _sweep(self) -> None:
        """What is left in a fund without holders is the issuer's, a debt too; what no book took, `outside` takes."""
        token, desk = self.desk.token, self.desk
        if token.supply_lots or self.books.claims or self.books.hedges:
            return
        for leg in self.books.holding().legs:
            if leg.position_lots:
                desk.trade_off_book(leg.market, -leg.position_lots, Purpose.REDEMPTION, -1)
        self._move(token.account, self.issuer_account, desk.view.cash_atoms(token.account), "redemption")

    def _move(self, payer: int, receiver: int, atoms: int, entry: str) -> None:
        """Move cash, and explain it to the fund's books where the fund is one side."""
        self.desk.gateway.transfer(payer, receiver, atoms, entry)
        fund = self.desk.token.account
        self.books.ledger.primary(atoms * ((receiver == fund) - (payer == fund)))
