"""Networks that cannot be: who is in one, how many neighbours it has room for, and who looks into which."""

from __future__ import annotations

from collections.abc import Sequence

from marketsim.networks.influence import PAIRED, BlocksSpec, NetworkKindSpec, block_links, block_room, link_count
from marketsim.scenario.nodes import Path
from marketsim.scenario.world import World
from marketsim.traders.holder import HolderSpec

MOST_LINKS = 1_000_000
"""A network is drawn link by link: a million take 3 to 10 s and 400 MB (measured)."""


def check_networks(world: World) -> None:
    """Check every network against the groups in it, and every group that imitates against its network."""
    groups = world.by_id("traders")
    for path, network in world.items("networks"):
        _check_members(world, path, network)
        members = [groups[name] for name in dict.fromkeys(network.groups) if name in groups]
        if members and len(members) == len(network.groups):
            _check_room(world, path, network, [group.count for group in members])
    _check_imitation(world)


def _check_members(world: World, path: Path, network: NetworkKindSpec) -> None:
    groups = world.by_id("traders")
    holders = [name for name, group in groups.items() if isinstance(group, HolderSpec)]
    if not network.groups:
        world.at((*path, "groups"), "nobody is in this network", ", ".join(holders) or "ids of holders")
    for number, name in enumerate(network.groups):
        keys = (*path, "groups", number)
        if name in network.groups[:number]:
            world.at(keys, "this group stands here twice", "each group once")
        elif name in groups and name not in holders:
            message = f"only holders look at each other's shares; {name} is a group of another kind"
            world.at(keys, message, ", ".join(holders) or "a group of kind holder")


def _check_room(world: World, path: Path, network: NetworkKindSpec, sizes: Sequence[int]) -> None:
    """Whether so many traders have room for so many neighbours, and not more links than can be drawn."""
    members, keys = sum(sizes), (*path, "neighbours")
    if isinstance(network, PAIRED) and network.neighbours % 2:
        world.at(keys, "neighbours come in pairs in a network of this kind", "an even number")
    if network.neighbours >= members:
        world.at(keys, f"more neighbours than the other {max(members - 1, 0)} traders of this network", "fewer")
    elif isinstance(network, BlocksSpec):
        _check_blocks(world, path, network, sizes)
    if link_count(network, members) > MOST_LINKS:
        message = f"{link_count(network, members):,} links are more than a run draws"
        world.at(keys, message, f"at most {MOST_LINKS:,}: traders x neighbours / 2")


def _check_blocks(world: World, path: Path, network: BlocksSpec, sizes: Sequence[int]) -> None:
    if len(sizes) < 2 and network.outside > 0:
        world.at((*path, "groups"), "one group has no links to another", "two groups or more, or outside: 0%")
        return
    if min(sizes) < 2:
        world.at((*path, "groups"), "one of these groups has fewer than two traders", "groups of at least two")
        return
    for pair, links in block_links(network, sizes).items():
        if links > block_room(sizes, pair):
            names = " and ".join(dict.fromkeys(network.groups[i] for i in pair))
            message = f"{links:,} links do not fit within {names}, which have room for {block_room(sizes, pair):,}"
            world.at((*path, "neighbours"), message, "fewer neighbours, or another share outside")


def _check_imitation(world: World) -> None:
    networks = world.by_id("networks")
    for path, group in world.items("traders"):
        rule = group.imitates if isinstance(group, HolderSpec) else None
        if rule is None or rule.network not in networks or group.id in networks[rule.network].groups:
            continue
        within = [name for name, network in networks.items() if group.id in network.groups]
        message = f"{group.id} is not in the network {rule.network}"
        world.at((*path, "imitates", "network"), message, ", ".join(within) or "a network with this group")
