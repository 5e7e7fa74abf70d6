"""Rules of groups that have a desk on the clock: their markets, the tokens they follow, when their orders start."""

from __future__ import annotations

from marketsim.scenario.nodes import Path
from marketsim.scenario.world import World
from marketsim.traders.desk import DeskGroupSpec
from marketsim.traders.follower import FollowerSpec
from marketsim.traders.metaorder import MetaorderSpec


def check_crowd(world: World) -> None:
    """Check every group that has a desk against the markets and tokens there are."""
    for path, group in world.items("traders"):
        if not isinstance(group, DeskGroupSpec):
            continue
        _check_markets(world, path, group)
        if isinstance(group, FollowerSpec):
            _check_follower(world, path, group)
        elif isinstance(group, MetaorderSpec):
            if not group.rate and not group.at:
                world.at(path, "these orders never start", "a rate above zero, or times of day `at`")
            if len(set(group.at)) < len(group.at):
                world.at((*path, "at"), "a time of day stands here twice", "each once")


def _check_markets(world: World, path: Path, group: DeskGroupSpec) -> None:
    books, perpetuals = world.books(), world.by_id("markets")
    if group.market != group.markets[0]:
        world.at((*path, "market"), "the first of its markets is another one", f"left out, or {group.markets[0]}")
    if len(set(group.markets)) < len(group.markets):
        world.at((*path, "markets"), "a market stands here twice", "each once")
    keys = (*path, "markets") if len(group.markets) > 1 else (*path, "market")
    for name in group.markets:
        if name in books and name not in perpetuals:
            world.at(keys, f"a {group.kind} trades perpetuals, {name} is a token", ", ".join(perpetuals))  # type: ignore[attr-defined]
    places = {(books[name].venue, books[name].currency) for name in group.markets if name in books}
    if len(places) > 1:
        world.at((*path, "markets"), "these are settled in several currencies or venues", "one account needs one")


def _check_follower(world: World, path: Path, group: FollowerSpec) -> None:
    tokens = world.by_id("tokens")
    if group.rate:
        world.at((*path, "rate"), "resets wake this group, not a clock of its own", "left out")
    for place, name in enumerate(group.tokens):
        if name in tokens and not set(tokens[name].basket) & set(group.markets):
            message = f"{name} holds nothing in the markets of this group"
            allowed = ", ".join(token.id for token in tokens.values() if set(token.basket) & set(group.markets))
            world.at((*path, "tokens", place), message, allowed or "a token with a leg in one of its markets")
