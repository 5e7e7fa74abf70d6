"""What placebos send again: when, which way, and whose orders."""

from types import SimpleNamespace
from typing import Any

import pytest
import simpy

from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.placebo import PlaceboDesk, PlaceboOrder, placebo_orders
from tests.simulation.worlds import HOUR, MINUTE

DAY = 24 * HOUR


def arm(kind: str) -> ArmSpec:
    return ArmSpec.model_validate({"id": kind, "arm": kind})


def model(days: int = 1, start_ns: int = 0) -> Any:
    """As much of a model as a placebo asks for: its seed, its clock."""
    clock = SimpleNamespace(clock=SimpleNamespace(start=start_ns))
    return SimpleNamespace(root_seed=1, replication=0, scenario=clock, env=SimpleNamespace(end_ns=days * DAY))


def child(parent: int, t_ns: int, lasts_ns: int = 0, **more: Any) -> dict[str, Any]:
    about = {
        "purpose": "rebalance",
        "order_type": "ioc",
        "market": "BTC-PERP",
        "token": "UP",
        "child": 0,
        "size_lots": 5,
    }
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


def test_a_placebo_stays_on_the_day_of_its_reset_whatever_the_days_before_had() -> None:
    """Resets at 10:00 of two days: the second one's placebo is on the second day."""
    for parent in range(2, 200):
        first, second = again("placebo_time", child(1, 10 * HOUR), child(parent, 34 * HOUR), days=2)
        assert 0 <= first.t_ns < 24 * HOUR <= second.t_ns < 48 * HOUR


def test_orders_whose_windows_overlap_move_together_by_the_draw_of_the_first() -> None:
    """Two hours of a first order, half a minute of a second, and a third that begins when that is over."""
    long, short, late = child(1, 4 * HOUR), child(2, 4 * HOUR + 30 * MINUTE), child(3, 5 * HOUR)
    end = child(1, 6 * HOUR)
    moved = again("placebo_time", long, end, short, late)
    assert [order.t_ns - moved[0].t_ns for order in moved] == [0, 30 * MINUTE, HOUR, 2 * HOUR]
    assert moved[0].t_ns == again("placebo_time", long, end)[0].t_ns


def test_a_resting_order_is_left_as_long_as_the_fund_s_was_and_others_end_at_once() -> None:
    resting = child(1, HOUR, 5 * MINUTE, order_type="resting")
    assert [order.lasts_ns for order in again("contrarian", resting, child(2, 2 * HOUR, MINUTE))] == [5 * MINUTE, 0]


class Market:
    """As much of a model as a desk of placebos asks for: a mid of 100.5 ticks, and what was sent."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.env.at = lambda t_ns: self.env.timeout(t_ns - self.env.now)
        tick = SimpleNamespace(amount=0.5)
        spec = SimpleNamespace(id="BTC-PERP", venue="main", currency="USDT", tick=tick)
        self.wired = SimpleNamespace(market_specs=[spec])
        self.view = SimpleNamespace(mid=lambda _: 100.5, mark_ticks=lambda _: 1, has_book=lambda _: True)
        self.gateway = self.journal = self
        self.rows: list[tuple[Any, ...]] = []
        self.sent: list[tuple[Any, ...]] = []
        self.cancelled: list[int] = []

    def add_participant(self, *about: Any, **more: Any) -> int:
        return 7

    def send(self, account: int, market: str, lots: int, **how: Any) -> Any:
        self.sent.append((int(self.env.now), lots, how["order_type"], how["price_ticks"], how["tif"], how["parent"]))
        return SimpleNamespace(is_final=False, done=self.env.timeout(5), filled_lots=2, reason="filled")

    def add(self, table: str, **row: Any) -> None:
        names = ("t_ns", "t_end_ns", "parent", "child", "order_type", "size_lots", "limit_price", "mid_price")
        self.rows.append((table, *(row[name] for name in names)))

    def cancel(self, order: Any) -> None:
        self.cancelled.append(int(self.env.now))


def test_placebos_go_out_at_their_times_no_worse_than_as_far_from_the_mid_as_the_fund_s() -> None:
    """1 % from a mid of 100.5: a purchase at 101.505 and so at 101, a sale at 99.495 and so at 100."""
    market = Market()
    orders = [
        PlaceboOrder(10, "BTC-PERP", 5, 0.01, 0, 1, 6, "UP"),
        PlaceboOrder(20, "BTC-PERP", -5, -0.01, 0, 2, 7, "UP"),
        PlaceboOrder(20, "BTC-PERP", 4, None, 0, 3, 8, "UP"),
        PlaceboOrder(30, "BTC-PERP", -3, 0.01, 50, 4, 9, "UP"),
    ]
    PlaceboDesk(market, orders).start()  # type: ignore[arg-type]
    market.env.run(200)
    assert market.sent == [
        (10, 5, "limit", 101, "ioc", 1),
        (20, -5, "limit", 100, "ioc", 2),
        (20, 4, "market", None, "gtc", 3),
        (30, -3, "limit", 102, "gtc", 4),
    ]
    assert market.cancelled == [80]
    assert market.rows == [
        ("children", 10, 15, 1, 6, "ioc", 5, 50.5, 50.25),
        ("children", 20, 25, 2, 7, "ioc", -5, 50.0, 50.25),
        ("children", 20, 25, 3, 8, "market", 4, None, 50.25),
        ("children", 30, 35, 4, 9, "resting", -3, 51.0, 50.25),
    ]
