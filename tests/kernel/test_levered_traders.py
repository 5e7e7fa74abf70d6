"""Retail: margin calls answered with money or by closing, new money after a loss, holding times; worked by hand."""

from typing import Any

from marketsim.kernel import codes
from tests.kernel.checks import check_world
from tests.kernel.rule_worlds import RuleWorld
from tests.kernel.worlds import LOT

ALWAYS = 2**32
NEVER = 1e300
# Puts ten lots' worth of money at a leverage of 10, always long (nothing has risen, and nobody chases).
PLAIN = dict(target=NEVER, stop=NEVER, protection=0.01, chase_threshold=0, long_bias=0, lookback_steps=1)
MORE = dict(close_threshold=0, open_threshold=ALWAYS, call_ratio=0.2, top_ups=1, reopens=1, margin_table=[100_000.0])
FALLING = (*(10_000,) * 60, *(9_200,) * 60, *(8_400,) * 60)


def market(**changed: Any) -> RuleWorld:
    own = dict(leverage=10.0, topped_up=0)
    world = RuleWorld("retail", {**PLAIN, **MORE, **changed}, own, cash=10 * LOT, path=FALLING)
    world.offer(-100, 10_000)
    return world


def brought_in(m: RuleWorld) -> int:
    """Money that came from `outside` as margin [atoms]."""
    return int(m.world.take_flows()[codes.E_TOP_UP].sum())


def test_a_margin_call_is_answered_with_money_and_then_by_closing() -> None:
    m = market()
    m.advance(50)
    assert (m.lots(), brought_in(m)) == (100, 0)
    # At 9,200: equity 100 - 80 M, maintenance 0.5 % of 920 M = 4.6 M, a ratio of 23 %. A leverage of 10 needs 92 M.
    m.advance(110)
    assert (m.lots(), brought_in(m)) == (100, 72_000_000)
    assert m.cash() == 100_000_000 + 72_000_000 - 100 * 10_000 * 1_000
    # At 8,400: equity 12 M, maintenance 4.2 M; one answer was all.
    m.advance(119.5)
    m.offer(100, 8_400)
    assert m.lots() == 100
    while m.lots():
        m.advance(m.now / 1e9 + 0.05)
    assert (brought_in(m), m.cash()) == (0, 12_000_000)
    check_world(m.world)


def test_who_has_lost_the_margin_brings_in_new_money() -> None:
    m = market(top_ups=0)
    m.advance(59.5)
    m.offer(100, 9_200)
    while m.lots():
        m.advance(m.now / 1e9 + 0.05)
    assert m.cash() == 20_000_000
    m.offer(-200, 9_201)
    m.advance(110)
    # a margin of 100 M at a leverage of 10 buys 1,000,000 tick-lots, 108 lots of 9,200
    assert (m.lots(), brought_in(m)) == (108, 80_000_000)
    assert m.cash() == 100_000_000 - 108 * 9_201 * 1_000
    check_world(m.world)


def test_who_does_not_reopen_stays_out() -> None:
    m = market(top_ups=0, reopens=0)
    m.advance(59.5)
    m.offer(100, 9_200)
    m.advance(70)
    m.offer(-200, 9_201)
    m.advance(110)
    assert (m.lots(), brought_in(m), m.cash()) == (0, 0, 20_000_000)


def test_a_position_ends_and_begins_by_chance_at_a_wake_up() -> None:
    never = market(open_threshold=0)
    never.advance(50)
    assert never.lots() == 0
    closes = market(close_threshold=ALWAYS)
    closes.offer(100, 9_990)
    closes.advance(50)
    assert [t["taker_side"] for t in closes.trades()[:2]] == [codes.BUY, codes.SELL]  # in, and out at the next wake-up


def test_one_wake_up_in_eight_opens() -> None:
    m = RuleWorld("retail", {**PLAIN, **MORE, "open_threshold": ALWAYS // 8, "margin_table": [100_000.0] * 400},
                  dict(leverage=10.0, topped_up=0), cash=10 * LOT, count=400)  # fmt: skip
    m.offer(-50_000, 10_000)
    m.advance(1)
    # 400 traders have woken once on average, and those who woke k times have opened with probability 1 - (7/8)^k
    opened = sum(m.lots(k) > 0 for k in range(400))
    assert abs(opened - 400 * (1 - 2.718281828 ** (-1 / 8))) < 3 * 6.5  # Poisson thinned: 47 of 400, sd 6.4
