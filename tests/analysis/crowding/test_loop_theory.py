"""Predictions of `analysis.crowding.loop_theory`: values of exact arithmetic, and roots that accounts meet."""

from collections.abc import Callable

import pytest

from marketsim.analysis.crowding.loop_theory import (
    move_worked_out,
    multiplier_in_children,
    multiplier_in_turn,
    multiplier_in_turn_with_decay,
    multiplier_of_orders,
    multiplier_sized_once,
    multiplier_worked_out,
    orders_of_resets,
    orders_past_a_border,
    permanent,
    resets_are_stable,
    sizes_of_children,
    traded_in_children,
    traded_in_slices,
)

Response = Callable[[float], float]
CHILDREN_ANEW = [
    # Lambda, children, phi, response, spacing, h, multiplier, traded / (K r)
    (0.5, 12, 1, permanent, 10, 0, 1.8388197422027587891, 1.6776394844055175781),
    (0.8, 100, 1, permanent, 10, 0, 3.6332967572882165365, 3.2916209466102706707),
    (1.5, 12, 1, permanent, 10, 0, 10.08851933479309082, 6.0590128898620605469),
    (0.8, 12, 0, permanent, 10, 0, 1.8, 1.0),
]


def halving(halflife: float, stays: float) -> Response:
    return lambda t: stays + (1 - stays) * 0.5 ** (t / halflife)


def power(tau: float, gamma: float) -> Response:
    return lambda t: (1 + t / tau) ** -gamma


@pytest.mark.parametrize(("crowding", "n", "phi", "g", "spacing", "h", "multiplier", "traded"), CHILDREN_ANEW)
def test_children_sized_anew_in_permanent_impact_by_the_closed_form_and_by_the_system(
    crowding: float, n: int, phi: float, g: Response, spacing: float, h: float, multiplier: float, traded: float
) -> None:
    sizes = sizes_of_children(crowding, n, spacing, g, phi)
    assert traded_in_children(crowding, n, phi) == pytest.approx(traded, rel=1e-12)
    assert sum(sizes) == pytest.approx(traded, rel=1e-12)
    assert multiplier_in_children(crowding, n, phi) == pytest.approx(multiplier, rel=1e-12)
    assert multiplier_of_orders(crowding, sizes, spacing, g, h) == pytest.approx(multiplier, rel=1e-12)


@pytest.mark.parametrize(
    ("crowding", "n", "g", "h", "multiplier", "traded"),
    [
        (0.5, 12, halving(60, 0.2), 120, 1.2271739513804977486, 1.3920956751755597078),
        (1.5, 12, halving(60, 0.2), 0, 5.3154445785216075375, 3.5182158692467831838),
        (1.0, 20, power(10, 0.5), 60, 1.4192498701246470346, 1.5110434058480851093),
    ],
)
def test_children_sized_anew_while_impact_decays(
    crowding: float, n: int, g: Response, h: float, multiplier: float, traded: float
) -> None:
    sizes = sizes_of_children(crowding, n, 10, g)
    assert sum(sizes) == pytest.approx(traded, rel=1e-12)
    assert multiplier_of_orders(crowding, sizes, 10, g, h) == pytest.approx(multiplier, rel=1e-12)


def test_at_a_crowding_number_of_one_children_trade_the_harmonic_sum() -> None:
    assert traded_in_children(1, 4) == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4, rel=1e-15)


def test_one_child_is_sized_once_and_none_is_refused() -> None:
    assert multiplier_in_children(0.7, 1) == 1.7
    assert multiplier_sized_once(0.3, 0.01) == pytest.approx(1.2970297029702970297, rel=1e-15)
    with pytest.raises(ValueError, match="children: 0; at least 1"):
        traded_in_children(0.7, 0)


@pytest.mark.parametrize(
    ("leverage", "crowding", "move", "multiplier"),
    [
        (3, 0.5, 0.01, 1.990000999800049986),
        (2, 0.5, 0.02, 1.9615384615384615385),
        (-3, 1.2, 0.05, 4.7559467676119000091),
        (3, 0.32, 0.12, 1.4127789869020939272),
        (3, 0.9, 0.01, None),
        (-3, 0.9, -0.02, None),
        (3, 1.0, 0.001, None),
        (-3, 0.5, 0.3, None),  # the fund is ruined by the move itself or soon after it
    ],
)
def test_orders_worked_until_nothing_is_wanted(
    leverage: float, crowding: float, move: float, multiplier: float | None
) -> None:
    found = multiplier_worked_out(leverage, crowding, move)
    assert found == (None if multiplier is None else pytest.approx(multiplier, rel=1e-12))


