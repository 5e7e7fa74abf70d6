"""A ring of traders."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from marketsim.networks.influence import NETWORKS, SeatedNetworkSpec

if TYPE_CHECKING:
    import networkx as nx


@NETWORKS.register
class RingSpec(SeatedNetworkSpec):
    """All sit in a circle, in an order drawn at random, and see half of their neighbours on either side."""

    comes_in_pairs: ClassVar[bool] = True

    kind: Literal["ring"]

    def graph(self, members: int, seed: int) -> nx.Graph:
        """Each seat linked with the next ones on either side; nothing is drawn."""
        import networkx as nx

        return nx.circulant_graph(members, range(1, self.neighbours // 2 + 1))

    def pattern(self) -> str:
        """Who knows whom, in words."""
        return "on a ring"
