"""One world of the kernel, and what its numbers are called outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.issuers.fund.token import Token
from marketsim.issuers.token_spec import TokenSpec
from marketsim.kernel.world import World
from marketsim.scenario.schema import Scenario
from marketsim.traders.group import TraderGroupSpec
from marketsim.venues.contract import MarketSpec
from marketsim.venues.index.index_path import IndexPath

FIRST_TOKEN, FIRST_AGENT, FIRST_LEDGER = 1_000_000_000, 1_100_000_000, 1_200_000_000
"""Public ids of accounts: traders from 0, then reserved ranges, so that no id moves when a token or agent is added."""


@dataclass
class Cohorts:
    """Cohorts by number: name, kind, currency, and (for the kernel) whose fees they pay.

    A number has one currency: a ledger role that works in several has a number for each, under one name.
    """

    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, kind: str, asset: str, **row: int) -> int:
        """Number of a cohort, new or known."""
        for number, known in enumerate(zip(self.names, self.assets, strict=True)):
            if known == (name, asset):
                return number
        self.names.append(name)
        self.kinds.append(kind)
        self.assets.append(asset)
        self.rows.append({"group": -1, **row})
        return len(self.names) - 1


@dataclass
class Wired:
    """One world and what its numbers are called.

    markets: the kernel's number of each market; ledger: account of each (role, venue, currency); positions: record of
    each (account, market) of Python participants; outside: record of the other side of each market; account_ids: public
    id by the kernel's index (n,), which grows with agents; traders: how many accounts are traders'; desk_groups: groups
    with a desk on the clock, with their accounts.
    """

    world: World
    scenario: Scenario
    markets: dict[str, int]
    market_specs: list[MarketSpec]
    paths: list[IndexPath]
    cohorts: Cohorts
    ledger: dict[tuple[str, str, str], int]
    positions: dict[tuple[int, str], int]
    outside: dict[str, int]
    tokens: list[tuple[TokenSpec, Token]]
    account_ids: NDArray[np.int64]
    traders: int
    desk_groups: list[tuple[TraderGroupSpec, list[int]]]

    @cached_property
    def tick_sizes(self) -> NDArray[np.float64]:
        """Size of a tick by market (markets,) [currency]."""
        return np.array([float(market.tick.amount) for market in self.market_specs])
