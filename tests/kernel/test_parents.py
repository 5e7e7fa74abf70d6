"""Parent orders at the kernel's speed: their children against a plain twin, and what informed ones do."""

from fractions import Fraction
from typing import Any

import numpy as np

from marketsim.kernel import codes
from marketsim.kernel.draw import tail_segment
from marketsim.spec import Distribution
from marketsim.streams import tail_quantile_table
from tests.kernel.checks import check_world
from tests.kernel.rule_worlds import KEY, RuleWorld
from tests.kernel.worlds import SECOND
from tests.reference.parents import children, tail_place

U = (np.arange(4_096) + 0.5) / 4_096
NUMBERS = 1 + np.arange(4_096) // 64
LATENCIES = np.arange(4_096, dtype=np.int64) * 50_000
DEEP = 10**7
NEVER_PAST = 1e300


def parameters(**changed: Any) -> dict[str, Any]:
    its: dict[str, Any] = dict(buy_threshold=40_000, informed_threshold=0, stop_past=NEVER_PAST)
    its |= dict(shortest_gap_ns=200_000_000, protection=0.01, number_table=NUMBERS, slowing_table=NUMBERS**0.5)
    its |= dict(gap_table=1e9 * U, size_table=10_000 * (1 + np.arange(4_096) % 7), error_table=np.zeros(4_096))
    return its | changed


def deep_market(**more: Any) -> RuleWorld:
    """Quotes of 9,990 and 10,010 that no crowd uses up."""
    world = RuleWorld("metaorder", **more)
    world.offer(DEEP, 9_990)
    world.offer(-DEEP, 10_010)
    return world


def test_every_child_of_every_parent_is_the_twins() -> None:
    market = deep_market(parameters=parameters(), count=30, gap_ns=20 * SECOND, latency_table=LATENCIES)
    market.advance(120)
    found = [(t["t_ns"], t["taker_side"], t["size_lots"], t["taker_parent"]) for t in market.trades()]
    wanted = children(
        KEY, 30, 20 * SECOND / 30, 120 * SECOND, Fraction(40_000, 65_536), NUMBERS.tolist(), (1e9 * U).tolist(),
        (NUMBERS**0.5).tolist(), 200_000_000, parameters()["size_table"].tolist(), LATENCIES.tolist(),
    )  # fmt: skip
    assert found == [(t, side, ticklots // 10_000, parent) for t, side, ticklots, parent in wanted]
    assert len(found) > 300
    assert len({parent for *_, parent in found}) > 100
    assert {trade["taker_purpose"] for trade in market.trades()} <= {codes.P_NORMAL}
    check_world(market.world)


def test_a_word_falls_in_the_segment_of_its_tail() -> None:
    for word in (0, 1, 2, 3, 127, 128, 2**31 - 1, 2**31, 2**31 + 2**24, 2**32 - 1, 3_141_592_653, 271_828_182):
        assert tail_segment(np.int64(word)) == tail_place(word)
    assert (tail_place(2**32 - 1), tail_place(2**31), tail_place(2**30), tail_place(1)) == (127, 0, 128, 31 * 128)


def test_a_tail_table_keeps_the_far_tail_of_a_pareto_law() -> None:
    # P(X > x) = (2 / x)^1.5: exceeded with probability 2^-20 (1 + 1/256) at 2 / (that)^(2/3)
    law = Distribution("pareto", {"min": 2, "alpha": 1.5}, "1", "number")  # type: ignore[dict-item]
    table = tail_quantile_table(law)
    assert table.shape == (4_096,)
    assert abs(table[19 * 128] / 20_588.964 - 1) < 1e-7  # 2 / (2^-20 257 / 256)^(2 / 3)
    assert 2 < table[127] < table[0] < 2 * 2 ** (2 / 3) < table[255]  # half of all lie above 2 x 2^(2/3)


def test_informed_parents_take_the_side_of_what_they_know() -> None:
    for latent, side in ((10_004.0, codes.BUY), (9_996.0, codes.SELL)):
        market = deep_market(parameters=parameters(informed_threshold=65_536), count=5, latent=latent)
        market.advance(20)
        trades = market.trades()
        assert {trade["taker_side"] for trade in trades} == {side}
        assert len(trades) > 50


def test_an_error_can_turn_them_round() -> None:
    # 4 ticks above the mid are 4 bp; an error of -5 bp in three quarters of the table outweighs them
    error = np.where(np.arange(4_096) % 4 == 0, 0.0, -5e-4)
    market = deep_market(parameters=parameters(informed_threshold=65_536, error_table=error), count=50, latent=10_004.0)
    market.advance(20)
    sides = {trade["taker_parent"]: trade["taker_side"] for trade in market.trades()}
    sells = sum(side == codes.SELL for side in sides.values())
    assert 0.68 < sells / len(sides) < 0.82


def test_an_informed_parent_ends_once_the_price_is_past_what_it_knows() -> None:
    endless = parameters(informed_threshold=65_536, stop_past=10e-4, number_table=np.full(4_096, 10**6))
    market = deep_market(parameters=endless, count=3, gap_ns=1_000 * SECOND, latent=10_004.0)
    while not market.trades():
        market.advance(market.now / SECOND + 10)
    market.advance(market.now / SECOND + 10)
    assert market.trades()
    market.world.markets["latent_ticks"] = 9_991.0  # the mid of 10,000 is 9 bp past it: they go on
    market.advance(market.now / SECOND + 10)
    assert market.trades()
    market.world.markets["latent_ticks"] = 9_989.0  # 11 bp past it
    market.advance(market.now / SECOND + 10)
    before = {trade["taker_parent"] for trade in market.trades()}
    market.advance(market.now / SECOND + 10)
    assert {trade["taker_side"] for trade in market.trades()} <= {codes.SELL}  # who begins now knows better
    assert len(before) <= 1


def test_starts_are_the_same_whatever_parents_do() -> None:
    """Another law of children moves no parent's start, side or draw of a size: they are keyed by its own wake-up."""
    first = {}
    for numbers in (NUMBERS, np.ones(4_096)):
        market = deep_market(parameters=parameters(number_table=numbers, shortest_gap_ns=0), count=20)
        market.advance(30)
        seen: dict[int, tuple[int, int, int]] = {}
        for trade in market.trades():
            seen.setdefault(trade["taker_parent"], (trade["t_ns"], trade["taker_side"], trade["size_lots"]))
        first[len(first)] = seen
    assert first[0] == first[1]


def test_a_step_of_a_rule_that_works_on_nothing_over_time_stops_the_run() -> None:
    market = RuleWorld("trend", dict(direction=1.0, exit_share=0.0, size_ticklots=1.0, size_table=None, protection=0.0),
                       dict(entry=1.0, lookback_steps=1))  # fmt: skip
    market.world.send_order(SECOND, market.records[0, 0], codes.F_STEP, 0, 0, 0, -1, 1)
    assert market.world.advance(2 * SECOND, codes.PH_RECORD) == codes.STOP_NO_RULE
