"""A token's own spot market as its issuer reaches it: whether it takes orders, and whether holders may ask the fund."""

from __future__ import annotations

from marketsim.kernel.world import World

HALTED_BY_ISSUER, HALTED_BY_VENUE = 1, 2
"""Bits of a market's `halted`: it takes orders while none is set."""


def set_halt(world: World, market: int, bit: int, is_halted: bool) -> None:
    """Set or clear one reason why a market takes no orders."""
    others = world.market_int(market, "halted") & ~bit
    world.set_market(market, halted=others | (bit if is_halted else 0))


class SpotMarket:
    """The switches of one token's market; market: the kernel's number."""

    def __init__(self, world: World, market: int) -> None:
        self._world = world
        self._market = market

    def open_primary(self, is_open: bool) -> None:
        """Let holders know whether the fund creates and redeems."""
        self._world.set_market(self._market, primary_open=int(is_open))

    def halt(self, is_halted: bool) -> None:
        """Refuse new orders, or take them again unless the venue has a reason of its own."""
        set_halt(self._world, self._market, HALTED_BY_ISSUER, is_halted)
