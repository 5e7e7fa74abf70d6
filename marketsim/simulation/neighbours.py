"""Whom each holder looks at, as the kernel's rows: networks joined with the groups that imitate in them."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from marketsim.networks.influence import NetworkSpec
from marketsim.scenario.schema import Scenario
from marketsim.traders.holder import HolderSpec


def lay_neighbours(scenario: Scenario, records: list[dict[str, Any]], seed: int, replication: int) -> None:
    """Give each group that imitates the rows of its network, as `t0` and `t1` of its record (`kernel/decisions.py`)."""
    for network in scenario.networks:
        if any(_imitates(group, network) for group in scenario.traders):
            _lay_network(network, scenario, records, seed, replication)


def _imitates(group: Any, network: NetworkSpec) -> bool:
    return isinstance(group, HolderSpec) and group.imitates is not None and group.imitates.network == network.id


def _lay_network(
    network: NetworkSpec, scenario: Scenario, records: list[dict[str, Any]], seed: int, replication: int
) -> None:
    # networkx takes a fifth of a second to import, which a world without networks does not owe
    from marketsim.networks.links import draw_neighbours, network_stream

    first_traders = dict(zip((group.id for group in scenario.traders), _starts(scenario.traders), strict=True))
    groups = {group.id: group for group in scenario.traders}
    within = [groups[name] for name in network.groups]
    rows = draw_neighbours(network, [group.count for group in within], network_stream(seed, replication, network.id))
    traders = np.concatenate([first_traders[group.id] + np.arange(group.count) for group in within])
    numbers = {group.id: number for number, group in enumerate(scenario.traders)}
    for group, start in zip(within, _starts(within), strict=True):
        if _imitates(group, network):
            first = rows.first[start : start + group.count + 1]
            # A trader's first position has its own number. One row too many, so that no table is empty.
            positions = np.append(traders[rows.whom[first[0] : first[-1]]], -1)
            records[numbers[group.id]] |= {"t0": first - first[0], "t1": positions.astype(np.int32)}


def _starts(groups: Any) -> list[int]:
    return list(accumulate((group.count for group in groups), initial=0))[:-1]
