"""Changing the unit of a market: what its empty book and its traders remember, counted anew."""

from __future__ import annotations

from marketsim.kernel.codes import K_HOLDER, K_MAKER
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
    for group in world.groups[: world.get("n_groups")]:
        mine = slice(int(group["first_trader"]), int(group["first_trader"]) + int(group["count"]))
        if int(group["market"]) == market and int(group["kind"]) == K_HOLDER:
            group["i1"] *= ratio  # NAV at the start
        elif int(group["market"]) == market and int(group["kind"]) == K_MAKER:
            world.traders["i0"][mine] //= ratio  # the inventory each wants
