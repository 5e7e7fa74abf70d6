"""Funding of one interval goes by the premiums of that interval alone."""

from pathlib import Path

import pytest

from tests.simulation.worlds import FREE, STILL, recorded, world


@pytest.mark.parametrize("average", ["linear", "equal"])
def test_no_premium_of_one_interval_is_left_in_the_next(tmp_path: Path, average: str) -> None:
    """A bid 1 % above the index for ten minutes, then nobody, then a bid again: 1 %, 0 and 1 %."""
    funding = {**FREE["funding"], "every": "10min", "offset": "0h", "average": average, "impact_notional": "100 USDT"}
    bid = {"kind": "order", "market": "BTC-PERP", "size": "1 BTC", "type": "limit", "price": "30300 USDT"}
    sale = {"kind": "order", "market": "BTC-PERP", "size": "-1 BTC", "type": "market"}
    events = [{"at": "0s", **bid}, {"at": "10min1s", **sale}, {"at": "20min1s", **bid}]
    made = world(
        start="2024-01-01T00:00:00Z", index=STILL, market={**FREE, "funding": funding}, traders=[], events=events,
        duration="31min",
    )  # fmt: skip
    means = recorded(made, tmp_path).table("funding")["mean_premium"].to_list()
    assert means == [pytest.approx(0.01, abs=1e-12), 0.0, pytest.approx(0.01, abs=1e-12)]
