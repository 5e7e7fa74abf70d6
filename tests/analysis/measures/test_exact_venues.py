"""Multipliers, crowding numbers and predictions of whole runs in venues where theory is exact; values worked by hand.

The venue moves by b per coin: a fund sized once has M = 1 + Lambda / (1 + r), Lambda = b K / P0^2, and a probe of its
own order says lambda = b / (P0 P1), so that Lambda as probed is Lambda / (1 + r) (docs/theory.md#sized-once).
"""

from pathlib import Path

import pytest

from tests.analysis.exact_pairs import ExactPair, exact_pair
from tests.simulation.test_loop import case_of

P0 = 30_000.0
ALWAYS = ("0s", "2min", "30min")


def at(name: str) -> list[str]:
    return [f"{name}_{horizon}" for horizon in ALWAYS]


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> ExactPair:
    """50 M at 3x, Lambda .7, five children after a rise of 2 %: it buys for 6 MUSDT."""
    return exact_pair(tmp_path_factory.mktemp("bought"), case_of("3", "7/10", "1/50", n=5))


def test_a_fund_sized_once_multiplies_by_one_and_its_crowding_number_at_every_horizon(bought: ExactPair) -> None:
    expected = [0.7 / 1.02] * 3
    assert bought.values(*at("crowding_number")) == pytest.approx(expected, rel=1e-6)
    assert bought.values(*at("multiplier")) == pytest.approx([1 + each for each in expected], rel=1e-6)
    assert bought.values(*at("multiplier_predicted")) == pytest.approx([1 + each for each in expected], rel=1e-6)


def test_impact_per_unit_is_that_of_the_venue_on_both_sides_and_linear(bought: ExactPair) -> None:
    """K = 6 x 50 M, so b / P0^2 = .7 / 300 M, and a coin costs P1 = 1.02 P0."""
    expected = [0.7 / 300e6 / 1.02] * 3
    assert bought.values(*at("impact_per_usdt_buy")) == pytest.approx(expected, rel=1e-6)
    assert bought.values(*at("impact_per_usdt_sell")) == pytest.approx(expected, rel=1e-6)
    assert bought.value("impact_exponent") == pytest.approx(1.0, abs=1e-6)


def test_what_was_traded_is_what_the_move_called_for(bought: ExactPair) -> None:
    """x P1 = K r, whatever was paid on the way."""
    assert bought.value("orders_ratio") == pytest.approx(1.0, rel=1e-6)


def test_a_fall_sells_and_its_push_is_down(tmp_path: Path) -> None:
    """-3x on 50 M, K = 12 x 50 M; a fall of 4 % makes it sell 24 MUSDT: 1 + .7 / .96."""
    sold = exact_pair(tmp_path, case_of("-3", "7/10", "-1/25"))
    assert sold.value("multiplier_0s") == pytest.approx(1 + 0.7 / 0.96, rel=1e-6)
    assert sold.value("crowding_number_0s") == pytest.approx(0.7 / 0.96, rel=1e-6)
    assert sold.value("impact_per_usdt_sell_0s") == pytest.approx(0.7 / 600e6 / 0.96, rel=1e-6)


FADING = {"kind": "exponential", "halflife": "60", "permanent": "1/5"}


def alive(seconds: float) -> float:
    return 0.2 + 0.8 * 2 ** (-seconds / 60)


def test_where_impact_fades_the_multiplier_fades_with_the_crowding_number(tmp_path: Path) -> None:
    """Twelve children 10 s apart: Lambda(h) is the mean of what is alive of each."""
    pair = exact_pair(tmp_path, case_of("3", "4/5", "1/100", n=12, kernel=FADING))
    for horizon, h in (("0s", 0), ("2min", 120), ("30min", 1_800)):
        expected = 0.8 / 1.01 * sum(alive(10 * k + h) for k in range(12)) / 12
        assert pair.value(f"crowding_number_{horizon}") == pytest.approx(expected, rel=1e-5)
        assert pair.value(f"multiplier_{horizon}") == pytest.approx(1 + expected, rel=1e-5)


def test_children_that_are_sized_anew_trade_and_push_as_the_triangular_system_says(tmp_path: Path) -> None:
    """Permanent, twelve children, Lambda .8: A_12 = (1 - (.8)_12 / 12!) / .2 = 2.40448, M = 2.92358, up to O(r)."""
    pair = exact_pair(tmp_path, case_of("3", "4/5", "1/1000", n=12, resize="each_child"))
    assert pair.value("multiplier_predicted_0s") == pytest.approx(2.92358, rel=5e-3)
    assert pair.value("multiplier_0s") == pytest.approx(2.92358, rel=5e-3)
    assert pair.value("orders_ratio") == pytest.approx(2.40448, rel=5e-3)
    assert pair.value("crowding_number_0s") == pytest.approx(0.8, rel=2e-3)  # which says 1.8 and not 2.92


