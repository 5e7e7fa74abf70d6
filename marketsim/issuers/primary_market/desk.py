"""The primary-market desk: hears requests to create and redeem, deals them, lets them wait, or refuses them.

A request is refused, with a reason, or waits in the queue where there is one, while the token rebalances, splits or is
suspended, and when a cap is used up. Batches deal all that waits at their times of day. Those of one side are served in
the order they came; the other side need not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Literal

from marketsim.issuers.context import RunClock
from marketsim.issuers.fund.token import Token
from marketsim.issuers.primary_market.dealing import Dealing
from marketsim.issuers.primary_market.limits import PrimaryLimits
from marketsim.issuers.primary_market.requests import PrimaryRequests
from marketsim.issuers.primary_market.settlement import Settlement
from marketsim.issuers.primary_market.terms import PrimarySpec
from marketsim.issuers.primary_market.ticket import Ticket
from marketsim.messages import PrimaryRequest
from marketsim.units import NS_PER_DAY

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator

Side = Literal["creation", "redemption"]


@dataclass(frozen=True, slots=True)
class PrimaryMarketDesk:
    """The primary market of one token. obstacle: why nobody can deal now, None where anybody may."""

    token: Token
    spec: PrimarySpec
    clock: RunClock
    obstacle: Callable[[], str | None]
    limits: PrimaryLimits
    requests: PrimaryRequests
    dealing: Dealing
    settlement: Settlement

    def __post_init__(self) -> None:
        """Serve who waits when another's request has ended."""
        self.requests.on_place.append(self.serve_waiting)

    # -- what the simulation and clients call

    @property
    def settled(self) -> dict[str, int]:
        """How many creations and redemptions have been settled."""
        return self.requests.settled

    def start(self) -> None:
        """Begin to serve what waits, and to measure volatility where a cap follows it."""
        if self.spec.mode == "cash_batch":
            self.clock.env.process(self._serve_batches())
        if self.spec.queue:
            self.clock.env.process(self._serve_daily())
        self.limits.start()

    def request(
        self, side: Side, account: int, *, cash_atoms: int = 0, units_lots: int = 0, latency_ns: int = 0
    ) -> PrimaryRequest:
        """Ask to create tokens for cash, or to redeem units; returns at once, `done` fires when it is over."""
        token, env = self.token, self.clock.env
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
        free = self.dealing.issuance.holdings.free_of(account)
        if lots < 0 and free:
            self.request("redemption", account, units_lots=min(-lots, free))
        elif lots > 0:
            net = ceil(lots * self.requests.quote.published() * self.token.lot)
            self.request("creation", account, cash_atoms=ceil(net / (1 - self.dealing.pricing.create_rate)))

    def serve_waiting(self) -> None:
        """Serve what waits, because an obstacle may be gone; what waits for a batch goes on waiting."""
        if self.spec.mode != "cash_batch":
            self._serve()

    def change_supply_cap(self, cap: Decimal | None) -> None:
        """From now on no creation beyond so many tokens outstanding."""
        self.limits.change_supply_cap(cap)
        self.serve_waiting()

    # -- what a split or a delisting calls

    def deliver_all(self) -> None:
        """Deliver at once what the issuer keeps in trust."""
        self.settlement.delivery.deliver_all()

    def rescale(self, ratio: int, *, is_exact: bool) -> None:
        """Count caps and waiting redemptions in a new token worth `ratio` old ones; is_exact: of a smaller lot."""
        self.limits.rescale(ratio)
        self.requests.rescale(ratio, is_exact=is_exact)

    def close(self, reason: str) -> None:
        """Refuse everything that waits, for good."""
        for request in self.requests.take_waiting():
            self.requests.refuse(request, reason)

    # -- dealing

    def _receive(self, request: PrimaryRequest) -> None:
        request.requested_ns = self.clock.now_ns
        obstacle = self.obstacle()
        estimate = self.dealing.pricing.estimate(request)
        if obstacle in ("wiped", "delisted", "not_open"):
            self.requests.refuse(request, obstacle)
        elif self.limits.is_too_small(estimate):
            self.requests.refuse(request, "too_small")
        elif self.spec.mode == "cash_batch":
            self.requests.wait(request, "batch")
        else:
            others = any(other.side == request.side for other in self.requests.waiting)
            reason = obstacle or ("queue" if others else self.limits.exceeded(request, estimate))
            if reason is None:
                self._deal_at_once(request)
            elif self.spec.queue:
                self.requests.wait(request, reason)
            else:
                self.requests.refuse(request, reason)

    def _deal_at_once(self, request: PrimaryRequest) -> None:
        ticket = self._deal(request)
        if ticket is not None:
            self.settlement.hedge([ticket])

    def _deal(self, request: PrimaryRequest) -> Ticket | None:
        """Deal a request that only its client's means may stand against; its hedge is still to come."""
        ticket = self.dealing.deal(request)
        if isinstance(ticket, str):
            self.requests.refuse(request, ticket)
            return None
        self.limits.count(request, ticket.deal)
        return ticket

    def _serve(self) -> None:
        """Deal what waits, as far as nothing stands against it; those of one side in their order."""
        if self.obstacle() is not None:
            return
        stuck: set[str] = set()
        tickets = []
        for request in self.requests.take_waiting():
            estimate = self.dealing.pricing.estimate(request)
            cap = None if request.side in stuck else self.limits.exceeded(request, estimate)
            if self.limits.is_too_small(estimate):
                self.requests.refuse(request, "too_small")
            elif cap is not None and not self.spec.queue:
                self.requests.refuse(request, cap)
            elif cap is not None or request.side in stuck:
                stuck.add(request.side)
                self.requests.waiting.append(request)
            elif (ticket := self._deal(request)) is not None:
                tickets.append(ticket)
        if tickets:
            self.settlement.hedge(tickets)

    # -- when

    def _serve_batches(self) -> ProcessGenerator:
        while True:
            yield self.clock.env.timeout(self._next_batch_ns() - self.clock.now_ns)
            self._serve()

    def _next_batch_ns(self) -> int:
        """The next time of day at which a batch is dealt [ns from the start], after now."""
        start_ns = self.clock.start_ns
        now = self.clock.now_ns + start_ns
        return min(now + ((at - now) % NS_PER_DAY or NS_PER_DAY) for at in self.spec.batches) - start_ns

    def _serve_daily(self) -> ProcessGenerator:
        """Caps begin anew at midnight UTC."""
        while True:
            yield self.clock.env.timeout(self.limits.next_day_ns() - self.clock.now_ns)
            self.serve_waiting()
