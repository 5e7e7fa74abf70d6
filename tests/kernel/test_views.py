"""What makers make of orders: a view worked by hand, and against its plain twin."""

from typing import Any

import numpy as np
import pytest

from marketsim.traders.market_view import ViewSpec
from marketsim.traders.rule import GroupTerms
from marketsim.units import ATOMS_PER_UNIT
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, Session
from tests.reference.view import View

RICH = 10**7 * LOT
PRICE = 8_192  # ticks: orders of 1, 4, 16 lots are powers of two in tick-lots, where the table of effects is exact
FREE: dict[str, Any] = {"tiers": ((0, 500_000, 100),), "maker_fee": 0, "taker_fee": 0}


def fields(**keys: Any) -> dict[str, Any]:
    """A view's record in which an order of one lot has the effect 1, and 4 lots 2 at the exponent 0.5."""
    given = {"impact": "1 bps", "exponent": "0.5", "volatility": "70%/yr", "unit": f"{PRICE} USDT", **keys}
    terms = GroupTerms(ATOMS_PER_UNIT, SECOND, PRICE, None, lambda name: None)  # type: ignore[arg-type,return-value]
    return {**ViewSpec.model_validate(given).kernel_fields(terms), "day_ends_ns": 86_400 * SECOND}


def session(view: dict[str, Any], path: list[int] | None = None) -> Session:
    """Trader 1 offers and bids at the price and a tick below it, trader 0 takes."""
    s = Session(Plan((RICH, RICH), (MarketPlan(PRICE, view=view, **FREE),)), [path or [PRICE] * 2_000])
    s.order(1, -5_000, PRICE)
    s.order(1, 5_000, PRICE - 1)
    return s


def seen(s: Session, name: str = "value") -> float:
    return float(s.world.views[0][name])


def test_an_order_moves_the_view_by_its_effect_and_what_was_predicted_of_it_is_no_news() -> None:
    """Effects of 4, -4, 4 lots: 2, -1.99988 (at 8,191 ticks), 2.

    The memories are .5, .06, .008, .001 after the first; the error of the second is -1.99988, the norm .1 + .253665, so
    the weights are .1 x -1.99988 / .353665 of these: -.28274, -.03393, -.00452, -.00057; the memories go to -.12497,
    -.0018, -.000032, -.0000005. The prediction is .035334 + .000061 = .035395, half of which is no news.
    """
    s = session(fields(predicted="50%", prediction="0.1", mid="0%", learning=0, feedback=0))
    assert seen(s) == PRICE
    s.order(0, 4, PRICE)
    assert seen(s) == pytest.approx(PRICE * 1.0002, rel=1e-12)
    assert [seen(s, f"average_{k}") for k in range(4)] == pytest.approx([0.5, 0.06, 0.008, 0.001], rel=1e-12)
    assert seen(s, "prediction") == 0
    s.order(0, -4, PRICE - 1)
    assert seen(s) == pytest.approx(PRICE * 1.0002 * (1 - 1.99988e-4), rel=1e-8)
    assert seen(s, "weight_0") == pytest.approx(-0.28274, abs=1e-5)
    assert seen(s, "prediction") == pytest.approx(0.035395, abs=2e-6)
    before = seen(s)
    s.order(0, 4, PRICE)
    assert seen(s) == pytest.approx(before * (1 + 1e-4 * (2 - 0.0176975)), rel=1e-9)


def test_the_impact_is_corrected_by_what_the_price_did_after_orders() -> None:
    """An order of effect 2 in the first second; the index, followed in full, is 8 ticks (.0977 %) higher from the third
    on.

    At the third step the mean square of surprises is 4/3 (4, 2, 4/3), and the lesson (2 x 9.766 - .2 x 4) / (4/3) =
    14.05.
    """
    high = round(PRICE * 1.001)
    view = {**fields(index="100%", mid="0%", learning="0.01", shade="20%", feedback=0), "horizon": 2, "return_steps": 1}
    s = session(view, [PRICE, PRICE, PRICE, high] + [high] * 20)
    s.order(0, 4, PRICE)
    s.advance(2 * SECOND + 1)
    assert seen(s, "impact") == pytest.approx(1e-4)
    s.advance(3 * SECOND + 1)
    assert seen(s, "mean_square") == pytest.approx(4 / 3, rel=1e-12)
    later = high / PRICE - 1
    assert seen(s, "impact") == pytest.approx(1e-4 * (1 + 0.01 * (2 * later / 1e-4 - 0.8) / (4 / 3)), rel=1e-9)
    assert seen(s, "impact") == pytest.approx(1.1405e-4, rel=1e-4)


