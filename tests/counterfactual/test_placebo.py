"""Placebo orders worked by hand: what is sent once more, when, in which direction and at which price."""

from types import SimpleNamespace
from typing import Any

import pytest

from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation import arms
from marketsim.simulation.model import MarketModel
from marketsim.simulation.placebo import PlaceboDesk, PlaceboOrder, _shift, placebo_orders
from tests.simulation.worlds import DOWN, FREE, HOUR, MINUTE, SECOND, STILL, UP, world

DAY = 24 * HOUR


def arm(kind: str, **keys: Any) -> ArmSpec:
    return ArmSpec.model_validate({"id": kind, "arm": kind, **keys})


def child(parent: int = 0, t_ns: int = 12 * HOUR, lasts_ns: int = 0, **given: Any) -> dict[str, Any]:
    row = {"purpose": "rebalance", "parent": parent, "child": 0, "token": "UP", "market": "BTC-PERP"}
    row |= {"order_type": "ioc", "size_lots": 5, "limit_price": None, "mid_price": 100.0, "filled_lots": 5}
    return {**row, "t_ns": t_ns, "t_end_ns": t_ns + lasts_ns, **given}


def run_of(start_ns: int = 0, end_ns: int = DAY, seed: int = 1) -> Any:
    """What placebo orders need to know of a run: its luck, its first instant of UTC and its length."""
    clock = SimpleNamespace(start=start_ns)
    env = SimpleNamespace(end_ns=end_ns, now=0)
    return SimpleNamespace(root_seed=seed, replication=0, scenario=SimpleNamespace(clock=clock), env=env)


def test_a_contrarian_order_is_as_far_on_the_other_side_of_the_mid() -> None:
    rows = [
        child(0, size_lots=-7, limit_price=99.0, mid_price=100.0, order_type="resting", lasts_ns=30 * SECOND),
        child(1, t_ns=15 * HOUR, size_lots=4, limit_price=51.5, mid_price=50.0, lasts_ns=SECOND),
        child(2, t_ns=18 * HOUR, size_lots=3, order_type="market"),
        child(3, t_ns=20 * HOUR, size_lots=2, limit_price=51.5, mid_price=None),
    ]
    sent = placebo_orders(run_of(), arm("contrarian"), rows)
    assert [(order.t_ns, order.lots, order.offset, order.lasts_ns, order.parent) for order in sent] == [
        (12 * HOUR, 7, 0.01, 30 * SECOND, 0),
        (15 * HOUR, -4, -0.03, 0, 1),
        (18 * HOUR, -3, None, 0, 2),
        (20 * HOUR, -2, None, 0, 3),
    ]


def test_only_rebalances_that_went_to_the_book_are_sent_again_in_time() -> None:
    rows = [
        child(2, t_ns=16 * HOUR),
        child(0, purpose="hedge"),
        child(1, order_type="off_book"),
        child(3, t_ns=14 * HOUR),
    ]
    assert [order.parent for order in placebo_orders(run_of(), arm("contrarian"), rows)] == [3, 2]


