"""A scale-free network: a few are known by very many."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from marketsim.networks.influence import NETWORKS, SeatedNetworkSpec

if TYPE_CHECKING:
    import networkx as nx


@NETWORKS.register
class ScaleFreeSpec(SeatedNetworkSpec):
    """Few are seen by many: each newcomer prefers those who are known (Barabasi & Albert 1999, Science 286).

    A newcomer links to half of `neighbours`, which makes about `neighbours` on average.
    """

    comes_in_pairs: ClassVar[bool] = True

    kind: Literal["scale_free"]

    def graph(self, members: int, seed: int) -> nx.Graph:
        """A graph grown by preferential attachment."""
        import networkx as nx

        return nx.barabasi_albert_graph(members, self.neighbours // 2, seed=seed)

    def pattern(self) -> str:
        """Who knows whom, in words."""
        return "where newcomers prefer who is known already"
