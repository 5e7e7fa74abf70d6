"""From a resolved scenario to one world: the kernel's rows, accounts, cohorts, the other side of opening positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.kernel import layout
from marketsim.kernel.world import World
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.accounts import Accounts
from marketsim.simulation.wiring.markets import Markets
from marketsim.simulation.wiring.neighbours import lay_neighbours
from marketsim.simulation.wiring.opening import OpeningPositions
from marketsim.simulation.wiring.rows import market_rows, underlying_rows
from marketsim.simulation.wiring.wired import Cohorts, Wired
from marketsim.streams import exponential_table, halving_table
from marketsim.traders.population import Population, joined, populate
from marketsim.venues.gateway import arrival_key
from marketsim.venues.index.index_path import IndexPath
from marketsim.venues.underlying_paths import underlying_paths


def wire(scenario: Scenario, seed: int, replication: int, *, log_rows: int, declared: Scenario | None = None) -> Wired:
    """Lay everything out and build the world.

    declared: the scenario that public account ids are counted in, where an arm leaves parts of it out.
    """
    declared = declared or scenario
    paths = _paths(scenario, seed, replication)
    markets, cohorts = Markets(scenario, paths), Cohorts()
    population = populate(scenario.traders, markets.terms(), seed, replication, scenario.clock.start)
    lay_neighbours(scenario, population.groups, seed, replication, declared)
    for group, row in zip(scenario.traders, population.cohorts, strict=True):
        cohorts.add(group.id, group.kind, markets.spec(group.market).currency, **row)
    accounts = Accounts(scenario, declared, markets, cohorts)
    accounts.add_ledger()
    funds = accounts.add_tokens()
    opening = _joined(population, accounts, markets)
    outside = {market: opening.records[account, market] for market, account in accounts.outside.items()}
    tokens = opening.open_tokens(funds)
    desk_groups = opening.open_desk_groups(scenario, {spec.id: token for spec, token in tokens})
    interest = opening.book_other_side(outside)
    books = [outside[market.id] for market in markets.specs if markets.is_of_token(market)]
    _stakes(opening)[books] = np.arange(population.stakes, population.stakes + len(books))
    world = World(
        underlyings=underlying_rows(scenario, markets, paths),
        markets=market_rows(scenario, markets, accounts, interest, population.views),
        cohorts=cohorts.rows,
        groups=population.groups,
        accounts=opening.accounts,
        positions=opening.positions,
        traders=population.traders,
        slots=population.slots,
        stakes=population.stakes + len(books),
        exponential=exponential_table(),
        arrival_key=arrival_key(seed, replication, "venue"),
        halvings=halving_table(),
        log_rows=log_rows,
        logs=_logs(scenario),
    )
    _note_opening_units(world, opening)
    return Wired(
        world, scenario, markets.numbers, markets.specs, paths, cohorts, accounts.ledger,
        opening.records, outside, tokens, accounts.public_ids(), accounts.first, desk_groups,
    )  # fmt: skip


def _paths(scenario: Scenario, seed: int, replication: int) -> list[IndexPath]:
    """The path of each underlying's index, then of each latent fundamental, jumps included."""
    jumps: dict[str, list[tuple[int, Any]]] = {}
    for event in scenario.events:
        jump = event.index_jump()
        if jump is not None:
            underlying, size = jump
            jumps.setdefault(underlying, []).append((event.at, size))
    paths = underlying_paths(
        scenario.underlyings,
        seed=seed,
        replication=replication,
        start_ns=scenario.clock.start,
        duration_ns=scenario.clock.duration,
        root=scenario.root,
        jumps=jumps,
    )
    of_all = [paths[underlying.id] for underlying in scenario.underlyings]
    return [*(each.index for each in of_all), *(each.latent for each in of_all if each.latent is not None)]


def _joined(population: Population, accounts: Accounts, markets: Markets) -> OpeningPositions:
    """Traders' rows and all others' in one table each."""
    others, held, records = accounts.rows(first_position=len(population.positions))
    return OpeningPositions(
        markets,
        joined([population.accounts, others], layout.ACCOUNT),
        joined([population.positions, held], layout.POSITION),
        records,
    )


def _stakes(opening: OpeningPositions) -> NDArray[np.int64]:
    """The stake that each position keeps, where it is a holding of units."""
    stakes: NDArray[np.int64] = opening.positions.view(layout.SPOT_POSITION)["stake"]
    return stakes


def _note_opening_units(world: World, opening: OpeningPositions) -> None:
    """Let each holding of a token know the units it opens with."""
    stakes = _stakes(opening)
    holders = np.flatnonzero(stakes >= 0)  # before the world opens nothing else stands there
    world.stakes["opening_lots"][stakes[holders]] = opening.positions["lots"][holders]


def _logs(scenario: Scenario) -> list[str]:
    """The kernel's logs that are kept."""
    record = scenario.record
    kept = {"trades": record.trades == "all", "orders": record.orders == "all", "quotes": record.quotes == "change"}
    return [name for name, is_wanted in kept.items() if is_wanted]
