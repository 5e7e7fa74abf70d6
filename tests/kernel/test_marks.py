"""Marks and premiums that the kernel works out, each against a value worked by hand."""

import numpy as np
import pytest

from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session

RICH = 10**6 * LOT


def quoted(rule: str, bid: int | None, ask: int | None, *, is_spot: bool = False) -> Session:
    """A market at an index of 10,000 with a lot on either side, or on one; nothing has traded."""
    s = Session(Plan((RICH, RICH), (MarketPlan(rule=rule, is_spot=is_spot),)))
    if is_spot:
        s.start(1, 10, 10_000)
    if bid is not None:
        s.order(0, 1, bid)
    if ask is not None:
        s.order(1, -1, ask)
    s.advance(SECOND)
    return s


@pytest.mark.parametrize("is_spot", [False, True])
@pytest.mark.parametrize(
    ("rule", "before", "after"), [("mid", 10_045, 10_045), ("last", 10_000, 10_050), ("index", 10_000, 10_000)]
)
def test_the_mid_follows_a_book_in_which_nothing_has_traded_and_the_last_price_needs_a_trade(
    rule: str, before: int, after: int, is_spot: bool
) -> None:
    s = quoted(rule, 10_040, 10_050, is_spot=is_spot)
    assert s.market("mark_ticks") == before
    s.order(1, -1, 10_050)
    s.order(0, 1, 10_050)
    s.advance(2 * SECOND)
    assert s.market("mark_ticks") == after


def test_the_median_waits_for_a_trade_too() -> None:
    s = quoted("median", 10_040, 10_050)
    assert (s.market("mark_ticks"), s.market("basis_sum")) == (10_000, 90)  # 2 x 45, and still the index
    s.order(1, -1, 10_050)
    s.order(0, 1, 10_050)
    s.advance(2 * SECOND)
    # P1 is the index without funding, P2 the index plus 45, the last trade 10,050: the middle one
    assert s.market("mark_ticks") == 10_045


@pytest.mark.parametrize(("bid", "ask"), [(10_040, None), (None, 9_960), (None, None)])
def test_a_book_with_an_empty_side_is_marked_at_the_index(bid: int | None, ask: int | None) -> None:
    assert quoted("mid", bid, ask).market("mark_ticks") == 10_000


# ---- the index


def learning(share: float, bid: int, ask: int, growth: float = 1.0) -> Session:
    """A market whose index learns a share of the deviation of its mid at each step, and then grows."""
    s = Session(Plan((RICH, RICH), (MarketPlan(),)))
    s.world.give_path(0, 0, np.full(50, growth))
    s.world.underlyings[0]["absolute"] = 0
    s.world.underlyings[0]["learning"] = share
    s.order(0, 1, bid)
    s.order(1, -1, ask)
    return s


def test_an_index_learns_its_share_of_the_deviation_and_then_grows() -> None:
    """A mid 100 above 10,000, a quarter learned: 10,025; then of the 75 that are left: 10,043.75."""
    s = learning(0.25, 10_090, 10_110)
    levels = []
    for second in (1, 2):
        s.advance(second * SECOND)
        levels.append(float(s.world.underlyings[0]["level"]))
    assert levels == [10_025.0, 10_043.75]
    grown = learning(0.25, 10_090, 10_110, growth=1.5)
    grown.advance(SECOND)
    assert float(grown.world.underlyings[0]["level"]) == 15_037.5


@pytest.mark.parametrize(("level", "ticks"), [(10_000.49, 10_000), (10_000.5, 10_001), (0.2, 1), (0.0, 1)])
def test_an_index_is_rounded_to_the_nearest_tick_a_half_upwards_and_is_one_at_least(level: float, ticks: int) -> None:
    s = Session(Plan((RICH,), (MarketPlan(),)))
    s.world.give_path(0, 0, np.array([10_000.0, *[level] * 9]))
    s.advance(SECOND)
    assert s.market("index_ticks") == ticks
    assert s.market("mark_ticks") == ticks


# ---- the basis and the public average


def test_the_basis_is_the_mean_of_its_window_and_an_empty_side_counts_as_none() -> None:
    """Samples 2 x (mid - index), of a window of 5: 0, then 2 x 20, and at last 5 x 2 x 20."""
    s = Session(Plan((RICH, RICH), (MarketPlan(),)))
    s.order(0, 1, 10_015)
    s.advance(SECOND)
    s.order(1, -1, 10_025)
    sums = []
    for second in range(2, 9):
        s.advance(second * SECOND)
        sums.append((s.market("basis_sum"), s.market("basis_count")))
    assert sums == [(40, 2), (80, 3), (120, 4), (160, 5), (200, 5), (200, 5), (200, 5)]


