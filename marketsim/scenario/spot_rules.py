"""Rules of a coin's spot market: it has no margin and no funding, and nobody there holds less than nothing."""

from __future__ import annotations

from marketsim.scenario.nodes import Path, at
from marketsim.scenario.world import World
from marketsim.spec import Distribution
from marketsim.streams import lower_end, upper_end
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.retail import RetailSpec
from marketsim.venues.contract import OF_A_PERPETUAL, MarketSpec


def check_spot_market(world: World, path: Path, market: MarketSpec) -> None:
    """Refuse, by name, the keys of a perpetual, and the mark that a funding rate carries."""
    for key in OF_A_PERPETUAL:
        if at(world.root, (*path, key)) is not None:
            allowed = "tick, lot, fees, mark"
            world.problems.at_key(world.root, (*path, key), f"a spot market has no {key}", allowed)
    if market.mark.rule == "median":
        world.at((*path, "mark", "rule"), "this rule needs the funding of a perpetual", "mid, last, index")


def check_spot_group(world: World, path: Path, group: TraderGroupSpec) -> None:
    """A group opens with at most all of its capital in coin, none of it short, and borrows nothing."""
    if group.start is not None:
        _check_no_borrowing(world, (*path, "start", "leverage"), group.start.leverage, "share of capital held as coin")
        if group.start.long_share != 1:
            world.at((*path, "start", "long_share"), "nobody is short in a spot market", "100%, or left out")
    if isinstance(group, RetailSpec):
        _check_no_borrowing(world, (*path, "leverage"), group.leverage, "leverage in a spot market")


def _check_no_borrowing(world: World, path: Path, law: Distribution, what: str) -> None:
    most = upper_end(law)
    if most is None or most > 1 or lower_end(law) < 0:
        world.at(path, "nobody borrows in a spot market", f"a {what} of 0 to 1, or a law with such ends")
