"""The loop of resets in exact venues: accounts of whole runs against values of exact arithmetic.

`tests/reference/loop_values.json` has 48 cases in the venue "coin" with their conventions; `linear` ones are checked as
functions in `tests/analysis/crowding/test_loop_theory.py`. docs/theory.md#fixed-point,
docs/venues.md#markets-without-a-book.
"""

import math
from typing import Any

import pytest

from marketsim.analysis.crowding.loop_theory import multiplier_in_children, multiplier_worked_out
from tests.simulation.loop_worlds import FIRST_S, cases, document, number, read_s, run, written

EXACT = [
    name
    for name, case in cases().items()
    if case["kind"] in ("run", "band")
    and not case["expected"]["collapse"]
    and all(fund["phi"] == "1" for fund in case["funds"])
]
SOLVABLE = [n for n, case in cases().items() if case["kind"] == "fixed" and case["expected"]["fixed_point"]]
UNSOLVABLE = [n for n, case in cases().items() if case["kind"] == "fixed" and not case["expected"]["fixed_point"]]
LINEAR = {"kind": "permanent"}


def test_all_cases_are_here() -> None:
    assert (len(EXACT), len(SOLVABLE), len(UNSOLVABLE), len(cases())) == (27, 4, 2, 48)


@pytest.mark.parametrize("name", EXACT)
def test_price_and_accounts_of_a_run_are_those_of_exact_arithmetic(name: str) -> None:
    case = cases()[name]
    expected = case["expected"]
    found = run(document(case), read_s(case))
    assert found.price == pytest.approx(float(expected["price"]), rel=1e-8)
    assert found.price - found.index == pytest.approx(float(expected["price"]) - float(expected["baseline"]), rel=4e-6)
    assert found.units == pytest.approx([float(units) for units in expected["units"]], rel=2e-7)
    assert found.navs == pytest.approx([float(nav) for nav in expected["nav"]], rel=1e-7)
    assert found.residual == 0
    if case["kind"] == "band":
        assert len(found.rebalances) == expected["orders"]


