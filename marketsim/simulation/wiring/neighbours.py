"""Whom each holder looks at, as the kernel's rows: networks joined with the groups that imitate in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.networks.influence import NetworkSpec
from marketsim.networks.links import draw_neighbours, network_stream
from marketsim.scenario.schema import Scenario
from marketsim.traders.group import TraderGroupSpec

NOBODY = -1
"""What stands for a trader whom an arm leaves out: who looks there sees a share of 0, as with another token."""


def lay_neighbours(
    scenario: Scenario, records: list[dict[str, Any]], seed: int, replication: int, declared: Scenario | None = None
) -> None:
    """Give each group that imitates the rows of its network, as its rule takes them (`kernel/rules/holder.py`).

    declared: the scenario whose groups have seats in the networks, where an arm leaves some of them out: the links of
    those who are there are the same in all arms.
    """
    for network in scenario.networks:
        if any(group.network() == network.id for group in scenario.traders):
            _lay_network(network, scenario.traders, (declared or scenario).traders, records, seed, replication)


def _lay_network(
    network: NetworkSpec,
    present: Sequence[TraderGroupSpec],
    declared: Sequence[TraderGroupSpec],
    records: list[dict[str, Any]],
    seed: int,
    replication: int,
) -> None:
    by_id = {group.id: group for group in declared}
    seated = [by_id[name] for name in network.groups]
    rows = draw_neighbours(network, [group.count for group in seated], network_stream(seed, replication, network.id))
    positions = _positions(seated, present)
    numbers = {group.id: number for number, group in enumerate(present)}
    for group, start in zip(seated, _starts(seated), strict=True):
        if group.id in numbers and group.network() == network.id:
            first = rows.first[start : start + group.count + 1]
            # One row too many, so that no table is empty.
            whom = np.append(positions[rows.whom[first[0] : first[-1]]], NOBODY).astype(np.int32)
            records[numbers[group.id]]["parameters"] |= {"neighbours_from": first - first[0], "neighbours": whom}


def _positions(seated: Sequence[TraderGroupSpec], present: Sequence[TraderGroupSpec]) -> NDArray[np.int64]:
    """Position record of each member of a network (members,): a trader's first has the trader's number."""
    first = dict(zip((group.id for group in present), _starts(present), strict=True))
    return np.concatenate(
        [
            first[group.id] + np.arange(group.count) if group.id in first else np.full(group.count, NOBODY)
            for group in seated
        ]
    )


def _starts(groups: Sequence[TraderGroupSpec]) -> list[int]:
    return list(accumulate((group.count for group in groups), initial=0))[:-1]
