"""What those who act in a model may use of it: arms, placebos, listed events and the desks of trader groups."""

from __future__ import annotations

from typing import Protocol

from marketsim.announcements import AnnouncementFeed
from marketsim.clock import MarketEnvironment
from marketsim.issuers.desk import TokenDesk
from marketsim.journal import Journal
from marketsim.kernel.world import World
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.wired import Wired
from marketsim.venues.contract import MarketSpec
from marketsim.venues.gateway import Gateway
from marketsim.venues.perp import FundingDesk
from marketsim.venues.view import View


class ModelPort(Protocol):
    """A model whose markets are open and whose tokens have their desks; `simulation.model.MarketModel` is one."""

    root_seed: int
    replication: int
    wired: Wired
    world: World
    env: MarketEnvironment
    journal: Journal
    view: View
    gateway: Gateway
    announcement_feed: AnnouncementFeed
    desks: list[TokenDesk]
    funding: list[FundingDesk]

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario that runs."""

    def add_participant(
        self, name: str, kind: str, cash_atoms: int, bits: int, first: MarketSpec, *, public: int | None = None
    ) -> int:
        """Open an account in all markets of one market's venue and currency; return the kernel's index."""
