"""An envelope says what a world was tested with; a scenario that leaves it is told so, and is the same world."""

import json
from pathlib import Path

import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError

BASE = """
schema: marketsim/1
name: tested
clock: {start: 2024-01-01T00:00:00Z, duration: 10min}
underlyings:
  - {id: BTC, index: {kind: constant, price: 30000 USDT}}
markets:
  - {id: BTC-PERP, underlying: BTC}
envelope:
  largest_move: 6%
  shortest_horizon: 10s
  markets:
    - {id: BTC-PERP, daily_volume: 1440 MUSDT, depth: 5 MUSDT, largest_order: 300%}
"""
TOKEN = {
    "id": "UP", "issuer": "alpha", "basket": {"BTC-PERP": 3}, "aum": "10 MUSDT", "nav": "100 USDT",
    "rebalance": {"policy": "daily", "at": "00:02"}, "execution": {"algorithm": "market"},
}  # fmt: skip


@pytest.fixture
def extending(tmp_path: Path):
    (tmp_path / "base.yaml").write_text(BASE)

    def load(**parts: object):
        file = tmp_path / "over.yaml"
        file.write_text(json.dumps({"extends": "base.yaml", "schema": "marketsim/1", "name": "over", **parts}))
        return scenario.load(file)

    return load


def test_a_reset_within_the_envelope_is_no_notice(extending) -> None:
    # 3 x (3 - 1) x 10 MUSDT x 1 % = 600 kUSDT, of a minute's 1 MUSDT
    assert extending(tokens=[TOKEN]).notices == ()


def test_a_reset_beyond_it_is_told_in_numbers(extending) -> None:
    # 6 x 100 MUSDT x 1 % = 6 MUSDT: 600 % of a minute's 1 MUSDT, 120 % of 5 MUSDT, .417 % of 1,440 MUSDT
    short = {**TOKEN, "id": "DOWN", "basket": {"BTC-PERP": -3}, "aum": "0 USDT"}
    (told,) = extending(tokens=[{**TOKEN, "aum": "100 MUSDT"}, short]).notices
    assert told == (
        "envelope: a move of 1% makes the tokens' resets trade 6,000,000 USDT in BTC-PERP: 600% of an average minute's "
        "volume, 120% of the depth within 10 bps and 0.417% of the daily volume; more than the 300% of a minute's "
        "volume that the world was tested with"
    )


def test_long_and_short_tokens_push_the_same_way(extending) -> None:
    # 3 x 2 x 30 + 3 x 4 x 15 MUSDT, x 1 % = 1.8 + 1.8 = 3.6 MUSDT
    short = {**TOKEN, "id": "DOWN", "basket": {"BTC-PERP": -3}, "aum": "15 MUSDT"}
    (told,) = extending(tokens=[{**TOKEN, "aum": "30 MUSDT"}, short]).notices
    assert "trade 3,600,000 USDT in BTC-PERP: 360% of an average minute's volume" in told


def test_jumps_orders_and_forks_beyond_it_are_told(extending) -> None:
    events = [
        {"at": "5min", "kind": "jump", "underlying": "BTC", "size": "-8%"},
        {"at": "6min", "kind": "jump", "underlying": "BTC", "size": "6%"},
        {"at": "7min", "kind": "order", "market": "BTC-PERP", "size": "200 BTC"},  # 6 MUSDT
        {"at": "7min", "kind": "order", "market": "BTC-PERP", "size": "-100 BTC"},  # 3 MUSDT: 300 %
    ]
    told = extending(
        events=events, tokens=[TOKEN], study={"arms": ["factual", "frictionless"], "fork": {"horizon": "5s"}}
    ).notices
    assert told == (
        "envelope: the index of BTC jumps by -8%, further than the 6% that the world was tested with",
        "envelope: an order of 200 BTC in BTC-PERP is 600% of an average minute's volume, more than the 300% that the "
        "world was tested with",
        "envelope: forks run for 5s, sooner than the 10s that the world was tested with",
    )


def test_it_is_no_part_of_the_worlds_identity(extending) -> None:
    with_it, without = extending(tokens=[TOKEN]), extending(tokens=[TOKEN], envelope=None)
    assert with_it.envelope is not None
    assert without.envelope is None
    assert with_it.sha256() == without.sha256()
    assert "envelope" not in without.canonical()
    assert with_it.sentences().endswith(
        "The world was tested with moves of the index of at most 6%, orders of at most 300% of an average minute's "
        "volume in BTC-PERP, looked at 10s later or more."
    )


def test_a_market_that_is_not_there_and_another_currency_are_refused(extending) -> None:
    tested = {"id": "BTC-PERP", "daily_volume": "1 MEUR", "depth": "1 MUSDT", "largest_order": "0%"}
    with pytest.raises(ScenarioError) as refused:
        extending(envelope={"markets": [tested, {**tested, "id": "XTC"}]})
    found = [(problem.path, problem.message) for problem in refused.value.problems]
    assert any("daily_volume" in path and "this is in EUR" in message for path, message in found)
    assert any("XTC" in path and "nothing called 'XTC'" in message for path, message in found)
    assert any("largest_order" in path and "out of range" in message for path, message in found)
