"""Networks of influence as a scenario declares them: what every kind has, and the register of kinds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from marketsim.kinds import Family
from marketsim.ranges import Range
from marketsim.spec import Count, Fault, Identifier, Spec
from marketsim.streams import Stream

if TYPE_CHECKING:
    import networkx as nx

GRAPH, SEATS, LOOKS = range(3)
"""Sub-streams: the seed of a graph, the order in which members sit, at whom one with too many neighbours looks."""

MOST_LINKS = 1_000_000
"""A network is drawn link by link: a million take 3 to 10 s and 400 MB (measured)."""

NEIGHBOURS = Range("1 to 256", least=1, most=256)


class NetworkSpec(Spec):
    """Links among the traders of `groups`, who have `neighbours` each on average and look at `attention` at most.

    One with more neighbours looks at so many of them, chosen once at random; who is looked at need not look back.
    comes_in_pairs: whether `neighbours` is even: as many on one side as on the other, or as many older as younger.
    """

    comes_in_pairs: ClassVar[bool] = False
    references: ClassVar[Mapping[tuple[str, ...], str]] = {("groups",): "traders"}

    id: Identifier
    groups: tuple[Identifier, ...]
    neighbours: Annotated[Count, NEIGHBOURS] = 8
    attention: Annotated[Count, NEIGHBOURS] = 64

    def links(self, sizes: Sequence[int], stream: Stream) -> NDArray[np.int64]:
        """Its links drawn, of groups of so many members (two or more in all), numbered through all groups (links, 2).

        Each link once, from a lower to a higher member or the other way round.
        """
        raise NotImplementedError(f"{type(self).__name__} has no links()")

    def pattern(self) -> str:
        """Who knows whom, in words: `on a ring`."""
        raise NotImplementedError(f"{type(self).__name__} has no pattern()")

    def sentence(self) -> str:
        """What the network is, in words."""
        return (
            f"{self.id} links the traders of {' and '.join(self.groups)}: {self.neighbours} neighbours each on "
            f"average, {self.pattern()}. Nobody looks at more than {self.attention}."
        )

    def link_count(self, members: int) -> int:
        """How many links so many members have: half of what its members count (to nearest, half to even)."""
        return round(Fraction(members * self.neighbours, 2))

    def faults(self, counts: Mapping[str, int], lookers: Collection[str]) -> Iterator[Fault]:
        """What cannot be: who is in it, how many neighbours there is room for, more links than can be drawn.

        counts: traders by group, of all groups of the scenario; lookers: groups that look at each other's shares.
        """
        if not self.groups:
            yield Fault(("groups",), "nobody is in this network", ", ".join(lookers) or "ids of holders")
        for number, name in enumerate(self.groups):
            if name in self.groups[:number]:
                yield Fault(("groups", number), "this group stands here twice", "each group once")
            elif name in counts and name not in lookers:
                message = f"only holders look at each other's shares; {name} is a group of another kind"
                yield Fault(("groups", number), message, ", ".join(lookers) or "a group of kind holder")
        sizes = [counts[name] for name in dict.fromkeys(self.groups) if name in counts]
        if sizes and len(sizes) == len(self.groups):
            yield from self.room_faults(sizes)

    def room_faults(self, sizes: Sequence[int]) -> Iterator[Fault]:
        """Whether groups of such sizes have room for so many neighbours, and not more links than can be drawn."""
        members = sum(sizes)
        if self.comes_in_pairs and self.neighbours % 2:
            yield Fault(("neighbours",), "neighbours come in pairs in a network of this kind", "an even number")
        if self.neighbours >= members:
            message = f"more neighbours than the other {max(members - 1, 0)} traders of this network"
            yield Fault(("neighbours",), message, "fewer")
        links = self.link_count(members)
        if links > MOST_LINKS:
            message = f"{links:,} links are more than a run draws"
            yield Fault(("neighbours",), message, f"at most {MOST_LINKS:,}: traders x neighbours / 2")


class SeatedNetworkSpec(NetworkSpec):
    """A network that is one graph over seats, in which all members sit in an order drawn at random."""

    @abstractmethod
    def graph(self, members: int, seed: int) -> nx.Graph:
        """The graph over seats 0 .. members - 1."""

    def links(self, sizes: Sequence[int], stream: Stream) -> NDArray[np.int64]:
        """Its links drawn (links, 2)."""
        members = sum(sizes)
        seats = np.argsort(stream.uniform(np.arange(members), 0, SEATS), kind="stable")
        links: NDArray[np.int64] = seats[pairs(self.graph(members, graph_seed(stream)))]
        return links


def graph_seed(stream: Stream, part: int = 0) -> int:
    """The seed that networkx draws one part of a network with."""
    return int(stream.bits(part, 0, GRAPH))


def pairs(graph: nx.Graph) -> NDArray[np.int64]:
    """The links of a graph as rows (lower seat, higher seat)."""
    rows = np.array(list(graph.edges()), np.int64).reshape(-1, 2)
    rows.sort(axis=1)
    return rows


NETWORKS: Family[NetworkSpec] = Family(
    "network", NetworkSpec, key="kind", home="marketsim.networks.kinds", needs=("links", "pattern")
)
