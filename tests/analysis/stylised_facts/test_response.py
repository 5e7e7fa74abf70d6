from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.fact import NotMeasurableError
from marketsim.analysis.stylised_facts.response import RESPONSE, growth, kyle_lambda, over_volatility
from marketsim.analysis.stylised_facts.tape import Tape
from tests.analysis.stylised_facts.tapes import HOUR, MIN, S, fills, quotes, tape


def orders_that_move_the_mid(moved: float, late: float = 0.0) -> Tape:
    """An order each 20 s, buys and sells at random, 2 bp from the mid; it moves it at once, and once more 5 s later."""
    rng = np.random.default_rng(1)
    times = np.arange(15 * S, HOUR, 20 * S)
    signs = rng.choice([-1, 1], len(times))
    t_ns = np.concatenate([[0], np.stack([times + 1_000, times + 5 * S], axis=1).ravel()])
    steps = np.stack([signs * moved, signs * late], axis=1).ravel() * 1e-4
    mids = 100 * np.exp(np.append(0.0, np.cumsum(steps)))
    before = mids[:-1][::2]
    prices = before * (1 + signs * 2e-4)
    return tape(HOUR, quotes=quotes(t_ns, mids), fills=fills(times, signs, prices))


def test_response_of_a_mid_that_each_order_moves_by_one_basis_point() -> None:
    record = orders_that_move_the_mid(1.0)
    found = over_volatility(record, 1)
    # 180 seconds of 3,600 have a move of 1 bp, nothing else moves: sigma is 1 bp x root of 1/20
    assert found.value == pytest.approx(20**0.5, rel=0.01)
    assert found.note == "1 bps"
    assert growth(record).value == pytest.approx(1.0, rel=1e-3)


def test_response_that_doubles_after_five_seconds() -> None:
    assert growth(orders_that_move_the_mid(1.0, 1.0)).value == pytest.approx(2.0, rel=1e-3)


def test_spread_paid_is_what_the_market_keeps_and_what_the_price_moves() -> None:
    record = orders_that_move_the_mid(1.0)
    found = {name: RESPONSE[name](record).value for name in ("effective_spread", "realised_spread", "price_impact")}
    assert found["effective_spread"] == pytest.approx(4.0, rel=1e-3)  # 2 x 2 bp
    assert found["effective_spread"] == pytest.approx(found["realised_spread"] + found["price_impact"], abs=0.15)
    assert found["price_impact"] == pytest.approx(2.0, abs=1.2)  # 2 x 1 bp, and two random orders within the minute


def test_kyles_lambda_is_the_move_per_notional_and_named_as_biased() -> None:
    found = kyle_lambda(orders_that_move_the_mid(1.0))
    assert found.value == pytest.approx(1e6 / 100, rel=0.02)  # 1 bp an order of 1 unit at 100
    assert "biased" in found.note
    assert "explains 100% of the variance" in found.note


def test_quotes_of_each_second_do_not_show_the_mid_before_an_order() -> None:
    record = tape(HOUR, quotes=quotes(np.arange(0, HOUR, S), 100.0, every_ns=S), fills=fills(np.arange(0, HOUR, MIN)))
    with pytest.raises(NotMeasurableError, match=r"quotes every 1 s; record: \{quotes: change\}"):
        over_volatility(record, 1)


def test_impact_of_an_order_is_not_of_one_tape() -> None:
    with pytest.raises(NotMeasurableError, match="without the order"):
        RESPONSE["impact_exponent"](orders_that_move_the_mid(1.0))
