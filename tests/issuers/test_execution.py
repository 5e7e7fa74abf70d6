"""Plans: how a parent order becomes children, and that no lot is ever lost."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.issuers.algorithms.child import Child, ChildKind, Progress, worst_price_ticks
from marketsim.issuers.algorithms.ioc_ladder import IocLadderSpec, LadderPlan
from marketsim.issuers.algorithms.market import MarketExecutionSpec
from marketsim.issuers.algorithms.off_book import OffBookSpec
from marketsim.issuers.algorithms.slicing import SinglePlan
from marketsim.issuers.algorithms.twap import TwapPlan, TwapSpec
from marketsim.streams import Stream
from tests.issuers.fake_venue import SECOND

STREAM = Stream(1, 0, "T/jitter")


def at(number: int, remaining_lots: int, price: Fraction | int = 1000, atoms: int = 1, **more: int) -> Progress:
    return Progress(number, remaining_lots, Fraction(price), atoms, **more)


FTX_LADDER = LadderPlan(slice_atoms=4_000_000 * 10**8, every_ns=10 * SECOND)


def test_declarations_become_plans() -> None:
    assert MarketExecutionSpec(algorithm="market").plan(STREAM) == SinglePlan(ChildKind.MARKET)
    assert OffBookSpec(algorithm="off_book").plan(STREAM) == SinglePlan(ChildKind.OFF_BOOK)
    ladder = IocLadderSpec.model_validate({"algorithm": "ioc_ladder", "slice": "4 MUSDT", "every": "10s"})
    assert ladder.plan(STREAM) == FTX_LADDER
    twap = TwapSpec.model_validate({"algorithm": "twap", "over": "5min", "slices": 30})
    assert twap.plan(STREAM) == TwapPlan(300 * SECOND, 30)


def test_a_single_plan_sends_everything_once() -> None:
    plan = SinglePlan(ChildKind.MARKET)
    assert (plan.due_ns(0), plan.due_ns(1)) == (0, None)
    assert plan.child(at(0, -7)) == Child(ChildKind.MARKET, -7)


def test_forty_millions_leave_ftx_s_ladder_in_ten_children_over_ninety_seconds() -> None:
    """At most 4 M USD per 10 s: 4,000,000 / 30,000 = 133.333 BTC, so 133,333 lots of 0.001 BTC a child."""
    remaining, children = 1_333_330, []
    while remaining:
        children.append(FTX_LADDER.child(at(len(children), remaining, 300_000, 10_000)))
        remaining -= children[-1].lots
    assert [child.lots for child in children] == [133_333] * 10
    assert FTX_LADDER.due_ns(9) == 90 * SECOND


def test_a_ladder_never_trades_more_than_two_percent_from_the_mid() -> None:
    """FTX: an order may not move the price by more than 2 %."""
    assert FTX_LADDER.child(at(0, 10, 300_001, 10_000)).limit_ticks == 306_001  # 306,001.02
    assert FTX_LADDER.child(at(0, -10, 300_001, 10_000)).limit_ticks == 294_001  # 294,000.98
    assert worst_price_ticks(-1, Fraction(1, 2), Fraction(2, 100)) == 1


def test_a_slice_is_at_least_one_lot() -> None:
    assert LadderPlan(1, SECOND).child(at(0, -5, 300_000, 10_000)).lots == -1


def test_a_twap_sends_equal_shares_from_the_decision_on() -> None:
    plan = TwapPlan(over_ns=300 * SECOND, slices=3)
    assert [plan.due_ns(n) for n in range(4)] == [0, 100 * SECOND, 200 * SECOND, None]
    assert [plan.child(at(n, remaining, 1)).lots for n, remaining in enumerate((100, 67, 34))] == [33, 34, 34]


PLANS = st.one_of(
    st.sampled_from([SinglePlan(ChildKind.MARKET), SinglePlan(ChildKind.OFF_BOOK)]),
    st.builds(LadderPlan, slice_atoms=st.integers(1, 10**6), every_ns=st.integers(1, 10**9)),
    st.builds(TwapPlan, over_ns=st.integers(1, 10**12), slices=st.integers(1, 50)),
)


@settings(derandomize=True, deadline=None)
@given(plan=PLANS, target=st.integers(-5_000, 5_000), price=st.integers(1, 10**5), shares=st.lists(st.integers(0, 4)))
def test_plans_conserve_lots(
    plan: SinglePlan | LadderPlan | TwapPlan, target: int, price: int, shares: list[int]
) -> None:
    """Whatever quarter of each child is filled, no child exceeds what remains, and full fills leave nothing."""
    remaining, last_due = target, -1
    for number in range(60):
        due = plan.due_ns(number)
        if due is None:
            break
        assert due >= last_due
        last_due = due
        child = plan.child(at(number, remaining, price, 10))
        assert abs(child.lots) <= abs(remaining)
        assert child.lots * remaining >= 0
        quarters = shares[number] if number < len(shares) else 4
        remaining -= child.lots * quarters // 4 if child.lots >= 0 else -(-child.lots * quarters // 4)
    if not shares and not isinstance(plan, LadderPlan):
        assert remaining == 0


@pytest.mark.parametrize("patience", [SinglePlan(ChildKind.MARKET).patience, TwapPlan(1, 1).patience])
def test_only_a_ladder_gives_up_on_idle_children(patience: int | None) -> None:
    assert patience is None
    assert FTX_LADDER.patience == 6
