"""The model: a mesa model over one world and its clock. `step()` is only a thin face; time belongs to `env`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import mesa
import numpy as np

from marketsim import scenario as scenarios
from marketsim.announcements import AnnouncementFeed
from marketsim.clock import MarketEnvironment
from marketsim.errors import UsageError
from marketsim.issuers.context import LedgerAccounts, RunClock
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.desk_assembly import RunContext, TokenContext, open_desk
from marketsim.issuers.fund.holdings import Holdings, HoldingsRegister
from marketsim.issuers.fund.token import Token
from marketsim.issuers.orders.rebalance_order import RebalanceRegister
from marketsim.issuers.primary_market.desk import PrimaryMarketDesk
from marketsim.issuers.token_spec import TokenSpec
from marketsim.journal import Journal
from marketsim.kernel import codes
from marketsim.scenario.run_block import RunSpec
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import PLACEBOS, ArmSpec
from marketsim.simulation.arms import apply, present
from marketsim.simulation.crowd import open_trader_desks
from marketsim.simulation.holding import FundClaims, UnitCosts
from marketsim.simulation.listed import ListedEvents
from marketsim.simulation.wiring.wire import wire
from marketsim.simulation.wiring.wired import FIRST_AGENT
from marketsim.streams import Stream
from marketsim.venues.clearing import Clearing
from marketsim.venues.collateral import Collateral
from marketsim.venues.contract import MarketSpec
from marketsim.venues.gateway import Gateway, arrival_key
from marketsim.venues.inventory import BookHoldings
from marketsim.venues.margin import tier_table
from marketsim.venues.perp import FundingDesk
from marketsim.venues.spot import SpotMarket
from marketsim.venues.view import View

LOG_ROWS = 1 << 18
CHUNK = 65_536  # steps of an index handed to the kernel at once


class MarketModel(mesa.Model):  # type: ignore[misc]
    """One world, ready to run.

    scenario: a file, the name of a shipped scenario, a map, or a `Scenario`; seed: replaces the scenario's; set:
    overrides by path. replication: which draws; arm: what is changed in the world; absent, what the scenario's block
    `run` says, else the first draws and nothing. children: the factual run's, for placebo arms. `env` is a
    `simpy.Environment`, `view` and `gateway` show and reach the venue. `step()` advances `clock.report_every`; at the
    end `running` is False. `close()` frees the kernel's memory.

    >>> model = marketsim.MarketModel("marketsim:quickstart", seed=7)
    >>> model.env.run(60 * 10**9)  # a minute, in nanoseconds
    >>> model.view.bid_ticks("BTC-PERP") < model.view.ask_ticks("BTC-PERP")
    True
    >>> model.close()
    """

    running: bool

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | Scenario,
        seed: int | None = None,
        set: Mapping[str, Any] | Sequence[str] = (),
        *,
        replication: int | None = None,
        arm: ArmSpec | None = None,
        children: Iterable[Mapping[str, Any]] = (),
        log_rows: int = LOG_ROWS,
    ) -> None:
        declared = scenarios.opened(scenario, set, seed)
        children = list(children)
        block = declared.run or RunSpec()
        if arm is None:
            arm = _arm_of(block, children)
        replication = block.replication if replication is None else replication
        world = present(declared, arm)
        self._declared = world
        self.root_seed = world.seed
        self.replication = replication
        self.participants = 0
        super().__init__(rng=self.root_seed)
        self.wired = wire(world, self.root_seed, replication, log_rows=log_rows, declared=declared)
        self.world = self.wired.world
        self.env = MarketEnvironment(self.world, self.wired.markets, world.clock.duration)
        self.journal = Journal()
        self.view = View(self.env, self.world, self.wired.markets, self.wired.positions)
        self.gateway = Gateway(self.env, self.wired.positions, self.wired.outside, self._token_ledgers())
        self.gateway.ticks.update({market.id: market.tick.amount for market in self.wired.market_specs})
        self.gateway.clearings.update(self._clearings())
        self._rank_messages()
        self.env.on_path = self._give_path
        self.env.on_log = self.drop_logs
        for number in range(len(self.wired.paths)):
            self._give_path(number)
        self.world.open()
        opened = self.world.accounts[: self.world.get("n_accounts")]
        self.opening_cash_atoms, self.opening_deposits = opened["cash_atoms"].copy(), opened["deposit_atoms"].copy()
        self.announcement_feed = AnnouncementFeed()
        self.funding = [self._funding_desk(market) for market in world.markets if market.kind == "perpetual"]
        self.desks = self._token_desks()
        self.claims = FundClaims(self.wired, self.env, self.desks)
        self.unit_costs = UnitCosts(self.wired, self.env, self.gateway, self.desks)
        self.unit_costs.listen(self.funding)
        self.trader_desks = open_trader_desks(self)
        ListedEvents(self).list_all()
        apply(self, arm, children)

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

    def drop_logs(self) -> None:
        """Empty the kernel's buffers, while nobody records."""
        for name in ("trades", "orders", "quotes", "liquidations", "deleveragings"):
            self.world.take_log(name)

    def _rank_messages(self) -> None:
        """Let messages of one instant stand in an order drawn by the names of those who send them."""
        names = {token.account: token.id for _, token in self.wired.tokens}
        for spec, accounts in self.wired.desk_groups:
            names |= {account: f"{spec.id}/{number}" for number, account in enumerate(accounts)}
        for account, name in names.items():
            self.gateway.arrival_keys[account] = arrival_key(self.root_seed, self.replication, name)

    def _clearings(self) -> dict[str, Clearing]:
        """Who fills the orders of each market without a book."""
        wired, numbers = self.wired, {spec.id: i for i, spec in enumerate(self.scenario.underlyings)}
        found = {}
        for spec in wired.market_specs:
            if not spec.matching.has_book:
                underlying, number = numbers[spec.underlying], wired.markets[spec.id]
                every_ns = wired.paths[underlying].every_ns
                found[spec.id] = Clearing(self.env, spec, number, underlying, every_ns, wired.outside[spec.id])
        return found

    def _funding_desk(self, market: Any) -> FundingDesk:
        clock, tape = self.scenario.clock, market.funding.tape
        taped = tape and tape.read(start_ns=clock.start, duration_ns=clock.duration, root=self.scenario.root)
        desk = FundingDesk(market, self.env, self.journal, clock.start, taped)
        desk.start()
        return desk

    def _token_desks(self) -> list[TokenDesk]:
        perpetuals = (market for market in self.scenario.markets if market.kind == "perpetual")
        tiers = {market.id: tier_table(market.margin.tiers) for market in perpetuals}
        run = RunContext(
            RunClock(self.env, self.scenario.clock.start, self.scenario.clock.warmup),
            self.view,
            self.gateway,
            self.journal.add,
            RebalanceRegister(self.journal.add),
            self.announcement_feed,
            Collateral(self.world, self.wired.markets, tiers),
            self.who,
            partial(next, count()),
        )
        desks = []
        for spec, token in self.wired.tokens:
            desk = open_desk(spec, token, run, self._token_context(spec, token))
            self.gateway.watch(token.account, desk.account_changed)
            for funding in self.funding:
                if funding.spec.id in spec.basket:
                    funding.hooks.append(desk.account_changed)
            if desk.primary is not None and spec.market is not None:
                self.gateway.requests[self.wired.markets[spec.id]] = desk.primary.ask_units
            desk.start()
            desks.append(desk)
        return desks

    def _token_context(self, spec: TokenSpec, token: Token) -> TokenContext:
        """What a token has of its own; its units live in its own market, if it has one."""
        role = partial(self.gateway.ledger_account, token.account)
        own = None if spec.market is None else self.wired.markets[spec.id]
        holdings: Holdings = HoldingsRegister({role("outside_holders"): token.supply_lots})
        if own is not None:
            holdings = BookHoldings(self.world, own)
        accounts = LedgerAccounts(role(f"issuer:{spec.issuer}"), role("rounding"), role("outside"))
        stream = Stream(self.root_seed, self.replication, f"{spec.id}/jitter")
        market = None if own is None else SpotMarket(self.gateway, self.world, spec.id)
        return TokenContext(holdings, accounts, stream, market)

    def who(self, account: int) -> tuple[int, str]:
        """Public id and cohort of an account."""
        wired = self.wired
        cohort = wired.cohorts.names[int(self.world.accounts[account]["cohort"])]
        return int(wired.account_ids[account]), cohort

    def desk_of(self, token: str) -> TokenDesk:
        """The desk of a token; raises UsageError where there is no such token."""
        for desk in self.desks:
            if desk.token.id == token:
                return desk
        raise UsageError(f"token was {token!r}; there are {', '.join(desk.token.id for desk in self.desks) or 'none'}")

    def primary_market_of(self, token: str) -> PrimaryMarketDesk:
        """The primary market of a token; raises UsageError where it has none."""
        primary = self.desk_of(token).primary
        if primary is None:
            raise UsageError(f"token was {token!r}, which has no primary market (`primary: {{mode: ..}}`)")
        return primary

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
        return self.add_participant(name, "agent", cash_atoms, codes.ACC_WATCHED, self.scenario.markets[0])

    def markets_of(self, account: int) -> list[MarketSpec]:
        """The markets a Python participant's account can trade."""
        return [market for market in self.wired.market_specs if (account, market.id) in self.wired.positions]

    def add_participant(
        self, name: str, kind: str, cash_atoms: int, bits: int, first: MarketSpec, *, public: int | None = None
    ) -> int:
        """Open an account in all markets of one market's venue and currency; return the kernel's index.

        public: its id in the tables; absent, the next of the agents'.
        """
        near = [m for m in self.wired.market_specs if (m.venue, m.currency) == (first.venue, first.currency)]
        known = len(self.wired.cohorts.names)
        cohort = self.wired.cohorts.add(name, kind, first.currency)
        if cohort == known:
            self.world.add_cohort(group=-1)
        numbers = [self.wired.markets[market.id] for market in near]
        account, records = self.world.add_account(cohort, cash_atoms, bits, numbers)
        self.wired.positions.update({(account, m.id): record for m, record in zip(near, records, strict=True)})
        for market, record in zip(near, records, strict=True):
            if any(spec.id == market.id for spec, _ in self.wired.tokens):
                self.world.keep_stake(record)
        if public is None:
            public = FIRST_AGENT + self.participants
            self.participants += 1
        self.wired.account_ids = np.append(self.wired.account_ids, public)
        self.gateway.arrival_keys[account] = arrival_key(self.root_seed, self.replication, name)
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


def _arm_of(block: RunSpec, children: Sequence[Mapping[str, Any]]) -> ArmSpec:
    """The arm of a stored run; raises UsageError where it is no world from the start by itself."""
    needs = "the orders of the factual run" if block.arm.arm in PLACEBOS and not children else ""
    needs = "the state of the factual run" if block.fork is not None else needs
    if needs:
        raise UsageError(f"{block.sentence()}: this run needs {needs}, which a model has not; marketsim.run makes it")
    return block.arm
