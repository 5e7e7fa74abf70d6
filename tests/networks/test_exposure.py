"""Overlap and concentration of exposures, against numbers worked out by hand."""

from math import sqrt

import pytest

from marketsim.networks.exposure import (
    clusters,
    cosine,
    cosines,
    exposure_graph,
    exposures,
    gross,
    herfindahl,
    joined,
    liquidity_overlap,
    market_concentration,
    overlap,
    overlaps,
)

BTC3L, BTC3S, PAIR, ETH3L = {"BTC": 30.0}, {"BTC": -60.0}, {"BTC": 10.0, "ETH": -10.0}, {"ETH": 9.0}
TOKENS = {"BTC3L": BTC3L, "BTC3S": BTC3S, "PAIR": PAIR, "ETH3L": ETH3L}


def test_rows_of_one_holder_and_market_add_up() -> None:
    rows = [("a", "BTC", 5.0), ("b", "BTC", -1.0), ("a", "ETH", 2.0), ("a", "BTC", -7.0)]
    assert exposures(rows) == {"a": {"BTC": -2.0, "ETH": 2.0}, "b": {"BTC": -1.0}}
    assert gross({"BTC": -2.0, "ETH": 2.0}) == 4.0


def test_an_issuers_exposure_is_that_of_its_tokens() -> None:
    owner = {"BTC3L": "alpha", "BTC3S": "alpha", "PAIR": "beta", "ETH3L": "beta"}
    assert joined(TOKENS, owner) == {"alpha": {"BTC": -30.0}, "beta": {"BTC": 10.0, "ETH": -1.0}}


def test_cosines_of_the_same_the_opposite_and_half_the_bet() -> None:
    assert cosine(BTC3L, {"BTC": 1.0}) == pytest.approx(1)
    assert cosine(BTC3L, BTC3S) == pytest.approx(-1)
    assert cosine(BTC3L, PAIR) == pytest.approx(1 / sqrt(2))  # (1, 0) . (1, -1) / sqrt 2
    assert cosine(BTC3L, ETH3L) == 0
    assert cosine({}, BTC3L) is None


def test_overlap_is_the_share_of_gross_exposure_that_is_the_same_bet() -> None:
    assert overlap(BTC3L, {"BTC": 1.0}) == 1
    assert overlap(BTC3L, BTC3S) == 0
    assert overlap(BTC3L, ETH3L) == 0
    assert overlap(BTC3L, PAIR) == pytest.approx(0.5)  # |1 - 1/2| + |0 + 1/2| = 1, half of it off
    assert overlap({"BTC": 3.0, "ETH": 1.0}, {"BTC": 1.0, "ETH": 1.0}) == pytest.approx(0.75)
    assert overlap(BTC3L, {"BTC": 0.0}) is None


def test_pairs_without_exposure_are_left_out() -> None:
    table = {**TOKENS, "EMPTY": {}}
    assert cosines(table)["BTC3L", "BTC3S"] == pytest.approx(-1)
    assert overlaps(table)["PAIR", "ETH3L"] == 0
    assert len(cosines(table)) == len(overlaps(table)) == 6


def test_liquidity_overlap_is_the_loss_one_gives_the_other() -> None:
    """Selling 10 BTC-notional into a depth of 1,000 moves it by 1 %: on a holding of 30 that is 0.3."""
    assert liquidity_overlap(BTC3L, PAIR, {"BTC": 1_000.0}) == pytest.approx(0.3)
    assert liquidity_overlap(PAIR, ETH3L, {"ETH": 100.0}) == pytest.approx(-0.9)
    assert liquidity_overlap(BTC3L, ETH3L, {}) == 0
    with pytest.raises(KeyError, match="BTC"):
        liquidity_overlap(BTC3L, PAIR, {})


def test_herfindahl_of_one_of_four_alike_and_of_none() -> None:
    assert herfindahl([5.0]) == 1
    assert herfindahl([2, -2, 2, -2]) == 0.25
    assert herfindahl([3, 1]) == 0.625  # 9/16 + 1/16
    assert herfindahl([]) is None
    assert herfindahl([0.0]) is None


def test_a_markets_concentration_counts_longs_and_shorts_alike() -> None:
    """BTC: 30, 60 and 10 of 100: 0.09 + 0.36 + 0.01; ETH: 10 and 9 of 19."""
    found = market_concentration({**TOKENS, "EMPTY": {"SOL": 0.0}})
    assert found == {"BTC": pytest.approx(0.46), "ETH": pytest.approx(181 / 361)}


def test_the_graph_has_holders_on_one_side_and_markets_on_the_other() -> None:
    graph = exposure_graph({**TOKENS, "FLAT": {"BTC": 0.0}})
    assert graph.number_of_edges() == 5
    assert graph.edges[("holder", "BTC3S"), ("market", "BTC")] == {"notional": -60.0}
    assert sorted(name for (side, name) in graph if side == "market") == ["BTC", "ETH"]
    assert graph.degree[("holder", "FLAT")] == 0


def test_holders_that_meet_through_markets_are_one_cluster() -> None:
    assert clusters(TOKENS) == [["BTC3L", "BTC3S", "ETH3L", "PAIR"]]
    apart = {"BTC3L": BTC3L, "ETH3L": ETH3L, "BTC3S": BTC3S}
    assert clusters(apart) == [["BTC3L", "BTC3S"], ["ETH3L"]]
