"""FCN agents at the kernel's speed: every order against a plain twin, and each of the three parts worked by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from marketsim.kernel import codes
from marketsim.kernel.elementary import exponential_of, logarithm
from marketsim.streams import exp_, log_, normal_quantile
from tests.kernel.checks import check_world
from tests.kernel.rule_worlds import KEY, RuleWorld
from tests.kernel.test_order_flow import orders
from tests.kernel.worlds import SECOND
from tests.reference.fcn import rows

NORMAL = normal_quantile((np.arange(4_096) + 0.5) / 4_096)
HOUR = 3_600 * SECOND


def agents(count: int = 1, path: Sequence[int] = (10_000,), **changed: Any) -> RuleWorld:
    """Agents who expect nothing, at a margin of 1.005 %, with windows of an hour; a wake-up a second of each."""
    parameters: dict[str, Any] = dict(size_ticklots=10_000.0, normal_table=NORMAL)
    tables = dict(fundamental_table=0.0, chart_table=0.0, noise_table=0.0, margin_table=0.01005)
    parameters |= {name: np.full(count, value) for name, value in tables.items()}
    parameters |= dict(window_table=np.full(count, HOUR), steps_table=np.full(count, 3_600))
    parameters |= {
        name: np.broadcast_to(value, (4_096 if name == "normal_table" else count,)) for name, value in changed.items()
    }
    return RuleWorld("fcn", parameters, count=count, path=path, logs=("trades", "orders"))


def test_every_order_and_every_cancel_is_the_twins() -> None:
    who = np.arange(20)
    fundamental, noise, margin = 0.02 * who, 0.01 + 0.002 * who, 0.005 * (who % 8)
    window = (2 + who) * SECOND
    market = agents(
        20,
        fundamental_table=fundamental,
        noise_table=noise,
        margin_table=margin,
        window_table=window,
        steps_table=window,
    )
    market.advance(100)
    found = orders(market)
    wanted = rows(
        KEY, SECOND / 20, 100 * SECOND, 10_000, fundamental.tolist(), noise.tolist(), margin.tolist(), window.tolist(),
        NORMAL.tolist(),
    )  # fmt: skip
    assert found == wanted
    assert len(market.trades()) > 200
    assert sum(what == "cancel" for _, what, *_ in found) > 150
    check_world(market.world)


def first_order(market: RuleWorld, seconds: float = 20) -> tuple[int, int]:
    """Side and price of the agent's first order."""
    market.advance(seconds)
    (_, _, side, price, _), *_ = [each for each in orders(market) if each[4] == 0]
    return side, price


def test_a_fundamental_agent_bids_below_the_index_where_the_market_is_below_it() -> None:
    """Mid 9,100, all the way back to 10,000: 1.005 % below it are 9,899.5, rounded down."""
    market = agents(fundamental_table=1.0)
    market.offer(-5, 10_100)
    market.offer(5, 8_100)
    assert first_order(market) == (codes.BUY, 9_899)


def test_a_fundamental_agent_offers_above_the_index_where_the_market_is_above_it() -> None:
    """Mid 12,100, half of the way back in logarithms: 11,000; 1.005 % above it are 11,110.55, rounded up."""
    market = agents(fundamental_table=0.5)
    market.offer(-5, 13_100)
    market.offer(5, 11_100)
    assert first_order(market) == (codes.SELL, 11_111)


def test_noise_is_a_quantile_times_its_scale() -> None:
    """A table of one value, 0.5, at a scale of 0.2: 10,000 e^0.1 = 11,051.71 less 1.005 % = 10,940.64."""
    assert first_order(agents(noise_table=0.2, normal_table=0.5)) == (codes.BUY, 10_940)
    assert first_order(agents(noise_table=0.2, normal_table=-0.5)) == (codes.SELL, 9_140)  # 9,048.37 + 90.94 = 9,139.31


def test_a_chart_agent_expects_the_past_return_once_more() -> None:
    """The mid is 10,000 while the book is empty and 10,200 from 3.5 s on, bids are 5 % below what is expected.

    Over four steps 10,200^2 / 10,000 = 10,404. Before there are four, three are stretched to them:
    10,200 x 1.02^(4/3) = 10,472.9.
    """
    market = agents(chart_table=1.0, steps_table=4, margin_table=0.05)
    market.advance(3.5)
    assert orders(market) == []
    market.offer(-5, 10_300)
    market.offer(5, 10_100)
    market.advance(6.9)
    found = [(t < 4 * SECOND, side, price) for t, _, side, price, account in orders(market) if account == 0]
    assert set(found) == {(True, codes.BUY, 9_949), (False, codes.BUY, 9_883)}


def test_an_expected_price_beyond_all_prices_is_the_highest_there_is() -> None:
    """10,000 e^30 is far above 2^40 ticks, the highest price that there is; nobody can pay for many bids at it."""
    market = agents(noise_table=1.0, normal_table=30.0, margin_table=0.0)
    market.advance(20)
    found = market.world.take_log("orders")
    assert set(found["price_ticks"].tolist()) == {2**40}
    assert codes.A_REJECT in found["action"]


def test_the_last_price_is_the_price_once_there_is_one() -> None:
    """Quotes of 9,000 and 11,000, last price 9,000: the agent thinks that the market is 10 % too low, and not fair."""
    market = agents(fundamental_table=1.0)
    market.offer(2, 9_000)
    market.world.send_order(0, market.records[0, 0], codes.F_SIDE | codes.F_IOC, 9_000, 1, 0, -1, 99)
    market.offer(-5, 11_000)
    market.advance(20)
    assert [each[2:4] for each in orders(market) if each[1] == "limit" and each[4] == 0] != []
    assert {each[2:4] for each in orders(market)} <= {(codes.BUY, 9_899)}


def test_an_order_rests_for_the_window() -> None:
    market = agents(noise_table=0.2, normal_table=0.5, window_table=3 * SECOND)
    market.advance(60)
    found = orders(market)
    placed, gone = ([t for t, what, *_ in found if what == name] for name in ("limit", "cancel"))
    assert len(placed) > 40
    assert gone == [t + 3 * SECOND for t in placed if t + 3 * SECOND <= 60 * SECOND]


def test_logarithm_and_exponential_are_those_of_the_arrays() -> None:
    for x in (1e-9, 0.3, 0.70710678, 0.9999999, 1.0, 1.0000001, 1.41421357, 2.0, 12_345.678, 1e12):
        assert logarithm(x) == pytest.approx(float(log_(x)), rel=1e-15, abs=1e-16)
    for x in (-39.5, -3.0, -0.35, -1e-9, 0.0, 1e-9, 0.3466, 1.0, 20.25):
        assert exponential_of(x) == pytest.approx(float(exp_(x)), rel=1e-13)
    assert exponential_of(1e300) == exponential_of(40.0)