def test_a_sign_is_a_fair_coin_by_window_and_turns_all_of_it() -> None:
    rows = [
        child(2 * number + leg, t_ns=number * HOUR + leg * SECOND, lasts_ns=MINUTE, limit_price=101.0)
        for number in range(400)
        for leg in range(2)
    ]
    sent = placebo_orders(run_of(), arm("placebo_sign"), rows)
    signs = [order.lots // 5 for order in sent]
    assert signs[::2] == signs[1::2]
    assert {(order.lots, order.offset) for order in sent} == {(5, 0.01), (-5, -0.01)}
    assert 160 < signs[::2].count(-1) < 240  # of 400 by a fair coin, four standard deviations either way


def test_windows_that_touch_are_one_and_those_apart_are_not() -> None:
    """Parent 0 is at work for ten minutes in two children; parent 1 begins with its last instant, parent 2 after it."""
    rows = [
        child(0, t_ns=12 * HOUR, lasts_ns=SECOND, size_lots=1),
        child(0, t_ns=12 * HOUR + 5 * MINUTE, lasts_ns=5 * MINUTE, size_lots=2),
        child(1, t_ns=12 * HOUR + 10 * MINUTE, lasts_ns=SECOND),
        child(2, t_ns=12 * HOUR + 10 * MINUTE + SECOND + 1),
    ]
    for seed in range(50):
        sent = placebo_orders(run_of(seed=seed), arm("placebo_time"), rows)
        begins = {(order.parent, order.lots): order.t_ns for order in sent}
        shifts = [begins[row["parent"], row["size_lots"]] - row["t_ns"] for row in rows]
        assert shifts[0] == shifts[1] == shifts[2] != shifts[3]


def placed(u: float, *, first: int, last: int, run: Any) -> int:
    """Start of a window's placebo by a draw u of [0, 1)."""
    cluster = [child(0, t_ns=first, lasts_ns=last - first)]
    return first + _shift(cluster, [cluster], run, u)


@pytest.mark.parametrize(
    ("u", "starts"),
    [
        (0.0, 0),
        (0.25, 330 * MINUTE),  # 330 of the 660 minutes before 11:00
        (0.5, 13 * HOUR),  # the first instant of those after 13:00
        (0.75, 13 * HOUR + 330 * MINUTE),
    ],
)
def test_an_instantaneous_reset_at_noon_leaves_eleven_hours_on_either_side(u: float, starts: int) -> None:
    assert placed(u, first=12 * HOUR, last=12 * HOUR, run=run_of()) == starts


def test_a_window_s_placebo_ends_an_hour_before_the_reset_and_within_the_day() -> None:
    """Of half an hour from 12:00: starts until 10:30, and from 13:30 until 23:30; 630 and 600 minutes."""
    at = {"first": 12 * HOUR, "last": 12 * HOUR + 30 * MINUTE, "run": run_of()}
    assert placed(1 / 2, **at) == 615 * MINUTE
    assert placed(0.75, **at) == 13 * HOUR + 30 * MINUTE + (922 * MINUTE + 30 * SECOND - 630 * MINUTE)
    almost = placed(1 - 2**-53, **at)
    assert 0 <= 23 * HOUR + 30 * MINUTE - almost < SECOND


def test_the_day_is_that_of_utc_as_far_as_the_run_has_it() -> None:
    """A run from 18:00 UTC over 34 hours: the second day is whole, the first has six hours, the third four."""
    run = run_of(start_ns=10 * DAY + 18 * HOUR, end_ns=34 * HOUR)
    second = {"first": 18 * HOUR, "last": 18 * HOUR, "run": run}  # noon of the second day
    assert placed(0.0, **second) == 6 * HOUR
    assert placed(0.5, **second) == 19 * HOUR
    first = {"first": 3 * HOUR, "last": 3 * HOUR, "run": run}  # 21:00 of the first
    assert placed(0.0, **first) == 0
    assert placed(0.5, **first) == 4 * HOUR
    third = {"first": 32 * HOUR, "last": 32 * HOUR, "run": run}  # 02:00 of the third
    assert placed(0.0, **third) == 30 * HOUR
    assert placed(0.5, **third) == 33 * HOUR


def test_other_resets_of_the_day_are_kept_clear_of_as_well() -> None:
    """Resets at 06:00 and 07:00 and 20:00: free are 0-5, 8-19 and 21-24 h, nineteen hours."""
    clusters = [[child(n, t_ns=hour * HOUR)] for n, hour in enumerate((6, 7, 20))]
    found = [_shift(clusters[2], clusters, run_of(), u) + 20 * HOUR for u in (0.0, 10 / 19, 17.5 / 19)]
    assert [round(at / MINUTE) for at in found] == [0, 13 * 60, 22 * 60 + 30]


def order(**given: Any) -> PlaceboOrder:
    """A placebo order after a minute; fields that are not given are those of a market order."""
    row = child(0, t_ns=MINUTE, **given)
    (made,) = placebo_orders(run_of(), arm("contrarian"), [row | {"size_lots": -row["size_lots"]}])
    return made


def prices_sent(*orders: PlaceboOrder, mid: tuple[int, int] | None) -> list[Any]:
    """Orders as they reach the venue, whose mark is 300,000 ticks and whose best prices are two resting orders'."""
    model = MarketModel(world(duration="10min", index=STILL, market=FREE, traders=[]))
    maker = model.add_agent("maker", 10**18)
    for lots, price in zip((1, -1), mid or (), strict=False):
        model.gateway.send(maker, "BTC-PERP", lots, order_type="limit", price_ticks=price)
    sent: list[Any] = []
    passed_on = model.gateway.send
    model.gateway.send = lambda *of, **how: sent.append((how, passed_on(*of, **how))) or sent[-1][1]
    PlaceboDesk(model, orders).start()
    model.env.run(3 * MINUTE)
    model.close()
    return sent


def test_a_limit_is_as_far_from_the_present_mid_as_it_was_and_rounded_to_the_safe_side() -> None:
    """The contrarian of a limit 1 % below the mid is 1 % above it: 299,750 x 1.01 = 302,747.5, x .99 = 296,752.5."""
    both = order(size_lots=1, limit_price=99.0), order(size_lots=-1, limit_price=101.0)
    prices = [how["price_ticks"] for how, _ in prices_sent(*both, mid=(299_000, 300_500))]
    assert prices == [302_747, 296_753]
    at_mark = [how["price_ticks"] for how, _ in prices_sent(*both, mid=None)]
    assert at_mark == [303_000, 297_000]


def test_a_placebo_order_is_of_the_kind_of_the_factual_one() -> None:
    """At the market; immediate; resting for two seconds in a book that it does not cross."""
    orders = (
        order(size_lots=1),
        order(size_lots=2, limit_price=101.0),
        order(size_lots=3, limit_price=101.0, order_type="resting", lasts_ns=2 * SECOND),
    )
    sent = prices_sent(*orders, mid=(290_000, 310_000))
    assert [(how["order_type"], how["tif"]) for how, _ in sent] == [
        ("market", "gtc"),
        ("limit", "ioc"),
        ("limit", "gtc"),
    ]
    assert [how["price_ticks"] for how, _ in sent] == [None, 297_000, 297_000]
    assert [one.status for _, one in sent] == ["filled", "cancelled", "cancelled"]
    assert all(one.filled_lots in (0, 1) for _, one in sent)


def test_orders_before_the_arm_began_are_not_sent() -> None:
    """A fork at 10 ns: what the factual run sent before it is history of both."""
    rows = [child(n, t_ns=t_ns) for n, t_ns in enumerate((9, 10, 11))]
    model: Any = SimpleNamespace(env=SimpleNamespace(now=10))
    desk = PlaceboDesk(model, placebo_orders(run_of(), arm("contrarian"), rows))
    assert [order.t_ns for order in desk.orders] == [10, 11]


class Fund:
    """A desk as an arm sees it."""

    def __init__(self, token: str) -> None:
        self.token = SimpleNamespace(id=token)
        self.treatment = SimpleNamespace(rebalance="book", primary="book")


@pytest.mark.parametrize(
    ("given", "rebalances", "primary", "announced"),
    [
        (arm("factual"), "book", "book", None),
        (arm("frictionless"), "off_book", "book", "zero"),
        (arm("frictionless", scope=["primary"]), "book", "off_book", None),
        (arm("frictionless", scope=["rebalance", "primary"]), "off_book", "off_book", "zero"),
        (arm("shadow"), "withheld", "book", "zero"),
        (arm("blind"), "book", "book", "silent"),
        (arm("phantom"), "off_book", "book", None),
        (arm("placebo_time"), "off_book", "book", "zero"),
        (arm("placebo_sign"), "off_book", "book", "zero"),
        (arm("contrarian"), "off_book", "book", "zero"),
    ],
    ids=lambda value: value.id + "-" + "-".join(value.scope) if isinstance(value, ArmSpec) else None,
)
def test_an_arm_sets_flows_and_what_is_heard_of_them_as_the_contract_says(
    given: ArmSpec, rebalances: str, primary: str, announced: str | None
) -> None:
    heard: dict[str, str] = {}
    model: Any = run_of()
    model.desks = [Fund("UP"), Fund("DOWN")]
    model.announcement_feed = SimpleNamespace(set_mode=heard.__setitem__)
    arms.apply(model, given.model_copy(update={"only": ("UP",)}))
    up, down = (desk.treatment for desk in model.desks)
    assert (up.rebalance, up.primary) == (rebalances, primary)
    assert (down.rebalance, down.primary) == ("book", "book")
    assert heard == ({} if announced is None else {"UP": announced})


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (arm("factual"), ["UP", "DOWN"]),
        (arm("frictionless"), ["UP", "DOWN"]),
        (arm("shadow", only=["UP"]), ["UP", "DOWN"]),
        (arm("off"), []),
        (arm("off", only=["UP"]), ["DOWN"]),
    ],
    ids=["factual", "frictionless", "shadow", "off", "off-UP"],
)
def test_only_off_leaves_tokens_out_of_the_world(given: ArmSpec, left: list[str]) -> None:
    declared = world(tokens=[UP, DOWN])
    assert [token.id for token in arms.present(declared, given).tokens] == left
    assert [token.id for token in declared.tokens] == ["UP", "DOWN"]


def test_a_placebo_arm_sends_only_the_orders_of_the_tokens_it_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    monkeypatch.setattr(PlaceboDesk, "start", lambda desk: begun.extend(order.parent for order in desk.orders))
    model: Any = run_of()
    model.desks = [Fund("UP"), Fund("DOWN")]
    model.announcement_feed = SimpleNamespace(set_mode=lambda token, mode: None)
    rows = [child(0, token="UP"), child(1, token="DOWN"), child(2, token="UP", t_ns=13 * HOUR)]
    arms.apply(model, arm("contrarian", only=["UP"]), rows)
    assert begun == [0, 2]
