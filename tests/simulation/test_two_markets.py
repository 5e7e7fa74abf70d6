"""A spot market that is its perpetual's index: what a push does to coin, and what of it stays, is an outcome."""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from marketsim.scenario.schema import Scenario
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import MINUTE, SECOND, recorded

WORLD = Path(__file__).parents[2] / "scenarios" / "cases" / "valid" / "two_markets.yaml"
END_OF_PUSH, LATER = 7 * MINUTE + 10 * SECOND, 19 * MINUTE


@cache
def mids(**changes: str) -> tuple[tuple[float, float, float], ...]:
    """Mid of SPOT and PERP, and the index of PERP [USDT] at the end of the order and twelve minutes later."""
    keys = {"limit": "traders.basis.limit", "count": "traders.basis.count", "size": "traders.parents.size"}
    model = MarketModel(Scenario.load(WORLD).with_({keys[name]: value for name, value in changes.items()}))
    found = []
    for t_ns in (END_OF_PUSH, LATER):
        model.env.run(t_ns)
        prices = (model.view.mid("SPOT"), model.view.mid("PERP"), model.view.index_ticks("PERP"))
        assert None not in prices
        found.append(tuple(float(price or 0) / 10 for price in prices))
    assert model.world.check_conserved() == 0
    model.close()
    return tuple(found)  # type: ignore[arg-type]


def pushed_bps(when: int, **changes: str) -> tuple[float, float, float]:
    """By how much an order of 1 MUSDT moved them, against the same draws with an order of 1 USDT."""
    with_it, without = mids(size="1 MUSDT", **changes)[when], mids(size="1 USDT", **changes)[when]
    return tuple(1e4 * (a / b - 1) for a, b in zip(with_it, without, strict=True))  # type: ignore[return-value]


def test_without_arbitrage_nothing_of_a_push_reaches_coin_and_nothing_of_it_stays() -> None:
    spot, perp, index = pushed_bps(0, count="0")
    assert (spot, index) == (0, 0)
    assert perp > 30
    assert abs(pushed_bps(1, count="0")[1]) < 20


def test_arbitrageurs_carry_part_of_a_push_to_coin_and_the_index_follows_and_keeps_it() -> None:
    spot, perp, index = pushed_bps(0)
    assert spot > 20
    assert perp > 30
    assert index == pytest.approx(spot, abs=2)  # it is the spot market's mid, up to a second old
    assert pushed_bps(1)[2] > 20


def test_how_much_is_carried_depends_on_what_the_arbitrageurs_may_hold() -> None:
    little, much = pushed_bps(0, limit="30 kUSDT")[0], pushed_bps(0)[0]
    assert 0 < little < 0.7 * much


def test_the_index_is_recorded_like_any_other(tmp_path: Path) -> None:
    run = recorded(Scenario.load(WORLD).with_({"clock.duration": "3min"}), tmp_path)
    marks = run.table("marks").filter(market="PERP").select("t_ns", "index_price")
    mids_then = run.table("quotes").filter(market="SPOT").select(pl.col("t_ns"), pl.col("mid"))
    # The quotes of a second are those after it, the index of the next is read before anything of that instant.
    later = mids_then.with_columns(pl.col("t_ns") + SECOND)
    both = marks.join(later, on="t_ns").drop_nulls().filter(pl.col("t_ns") > MINUTE)
    assert both.height > 60
    assert (both["index_price"] - both["mid"]).abs().median() < 1