@pytest.mark.parametrize(
    ("share", "end"), [("0%", 8_192.0), ("50%", 8_192 * 1.05 * 0.9545), ("100%", 8_192.0 * 1.1 * 0.909)]
)
def test_the_view_makes_its_share_of_the_moves_of_the_index(share: str, end: float) -> None:
    """9,011 is 10 % above 8,192, and back is -9.09 %; half of each: 1.05 x .9545."""
    s = session(fields(index=share, mid="0%"), [PRICE, 9_011, PRICE, PRICE])
    s.advance(2 * SECOND + 1)
    assert seen(s) == pytest.approx(end, rel=2e-4)


def test_an_anchored_view_goes_part_of_its_way_to_the_index_every_second() -> None:
    """An order of effect 2 lifts it by 2e-4; a tenth of that is gone after a second, 19 % after two."""
    s = session(fields(anchor="10%", mid="0%", learning=0, feedback=0))
    s.order(0, 4, PRICE)
    for second, left in ((1, 0.9), (2, 0.81)):
        s.advance(second * SECOND + 1)
        assert seen(s) == pytest.approx(PRICE * (1 + 2e-4 * left), rel=1e-12)


def test_the_view_goes_to_the_mid_of_a_narrow_book_and_not_to_that_of_a_wide_one() -> None:
    """The mid is half a tick below the price; a tenth of that in the first second. Nine ticks are 11 bp: no news."""
    view = fields(mid="10%", index="0%")
    s = session(view)
    s.advance(SECOND + 1)
    assert seen(s) == pytest.approx(PRICE - 0.05, rel=1e-12)
    s = Session(Plan((RICH, RICH), (MarketPlan(PRICE, view=view, **FREE),)))
    s.order(1, -10, PRICE + 9)
    s.order(1, 10, PRICE)
    s.advance(SECOND + 1)
    assert seen(s) == PRICE


@pytest.mark.parametrize("seed", [1, 2])
def test_kernel_and_plain_twin_agree_over_minutes_of_orders_and_news(seed: int) -> None:
    luck = np.random.default_rng(seed)
    view = {
        **fields(index="60%", mid="0.6%", anchor="1%", learning="0.05", prediction="0.02", predicted="90%"),
        "horizon": 20,
    }
    path = np.rint(PRICE * np.cumprod(1 + 2e-4 * luck.standard_normal(130))).astype(int).tolist()
    s, twin = session(view, path), View(view, PRICE, 0.5)
    twin.follow(PRICE)
    for second in range(1, 121):
        for _ in range(luck.poisson(2)):
            sign, lots = int(luck.choice([-1, 1])), int(luck.integers(1, 40))
            s.order(0, sign * lots, PRICE if sign > 0 else PRICE - 1)
            twin.order(sign, lots * (PRICE if sign > 0 else PRICE - 1))
        s.advance(second * SECOND + 1)
        twin.follow(path[second])
        twin.step(PRICE - 0.5)
        assert seen(s) == pytest.approx(twin.value, rel=1e-11)
    kernel = [
        seen(s, name) for name in ("impact", "factor", "prediction", "minute", "half_hour", "hour", "mean_square")
    ]
    plain = [
        getattr(twin, name) for name in ("impact", "factor", "prediction", "minute", "half_hour", "hour", "mean_square")
    ]
    assert kernel == pytest.approx(plain, rel=1e-8)
    assert seen(s, "impact") != 1e-4
    assert seen(s, "day_sum") / seen(s, "day_steps") == pytest.approx(twin.day_sum / twin.day_steps, rel=1e-9)


def test_effects_are_a_power_of_the_value_and_have_an_end() -> None:
    table = ViewSpec(exponent="0.45").effects(1_000.0)  # type: ignore[arg-type]
    assert table.shape == (1_025,)
    assert table[10 * 16] == pytest.approx(1.024**0.45, rel=1e-14)  # of 2^10
    assert table[3 * 16 + 8] == pytest.approx(0.012**0.45, rel=1e-14)  # of 12
    assert table[-1] == 30
