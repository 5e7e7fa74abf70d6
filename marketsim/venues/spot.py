"""A token's own spot market as its issuer reaches it: whether it takes orders, and whether holders may ask the fund."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from marketsim.kernel.rescaling import rescale_market
from marketsim.kernel.world import World
from marketsim.units import ATOMS_PER_UNIT
from marketsim.venues.gateway import Gateway

HALTED_BY_ISSUER, HALTED_BY_VENUE = 1, 2
"""Bits of a market's `halted`: it takes orders while none is set."""


def set_halt(world: World, market: int, bit: int, is_halted: bool) -> None:
    """Set or clear one reason why a market takes no orders."""
    others = world.market_int(market, "halted") & ~bit
    world.set_market(market, halted=others | (bit if is_halted else 0))


class SpotMarket:
    """The switches of one token's market. on_rescale: told of each change of unit, by its ratio."""

    def __init__(self, gateway: Gateway, world: World, market: str) -> None:
        self._gateway = gateway
        self._world = world
        self._market = market
        self._number = gateway.env.markets[market]
        self.on_rescale: list[Callable[[int], None]] = []

    def open_primary(self, is_open: bool) -> None:
        """Let holders know whether the fund creates and redeems."""
        self._world.set_market(self._number, primary_open=int(is_open))

    def halt(self, is_halted: bool) -> None:
        """Refuse new orders, or take them again unless the venue has a reason of its own."""
        set_halt(self._world, self._number, HALTED_BY_ISSUER, is_halted)

    def clear(self) -> None:
        """Cancel every resting order."""
        self._gateway.cancel_all(self._market)

    def publish_nav(self, nav_atoms: Fraction) -> None:
        """Show a NAV [atoms per token] that no units stand behind, until there are some."""
        ticks = nav_atoms / ATOMS_PER_UNIT * Fraction(self._world.market_float(self._number, "inverse_tick"))
        self._world.set_market(self._number, index_ticks=max(round(ticks), 1))

    def rescale(self, ratio: int) -> None:
        """Count prices in a new unit worth `ratio` old ones; the book must be empty."""
        rescale_market(self._world, self._number, ratio)
        for tell in self.on_rescale:
            tell(ratio)
