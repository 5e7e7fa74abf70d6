"""Changing the unit of a market: what its empty book and its traders remember, counted anew."""

from __future__ import annotations

from marketsim.kernel.world import World


def rescale_market(world: World, market: int, ratio: int) -> None:
    """Multiply the prices of a market by `ratio`, and divide the lots its traders aim at: one unit is `ratio` old ones.

    The book must be empty. Cash, positions and supply are the caller's.
    """
    record = world.markets[market]
    for name in ("index_ticks", "mark_ticks", "last_ticks", "basis_sum"):
        record[name] *= ratio
    for name in ("basis", "history"):
        world._kept[int(record[name])][:] *= ratio
    record["holding_cap"] //= ratio
    for number, rule in enumerate(world.rules):
        if rule is not None and int(world.groups[number]["market"]) == market:
            rule.rescale(world.groups[number], world.members(number), ratio)