def test_where_impact_fades_children_answer_what_is_alive_while_they_are_sent(tmp_path: Path) -> None:
    """The system solved here: (n - k) u_k + sum_(j<k) (1 - Lambda g((k - j) D)) u_j = 1, k from 0."""
    pair = exact_pair(tmp_path, case_of("3", "3/2", "1/1000", n=12, resize="each_child", kernel=FADING))
    u: list[float] = []
    for k in range(12):
        u.append((1 - sum((1 - 1.5 * alive(10 * (k - j))) * u[j] for j in range(k))) / (12 - k))
    for horizon, h in (("0s", 0), ("2min", 120), ("30min", 1_800)):
        expected = 1 + 1.5 * sum(alive(10 * (11 - k) + h) * u[k] for k in range(12))
        assert pair.value(f"multiplier_predicted_{horizon}") == pytest.approx(expected, rel=5e-3)
        assert pair.value(f"multiplier_{horizon}") == pytest.approx(expected, rel=5e-3)
    assert pair.value("orders_ratio") == pytest.approx(sum(u), rel=5e-3)


def test_an_order_worked_until_nothing_is_wanted_meets_the_root(tmp_path: Path) -> None:
    """2x, K r of 200,000 in slices of 2,500, of which it takes 200: 1 / (1 - .6) = 2.5 for small moves."""
    case = case_of("2", "3/5", "1/500", resize="each_child", kind="ladder", slice="2500")
    pair = exact_pair(tmp_path, case)
    assert pair.value("multiplier_predicted_0s") == pytest.approx(2.5, rel=1e-2)
    assert pair.value("multiplier_0s") == pytest.approx(2.5, rel=1e-2)
    assert pair.value("orders_ratio") == pytest.approx(2.5, rel=1e-2)


def test_an_index_mark_that_learns_nothing_runs_no_loop(tmp_path: Path) -> None:
    market = {"mark": {"rule": "index"}}
    pair = exact_pair(tmp_path, case_of("3", "4/5", "1/1000", n=12, resize="each_child"), market=market)
    assert pair.value("orders_ratio") == pytest.approx(1.0, rel=2e-3)
    assert pair.values("multiplier_0s", "multiplier_predicted_0s") == pytest.approx([1.8, 1.8], rel=2e-3)


def test_the_square_root_venue_has_exponent_one_half_and_lambda_of_the_orders_own_size(tmp_path: Path) -> None:
    """50 M at 3x after 1 %: Q = 3 MUSDT; push .8 x 3 % x sqrt(3 / 1000) of the index, over P0."""
    root = {"matching": {"kind": "square_root", "y": 0.8, "volatility": "3%", "volume": "1 GUSDT"}}
    pair = exact_pair(tmp_path, case_of("3", "1", "1/100", n=4), market=root)
    push = 0.8 * 0.03 * (3e6 / 1e9) ** 0.5 * 1.01
    assert pair.value("multiplier_0s") == pytest.approx(1 + push / 0.01, rel=2e-3)
    assert pair.value("multiplier_predicted_0s") == pytest.approx(1 + push / 0.01, rel=2e-3)
    assert pair.value("impact_exponent") == pytest.approx(0.5, abs=2e-3)


def test_two_funds_of_one_instant_are_one_reset_with_both_their_k(tmp_path: Path) -> None:
    """+3 on 50 M and -3 on 20 M, K = 300 M + 240 M: both buy after a rise, and Lambda is of both together."""
    case = case_of("3", "7/10", "1/50")
    case["funds"].append({**case["funds"][0], "L": "-3", "aum": "20000000"})
    pair = exact_pair(tmp_path, case)
    assert pair.value("multiplier_0s") == pytest.approx(1 + 0.7 / 1.02, rel=1e-6)
    assert pair.value("crowding_number_0s") == pytest.approx(0.7 / 1.02, rel=1e-6)
    assert pair.value("impact_per_usdt_buy_0s") == pytest.approx(0.7 / 540e6 / 1.02, rel=1e-6)
    (reset,) = pair.measures["multiplier_0s"].terms(pair.factual, pair.baseline)
    assert reset.denominator == pytest.approx(0.02, rel=1e-9)
    rows = pair.factual.table("rebalances")
    assert rows["arrival_mid"].to_list() == pytest.approx([30_600.0] * 2)
