"""Networks of influence as they are drawn: their shapes, by hand where possible, and which stream draws them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pytest

from marketsim.networks.influence import NETWORKS
from marketsim.networks.kinds.blocks import BlocksSpec
from marketsim.networks.links import Neighbours, draw_neighbours, network_stream

KINDS = ("ring", "small_world", "scale_free", "random", "blocks")


def spec(kind: str, **keys: Any) -> Any:
    return NETWORKS.kinds[kind].model_validate(
        {"id": "friends", "kind": kind, "groups": ["a", "b"], "attention": 256, **keys}
    )


def drawn(kind: str, sizes: Sequence[int] = (60, 40), seed: int = 7, replication: int = 0, **keys: Any) -> Neighbours:
    return draw_neighbours(spec(kind, **keys), sizes, network_stream(seed, replication, "friends"))


def rows(links: Neighbours) -> list[list[int]]:
    return [links.whom[a:b].tolist() for a, b in zip(links.first[:-1], links.first[1:], strict=True)]


def graph(links: Neighbours) -> nx.Graph:
    return nx.Graph(dict(enumerate(rows(links))))


@pytest.mark.parametrize("kind", KINDS)
def test_links_lead_both_ways_to_others_and_stand_in_order(kind: str) -> None:
    found = rows(drawn(kind))
    assert len(found) == 100
    for i, whom in enumerate(found):
        assert whom == sorted(set(whom))
        assert i not in whom
        assert all(i in found[j] for j in whom)


@pytest.mark.parametrize("kind", KINDS)
def test_they_have_the_declared_neighbours_on_average(kind: str) -> None:
    """Exactly, but for the scale-free kind: m newcomers' links, m (n - 1 - m) + m in all (its seed is a star)."""
    links = drawn(kind, (600, 400), neighbours=8)
    expected = 2 * (4 * (1_000 - 5) + 4) if kind == "scale_free" else 8 * 1_000
    assert len(links.whom) == expected


def test_everybody_on_a_ring_has_the_same_number_and_the_ring_is_one() -> None:
    ring = graph(drawn("ring", neighbours=2))
    assert {degree for _, degree in ring.degree()} == {2}
    assert nx.is_connected(ring)


def test_seats_are_drawn_so_groups_are_mixed_on_a_ring() -> None:
    links = drawn("ring", (500, 500), neighbours=2)
    across = sum((i < 500) != (j < 500) for i, whom in enumerate(rows(links)) for j in whom) / len(links.whom)
    assert across == pytest.approx(0.5, abs=0.05)  # of 1,000 links: three standard deviations


def test_rewiring_shortens_the_way_and_keeps_most_triangles() -> None:
    """Watts & Strogatz 1998, figure 2: n = 1,000, k = 10; on the ring C = 3 (k - 2) / (4 (k - 1)), L about n / 2k."""
    ring, small = (graph(drawn("small_world", (1_000,), neighbours=10, rewire=rewire)) for rewire in ("0%", "10%"))
    assert nx.average_clustering(ring) == pytest.approx(2 / 3)
    assert nx.average_shortest_path_length(ring) == pytest.approx(50, abs=1)
    assert nx.average_clustering(small) > 0.6 * nx.average_clustering(ring)
    assert nx.average_shortest_path_length(small) < 0.12 * nx.average_shortest_path_length(ring)


def test_few_are_known_by_very_many_where_newcomers_prefer_the_known() -> None:
    """Barabasi & Albert 1999: P(k) = 2 m (m + 1) / (k (k + 1) (k + 2)): a third has m links, a fifth m + 1."""
    degrees = np.diff(drawn("scale_free", (10_000,), neighbours=8).first)
    assert degrees.max() > 100  # of a random graph with this mean: about 22
    assert (degrees <= 5).mean() == pytest.approx(1 - 4 * 5 / (6 * 7), abs=0.02)


def test_the_known_are_not_those_who_stand_first_in_the_file() -> None:
    degrees = np.diff(drawn("scale_free", (5_000, 5_000), neighbours=8).first)
    assert degrees[:5_000].mean() == pytest.approx(degrees[5_000:].mean(), rel=0.1)


def test_blocks_have_their_links_within_and_outside_by_hand() -> None:
    """60 + 40 members, 8 neighbours, a fifth outside: 192 and 128 links within, 80 across."""
    assert spec("blocks").block_links((60, 40)) == {(0, 0): 192, (1, 1): 128, (0, 1): 80}
    found = rows(drawn("blocks"))
    across = sum((i < 60) != (j < 60) for i, whom in enumerate(found) for j in whom) // 2
    within = [
        sum(j < 60 for whom in found[:60] for j in whom) // 2,
        sum(j >= 60 for whom in found[60:] for j in whom) // 2,
    ]
    assert (across, within) == (80, [192, 128])


def test_links_between_three_groups_go_by_their_pairs() -> None:
    """100 members, 4 neighbours, half outside: 100 links across, as 10 x 30 : 10 x 60 : 30 x 60 = 1 : 2 : 6."""
    three = BlocksSpec(id="x", kind="blocks", groups=("a", "b", "c"), neighbours=4, outside="50%")
    links = three.block_links((10, 30, 60))
    assert [links[pair] for pair in ((0, 1), (0, 2), (1, 2))] == [11, 22, 67]
    assert [links[a, a] for a in range(3)] == [10, 30, 60]


def test_one_with_too_many_neighbours_looks_at_some_of_them_and_is_still_seen_by_all() -> None:
    free, bound = (drawn("scale_free", (2_000,), neighbours=8, attention=n) for n in (256, 10))
    assert np.diff(free.first).max() <= 256
    assert np.diff(bound.first).max() == 10
    before, after = rows(free), rows(bound)
    for whole, kept in zip(before, after, strict=True):
        assert set(kept) <= set(whole)
        assert len(kept) == min(10, len(whole))
    hub = max(range(2_000), key=lambda i: len(before[i]))
    modest = [i for i, whole in enumerate(before) if len(whole) <= 10 and hub in whole]
    assert len(modest) > 100
    assert all(hub in after[i] for i in modest)
    first_ten = [whole[:10] for whole in before if len(whole) > 10]
    assert first_ten != [kept for whole, kept in zip(before, after, strict=True) if len(whole) > 10]


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_a_function_of_seed_replication_and_its_name(kind: str) -> None:
    again = drawn(kind)
    assert rows(again) == rows(drawn(kind))
    assert rows(again) != rows(drawn(kind, seed=8))
    assert rows(again) != rows(drawn(kind, replication=1))
    other = draw_neighbours(spec(kind), (60, 40), network_stream(7, 0, "enemies"))
    assert rows(again) != rows(other)


FINGERPRINTS = {
    "ring": "9fa1898090bbcb2e",
    "small_world": "ce443a59e10615ac",
    "scale_free": "aa5b49ae4760fb6a",
    "random": "6f6ba7fa81d76acf",
    "blocks": "d87ee7856c583fdb",
}


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_those_they_were_when_this_was_written(kind: str) -> None:
    """Of networkx 3.6 and Python 3.11; a version that draws other graphs from a seed would change worlds unseen."""
    links = drawn(kind)
    assert hashlib.sha256(links.first.tobytes() + links.whom.tobytes()).hexdigest()[:16] == FINGERPRINTS[kind]


def test_nobody_has_a_neighbour_in_a_network_of_one_or_none() -> None:
    assert rows(drawn("random", (1,))) == [[]]
    assert rows(drawn("ring", (0, 0))) == []
