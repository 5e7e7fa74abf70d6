"""Listed events: sets the clock for what a scenario lets happen at a stated time, and carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import count
from json import dumps
from typing import Any, Literal

from marketsim.clock import ProcessGenerator
from marketsim.events.family import EventSpec
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.fund.token import Part
from marketsim.kernel import codes
from marketsim.messages import Purpose
from marketsim.simulation.ports import ModelPort
from marketsim.units import rate_parts, to_lots, to_ticks
from marketsim.venues.contract import FeesSpec
from marketsim.venues.spot import HALTED_BY_VENUE, set_halt

EVENT_COHORT = "event"
"""Cohort of listed `order` events: accounts without margin, one each, that hold what they leave."""

FIRST_EVENT = 1_150_000_000
"""Public account ids of order events beyond the first of a venue and currency, apart from the agents'."""


class ListedEvents:
    """Sets the clock for every event of a scenario, and is the port through which each acts (`events.family`)."""

    def __init__(self, model: ModelPort) -> None:
        self.model, self.env, self.wired = model, model.env, model.wired
        self.markets = {market.id: market for market in model.wired.market_specs}
        self.desks = {desk.token.id: desk for desk in model.desks}
        self.accounts: dict[int, int] = {}  # by the identity of the event that sends
        self._places: set[tuple[str, str]] = set()
        self.halts: dict[str, set[int]] = {}
        self._reasons = count()

    def list_all(self) -> None:
        """Set the clock."""
        for event in self.model.scenario.events:
            event.prepare(self)
            self.env.process(self._happen(event))

    def _happen(self, event: EventSpec) -> ProcessGenerator:
        yield self.env.at(event.at)
        yield from event.happen(self) or ()

    # -- the port

    def note(self, event: str, subject: str, detail: Mapping[str, Any]) -> None:
        """See `EventPort`."""
        self.model.journal.add("events", t_ns=self.env.now, event=event, subject=subject, detail=dumps(detail))

    def token(self, name: str) -> ListedToken | None:
        """See `EventPort`."""
        return ListedToken(self.desks[name]) if name in self.desks else None

    def wait(self, duration_ns: int) -> Any:
        """See `EventPort`."""
        return self.env.timeout(duration_ns)

    def open_account(self, sender: EventSpec, market: str) -> None:
        """See `EventPort`; the first of a venue and currency counts among the agents, so that nobody's id moves."""
        spec = self.markets[market]
        place = spec.venue, spec.currency
        public = FIRST_EVENT + len(self.accounts) if place in self._places else None
        self._places.add(place)
        bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN
        add = self.model.add_participant
        self.accounts[id(sender)] = add(EVENT_COHORT, "event", 0, bits, spec, public=public)

    def send(self, sender: EventSpec, market: str, size: Decimal, order_type: str, price: Decimal | None) -> None:
        """See `EventPort`."""
        spec = self.markets[market]
        lots = to_lots(size, spec.lot.amount)
        ticks = None if price is None else to_ticks(price, spec.tick.amount)
        account = self.accounts[id(sender)]
        send = self.model.gateway.send
        send(account, market, lots, order_type=order_type, price_ticks=ticks, purpose=Purpose.NORMAL)

    def change_fees(self, market: str, fees: FeesSpec) -> None:
        """See `EventPort`."""
        world, number = self.wired.world, self.wired.markets[market]
        maker, taker = rate_parts(fees.maker), rate_parts(fees.taker)
        old = world.market_int(number, "maker_fee"), world.market_int(number, "taker_fee")
        for group, cohort in zip(self.model.scenario.traders, world.cohorts, strict=False):
            if group.market == market and (int(cohort["maker_fee"]), int(cohort["taker_fee"])) == old:
                cohort["maker_fee"], cohort["taker_fee"] = maker, taker
        world.set_market(number, maker_fee=maker, taker_fee=taker)

    def halt(self, market: str) -> int:
        """See `EventPort`."""
        reason = next(self._reasons)
        self._set_halts(market, self.halts.get(market, set()) | {reason})
        return reason

    def lift_halt(self, market: str, reason: int) -> None:
        """See `EventPort`."""
        self._set_halts(market, self.halts[market] - {reason})

    def lift_all_halts(self, market: str) -> None:
        """See `EventPort`."""
        self._set_halts(market, set())

    def _set_halts(self, market: str, reasons: set[int]) -> None:
        """A market is halted as long as any reason for it stands."""
        self.halts[market] = reasons
        set_halt(self.wired.world, self.wired.markets[market], HALTED_BY_VENUE, bool(reasons))


class ListedToken:
    """One token as listed events reach it."""

    def __init__(self, desk: TokenDesk) -> None:
        self._desk = desk

    def suspend(self, what: Iterable[Part]) -> None:
        """See `TokenPort`."""
        self._desk.status.suspend(what)

    def resume(self, what: Iterable[Part]) -> None:
        """See `TokenPort`."""
        self._desk.status.resume(what)

    def split(self, ratio: int, event: Literal["reverse_split", "merge"], halt_ns: int, *, is_exact: bool) -> None:
        """See `TokenPort`."""
        self._desk.splits.split(ratio, event, halt_ns, is_exact=is_exact)

    def delist(self, *, is_off_book: bool) -> ProcessGenerator:
        """See `TokenPort`."""
        return self._desk.delisting.delist(is_off_book=is_off_book)

    def change_supply_cap(self, cap: Decimal | None) -> None:
        """See `TokenPort`."""
        if self._desk.primary is not None:
            self._desk.primary.change_supply_cap(cap)
