"""A network of influence drawn: each member's row of neighbours, a function of the network's stream alone.

The stream is `network:<id>`, so a group or a token more moves no network it is not in; another number of members,
another list of groups or another key redraws this network and nothing else. networkx draws the graph of a kind, with a
seed from the stream (the generators used choose and compare, and take no logarithm); who sits where, and at whom one
with too many neighbours looks, are draws of the stream keyed by member. Python 3.11 to 3.13 draw the same graphs, under
any hash seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketsim.networks.influence import LOOKS, NetworkSpec
from marketsim.streams import Stream


@dataclass(frozen=True)
class Neighbours:
    """Rows of neighbours: member i looks at `whom[first[i]:first[i + 1]]`, members numbered through all groups.

    first: (members + 1,); whom: (links looked along,), ascending in each row; both int32.
    """

    first: NDArray[np.int32]
    whom: NDArray[np.int32]


def network_stream(seed: int, replication: int, network: str) -> Stream:
    """The random stream of one network."""
    return Stream(seed, replication, f"network:{network}")


def draw_neighbours(spec: NetworkSpec, sizes: Sequence[int], stream: Stream) -> Neighbours:
    """Draw a network of groups with so many members each; nobody has a neighbour in a network of one.

    A million links take some seconds and 400 MB.
    """
    members = sum(sizes)
    if members < 2:
        return Neighbours(np.zeros(members + 1, np.int32), np.zeros(0, np.int32))
    links = spec.links(sizes, stream)
    who, whom = np.concatenate([links, links[:, ::-1]]).T
    order = np.lexsort((whom, who))
    return _within_attention(who[order], whom[order], members, spec.attention, stream)


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
