"""Networks of influence as a scenario declares them: the kinds there are, and how many links each has."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Literal

from marketsim.spec import Count, Identifier, Rate, Spec


class NetworkKindSpec(Spec):
    """Links among the traders of `groups`, who have `neighbours` each on average and look at `attention` at most.

    One with more neighbours looks at so many of them, chosen once by lot; who is looked at need not look back.
    """

    id: Identifier
    groups: tuple[Identifier, ...]
    neighbours: Count = 8
    attention: Count = 64


class RingSpec(NetworkKindSpec):
    """All sit in a circle, in an order drawn by lot, and see half of their neighbours on either side."""

    kind: Literal["ring"]


class SmallWorldSpec(NetworkKindSpec):
    """A ring in which a share `rewire` of the links leads anywhere instead (Watts & Strogatz 1998, Nature 393)."""

    kind: Literal["small_world"]
    rewire: Rate = Decimal("0.1")


class ScaleFreeSpec(NetworkKindSpec):
    """Few are seen by many: each newcomer prefers those who are known (Barabasi & Albert 1999, Science 286).

    A newcomer links to half of `neighbours`, which makes about `neighbours` on average.
    """

    kind: Literal["scale_free"]


class RandomSpec(NetworkKindSpec):
    """Any two may know each other (Erdos & Renyi 1959; clusters that act alike: Cont & Bouchaud 2000).

    Drawn uniformly among all graphs with the same number of links.
    """

    kind: Literal["random"]


class BlocksSpec(NetworkKindSpec):
    """Each group knows its own; a share `outside` of the links leads to another group.

    Holland, Laskey & Leinhardt 1983, Social Networks 5 (blockmodel), with the number of links in each block fixed.
    """

    kind: Literal["blocks"]
    outside: Rate = Decimal("0.2")


NetworkSpec = SmallWorldSpec | ScaleFreeSpec | RandomSpec | RingSpec | BlocksSpec

PAIRED = (RingSpec, SmallWorldSpec, ScaleFreeSpec)
"""Kinds whose `neighbours` is even: as many on one side as on the other, or as many older as younger."""


def link_count(spec: NetworkKindSpec, members: int) -> int:
    """How many links a network of so many members has: half of what its members count (to nearest, half to even)."""
    return round(Fraction(members * spec.neighbours, 2))


def block_links(spec: BlocksSpec, sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Links of each pair of groups (a, b), a <= b, within (a, a) too.

    A group of n has n x neighbours x (1 - outside) / 2 links within; the links between groups, members x neighbours x
    outside / 2 in all, are spread in proportion to the pairs n_a x n_b. Each to the nearest whole number.
    """
    half, outside = Fraction(spec.neighbours, 2), Fraction(spec.outside)
    links = {(a, a): round(n * half * (1 - outside)) for a, n in enumerate(sizes)}
    pairs = {(a, b): sizes[a] * sizes[b] for a, b in combinations(range(len(sizes)), 2)}
    between, every = sum(sizes) * half * outside, sum(pairs.values())
    return links | {pair: round(between * n / every) for pair, n in pairs.items() if every}


def block_room(sizes: Sequence[int], pair: tuple[int, int]) -> int:
    """The most links that a pair of groups has room for."""
    a, b = pair
    return sizes[a] * (sizes[a] - 1) // 2 if a == b else sizes[a] * sizes[b]
