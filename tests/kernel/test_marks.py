"""Marks and premiums that the kernel works out, each against a value worked by hand."""

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
