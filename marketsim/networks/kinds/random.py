"""A random network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from marketsim.networks.influence import NETWORKS, SeatedNetworkSpec

if TYPE_CHECKING:
    import networkx as nx


@NETWORKS.register
class RandomSpec(SeatedNetworkSpec):
    """Any two may know each other (Erdos & Renyi 1959; clusters that act alike: Cont & Bouchaud 2000).

    Drawn uniformly among all graphs with the same number of links.
    """

    kind: Literal["random"]

    def graph(self, members: int, seed: int) -> nx.Graph:
        """One of all graphs with this number of links."""
        import networkx as nx

        return nx.gnm_random_graph(members, self.link_count(members), seed=seed)

    def pattern(self) -> str:
        """Who knows whom, in words."""
        return "at random"