def case_of(
    leverage: str, crowding: str, move: str, *, n: int = 1, resize: str = "never", resets: tuple[str, ...] = ("0",),
    kernel: dict[str, str] = LINEAR, kind: str = "run", spacing: str = "10", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One fund of 50 MUSDT and one move before its first reset."""
    fund = {"L": leverage, "aum": "50000000", "n": n, "resize": resize, "phi": "1", "resets": list(resets)}
    return {
        "kind": kind, "P0": "30000", "Lambda": crowding, "funds": [fund], "moves": [["0", move]], "spacing": spacing,
        "h": "0", "theta": "1/2", "kernel": kernel, **more,
    }  # fmt: skip


def multiplier(case: dict[str, Any], **changes: Any) -> float:
    """(P_end - P0) / (P1 - P0), read as the case says."""
    found = run(document(case, **changes), read_s(case))
    return (found.price - 30_000) / (found.index - 30_000)


# -- sized once


@pytest.mark.parametrize("n", [1, 2, 5, 12, 60])
@pytest.mark.parametrize(("leverage", "move"), [("3", "1/50"), ("-3", "-1/25")])
def test_a_fund_that_sizes_once_pushes_by_lambda_however_many_children_it_sends(
    n: int, leverage: str, move: str
) -> None:
    """M = 1 + Lambda / (1 + r): 1 + .7 / 1.02 and 1 + .7 / .96."""
    expected = 1 + 0.7 / (1 + float(number(move)))
    assert multiplier(case_of(leverage, "7/10", move, n=n)) == pytest.approx(expected, rel=1e-6)


# -- each child sized anew


@pytest.mark.parametrize(("crowding", "n"), [("3/2", 12), ("3", 6), ("3", 24)])
def test_a_twap_whose_children_are_sized_anew_never_diverges(crowding: str, n: int) -> None:
    """Far above 1 it is finite; at r = .01 % the accounts are those of linear theory but for O(r M)."""
    expected = multiplier_in_children(float(number(crowding)), n)
    found = multiplier(case_of("3", crowding, "1/10000", n=n, resize="each_child"))
    assert found == pytest.approx(expected, rel=2e-3 * expected**0.5)
    assert math.isfinite(found)


@pytest.mark.parametrize("execution", ["twap", "ioc_ladder"])
def test_an_index_mark_that_learns_nothing_runs_no_loop_whatever_resize_says(execution: str) -> None:
    """At the same mark what is left is what it was, but for L times what the fills cost against it, O(Lambda r).

    Marked at the price, the same fund trades 2.2 times as much (docs/theory.md#each-child-sized-anew).
    """
    traded = {}
    for move in ("1/50", "1/5000"):
        case = case_of("3", "4/5", move, n=12)
        for resize in ("never", "each_child"):
            world = document(case, market={"mark": {"rule": "index"}})
            if execution == "ioc_ladder":
                slice_ = 400e3 * float(number(move)) * 50
                world["tokens"][0]["execution"] = {"algorithm": execution, "slice": f"{slice_} USDT", "every": "10s"}
            world["tokens"][0]["execution"]["resize"] = resize
            found = run(world, read_s(case) + 60)
            assert [row["status"] for row in found.rebalances] == ["done"]
            traded[move, resize] = found.units[0] - 5_000
    assert traded["1/50", "never"] == pytest.approx(10_000 / 51, abs=1e-4)
    assert traded["1/50", "each_child"] == pytest.approx(traded["1/50", "never"], rel=0.025)
    assert traded["1/5000", "each_child"] == pytest.approx(traded["1/5000", "never"], rel=0.025 / 80)


# -- worked until nothing is wanted


def ladder(case: dict[str, Any], kilo: str, children: int) -> dict[str, Any]:
    """The case with its fund worked in slices of so many thousand USDT, one a second."""
    world = document(case, clock={"start": "2024-01-01T00:00:00Z", "duration": f"{FIRST_S + children + 60}s"})
    world["tokens"][0]["execution"] = {
        "algorithm": "ioc_ladder", "slice": f"{kilo} kUSDT", "every": "1s", "resize": "each_child",
        "max_children": children,
    }  # fmt: skip
    return world


@pytest.mark.parametrize("name", SOLVABLE)
def test_ever_smaller_slices_approach_the_fixed_point(name: str) -> None:
    """The child that takes the rest is not answered, so what is missing is Lambda times the last slice: it halves."""
    case = cases()[name]
    expected = case["expected"]
    worth = abs(float(expected["units"][0]) - float(number(case["funds"][0]["L"])) * 5e7 / 3e4) * 30
    off = []
    for children in (150, 300, 600):
        kilo = worth / children * 1.5
        found = run(ladder(case, f"{kilo:.3f}", 4 * children), FIRST_S + 4 * children)
        assert [row["status"] for row in found.rebalances] == ["done"]
        off.append(abs(found.price / float(expected["price"]) - 1))
    push = abs(float(expected["price"]) - float(expected["baseline"])) / float(expected["price"])
    assert off[0] < 2e-2 * push
    assert off[2] < 0.6 * off[0]
    assert off[2] < 5e-3 * push


@pytest.mark.parametrize("name", UNSOLVABLE)
def test_where_there_is_no_fixed_point_an_order_ends_at_its_cap(name: str) -> None:
    case = cases()[name]
    found = run(ladder(case, "200", 900), FIRST_S + 900)
    (row,) = found.rebalances
    assert (row["status"], row["children"]) == ("partial", 900)
    assert abs(row["backlog_lots"]) > abs(row["target_lots"])  # it wants more than it wanted at first
    assert abs(found.price / found.index - 1) > 0.1


def test_a_ladder_without_end_has_five_hundred_children() -> None:
    """Case 1b-ladder-034. A slice is rounded down to lots, 500 times."""
    case = cases()["1b-ladder-034"]
    world = document(case, clock={"start": "2024-01-01T00:00:00Z", "duration": "2h"})
    found = run(world, FIRST_S + 499 * 10)
    (row,) = found.rebalances
    assert (row["status"], row["children"]) == ("partial", case["expected"]["orders"])
    assert found.price == pytest.approx(float(case["expected"]["price"]), rel=5e-6)
    assert found.navs[0] == pytest.approx(float(case["expected"]["nav"][0]), rel=5e-6)


@pytest.mark.parametrize(
    ("leverage", "crowding", "border"), [("3", "4/5", 0.034), ("-3", "4/5", -0.0048), ("3", "7/10", 0.135)]
)
def test_a_continuous_policy_finds_no_end_beyond_a_move_of_finite_size(
    leverage: str, crowding: str, border: float
) -> None:
    """Below Lambda = 1: long funds break on rises, inverse ones on falls (docs/theory.md#fixed-point).

    A tenth of what is missing is traded every second, which tends to the fixed point of small slices.
    """
    ends = {}
    for share in (0.8, 1.3):
        move = border * share
        world = document(case_of(leverage, crowding, f"{move:.6f}"))
        target = written(abs(number(leverage)))
        band = {"policy": "band", "lower": target, "upper": target, "to": "10%", "poll": "1s"}
        world["tokens"][0]["rebalance"] = band
        found = run(world, FIRST_S + 900)
        ends[share] = found
    m = multiplier_worked_out(float(leverage), float(number(crowding)), 0.8 * border)
    assert m is not None
    calm, wild = ends[0.8], ends[1.3]
    assert (calm.price - 30_000) / (calm.index - 30_000) == pytest.approx(m, rel=0.08)
    assert abs(wild.price / wild.index - 1) > 3 * abs(calm.price / calm.index - 1)


def test_a_continuous_policy_at_full_speed_ends_on_target() -> None:
    """L = 2: gap' = gap (1/2), a geometric series whose sum is the auction's, here with fills at half their impact."""
    world = document(case_of("2", "1/2", "1/100"))
    world["tokens"][0]["rebalance"] = {"policy": "band", "lower": "2", "upper": "2", "poll": "1s"}
    found = run(world, FIRST_S + 120)
    (nav,), (units,) = found.navs, found.units
    assert units * found.price / nav == pytest.approx(2, abs=1e-7)
    assert (found.price - 30_000) / 300 == pytest.approx(1 + 0.5 / 0.505, rel=0.02)
    traded = [abs(row["filled_lots"]) for row in found.rebalances]
    assert traded[:4] == sorted(traded[:4], reverse=True)
    assert all(row["status"] == "done" and row["trigger"] == "band" for row in found.rebalances)


# -- several funds, bands


def test_staggered_clocks_amplify_where_impact_stays() -> None:
    """Ten funds of Lambda .06 each: at one instant 1.6, in turn 1.06^10 = 1.7908 to first order in r."""
    case = case_of("3", "3/5", "1/10000")
    case["funds"] = [{**case["funds"][0], "aum": "5000000"} for _ in range(10)]
    together = multiplier(case)
    for place, fund in enumerate(case["funds"]):
        fund["resets"] = [str(60 * place)]
    in_turn = multiplier(case)
    assert together == pytest.approx(1.6, rel=1e-3)
    assert in_turn == pytest.approx(1.06**10, rel=1e-3)


def test_a_band_far_beyond_its_border_sends_four_orders_and_collapses() -> None:
    case = cases()["1e-064"]
    found = run(document(case), read_s(case))
    assert found.price == pytest.approx(float(case["expected"]["price"]), rel=1e-8)
    assert [row["trigger"] for row in found.rebalances] == ["band"] * 4


@pytest.mark.parametrize(("name", "orders"), [("1e-068", 2), ("1a-092", 1)])
def test_a_fund_whose_equity_is_gone_is_wiped_and_closed_and_money_is_kept(name: str, orders: int) -> None:
    case = cases()[name]
    found = run(document(case), read_s(case) + 5)
    assert len(found.rebalances) == orders
    assert found.units == [0]
    assert 0 <= found.navs[0] < 1
    assert found.residual == 0
    if name == "1e-068":
        assert found.price == pytest.approx(float(case["expected"]["price"]), rel=1e-7)


# -- what the index learns


def test_an_impact_that_the_index_learns_stays_in_part() -> None:
    """g(t) = pi + (1 - pi) 2^(-t/a), pi = k / (k + mu), 1/a = 1/half-life of the pull + share / half-life of learning.

    The perpetual is pulled back with a half-life of 60 s and the index learns all of the deviation with one of 30 s, in
    steps of 1 s: pi = 2/3 but for the step. Read at 0, 20 and 600 s.
    """
    case = case_of("3", "1/2", "1/100", kernel={"kind": "exponential", "halflife": "60", "permanent": "0"})
    world = document(case)
    world["underlyings"][0]["index"] = {
        **world["underlyings"][0]["index"], "pass_through": "100%", "pass_through_halflife": "30s",
    }  # fmt: skip
    pushed = 300 * 0.5 / 1.01
    learned, kept = 1 - 0.5 ** (1 / 30), 0.5 ** (1 / 60)
    for after in (0, 20, 600):
        found = run(world, FIRST_S + after)
        expected = pushed * (1 - (1 - kept) * sum((kept * (1 - learned)) ** k for k in range(after)))
        assert found.price - 30_300 == pytest.approx(expected, abs=2e-3)
        assert found.price - found.index == pytest.approx(pushed * (kept * (1 - learned)) ** after, abs=2e-3)
    assert found.price - 30_300 == pytest.approx(pushed * 2 / 3, rel=0.01)


def test_a_permanent_impact_that_the_index_learns_moves_the_price_no_further() -> None:
    case = case_of("3", "1/2", "1/100")
    world = document(case)
    world["underlyings"][0]["index"] |= {"pass_through": "50%", "pass_through_halflife": "10s"}
    found = run(world, FIRST_S + 600)
    assert found.price == pytest.approx(30_300 + 150 / 1.01, abs=1e-3)
    assert found.price - found.index == pytest.approx(0, abs=1e-3)


# -- square root


@pytest.mark.parametrize(
    ("crowding", "resize", "expected"),
    [
        (0.3, "never", 1.3),
        (0.3, "each_child", 1.345),
        (0.5, "each_child", 1.630),
        (1.0, "each_child", 2.550),
        (2.0, "each_child", 5.391),
    ],
)
def test_twelve_children_in_square_root_impact(crowding: float, resize: str, expected: float) -> None:
    """Small r (1e-4, K r = 30 kUSDT): the table of docs/theory.md#concave-impact for a twap of twelve."""
    case = case_of("3", "1", "1/10000", n=12, resize=resize)
    venue = {"kind": "square_root", "y": "1", "volatility": f"{crowding / 100:.6f}%", "volume": "30 kUSDT"}
    assert multiplier(case, market={"matching": venue}) == pytest.approx(expected, abs=1.5e-3 * expected)


def test_orders_decided_together_share_one_square_root() -> None:
    """Two funds of 25 MUSDT move the price like one of 50; one after the other they move it by sqrt 2 more."""
    venue = {"kind": "square_root", "y": "1", "volatility": "0.003%", "volume": "30 kUSDT"}
    case = case_of("3", "1", "1/10000")
    case["funds"] = [{**case["funds"][0], "aum": "25000000"} for _ in range(2)]
    together = multiplier(case, market={"matching": venue})
    assert together == pytest.approx(1.3, abs=1e-3)
    case["funds"][1]["resets"] = ["60"]
    first = 0.3 / math.sqrt(2)
    assert multiplier(case, market={"matching": venue}) == pytest.approx(
        1 + first + first * math.sqrt(1 + first), abs=1e-3
    )


def test_funds_on_a_coarse_grid_conserve_money_to_the_atom() -> None:
    case = cases()["1c-048"]
    world = document(
        case, market={"tick": "0.5 USDT", "lot": "0.001 BTC", "fees": {"maker": "2 bps", "taker": "5 bps"}}
    )
    found = run(world, read_s(case))
    assert found.residual == 0
