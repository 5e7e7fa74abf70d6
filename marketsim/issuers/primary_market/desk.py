"""The counter: where a token's primary market hears requests, refuses them, lets them wait, and writes them down.

A request is refused, with a reason, or waits in the queue where there is one, while the token rebalances, splits or is
suspended, and when a cap is used up. Batches deal all that waits at their times of day. Those of one side are served in
the order they came; the other side need not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal

from marketsim.issuers.algorithms.child import ChildKind
from marketsim.issuers.algorithms.slicing import SinglePlan
from marketsim.issuers.fund.token import TokenState
from marketsim.issuers.primary_market.caps import ALL, SAMPLE_NS, DailyCapSpec, DayCount, RealisedVolatility, cap_atoms
from marketsim.issuers.primary_market.settlement import Settlement, Ticket
from marketsim.issuers.primary_market.terms import Deal, PrimarySpec
from marketsim.messages import PrimaryRequest
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, to_atoms

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.issuers.desk import TokenDesk

Side = Literal["creation", "redemption"]


@dataclass(slots=True)
class Counter:
    """Primary market of one token. who: public id and cohort of an account."""

    desk: TokenDesk
    spec: PrimarySpec
    settlement: Settlement
    who: Callable[[int], tuple[int, str]]
    supply_cap: Fraction | None
    count: DayCount
    volatility: RealisedVolatility | None = None
    queue: list[PrimaryRequest] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=lambda: {"creation": 0, "redemption": 0})

    # -- what the simulation and clients call

    def start(self) -> None:
        """Begin to serve what waits, and to measure volatility where a cap follows it."""
        env = self.desk.env
        if self.spec.mode == "cash_batch":
            env.process(self._serve_batches())
        if self.spec.queue:
            env.process(self._serve_daily())
        if isinstance(self.spec.daily_cap, DailyCapSpec):
            self.volatility = RealisedVolatility(self.spec.daily_cap.window)
            env.process(self._measure(self.volatility))

    def request(
        self, side: Side, account: int, *, cash_atoms: int = 0, units_lots: int = 0, latency_ns: int = 0
    ) -> PrimaryRequest:
        """Ask to create tokens for cash, or to redeem units; returns at once, `done` fires when it is over."""
        token, env = self.desk.token, self.desk.env
        request = PrimaryRequest(token.id, side, account, cash_atoms, units_lots, env.event(), token.lot)
        if latency_ns:
            env.timeout(latency_ns).callbacks.append(lambda _: self._receive(request))
        else:
            self._receive(request)
        return request

    def ask_units(self, account: int, lots: int) -> None:
        """Ask for so many lots, as holders in the market do: + creates at about what they cost now, - redeems.

        Units on offer in the market cannot be redeemed; nothing is asked for where all are.
        """
        free = self.settlement.holdings.free_of(account)
        if lots < 0 and free:
            self.request("redemption", account, units_lots=min(-lots, free))
        elif lots > 0:
            net = ceil(lots * self.desk.quote.published() * self.desk.token.lot)
            self.request("creation", account, cash_atoms=ceil(net / (1 - self.settlement.create_rate)))

    def look_again(self) -> None:
        """Serve what waits, because an obstacle may be gone."""
        if self.spec.mode != "cash_batch":
            self._serve()

    def rescale(self, ratio: int, *, is_exact: bool) -> None:
        """Count caps and waiting redemptions in a new token worth `ratio` old ones; is_exact: of a smaller lot."""
        if self.supply_cap is not None:
            self.supply_cap /= ratio
        for request in self.queue:
            request.units_lots //= 1 if is_exact else ratio
            request.lot = self.desk.token.lot

    def change_supply_cap(self, cap: Decimal | None) -> None:
        """From now on no creation beyond so many tokens outstanding."""
        self.supply_cap = None if cap is None else Fraction(cap)
        self.look_again()

    def close(self, reason: str) -> None:
        """Refuse everything that waits, for good."""
        waiting, self.queue = self.queue, []
        for request in waiting:
            self._refuse(request, reason)

    # -- hearing

    def _receive(self, request: PrimaryRequest) -> None:
        request.requested_ns = self.desk.now_ns
        obstacle = self.obstacle()
        estimate = self.settlement.estimate(request)
        if obstacle in ("wiped", "delisted", "not_open"):
            self._refuse(request, obstacle)
        elif self._is_too_small(estimate):
            self._refuse(request, "too_small")
        elif self.spec.mode == "cash_batch":
            self._wait(request, "batch")
        else:
            others = any(other.side == request.side for other in self.queue)
            reason = obstacle or ("queue" if others else self._over_cap(request, estimate))
            if reason is None:
                self._deal_at_once(request)
            elif self.spec.queue:
                self._wait(request, reason)
            else:
                self._refuse(request, reason)

    def obstacle(self) -> str | None:
        """Why nobody can deal now."""
        token = self.desk.token
        if token.is_over or self.desk.is_closing:
            return "wiped" if token.state is TokenState.WIPED else "delisted"
        if self.desk.now_ns < self.desk.warmup_ns:
            return "not_open"
        if token.is_splitting:
            return "splitting"
        if "primary" in token.suspended:
            return "suspended"
        is_rebalancing = token.state is TokenState.REBALANCING
        return "rebalancing" if self.spec.suspend_while_rebalancing and is_rebalancing else None

    def _is_too_small(self, deal: Deal) -> bool:
        minimum = 0 if self.spec.minimum is None else to_atoms(self.spec.minimum.amount)
        return deal.units_lots <= 0 or deal.cash_atoms < max(minimum, 1)

    def _over_cap(self, request: PrimaryRequest, deal: Deal) -> str | None:
        """Which cap a request exceeds."""
        now, side = self.desk.now_ns, request.side
        daily = self._daily_cap_atoms()
        if daily is not None and self.count.dealt_atoms(now, side, ALL) + deal.cash_atoms > daily:
            return "daily_cap"
        each = None if self.spec.account_cap is None else to_atoms(self.spec.account_cap.amount)
        if each is not None and self.count.dealt_atoms(now, side, request.account) + deal.cash_atoms > each:
            return "account_cap"
        token = self.desk.token
        supply = (token.supply_lots + deal.units_lots) * token.lot
        is_over = side == "creation" and self.supply_cap is not None and supply > self.supply_cap
        return "supply_cap" if is_over else None

    def _daily_cap_atoms(self) -> int | None:
        cap = self.spec.daily_cap
        if isinstance(cap, DailyCapSpec):
            return cap_atoms(cap, self.volatility.variance() if self.volatility else 0.0)
        return None if cap is None else to_atoms(cap.amount)

    # -- dealing

    def _deal_at_once(self, request: PrimaryRequest) -> None:
        ticket = self._open(request)
        if ticket is not None:
            self.settlement.hedge([ticket])

    def _open(self, request: PrimaryRequest) -> Ticket | None:
        """Deal a request that only its client's means may stand against; its hedge is still to come."""
        ticket = self.settlement.open(request)
        if isinstance(ticket, str):
            self._refuse(request, ticket)
            return None
        self.count.add(self.desk.now_ns, request.side, request.account, ticket.deal.cash_atoms)
        return ticket

    def _serve(self) -> None:
        """Deal what waits, as far as nothing stands against it; those of one side in their order."""
        if self.obstacle() is not None:
            return
        waiting, self.queue = self.queue, []
        stuck: set[str] = set()
        tickets = []
        for request in waiting:
            estimate = self.settlement.estimate(request)
            cap = None if request.side in stuck else self._over_cap(request, estimate)
            if self._is_too_small(estimate):
                self._refuse(request, "too_small")
            elif cap is not None and not self.spec.queue:
                self._refuse(request, cap)
            elif cap is not None or request.side in stuck:
                stuck.add(request.side)
                self.queue.append(request)
            elif (ticket := self._open(request)) is not None:
                tickets.append(ticket)
        if tickets:
            self.settlement.hedge(tickets)

    def _serve_batches(self) -> ProcessGenerator:
        while True:
            yield self.desk.env.timeout(self._next_batch_ns() - self.desk.now_ns)
            self._serve()

    def _next_batch_ns(self) -> int:
        """The next time of day at which a batch is dealt [ns from the start], after now."""
        now = self.desk.now_ns + self.desk.start_ns
        return min(now + ((at - now) % NS_PER_DAY or NS_PER_DAY) for at in self.spec.batches) - self.desk.start_ns

    def _serve_daily(self) -> ProcessGenerator:
        """Caps begin anew at midnight UTC."""
        while True:
            yield self.desk.env.timeout(self.count.next_day_ns(self.desk.now_ns) - self.desk.now_ns)
            self.look_again()

    def _measure(self, volatility: RealisedVolatility) -> ProcessGenerator:
        market = self.desk.token.legs[0].market
        while True:
            volatility.add(self.desk.now_ns, self.desk.view.mark_ticks(market))
            yield self.desk.env.timeout(SAMPLE_NS)

    # -- writing down

    def _wait(self, request: PrimaryRequest, reason: str) -> None:
        price = self.desk.quote.published()
        for other in self.queue:
            if other.side == request.side:
                request.queue_ahead += _tokens(other, price)
        request.status, request.reason = "queued", reason
        self.queue.append(request)
        self._write(request, None)

    def _refuse(self, request: PrimaryRequest, reason: str) -> None:
        request.status, request.reason = "refused", reason
        self._write(request, None)
        request.done.succeed(request)

    def end(self, ticket: Ticket, status: str, reason: str | None) -> None:
        """Hear what became of a ticket: settled, refused, or waiting for delivery."""
        request = ticket.request
        request.status, request.reason = status, reason
        request.units_lots, request.lot = ticket.deal.units_lots, self.desk.token.lot
        request.cash_atoms, request.fee_atoms = ticket.deal.cash_atoms, ticket.deal.fee_atoms
        request.price = float(ticket.price / ATOMS_PER_UNIT)
        self._write(request, ticket)
        if status == "queued":
            return
        if status == "settled":
            self.settled[request.side] += 1
        request.done.succeed(request)
        if self.queue:
            self.desk.env.timeout(0).callbacks.append(lambda _: self.look_again())

    def _write(self, request: PrimaryRequest, ticket: Ticket | None) -> None:
        """A row of table `primary`; the price is that of the deal, if there was one."""
        account, cohort = self.who(request.account)
        is_dealt = ticket is not None and request.status != "refused"
        self.desk.add_row(
            "primary",
            t_ns=self.desk.now_ns,
            t_request_ns=request.requested_ns,
            t_settle_ns=self.desk.now_ns if request.status == "settled" else -1,
            token=request.token,
            side=request.side,
            account=account,
            cohort=cohort,
            units=request.units,
            cash_atoms=request.cash_atoms,
            price=request.price if is_dealt else None,
            nav_true=float(ticket.nav_true / ATOMS_PER_UNIT) if ticket is not None and is_dealt else None,
            fee_atoms=request.fee_atoms,
            queue_ahead=request.queue_ahead,
            hedge_parent=-1 if ticket is None else ticket.hedge,
            status=request.status,
            reason=request.reason,
        )


def _tokens(request: PrimaryRequest, nav: Fraction) -> float:
    """Tokens that a waiting request is about, a creation's cash at a NAV [atoms per token]."""
    return float(request.cash_atoms / nav) if request.side == "creation" and nav > 0 else request.units


def open_counter(desk: TokenDesk, spec: PrimarySpec) -> Counter:
    """The counter of a token with a primary market."""
    office = desk.office
    plan = SinglePlan(ChildKind.OFF_BOOK) if spec.hedge == "off_book" else desk.plan
    settlement = Settlement(desk, spec, office.holdings, office.purse, plan, office.issuer_account, office.next_hedge)
    cap = None if spec.supply_cap is None else Fraction(spec.supply_cap)
    counter = Counter(desk, spec, settlement, office.who, cap, DayCount(desk.start_ns))
    settlement.on_end = counter.end
    return counter
