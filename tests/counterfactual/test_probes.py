"""Probes: copies of one world that differ in the orders of one account."""

from dataclasses import replace

import pytest

from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.forks import CAN_FORK
from marketsim.simulation.model import MarketModel
from marketsim.simulation.probing import Look, Probe, ProbeOrder, ProbePlan, run_probes
from tests.simulation.worlds import MAKERS, MINUTE, NOISE, PERP, RETAIL, SECOND, STILL, UP, steps, world

MARKET = "BTC-PERP"


def children(t_ns: int, lots: int, slices: int = 1, over_ns: int = 0) -> tuple[ProbeOrder, ...]:
    return tuple(ProbeOrder(t_ns + over_ns * k // slices, lots * (k + 1) // slices, offset=0.02) for k in range(slices))


def probe(t_ns: int, lots: int, slices: int = 1, over_ns: int = 0) -> Probe:
    looks = (Look("5s", t_ns + 5 * SECOND), Look("1min", t_ns + MINUTE), Look("5min", t_ns + 5 * MINUTE))
    return Probe(MARKET, t_ns, 1.0 if lots else 0.0, lots, children(t_ns, lots, slices, over_ns) if lots else (), looks)


PROBES = (
    probe(10 * MINUTE, 0), probe(10 * MINUTE, 2_000), probe(10 * MINUTE, 4_000, 6, MINUTE),
    probe(25 * MINUTE, 2_000, 6, MINUTE), probe(28 * MINUTE, 2_000),
)  # fmt: skip


def small() -> Scenario:
    return world(duration="30min")


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return run_probes(ProbePlan(small(), PROBES))


@pytest.mark.skipif(not CAN_FORK, reason="this platform cannot copy a process")
def test_a_copied_process_and_a_replay_see_the_same(rows: list[dict]) -> None:
    assert run_probes(ProbePlan(small(), PROBES[:2]), by_replay=True) == rows[:9]


def test_every_probe_is_tried_both_ways_and_nothing_once_and_looked_at_within_the_run(rows: list[dict]) -> None:
    assert [row["sign"] for row in rows[:9]] == [0, 0, 0, 1, 1, 1, -1, -1, -1]
    assert [row["horizon"] for row in rows[:3]] == ["5s", "1min", "5min"]
    at_end = [row["horizon"] for row in rows if row["t_ns"] == 25 * MINUTE and row["sign"] == 1]
    assert at_end == ["5s", "1min", "5min"]  # the last is the end of the run
    assert {row["horizon"] for row in rows if row["t_ns"] == 28 * MINUTE} == {"5s", "1min"}


def test_all_ways_begin_in_the_same_world_and_part_by_the_order_alone(rows: list[dict]) -> None:
    for t_ns in (10 * MINUTE, 25 * MINUTE):
        assert len({row["arrival_mid"] for row in rows if row["t_ns"] == t_ns}) == 1
    large = [row for row in rows if row["lots"] == 4_000 and row["horizon"] == "1min"]
    (without,) = [row for row in rows if row["sign"] == 0 and row["horizon"] == "1min"]
    up, down = large
    assert (up["filled_lots"], down["filled_lots"]) == (4_000, -4_000)
    assert up["filled"] == pytest.approx(4_000 * 0.001 * up["arrival_mid"], rel=0.01)
    assert without["filled_lots"] == 0
    assert down["mid"] < without["mid"] < up["mid"] < without["mid"] * 1.02
    assert up["bid"] < up["mid"] < up["ask"]
    assert up["worst_price"] > up["arrival_mid"] > down["worst_price"]


def test_others_together_take_the_other_side_of_a_probe(rows: list[dict]) -> None:
    for row in rows:
        change = row["net_change"]
        assert change.get("probe", 0) == row["filled_lots"]
        assert sum(change.values()) == 0


def test_what_a_child_leaves_is_sent_with_the_next() -> None:
    """Its limit is the mid: nothing stands there, so the first child gets nothing and the second sends both."""
    orders = (
        ProbeOrder(10 * MINUTE, 1_000, offset=0.0),
        ProbeOrder(10 * MINUTE + SECOND, 2_000),
        ProbeOrder(10 * MINUTE + 2 * SECOND, 1_500),
    )
    looks = tuple(Look(f"{s}s", 10 * MINUTE + s * SECOND) for s in (0, 1, 2))
    found = run_probes(ProbePlan(small(), (Probe(MARKET, 10 * MINUTE, 1.0, 1_500, orders, looks),)))
    assert [row["filled_lots"] for row in found] == [0, 2_000, 1_500, 0, -2_000, -1_500]


def test_an_order_that_rests_is_taken_back_after_its_time() -> None:
    """A tenth below the mid nobody comes: what rested for a minute is cancelled, and nothing was traded."""
    orders = (ProbeOrder(10 * MINUTE, 1_000, offset=-0.1, lasts_ns=MINUTE),)
    looks = (Look("2min", 12 * MINUTE),)
    found = run_probes(ProbePlan(small(), (Probe(MARKET, 10 * MINUTE, 1.0, 1_000, orders, looks),)))
    assert [row["filled_lots"] for row in found] == [0, 0]


def test_a_side_that_a_probe_empties_has_no_mid_and_the_worst_price_it_paid() -> None:
    """Nobody is quick enough to quote anew at the same instant."""
    probe = Probe(
        MARKET, 20 * MINUTE, 1.0, 10_000_000, (ProbeOrder(20 * MINUTE, 10_000_000),), (Look("0s", 20 * MINUTE),)
    )
    bought, sold = run_probes(ProbePlan(world(duration="30min", traders=[NOISE]), (probe,)))
    assert (bought["ask"], bought["mid"]) == (None, None)
    assert bought["bid"] is not None
    assert 0 < bought["filled_lots"] < 10_000_000
    assert bought["worst_price"] > bought["arrival_mid"] > sold["worst_price"]
    assert (sold["bid"], sold["mid"]) == (None, None)


def test_probes_of_a_frictionless_arm_meet_no_order_of_the_funds() -> None:
    """The fund resets at 00:02, the instant of the probe: in the factual arm it trades, in the other it does not."""
    rise = steps(("0s", "30000 USDT"), ("20min", "30900 USDT"))
    scenario = world(index=rise, tokens=[UP], duration="40min")
    without = (Probe(MARKET, 32 * MINUTE, 0.0, 0, (), (Look("0s", 32 * MINUTE), Look("1min", 33 * MINUTE))),)
    bought = {}
    for name, plan in {
        "factual": ProbePlan(scenario, without),
        "frictionless": ProbePlan(scenario, without, ArmSpec(id="f", arm="frictionless")),
        "from then on": ProbePlan(scenario, without, ArmSpec(id="f", arm="frictionless"), begins=True),
    }.items():
        (first, last) = run_probes(plan)
        bought[name] = -sum(lots for cohort, lots in last["net_change"].items() if cohort not in ("UP", "outside"))
        assert first["horizon"] == "0s"
        assert last["net_change"]["UP"] > 0
    assert bought["factual"] > 0
    assert bought["frictionless"] == bought["from then on"] == 0


def test_probes_leave_the_world_they_were_taken_from_alone() -> None:
    model = MarketModel(small())
    model.env.run()
    digest = model.world.digest()
    model.close()
    run_probes(ProbePlan(small(), PROBES[:2]))
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
    rows = run_probes(ProbePlan(made, (replace(probe(10 * MINUTE, 100_000), looks=(Look("1min", 11 * MINUTE),)),)))
    worth = {row["sign"]: row["liquidated"] for row in rows}
    assert sign * worth[sign] > 10_000  # who is pushed over sells a long, or buys a short back
    assert sign * worth[-sign] >= 0
