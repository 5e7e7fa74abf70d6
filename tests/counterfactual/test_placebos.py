"""What placebos send again: when, which way, and whose orders."""

from types import SimpleNamespace
from typing import Any

import pytest

from marketsim.scenario.study import ArmSpec
from marketsim.simulation.placebo import PlaceboOrder, placebo_orders
from tests.simulation.worlds import HOUR, MINUTE

DAY = 24 * HOUR


def arm(kind: str) -> ArmSpec:
    return ArmSpec.model_validate({"id": kind, "arm": kind})


def model(days: int = 1, start_ns: int = 0) -> Any:
    """As much of a model as a placebo asks for: its seed, its clock."""
    clock = SimpleNamespace(clock=SimpleNamespace(start=start_ns))
    return SimpleNamespace(root_seed=1, replication=0, scenario=clock, env=SimpleNamespace(end_ns=days * DAY))


def child(parent: int, t_ns: int, lasts_ns: int = 0, **more: Any) -> dict[str, Any]:
    about = {"purpose": "rebalance", "order_type": "ioc", "market": "BTC-PERP", "child": 0, "size_lots": 5}
    return {
        **about,
        "limit_price": 101.0,
        "mid_price": 100.0,
        **more,
        "parent": parent,
        "t_ns": t_ns,
        "t_end_ns": t_ns + lasts_ns,
    }


def again(kind: str, *rows: dict[str, Any], days: int = 1, start_ns: int = 0) -> list[PlaceboOrder]:
    return placebo_orders(model(days, start_ns), arm(kind), rows)


def test_half_of_all_windows_are_turned_round() -> None:
    """2,000 windows: 1,000 with a standard deviation of 22."""
    rows = [child(parent, parent * MINUTE) for parent in range(2_000)]
    turned = [order for order in again("placebo_sign", *rows, days=2) if order.lots < 0]
    assert 900 < len(turned) < 1_100
    assert {order.lots for order in turned} == {-5}
    assert {round(order.offset or 0, 12) for order in turned} == {-0.01}


def test_a_contrarian_turns_all_of_them_round_and_nobody_else_s() -> None:
    rows = [
        child(1, MINUTE),
        child(2, 2 * HOUR, size_lots=-3, limit_price=99.0),
        child(3, 4 * HOUR, purpose="creation"),
        child(4, 5 * HOUR, order_type="off_book"),
        child(5, 6 * HOUR, limit_price=None, order_type="market"),
    ]
    got = [(order.parent, order.lots, order.offset) for order in again("contrarian", *rows)]
    assert got == [(1, -5, pytest.approx(-0.01)), (2, 3, pytest.approx(0.01)), (5, -5, None)]


def test_a_placebo_in_time_is_clear_of_resets_by_an_hour_on_either_side_with_all_of_its_window() -> None:
    """A window of two hours from 12:00: its placebo begins from 0:00 to 9:00 or from 15:00 to 22:00, anywhere alike."""
    starts = [again("placebo_time", child(parent, 12 * HOUR, 2 * HOUR))[0].t_ns for parent in range(2_000)]
    early, late = [t for t in starts if t < 12 * HOUR], [t for t in starts if t > 12 * HOUR]
    assert (min(early), max(early)) == (pytest.approx(0, abs=3 * MINUTE), pytest.approx(9 * HOUR, abs=3 * MINUTE))
    assert (min(late), max(late)) == (
        pytest.approx(15 * HOUR, abs=3 * MINUTE),
        pytest.approx(22 * HOUR, abs=3 * MINUTE),
    )
    assert max(early) < 9 * HOUR
    assert 15 * HOUR <= min(late)
    assert max(late) < 22 * HOUR
    assert len(early) == pytest.approx(2_000 * 9 / 16, abs=70)  # three standard deviations


def test_a_placebo_stays_clear_of_every_reset_of_its_day_and_its_orders_keep_their_distances() -> None:
    rows = [child(1, 3 * HOUR), child(1, 3 * HOUR + 7 * MINUTE), child(2, 20 * HOUR, HOUR)]
    for parent in range(3, 60):
        first, then, _, _ = sorted(
            again("placebo_time", *rows, child(parent, 10 * HOUR)), key=lambda order: order.parent
        )
        assert then.t_ns - first.t_ns == 7 * MINUTE
        for reset, end in ((3 * HOUR, 3 * HOUR + 7 * MINUTE), (10 * HOUR, 10 * HOUR), (20 * HOUR, 21 * HOUR)):
            assert then.t_ns <= reset - HOUR or first.t_ns >= end + HOUR


def test_the_day_of_a_placebo_is_that_of_utc_and_ends_with_the_run() -> None:
    """A run from 18:00: the reset six and a half hours on is on its second day, which the run has 18 hours of."""
    starts = [again("placebo_time", child(n, 6 * HOUR + 30 * MINUTE), start_ns=18 * HOUR)[0].t_ns for n in range(300)]
    assert min(starts) >= 7 * HOUR + 30 * MINUTE
    assert max(starts) < 24 * HOUR
    first_day = [again("placebo_time", child(n, 2 * HOUR), start_ns=18 * HOUR)[0].t_ns for n in range(300)]
    assert {t < HOUR for t in first_day} == {True, False}
    assert all(t < HOUR or 3 * HOUR <= t < 6 * HOUR for t in first_day)
