"""A small world: a ring with some links that lead anywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from marketsim.networks.influence import NETWORKS, SeatedNetworkSpec
from marketsim.ranges import SHARE
from marketsim.spec import Rate
from marketsim.units import format_rate

if TYPE_CHECKING:
    import networkx as nx


@NETWORKS.register
class SmallWorldSpec(SeatedNetworkSpec):
    """A ring in which a share `rewire` of the links leads anywhere instead (Watts & Strogatz 1998, Nature 393)."""

    comes_in_pairs: ClassVar[bool] = True

    kind: Literal["small_world"]
    rewire: Annotated[Rate, SHARE] = Decimal("0.1")

    def graph(self, members: int, seed: int) -> nx.Graph:
        """A Watts-Strogatz graph."""
        import networkx as nx

        return nx.watts_strogatz_graph(members, self.neighbours, float(self.rewire), seed=seed)

    def pattern(self) -> str:
        """Who knows whom, in words."""
        return f"on a ring, {format_rate(self.rewire)} of the links leading anywhere instead"
