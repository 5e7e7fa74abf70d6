"""Depth within distances of the mid, against the sum over all levels of the book."""

from pathlib import Path

import pytest

import marketsim as ms

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
DISTANCES = [0, 0.5, 2, 10, 50, 200, 5_000]


@pytest.mark.parametrize("is_bid", [True, False])
def test_depth_is_the_sum_of_the_levels_within_the_distance(is_bid: bool) -> None:
    model, seen = ms.MarketModel(QUICKSTART), set()
    for minutes in range(1, 21):
        model.env.run(minutes * 60 * 10**9)
        mid = (model.world.market_int(0, "best_bid") + model.world.market_int(0, "best_ask")) / 2
        levels = [(int(price), int(lots)) for price, lots in zip(*model.world.book_levels(0, is_bid), strict=True)]
        wanted = [sum(lots for price, lots in levels if abs(price - mid) * 1e4 / mid <= bps) for bps in DISTANCES]
        assert model.world.depths_lots(0, is_bid, DISTANCES) == wanted
        seen.add(tuple(wanted))
    model.close()
    assert len(seen) == 20
    assert all(depths[-1] > depths[2] > 0 for depths in seen)
