"""A network of influence drawn: each member's row of neighbours, a function of the network's stream alone.

The stream is `network:<id>`, so a group or a token more moves no network it is not in; another number of members,
another list of groups or another key redraws this network and nothing else. networkx draws the graph, with a seed from
the stream (the generators used here choose and compare, and take no logarithm); who sits where, and at whom one with
too many neighbours looks, are draws of the stream keyed by member. Python 3.11 to 3.13 draw the same graphs, under any
hash seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from marketsim.networks.influence import (
    BlocksSpec,
    NetworkSpec,
    RandomSpec,
    RingSpec,
    SmallWorldSpec,
    block_links,
    link_count,
)
from marketsim.streams import Stream

GRAPH, SEATS, LOOKS = range(3)
"""Sub-streams: the seed of a graph, the order in which members sit, at whom one with too many neighbours looks."""


@dataclass(frozen=True)
class Neighbours:
    """Rows of neighbours: member i looks at `whom[first[i]:first[i + 1]]`, members numbered through all groups.

    first: (members + 1,); whom: (links looked along,), ascending in each row; both int32.
    """

    first: NDArray[np.int32]
    whom: NDArray[np.int32]


def network_stream(seed: int, replication: int, network: str) -> Stream:
    """The luck of one network."""
    return Stream(seed, replication, f"network:{network}")


def draw_neighbours(spec: NetworkSpec, sizes: Sequence[int], stream: Stream) -> Neighbours:
    """Draw a network of groups with so many members each; nobody has a neighbour in a network of one.

    A million links take some seconds and 400 MB.
    """
    members = sum(sizes)
    if members < 2:
        return Neighbours(np.zeros(members + 1, np.int32), np.zeros(0, np.int32))
    if isinstance(spec, BlocksSpec):
        links = _blocks(spec, sizes, stream)
    else:
        seats = np.argsort(stream.uniform(np.arange(members), 0, SEATS), kind="stable")
        links = seats[_pairs(_graph(spec, members, _seed(stream, 0)))]
    who, whom = np.concatenate([links, links[:, ::-1]]).T
    order = np.lexsort((whom, who))
    return _within_attention(who[order], whom[order], members, spec.attention, stream)


def _seed(stream: Stream, entity: int) -> int:
    return int(stream.bits(entity, 0, GRAPH))


def _graph(spec: NetworkSpec, members: int, seed: int) -> nx.Graph:
    """The graph of one kind over seats 0 .. members - 1; sources stand with each kind's Spec."""
    half = spec.neighbours // 2
    if isinstance(spec, RingSpec):
        return nx.circulant_graph(members, range(1, half + 1))
    if isinstance(spec, SmallWorldSpec):
        return nx.watts_strogatz_graph(members, spec.neighbours, float(spec.rewire), seed=seed)
    if isinstance(spec, RandomSpec):
        return nx.gnm_random_graph(members, link_count(spec, members), seed=seed)
    return nx.barabasi_albert_graph(members, half, seed=seed)


def _blocks(spec: BlocksSpec, sizes: Sequence[int], stream: Stream) -> NDArray[np.int64]:
    """Links of every pair of groups, each pair with a seed of its own."""
    starts = [0, *accumulate(sizes)]
    found = [np.zeros((0, 2), np.int64)]
    for (a, b), links in block_links(spec, sizes).items():
        seed = _seed(stream, a << 16 | b)
        if a == b:
            found.append(starts[a] + _pairs(nx.gnm_random_graph(sizes[a], links, seed=seed)))
        else:
            pairs = _pairs(nx.bipartite.gnmk_random_graph(sizes[a], sizes[b], links, seed=seed))
            found.append(np.stack([starts[a] + pairs[:, 0], starts[b] - sizes[a] + pairs[:, 1]], axis=1))
    return np.concatenate(found)


def _pairs(graph: nx.Graph) -> NDArray[np.int64]:
    """The links of a graph as rows (lower seat, higher seat)."""
    pairs = np.array(list(graph.edges()), np.int64).reshape(-1, 2)
    pairs.sort(axis=1)
    return pairs


def _within_attention(
    who: NDArray[np.int64], whom: NDArray[np.int64], members: int, attention: int, stream: Stream
) -> Neighbours:
    """Keep, of each row longer than `attention`, those with the lowest draws."""
    degree = np.bincount(who, minlength=members)
    busy = np.flatnonzero(degree[who] > attention)
    kept = np.ones(len(who), bool)
    if len(busy):
        by_draw = busy[np.lexsort((stream.uniform(who[busy], whom[busy], LOOKS), who[busy]))]
        place = busy - (np.cumsum(degree) - degree)[who[busy]]  # rows stay where they are, so places count up in each
        kept[by_draw[place >= attention]] = False
    rows = np.bincount(who[kept], minlength=members)
    first = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
    return Neighbours(first, whom[kept].astype(np.int32))
