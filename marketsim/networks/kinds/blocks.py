"""Blocks: groups that know their own, and some of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, combinations
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from marketsim.networks.influence import NETWORKS, NetworkSpec, graph_seed, pairs
from marketsim.ranges import SHARE
from marketsim.spec import Fault, Rate
from marketsim.streams import Stream
from marketsim.units import format_rate


@NETWORKS.register
class BlocksSpec(NetworkSpec):
    """Each group knows its own; a share `outside` of the links leads to another group.

    Holland, Laskey & Leinhardt 1983, Social Networks 5 (blockmodel), with the number of links in each block fixed.
    """

    kind: Literal["blocks"]
    outside: Annotated[Rate, SHARE] = Decimal("0.2")

    def block_links(self, sizes: Sequence[int]) -> dict[tuple[int, int], int]:
        """Links of each pair of groups (a, b), a <= b, within (a, a) too.

        A group of n has n x neighbours x (1 - outside) / 2 links within; the links between groups, members x neighbours
        x outside / 2 in all, are spread in proportion to the pairs n_a x n_b. Each to the nearest whole number.
        """
        half, outside = Fraction(self.neighbours, 2), Fraction(self.outside)
        links = {(a, a): round(n * half * (1 - outside)) for a, n in enumerate(sizes)}
        between = {(a, b): sizes[a] * sizes[b] for a, b in combinations(range(len(sizes)), 2)}
        leading, every = sum(sizes) * half * outside, sum(between.values())
        return links | {pair: round(leading * n / every) for pair, n in between.items() if every}

    def links(self, sizes: Sequence[int], stream: Stream) -> NDArray[np.int64]:
        """Links of every pair of groups, each pair with a seed of its own (links, 2)."""
        import networkx as nx

        starts = [0, *accumulate(sizes)]
        found = [np.zeros((0, 2), np.int64)]
        for (a, b), links in self.block_links(sizes).items():
            seed = graph_seed(stream, a << 16 | b)
            if a == b:
                found.append(starts[a] + pairs(nx.gnm_random_graph(sizes[a], links, seed=seed)))
            else:
                across = pairs(nx.bipartite.gnmk_random_graph(sizes[a], sizes[b], links, seed=seed))
                found.append(np.stack([starts[a] + across[:, 0], starts[b] - sizes[a] + across[:, 1]], axis=1))
        return np.concatenate(found)

    def room_faults(self, sizes: Sequence[int]) -> Iterator[Fault]:
        """Whether every pair of groups has room for its links."""
        yield from super().room_faults(sizes)
        if self.neighbours >= sum(sizes):
            return
        if len(sizes) < 2 and self.outside > 0:
            yield Fault(("groups",), "one group has no links to another", "two groups or more, or outside: 0%")
            return
        if min(sizes) < 2:
            yield Fault(("groups",), "one of these groups has fewer than two traders", "groups of at least two")
            return
        for pair, links in self.block_links(sizes).items():
            room = _room(sizes, pair)
            if links > room:
                names = " and ".join(dict.fromkeys(self.groups[i] for i in pair))
                message = f"{links:,} links do not fit within {names}, which have room for {room:,}"
                yield Fault(("neighbours",), message, "fewer neighbours, or another share outside")

    def pattern(self) -> str:
        """Who knows whom, in words."""
        return f"mostly within their own group, {format_rate(self.outside)} of the links leading outside"


def _room(sizes: Sequence[int], pair: tuple[int, int]) -> int:
    """The most links that a pair of groups has room for."""
    a, b = pair
    return sizes[a] * (sizes[a] - 1) // 2 if a == b else sizes[a] * sizes[b]
