"""The model: a mesa model over one world and its clock. `step()` is only a thin face; time belongs to `env`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mesa
import numpy as np

from marketsim.clock import MarketEnvironment
from marketsim.errors import UsageError
from marketsim.issuers.issuer import TokenDesk, open_desk
from marketsim.issuers.parent import RebalanceRegister
from marketsim.journal import Journal
from marketsim.kernel import codes
from marketsim.messages import Purpose
from marketsim.scenario import load
from marketsim.scenario.schema import Scenario
from marketsim.simulation.holding import UnitCosts
from marketsim.simulation.wiring import CHUNK, FIRST_AGENT, Wiring
from marketsim.streams import Stream
from marketsim.traders.token_maker import FundExposure, TokenMakerDesk
from marketsim.units import to_lots, to_ticks
from marketsim.venues.contract import MarketSpec
from marketsim.venues.gateway import Gateway
from marketsim.venues.perp import FundingDesk
from marketsim.venues.view import View

LOG_ROWS = 1 << 18
EVENT_COHORT = "event"
"""Cohort of listed `order` events: an account without margin that holds what they leave."""


class MarketModel(mesa.Model):  # type: ignore[misc]
    """One world, ready to run.

    scenario: a file, or a loaded `Scenario`; seed: replaces the scenario's; set: overrides by path. `env` is a
    `simpy.Environment`, `view` and `gateway` show and reach the venue. `step()` advances `clock.report_every`; at the
    end `running` is False. `close()` frees the kernel's memory.
    """

    running: bool

    def __init__(
        self,
        scenario: str | Path | Scenario,
        seed: int | None = None,
        set: Mapping[str, Any] | Sequence[str] = (),
        *,
        replication: int = 0,
        log_rows: int = LOG_ROWS,
    ) -> None:
        world = scenario if isinstance(scenario, Scenario) else load(scenario, set=set, seed=seed)
        self._declared = world
        self.root_seed = world.seed if seed is None else seed
        self.replication = replication
        self.participants = 0
        super().__init__(rng=self.root_seed)
        self.wired = Wiring(world, self.root_seed, replication).wire(log_rows)
        self.world = self.wired.world
        self.env = MarketEnvironment(self.world, self.wired.markets, world.clock.duration)
        self.journal = Journal()
        self.view = View(self.env, self.world, self.wired.markets, self.wired.positions)
        self.gateway = Gateway(self.env, self.wired.positions, self.wired.outside, self._token_ledgers())
        self.gateway.ticks.update({market.id: market.tick.amount for market in self.wired.market_specs})
        self.env.on_path = self._give_path
        self.env.on_log = self._drop_logs
        for number in range(len(self.wired.paths)):
            self._give_path(number)
        self.world.open()
        self.funding = [self._funding_desk(market) for market in world.markets]
        self.desks = self._token_desks()
        self.unit_costs = UnitCosts(self.wired, self.env, self.gateway, self.funding)
        self.makers = self._token_maker_desks()
        self._list_events()

    # -- mesa's face

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario that runs."""
        return self._declared

    @scenario.setter
    def scenario(self, given: object) -> None:
        """Nothing: from 3.5 on Mesa hands every model a scenario of its own kind, which declares nothing here."""

    def step(self) -> None:
        """Advance by `clock.report_every`, or to the end."""
        if not self.running:
            return
        until = min(self.env.now + self.scenario.clock.report_every, self.env.end_ns)
        self.env.run(until)
        self.running = self.env.now < self.env.end_ns

    def close(self) -> None:
        """Free the kernel's memory; the model must not be used afterwards."""
        self.running = False
        self.env.close()
        self.world.close()
        self.remove_all_agents()
        # Before 3.5 Mesa numbers agents in a table that would keep every model there ever was.
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    # -- parts

    def _give_path(self, underlying: int) -> None:
        """Hand the kernel the next chunk of an index."""
        record = self.world.underlyings[underlying]
        path = self.wired.paths[underlying]
        first = int(record["step"])
        values = path.levels(first, CHUNK) if record["absolute"] else path.growth(first, CHUNK)
        self.world.give_path(underlying, first, values)

    def _drop_logs(self) -> None:
        """Nobody records: the kernel's buffers are emptied."""
        for name in ("trades", "orders", "quotes", "liquidations", "deleveragings"):
            self.world.take_log(name)

    def _funding_desk(self, market: Any) -> FundingDesk:
        desk = FundingDesk(market, self.env, self.journal, self.scenario.clock.start)
        desk.start()
        return desk

    def _token_desks(self) -> list[TokenDesk]:
        register = RebalanceRegister(self.journal.add)
        desks = []
        for spec, token in self.wired.tokens:
            desk = open_desk(
                spec,
                token,
                env=self.env,
                view=self.view,
                gateway=self.gateway,
                add_row=self.journal.add,
                register=register,
                stream=Stream(self.root_seed, self.replication, f"{spec.id}/jitter"),
                start_ns=self.scenario.clock.start,
                warmup_ns=self.scenario.clock.warmup,
            )
            self.gateway.watch(token.account, desk.account_changed)
            for funding in self.funding:
                if funding.spec.id in spec.basket:
                    funding.hooks.append(desk.account_changed)
            desk.start()
            desks.append(desk)
        return desks

    def _token_maker_desks(self) -> list[TokenMakerDesk]:
        tokens = {spec.id: token for spec, token in self.wired.tokens}
        desks = []
        for spec, accounts, wanted in self.wired.token_makers:
            token = tokens[spec.market]
            number = self.wired.markets[spec.market]
            supply = partial(self.world.market_int, number, "supply_lots")
            fund = FundExposure(token.account, [leg.market for leg in token.legs], supply)
            request = self.gateway.requests.get(number)
            desk = TokenMakerDesk(spec, accounts, wanted, fund, self.env, self.view, self.gateway, request)
            desk.start()
            desks.append(desk)
        return desks

    def _token_ledgers(self) -> dict[tuple[int, str], int]:
        """Account of each ledger role in a token's own venue and currency, by (the token's account, role)."""
        places = {market.id: (market.venue, market.currency) for market in self.scenario.markets}
        return {
            (token.account, role): account
            for spec, token in self.wired.tokens
            for (role, *place), account in self.wired.ledger.items()
            if tuple(place) == places[next(iter(spec.basket))]
        }

    def add_agent(self, name: str, cash_atoms: int) -> int:
        """Open an account for a researcher's agent, with a deposit; return the kernel's index.

        It trades the markets of the first market's venue and currency. Raises UsageError for a cohort's name that is
        taken.
        """
        if name in self.wired.cohorts.names:
            raise UsageError(f"name was {name!r}, which is a cohort of this world already")
        return self._add_participant(name, "agent", cash_atoms, codes.ACC_WATCHED, self.scenario.markets[0])

    def markets_of(self, account: int) -> list[MarketSpec]:
        """The markets a Python participant's account can trade."""
        return [market for market in self.wired.market_specs if (account, market.id) in self.wired.positions]

    def _add_participant(self, name: str, kind: str, cash_atoms: int, bits: int, first: MarketSpec) -> int:
        """Open an account in all markets of one market's venue and currency; return the kernel's index."""
        near = [m for m in self.wired.market_specs if (m.venue, m.currency) == (first.venue, first.currency)]
        known = len(self.wired.cohorts.names)
        cohort = self.wired.cohorts.add(name, kind, first.currency)
        if cohort == known:
            self.world.add_cohort(group=-1)
        numbers = [self.wired.markets[market.id] for market in near]
        account, records = self.world.add_account(cohort, cash_atoms, bits, numbers)
        self.wired.positions.update({(account, m.id): record for m, record in zip(near, records, strict=True)})
        for market, record in zip(near, records, strict=True):
            if market.kind == "spot":
                self.world.keep_stake(record)
        self.wired.account_ids = np.append(self.wired.account_ids, FIRST_AGENT + self.participants)
        self.participants += 1
        if cash_atoms:
            self.journal.add(
                "ledger",
                t_ns=self.env.now,
                entry="deposit",
                asset=first.currency,
                from_cohort=None,
                to_cohort=name,
                atoms=cash_atoms,
            )
        return account

    def _list_events(self) -> None:
        """Set the clock for listed events; jumps are in the index already."""
        specs = {market.id: market for market in self.wired.market_specs}
        accounts: dict[tuple[str, str], int] = {}
        for event in self.scenario.events:
            if event.kind == "jump":
                detail = f'{{"size": {float(event.size)!r}}}'
                self.env.process(self._note(event.at, "jump", event.underlying, detail))
            else:
                market = specs[event.market]
                place = market.venue, market.currency
                if place not in accounts:
                    bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN
                    accounts[place] = self._add_participant(EVENT_COHORT, "event", 0, bits, market)
                self.env.process(self._send_listed(event, accounts[place], market))

    def _note(self, at_ns: int, event: str, subject: str, detail: str) -> Any:
        yield self.env.at(at_ns)
        self.journal.add("events", t_ns=self.env.now, event=event, subject=subject, detail=detail)

    def _send_listed(self, event: Any, account: int, market: MarketSpec) -> Any:
        yield self.env.at(event.at)
        lots = to_lots(event.size.amount, market.lot.amount)
        price = None if event.price is None else to_ticks(event.price.amount, market.tick.amount)
        self.gateway.send(account, market.id, lots, order_type=event.type, price_ticks=price, purpose=Purpose.NORMAL)