@pytest.mark.parametrize(
    ("leverage", "crowding", "border"),
    [(3, 0.7, 0.135), (3, 0.8, 0.034), (3, 0.9, 0.0063), (-3, 0.7, -0.0119), (-3, 0.8, -0.0048), (-3, 0.9, -0.0011)],
)
def test_a_fund_that_adds_to_its_position_finds_no_end_beyond_a_move_of_finite_size(
    leverage: float, crowding: float, border: float
) -> None:
    assert multiplier_worked_out(leverage, crowding, 0.98 * border) is not None
    assert multiplier_worked_out(leverage, crowding, 1.05 * border) is None
    assert multiplier_worked_out(leverage, crowding, -border) is not None


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("crowding", "multiplier"), [(0.1, 1.105), (0.5, 1.640), (1.0, 2.618), (2.0, 5.828)])
def test_square_root_impact_worked_out_is_finite_at_any_crowding_number(
    sign: int, crowding: float, multiplier: float
) -> None:
    """The table of docs/theory.md#several-funds-and-several-resets; the last, (L + sqrt(L^2 + 4))^2 / 4 at 2."""
    demand, r = 4e8, sign * 0.01
    scale = crowding * abs(r) / (demand * abs(r)) ** 0.5

    def impact(size: float) -> float:
        return scale * abs(size) ** 0.5 * (1 if size > 0 else -1)

    found = move_worked_out(r, demand, impact)
    assert found is not None
    assert found / r == pytest.approx(multiplier, abs=6e-4)


def test_linear_impact_worked_out_ends_below_one_only() -> None:
    assert move_worked_out(0.01, 3e8, lambda size: 0.6 * size / 3e8) == pytest.approx(0.025, rel=1e-12)
    assert move_worked_out(0.01, 3e8, lambda size: 1.01 * size / 3e8) is None
    assert move_worked_out(-0.01, 3e8, lambda size: 0.0) == -0.01


def test_a_ladder_of_full_slices_misses_the_fixed_point_by_part_of_its_last_slice() -> None:
    """K r of 10 slices at Lambda = 1/2: each closes half a slice, 18 full ones leave 1, the nineteenth takes it."""
    assert traded_in_slices(0.5, 10) == 1.9
    assert traded_in_slices(0.5, 1) == 1
    assert traded_in_slices(0.0, 2.5) == 1
    assert traded_in_slices(1.0, 10) is None
    assert traded_in_slices(1.2, 10, seen=0.5) == pytest.approx(1 + 23 * 0.6 / 10)


def test_funds_one_after_another_answer_each_other_and_decay_between_them_damps_it() -> None:
    parts = [0.3, 0.2, 0.1]
    assert multiplier_in_turn(parts) == pytest.approx(1.716, rel=1e-15)
    assert multiplier_in_turn_with_decay(parts, [0, 1, 2], 2, permanent) == pytest.approx(1.716, rel=1e-15)
    assert multiplier_in_turn_with_decay(parts, [0, 0, 0], 0, permanent) == pytest.approx(1.6, rel=1e-15)
    # half alive after each second: pushes .3, .2 (1.15) = .23, .1 (1 + .075 + .115) = .119; .075 + .115 + .119
    assert multiplier_in_turn_with_decay(parts, [0, 1, 2], 2, halving(1, 0)) == pytest.approx(1.309, rel=1e-12)


def test_repeated_resets_answer_the_push_of_those_before() -> None:
    orders = orders_of_resets(0.5, 5, 1)
    assert orders == [1, 0.5, 0.25, 0.125, 0.0625]
    assert multiplier_of_orders(0.5, orders, 1, permanent, 1) == 1.96875
    swinging = orders_of_resets(2.1, 40, 1, halving(1, 0))
    assert swinging[-1] == pytest.approx(-1.8432771106519824426, rel=1e-11)
    assert multiplier_of_orders(2.1, swinging, 1, halving(1, 0), 1) == pytest.approx(-0.030546799707984261849, rel=1e-9)


def test_resets_are_stable_where_neither_what_is_kept_nor_what_stays_feeds_back_whole() -> None:
    assert not resets_are_stable(2.1, 0.5, 0)
    assert resets_are_stable(1.5, 0.6, 0.6)  # though Lambda at the next reset is 1.5 (.6 + .4 x .6) = 1.26
    assert not resets_are_stable(1.5, 0.6, 0.7)
    assert abs(orders_of_resets(1.5, 400, 1, lambda m: 0.6 + 0.4 * 0.6**m)[-1]) < 0.01
    assert abs(orders_of_resets(1.5, 400, 1, lambda m: 0.7 + 0.3 * 0.6**m)[-1]) > 1


@pytest.mark.parametrize(
    ("ratio", "crowding", "orders"),
    [(0.9, 0.5, 0), (1.01, 0.5, 1), (2.1, 0.5, 2), (4.1, 0.5, 3), (3, 0, 1), (3, 1, None)],
)
def test_orders_of_a_band_after_a_move(ratio: float, crowding: float, orders: int | None) -> None:
    """A push of half the move before: 2.1 trigger moves push by 1.05, a second order, which pushes by .525."""
    assert orders_past_a_border(ratio, crowding) == orders
