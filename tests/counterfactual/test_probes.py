"""Probes: two copies of one world that differ in the sign of one order."""

from math import log

import pytest

from marketsim.scenario.schema import Scenario
from marketsim.simulation.forks import CAN_FORK
from marketsim.simulation.model import MarketModel
from marketsim.simulation.probing import Probe, ProbePlan, run_probes
from tests.simulation.worlds import MAKERS, MINUTE, NOISE, PERP, RETAIL, SECOND, STILL, world

PROBES = (
    Probe("BTC-PERP", 10 * MINUTE, 2_000),
    Probe("BTC-PERP", 10 * MINUTE, 4_000, over_ns=MINUTE, slices=6),
    Probe("BTC-PERP", 25 * MINUTE, 2_000, over_ns=MINUTE, slices=6),
)
HORIZONS = (5 * SECOND, MINUTE, 5 * MINUTE)


def small() -> Scenario:
    return world(duration="30min")


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return run_probes(ProbePlan(small(), PROBES, HORIZONS))


@pytest.mark.skipif(not CAN_FORK, reason="this platform cannot copy a process")
def test_a_copied_process_and_a_replay_see_the_same(rows: list[dict]) -> None:
    assert run_probes(ProbePlan(small(), PROBES[:2], HORIZONS), by_replay=True) == rows[:12]


def test_every_probe_is_tried_both_ways_and_looked_at_within_the_run(rows: list[dict]) -> None:
    assert len(rows) == 3 * 2 * 3  # the last horizon of the last probe is the end of the run
    assert [row["sign"] for row in rows[:6]] == [1, 1, 1, -1, -1, -1]
    assert {row["t_ns"] + row["horizon_ns"] for row in rows if row["t_ns"] == 25 * MINUTE} >= {30 * MINUTE}


def test_both_ways_begin_in_the_same_world_and_part_by_the_order_alone(rows: list[dict]) -> None:
    for t_ns in (10 * MINUTE, 25 * MINUTE):
        assert len({row["mid_before"] for row in rows if row["t_ns"] == t_ns}) == 1
    at_end = [row for row in rows if row["over_ns"] == MINUTE and row["horizon_ns"] == MINUTE]
    for up, down in zip(at_end[::2], at_end[1::2], strict=True):
        assert up["filled_lots"] == -down["filled_lots"] == up["lots"]
        assert up["filled"] == pytest.approx(up["filled_lots"] * 0.001 * up["mid_before"], rel=0.01)
        impact = log(up["mid"] / down["mid"]) / 2
        assert 0 < impact < 0.02


def test_others_together_take_the_other_side_of_a_probe(rows: list[dict]) -> None:
    for row in rows:
        change = row["net_change"]
        assert change["probe"] == row["filled_lots"]
        assert sum(change.values()) == 0


def test_probes_leave_the_world_they_were_taken_from_alone() -> None:
    model = MarketModel(small())
    model.env.run()
    digest = model.world.digest()
    model.close()
    run_probes(ProbePlan(small(), PROBES[:1], HORIZONS[:1]))
    again = MarketModel(small())
    again.env.run()
    assert again.world.digest() == digest
    again.close()


@pytest.mark.parametrize(("long_share", "sign"), [("100%", -1), ("0%", 1)])
def test_liquidations_that_a_probe_sets_off_sell_longs_and_buy_shorts_back(long_share: str, sign: int) -> None:
    """A crowd at 90 times its capital, all on one side, and an order that moves the mark by about a per cent."""
    levered = {**RETAIL, "count": 60, "rate": "1/d", "start": {"leverage": "90", "long_share": long_share}}
    market = {**PERP, "mark": {"rule": "mid"}, "margin": {"tiers": "binance_btcusdt_2024"}}
    made = world(index=STILL, market=market, traders=[NOISE, MAKERS, levered], duration="20min")
    rows = run_probes(ProbePlan(made, (Probe("BTC-PERP", 10 * MINUTE, 100_000),), (MINUTE,)))
    worth = {row["sign"]: row["liquidated"] for row in rows}
    assert sign * worth[sign] > 10_000  # who is pushed over sells a long, or buys a short back
    assert sign * worth[-sign] >= 0
