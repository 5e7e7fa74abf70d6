"""Funding of one interval goes by the premiums of that interval alone."""

from pathlib import Path

import pytest

from tests.simulation.worlds import FREE, STILL, recorded, world


@pytest.mark.parametrize("average", ["linear", "equal"])
def test_no_premium_of_one_interval_is_left_in_the_next(tmp_path: Path, average: str) -> None:
    """A bid 1 % above the index for ten minutes, then nobody: 1 % in the first interval, 0 in the second."""
    funding = {**FREE["funding"], "every": "10min", "offset": "0h", "average": average, "impact_notional": "100 USDT"}
    events = [
        {"at": "0s", "kind": "order", "market": "BTC-PERP", "size": "1 BTC", "type": "limit", "price": "30300 USDT"},
        {"at": "10min1s", "kind": "order", "market": "BTC-PERP", "size": "-1 BTC", "type": "market"},
    ]
    made = world(
        start="2024-01-01T00:00:00Z", index=STILL, market={**FREE, "funding": funding}, traders=[], events=events,
        duration="21min",
    )  # fmt: skip
    means = recorded(made, tmp_path).table("funding")["mean_premium"].to_list()
    assert means == [pytest.approx(0.01, abs=1e-12), 0.0]