def test_the_median_follows_the_mean_of_its_window() -> None:
    s = quoted("median", 10_015, 10_025)  # the first sample: 2 x 20
    s.order(1, -1, 10_030)
    s.order(0, 2, 10_030)  # takes both: the last price is 10,030; the ask is gone
    s.order(1, -5, 10_031)
    s.advance(2 * SECOND)
    # mids 10,020 and (10,015 + 10,031) / 2 = 10,023: the mean basis is 21.5, of the three 10,000 10,021.5 10,030
    assert s.market("mark_ticks") == 10_022


def test_the_public_average_takes_a_quarter_of_each_deviation() -> None:
    s = quoted("index", 10_040, 10_060)
    s.advance(2 * SECOND)
    assert float(s.world.markets[0]["memory"]) == pytest.approx(0.005 * (1 - 0.75**2), abs=1e-15)


def test_funding_that_is_still_to_be_paid_carries_the_index() -> None:
    """F of 1 % with half of its 600 s left: P1 = 10,000 x 1.005, between P2 and the last trade."""
    s = Session(Plan((RICH, RICH), (MarketPlan(rule="median"),)))
    s.order(1, -1, 10_100)
    s.order(0, 1, 10_100)
    s.order(0, 1, 9_999)
    s.order(1, -1, 10_001)
    s.world.set_market(0, funding_rate=0.01, funding_next_ns=301 * SECOND)
    s.advance(SECOND)
    assert s.market("mark_ticks") == 10_050


# ---- premium


def thick(bids: list[tuple[int, int]], asks: list[tuple[int, int]], impact: int) -> Session:
    s = Session(Plan((RICH, RICH), (MarketPlan(impact_ticklots=impact, sample_every=SECOND),)))
    for price, lots in bids:
        s.order(0, lots, price)
    for price, lots in asks:
        s.order(1, -lots, price)
    return s


@pytest.mark.parametrize(
    ("bids", "asks", "premium"),
    [
        ([(10_100, 11)], [(10_200, 11)], 0.01),
        ([(9_800, 11)], [(9_900, 11)], -0.01),
        ([(9_900, 11)], [(10_100, 11)], 0.0),
        ([(10_000, 11)], [(10_001, 11)], 0.0),
        ([(9_999, 11)], [(10_000, 11)], 0.0),
        ([], [(9_900, 11)], -0.01),
        ([(10_100, 11)], [], 0.01),
        ([(10_100, 9)], [], 0.0),  # 90,900 tick-lots are less than the impact notional
        ([(10_100, 9), (1, 1)], [], 0.0),
        ([(10_000, 10)], [], 0.0),
        ([(12_500, 8)], [], 0.25),  # the impact notional to the tick-lot, and nobody behind
        ([], [(8_000, 13)], -0.2),
    ],
)
def test_a_premium_is_how_far_the_impact_prices_lie_beyond_the_index(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], premium: float
) -> None:
    s = thick(bids, asks, 100_000)
    s.advance(SECOND)
    assert s.market("premium_sum") == round(premium * 1e12)


def test_an_impact_notional_that_the_best_price_just_fills_reaches_no_further() -> None:
    """10 lots at 10,100 are 101,000 tick-lots; a tick-lot more reaches the bid at 5,000."""
    for impact, price in ((101_000, 10_100.0), (101_001, 101_001 / (10 + 1 / 5_000))):
        s = thick([(10_100, 10), (5_000, 10)], [], impact)
        s.advance(SECOND)
        assert s.market("premium_sum") == pytest.approx((price / 10_000 - 1) * 1e12, abs=1)


def test_a_later_sample_weighs_more() -> None:
    """Premiums of 1 %, 0 and 1 % weigh 1, 2 and 3: 4 % in all."""
    s = thick([], [], 100_000)
    for second in (1, 2, 3):
        if second != 2:
            s.order(0, 10, 10_100)
        s.advance(second * SECOND)
        if second == 1:
            s.order(1, -10, 10_100)
    one = 10_000_000_000
    told = s.market("premium_n"), s.market("premium_sum"), s.market("premium_weighted")
    assert told == (3, 2 * one, 4 * one)


def test_samples_come_with_the_mark_at_or_after_they_fall_due() -> None:
    s = Session(Plan((RICH,), (MarketPlan(sample_every=5 * SECOND),)))
    taken = []
    for second in range(1, 12):
        s.advance(second * SECOND)
        taken.append(s.market("premium_n"))
    assert taken == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]
