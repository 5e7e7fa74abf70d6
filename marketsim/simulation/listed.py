"""Listed events: what a scenario lets happen at a stated time, to a market, to a token, or from outside."""

from __future__ import annotations

from json import dumps
from typing import Any

from marketsim.clock import ProcessGenerator
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.life_cycle.listed_events import (
    CapChangeEventSpec,
    DelistEventSpec,
    MergeEventSpec,
    ResumeEventSpec,
    SplitEventSpec,
    SuspendEventSpec,
    TokenEventSpec,
)
from marketsim.kernel import codes
from marketsim.messages import Purpose
from marketsim.scenario.schema import FeeChangeEventSpec, JumpEventSpec, OrderEventSpec, OutageEventSpec
from marketsim.simulation.ports import ModelPort
from marketsim.units import format_rate, rate_parts, to_lots, to_ticks
from marketsim.venues.spot import HALTED_BY_VENUE, set_halt

EVENT_COHORT = "event"
"""Cohort of listed `order` events: an account without margin that holds what they leave."""


class ListedEvents:
    """Sets the clock for every event of a scenario, and lets it happen."""

    def __init__(self, model: ModelPort) -> None:
        self.model = model
        self.env = model.env
        self.markets = {market.id: market for market in model.wired.market_specs}
        self.desks = {desk.token.id: desk for desk in model.desks}
        self.accounts: dict[tuple[str, str], int] = {}
        self.halts: dict[str, int] = {}

    def list_all(self) -> None:
        """Set the clock; jumps are in the index already, and only noted."""
        for event in self.model.scenario.events:
            if isinstance(event, OrderEventSpec):
                self._open_account(event)
            self.env.process(self._happen(event))

    def _happen(self, event: Any) -> ProcessGenerator:
        yield self.env.at(event.at)
        if isinstance(event, JumpEventSpec):
            self._note("jump", event.underlying, {"size": float(event.size)})
        elif isinstance(event, OrderEventSpec):
            self._send(event)
        elif isinstance(event, FeeChangeEventSpec):
            self._change_fees(event)
        elif isinstance(event, OutageEventSpec):
            yield from self._go_down(event)
        elif isinstance(event, (SuspendEventSpec, ResumeEventSpec)) and event.subject not in self.desks:
            self._halt_market(event)
        else:
            yield from self._change_token(event)

    def _note(self, event: str, subject: str, detail: dict[str, Any]) -> None:
        self.model.journal.add("events", t_ns=self.env.now, event=event, subject=subject, detail=dumps(detail))

    # -- markets

    def _open_account(self, event: OrderEventSpec) -> None:
        market = self.markets[event.market]
        place = market.venue, market.currency
        if place not in self.accounts:
            bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN
            self.accounts[place] = self.model.add_participant(EVENT_COHORT, "event", 0, bits, market)

    def _send(self, event: OrderEventSpec) -> None:
        market = self.markets[event.market]
        lots = to_lots(event.size.amount, market.lot.amount)
        price = None if event.price is None else to_ticks(event.price.amount, market.tick.amount)
        account = self.accounts[market.venue, market.currency]
        send = self.model.gateway.send
        send(account, market.id, lots, order_type=event.type, price_ticks=price, purpose=Purpose.NORMAL)

    def _change_fees(self, event: FeeChangeEventSpec) -> None:
        """New fees for all who paid the market's; groups with fees of their own keep them."""
        world, number = self.model.world, self.model.wired.markets[event.market]
        maker, taker = rate_parts(event.fees.maker), rate_parts(event.fees.taker)
        old = world.market_int(number, "maker_fee"), world.market_int(number, "taker_fee")
        for group, cohort in zip(self.model.scenario.traders, world.cohorts, strict=False):
            if group.market == event.market and (int(cohort["maker_fee"]), int(cohort["taker_fee"])) == old:
                cohort["maker_fee"], cohort["taker_fee"] = maker, taker
        world.set_market(number, maker_fee=maker, taker_fee=taker)
        fees = {"maker": format_rate(event.fees.maker), "taker": format_rate(event.fees.taker)}
        self._note("fee_change", event.market, fees)

    def _go_down(self, event: OutageEventSpec) -> ProcessGenerator:
        """The venue takes no orders for a while; what rests in the book stays there."""
        self._note("outage", event.market, {"for_ns": event.duration})
        self._halt(event.market, +1)
        yield self.env.timeout(event.duration)
        self._halt(event.market, -1)

    def _halt_market(self, event: SuspendEventSpec | ResumeEventSpec) -> None:
        is_halt = isinstance(event, SuspendEventSpec)
        self._note("suspended" if is_halt else "resumed", event.subject, {"what": ["market"]})
        self._halt(event.subject, 1 if is_halt else -self.halts.get(event.subject, 0))

    def _halt(self, market: str, change: int) -> None:
        """A market is halted as long as any reason for it stands."""
        self.halts[market] = self.halts.get(market, 0) + change
        set_halt(self.model.world, self.model.wired.markets[market], HALTED_BY_VENUE, self.halts[market] > 0)

    # -- tokens

    def _change_token(self, event: TokenEventSpec) -> ProcessGenerator:
        desk = self.desks[event.subject if isinstance(event, (SuspendEventSpec, ResumeEventSpec)) else event.token]
        match event:
            case SuspendEventSpec():
                desk.status.suspend(event.what)
            case ResumeEventSpec():
                desk.status.resume(event.what)
            case SplitEventSpec():
                desk.splits.split(event.ratio, "reverse_split", event.halt, is_exact=event.fractions == "exact")
            case MergeEventSpec():
                desk.splits.split(event.ratio, "merge", event.halt, is_exact=event.fractions == "exact")
            case DelistEventSpec():
                yield from desk.delisting.delist(is_off_book=event.close == "off_book")
            case CapChangeEventSpec():
                self._change_cap(event, desk)

    def _change_cap(self, event: CapChangeEventSpec, desk: TokenDesk) -> None:
        cap = None if event.cap is None else float(event.cap)
        self._note("cap_change", event.token, {"cap": cap})
        if desk.primary is not None:
            desk.primary.change_supply_cap(event.cap)
