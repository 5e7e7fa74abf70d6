"""The researcher's own agent: a mesa agent with a SimPy process, a read-only view and one door."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from math import floor
from typing import Any

import mesa
import numpy as np

from marketsim.errors import UnitError, UsageError
from marketsim.messages import Order, PrimaryRequest, Purpose
from marketsim.streams import stream_key
from marketsim.units import (
    ATOMS_PER_UNIT,
    NS_PER_DAY,
    Money,
    duration_ns,
    money,
    number,
    size,
    time_of_day_ns,
    to_atoms,
    to_lots,
    to_ticks,
)
from marketsim.venues.contract import MarketSpec


class OwnView:
    """All that the market shows, and the own account: `position_lots(market)`, `cash_atoms`, `equity_atoms`."""

    def __init__(self, model: Any, account: int) -> None:
        self._view = model.view
        self._account = account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def position_lots(self, market: str) -> int:
        """Own signed position."""
        return int(self._view.position_lots(self._account, market))

    @property
    def cash_atoms(self) -> int:
        """Own cash, fills at their price."""
        return int(self._view.cash_atoms(self._account))

    @property
    def equity_atoms(self) -> int:
        """Own cash plus positions at mark."""
        return int(self._view.equity_atoms(self._account))


MAX_IDLE_WAITS = 100_000
"""Waits of no duration that one agent may make at one instant."""


class Agent(mesa.Agent):  # type: ignore[misc]
    """Subclass it and write `process`, a generator that yields what it waits for.

    capital: money it deposits now; latency: of its messages to the venue; name: its cohort in the tables, by default
    the class's name and a number. Raises UnitError for a text that is no such quantity.
    """

    def __init__(self, model: Any, *, capital: str, latency: str = "0s", name: str | None = None) -> None:
        super().__init__(model)
        self.env = model.env
        self.name = name or f"{type(self).__name__}-{self.unique_id}"
        self.latency_ns = duration_ns(latency)
        self._coins = tuple(underlying.id for underlying in model.scenario.underlyings)
        self.account: int = model.add_agent(self.name, to_atoms(self._capital(capital)))
        self.view = OwnView(model, self.account)
        self.records: list[dict[str, Any]] = []
        key = stream_key(model.root_seed, model.replication, f"agent:{self.name}")
        self._luck = np.random.Generator(np.random.Philox(key=key))
        self._specs: dict[str, MarketSpec] = {market.id: market for market in model.markets_of(self.account)}
        self._idle = (-1, 0)
        process = self.process()
        if not isinstance(process, Generator):
            raise UsageError(f"{self.name}.process() gave {process!r}; it must `yield` what it waits for")
        self.env.process(process)

    @property
    def rng(self) -> np.random.Generator:
        """The agent's own random stream, by its name, so that another agent's draws do not move it."""
        return self._luck

    def process(self) -> Generator[Any, Any, None]:
        """What the agent does; yield `self.wait(..)`, `self.until(..)`, `self.when(..)` or `order.done`."""
        raise NotImplementedError(f"{type(self).__name__} has no process()")

    def step(self) -> None:
        """Nothing: agents live by their process, on the market's clock."""

    # -- waiting

    def wait(self, duration: str | int) -> Any:
        """An event after a duration (`"5min"`, or nanoseconds); raises UsageError for one that never lets time pass."""
        delay = duration_ns(duration) if isinstance(duration, str) else duration
        since, waits = self._idle
        self._idle = (self.env.now, waits + 1 if since == self.env.now and delay == 0 else 0)
        if self._idle[1] > MAX_IDLE_WAITS:
            raise UsageError(
                f"{self.name} waited {MAX_IDLE_WAITS:,} times for 0s at {self.env.now} ns, and time stands still; "
                "wait for longer, or for an order's `done`"
            )
        return self.env.timeout(delay)

    def until(self, time_of_day: str) -> Any:
        """An event at the next such time of day, UTC (`"23:58"`); the present instant does not count."""
        now = self.model.scenario.clock.start + self.env.now
        ahead = (time_of_day_ns(time_of_day) - now) % NS_PER_DAY
        return self.env.timeout(ahead or NS_PER_DAY)

    def when(
        self,
        market: str | None = None,
        *,
        price_above: str | None = None,
        price_below: str | None = None,
        source: str = "mark",
    ) -> Any:
        """The first instant at which a price (`mark index last mid`) is at or beyond a level (`"31000 USDT"`)."""
        spec = self._spec(next(iter(self._specs)) if market is None else market)
        above = None if price_above is None else self._ticks(price_above, spec)
        below = None if price_below is None else self._ticks(price_below, spec)
        return self.env.crossing(spec.id, source=source, above=above, below=below)

    # -- acting

    def send(
        self,
        market: str,
        size: str,
        type: str = "limit",
        price: str | Decimal | None = None,
        tif: str = "gtc",
        reduce_only: bool = False,
    ) -> Order:
        """Send an order: signed size (`"+10 BTC"`), `limit` with a price or `market`; tif `gtc`, `ioc`, `post_only`.

        Raises UnitError for a size of another coin, a price in another currency, and what is not on the market's grid.
        """
        spec = self._spec(market)
        lots = to_lots(self._signed(size, spec), spec.lot.amount)
        ticks = None if price is None else self._ticks(price, spec)
        return self.send_lots(market, lots, ticks, type, tif, reduce_only)

    def send_lots(
        self,
        market: str,
        lots: int,
        price_ticks: int | None = None,
        type: str = "limit",
        tif: str = "gtc",
        reduce_only: bool = False,
    ) -> Order:
        """The same in whole lots and ticks, without reading texts (for agents that act often)."""
        order: Order = self.model.gateway.send(
            self.account,
            market,
            lots,
            order_type=type,
            price_ticks=price_ticks,
            tif=tif,
            reduce_only=reduce_only,
            purpose=Purpose.NORMAL,
            latency_ns=self.latency_ns,
        )
        return order

    def _capital(self, text: str) -> Decimal:
        """The deposit, above zero and in the currency of the account."""
        amount, currency = self._money(text), self.model.scenario.markets[0].currency
        if amount.currency != currency:
            raise UnitError(text, f"this is in {amount.currency}, the account is in {currency}", currency)
        if amount.amount <= 0:
            raise UnitError(text, "an account opens with a deposit", f"more than 0 {currency}")
        return amount.amount

    def _money(self, text: str) -> Money:
        return money(text, self._coins)

    def _signed(self, text: str, spec: MarketSpec) -> Decimal:
        """Signed size [units of the underlying] of a text such as `+10 BTC`."""
        number = text.strip()
        unsigned = number[1:].lstrip() if number.startswith("+") else number
        found = size(text if unsigned.startswith("-") and number.startswith("+") else unsigned, self._coins)
        if found.underlying != spec.underlying:
            message = f"this is a size of {found.underlying}, the underlying of {spec.id} is {spec.underlying}"
            raise UnitError(text, message, spec.underlying)
        return found.amount

    def _ticks(self, price: str | Decimal, spec: MarketSpec) -> int:
        """A price [ticks] of a text in the market's currency, or of a number of it."""
        if isinstance(price, Decimal):
            return to_ticks(price, spec.tick.amount)
        found = self._money(price)
        if found.currency != spec.currency:
            raise UnitError(
                price, f"this is in {found.currency}, {spec.id} is priced in {spec.currency}", spec.currency
            )
        return to_ticks(found.amount, spec.tick.amount)

    def _spec(self, market: str) -> MarketSpec:
        spec = self._specs.get(market)
        if spec is None:
            raise UsageError(f"market was {market!r}; allowed: {', '.join(self._specs)}")
        return spec

    def cancel(self, order: Order) -> None:
        """Ask for an order back."""
        self.model.gateway.cancel(order, self.latency_ns)

    def create(self, token: str, cash: str) -> PrimaryRequest:
        """Ask a token's issuer for units for cash (`"10 kUSDT"`, fee included); `request.done` fires when it is over.

        Raises UsageError for a token without a primary market, or of another venue or currency than the account.
        """
        amount, primary = self._money(cash), self._primary(token)
        currency = self._specs[primary.token.legs[0].market].currency
        if amount.currency != currency:
            raise UsageError(f"cash was {cash!r}; {token} is created for {currency}")
        request: PrimaryRequest = primary.request(
            "creation", self.account, cash_atoms=to_atoms(amount.amount), latency_ns=self.latency_ns
        )
        return request

    def redeem(self, token: str, units: str | int | Decimal) -> PrimaryRequest:
        """Give units (`"12.5"`, or `"all"`) back to a token's issuer for cash, rounded down to the token's lot."""
        primary = self._primary(token)
        per_token = primary.token.lots_per_token
        lots = self._lots(token) if units == "all" else floor(number(str(units)) * per_token)
        request: PrimaryRequest = primary.request(
            "redemption", self.account, units_lots=lots, latency_ns=self.latency_ns
        )
        return request

    def units(self, token: str) -> Decimal:
        """Own units of a token, those on offer in its market included."""
        desk = self.model.desk_of(token)
        return Decimal(self._lots(token)) / Decimal(desk.token.lots_per_token)

    def nav(self, token: str) -> float:
        """NAV of a token as its issuer quotes it now [currency per token]."""
        return float(self.model.desk_of(token).quote.published()) / ATOMS_PER_UNIT

    def _lots(self, token: str) -> int:
        return int(self.model.desk_of(token).holdings.units_of(self.account))

    def _primary(self, token: str) -> Any:
        primary = self.model.primary_market_of(token)
        leg = primary.token.legs[0].market
        if leg not in self._specs:
            raise UsageError(f"{token} is settled beside {leg}, where this agent has no account")
        return primary

    def record(self, **values: Any) -> None:
        """Remember values of this instant in `records`."""
        self.records.append({"t_ns": self.env.now, "agent": self.name, **values})
