"""K, lambda and their product, by hand; and K of a run's resets."""

from json import dumps
from math import log
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from marketsim.analysis.crowding.rebalance_demand import WINDOWS, clock_demand, demand, demand_windows
from marketsim.analysis.crowding.regression_impact import impact_by_regression

from marketsim import simulation
from marketsim.analysis.crowding.crowding_number import crowding_number
from marketsim.analysis.crowding.flow_overlap import flow_concentration, flow_exposures, flow_overlaps
from marketsim.analysis.crowding.market_response import market_response
from marketsim.analysis.crowding.probe_impact import PROBES, Impact, antithetic_pairs, impact_at
from marketsim.analysis.crowding.run_crowding import crowding_of_run
from marketsim.datasets.run import Run
from tests.simulation.worlds import DOWN, MINUTE, OFF_BOOK, PERP, STILL, UP, world

RISE = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "3%"}]


def test_k_at_target_is_equity_times_l_times_l_less_one() -> None:
    # Cheng & Madhavan 2009: 6 for +3, 12 for -3, 2 for -1, -0.25 for +0.5.
    for leverage, coefficient in ((3, 6), (-3, 12), (-1, 2), (2, 2), (0.5, -0.25)):
        k = demand({("T", "M"): leverage * 100.0}, {("T", "M"): leverage})
        assert k == {("M", "M"): pytest.approx(coefficient * 100.0)}


def test_k_of_a_basket_has_what_one_market_owes_to_the_other() -> None:
    # target_im q_ij P_j - delta_mj q_im P_m with notionals 200 in A and -100 in B, targets +2 and -1:
    # A to A: 2 x 200 - 200; A to B: 2 x -100; B to A: -1 x 200; B to B: -1 x -100 + 100.
    k = demand({("T", "A"): 200.0, ("T", "B"): -100.0}, {("T", "A"): 2.0, ("T", "B"): -1.0})
    assert k == {("A", "A"): 200.0, ("A", "B"): -200.0, ("B", "A"): -200.0, ("B", "B"): 200.0}


def probe(sign: int, filled: float, mid: float | None, **changed: object) -> dict:
    row = {
        "market": "M", "t_ns": 0, "lots": 10, "sign": sign, "over_ns": 0, "horizon_ns": 60, "filled_lots": sign * 10,
        "filled": filled, "seen": "M", "mid_before": 100.0, "mid": mid, "liquidated": 0.0, "net_change": {},
    }  # fmt: skip
    return {**row, **changed}


def probe_frame(rows: list[dict]) -> pl.DataFrame:
    """Rows of `run_probes` as a study stores them."""
    told = [{**row, "replication": 0, "net_change": dumps(row["net_change"])} for row in rows]
    return pl.DataFrame(told, schema=PROBES, orient="row")


def test_lambda_is_the_sum_of_q_x_over_the_sum_of_q_squared() -> None:
    rows = [
        probe(+1, 100.0, 101.0), probe(-1, -100.0, 99.0),
        probe(+1, 220.0, 102.0, lots=20), probe(-1, -180.0, 99.0, lots=20),
    ]  # fmt: skip
    found = antithetic_pairs(probe_frame(rows))
    x1, x2 = log(101 / 99) / 2, log(102 / 99) / 2
    assert found["x"].to_list() == pytest.approx([x1, x2])
    assert found["q"].to_list() == [100.0, 200.0]
    expected = (100 * x1 + 200 * x2) / (100**2 + 200**2)
    assert impact_at(60, found, ["M"]).matrix() == pytest.approx(np.array([[expected]]))


def test_a_probe_whose_mid_is_gone_has_no_pair() -> None:
    rows = [probe(+1, 100.0, 101.0), probe(-1, -100.0, None)]
    assert antithetic_pairs(probe_frame(rows)).is_empty()


def test_the_crowding_number_of_one_market_is_lambda_times_k_with_both_multipliers() -> None:
    measured = Impact(("M",), 60, np.array([[[2e-6 * 100]], [[4e-6 * 100]]]), np.array([[100.0], [100.0]]))
    found = crowding_number(measured, {("M", "M"): 1e5})
    assert found.number == pytest.approx(3e-6 * 1e5)  # 0.3
    assert (found.one_shot, found.fixed_point) == (pytest.approx(1.3), pytest.approx(1 / 0.7))
    assert crowding_number(measured, {("M", "M"): 1e6}).fixed_point is None


def test_the_crowding_number_of_two_markets_is_the_eigenvalue_of_largest_real_part() -> None:
    # lambda K = diag(.1, .2) [[1, 2], [3, 1]] = [[.1, .2], [.6, .2]]; its eigenvalues are .15 +- sqrt(.1225).
    sums = np.array([[[0.1, 0.0], [0.0, 0.2]]])
    measured = Impact(("A", "B"), 60, sums, np.array([[1.0, 1.0]]))
    k = {("A", "A"): 1.0, ("A", "B"): 2.0, ("B", "A"): 3.0, ("B", "B"): 1.0}
    assert crowding_number(measured, k).number == pytest.approx(0.15 + 0.1225**0.5)


def test_the_interval_of_a_crowding_number_is_over_instants() -> None:
    luck = np.random.default_rng(5)
    slopes = 3e-6 + 1e-6 * luck.standard_normal(40)
    measured = Impact(("M",), 60, (slopes * 100)[:, None, None], np.full((40, 1), 100.0))
    found = crowding_number(measured, {("M", "M"): 1e5})
    width = 1.96 * slopes.std() / 40**0.5 * 1e5
    assert found.lo == pytest.approx(found.number - width, abs=0.3 * width)
    assert found.hi == pytest.approx(found.number + width, abs=0.3 * width)


def test_liquidation_density_and_contrarian_liquidity_are_what_a_unit_of_return_sets_off() -> None:
    # The move is 1 %; liquidations buy 30, value traders sell 2 lots of 25 and retail (with its liquidations) buys 1.
    up = probe(+1, 100.0, 101.0, liquidated=30.0, net_change={"value": -2, "retail": 1, "makers": -9, "probe": 10})
    down = probe(-1, -100.0, 99.0, liquidated=-30.0, net_change={"value": 2, "retail": -1, "makers": 9, "probe": -10})
    x = log(101 / 99) / 2
    got = market_response(
        antithetic_pairs(probe_frame([up, down])), "M", 60, leaning=["value", "retail"], money_per_lot=25.0
    )
    assert got.liquidation_density == pytest.approx(30 / x)
    assert got.contrarian_liquidity == pytest.approx((30 - (-2 + 1) * 25) / x)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = world(tokens=[UP, DOWN], events=RISE, duration="50min")
    return Run(simulation.run(scenario, out=tmp_path_factory.mktemp("out")).path)


def test_k_of_a_reset_is_that_of_the_positions_before_it(run: Run) -> None:
    found = demand_windows(run)
    opening, reset = found.filter(pl.col("trigger") == "opening"), found.filter(pl.col("trigger") == "scheduled")
    # 6 x 1 MUSDT + 12 x 0.5 MUSDT, to lots of 30 USDT
    assert opening["k_usdt"].to_list() == pytest.approx([12e6], rel=1e-4)
    (row,) = reset.to_dicts()
    assert (row["side"], row["tokens"], row["t0_ns"], row["next_ns"]) == ("both", 2, 32 * MINUTE, None)
    legs = run.table("token_legs").filter(pl.col("t_ns") == 31 * MINUTE)
    expected = sum(r["notional_atoms"] / 1e8 * (r["target_leverage"] - 1) for r in legs.to_dicts())
    assert row["k_usdt"] == pytest.approx(expected)
    assert clock_demand(found) == {("BTC-PERP", "BTC-PERP"): row["k_usdt"]}


def windows(*rows: tuple[str, str, str, int, float]) -> pl.DataFrame:
    """Windows as (market, moved, trigger, instant, K)."""
    full = [(m, j, trigger, "both", t, t, None, 1, k) for m, j, trigger, t, k in rows]
    return pl.DataFrame(full, schema=WINDOWS, orient="row")


def test_k_of_the_clock_is_the_mean_over_days_at_the_minute_that_is_most_crowded() -> None:
    """12:00 on two days, 3 and 5: their mean of 4 is more than the one 3.5 at 20:00, and their sum of 8 is nobody's."""
    day, noon = 24 * 60 * MINUTE, 12 * 60 * MINUTE
    rows = [
        ("M", "M", "opening", 0, 100.0), ("M", "M", "scheduled", noon, 3.0), ("M", "M", "scheduled", noon + day, 5.0),
        ("M", "M", "scheduled", 20 * 60 * MINUTE, 3.5), ("M", "M", "band", 60 * MINUTE, 50.0),
    ]  # fmt: skip
    assert clock_demand(windows(*rows)) == {("M", "M"): 4.0}
    rows[3] = (*rows[3][:4], 4.5)
    assert clock_demand(windows(*rows)) == {("M", "M"): 4.5}


def test_the_most_crowded_minute_is_that_of_all_markets_own_k_together() -> None:
    """At noon 3 + 3 in two markets against 5 in one an hour later; what one market owes to another does not count."""
    noon, later = 12 * 60 * MINUTE, 13 * 60 * MINUTE
    found = clock_demand(
        windows(
            ("A", "A", "scheduled", noon, 3.0), ("B", "B", "scheduled", noon, 3.0), ("A", "B", "scheduled", noon, -2.0),
            ("A", "A", "scheduled", later, 5.0), ("A", "B", "scheduled", later, 9.0),
        )
    )  # fmt: skip
    assert found == {("A", "A"): 3.0, ("B", "B"): 3.0, ("A", "B"): -2.0}


def test_resets_of_a_band_are_windows_of_one_side(tmp_path: Path) -> None:
    band = {"policy": "band", "lower": "2.9", "upper": "3.2"}
    scenario = world(tokens=[{**UP, "rebalance": band}], events=RISE, duration="30min")
    found = demand_windows(Run(simulation.run(scenario, out=tmp_path).path))
    sides = set(found.filter(pl.col("trigger") == "band")["side"])
    assert sides == {"up"}  # leverage falls with a rise, so the fund buys


def test_the_block_of_one_run_has_k_and_the_regression_of_its_own_tape(run: Run) -> None:
    block = crowding_of_run(run.path)["BTC-PERP"]
    per_unit, n = impact_by_regression(run, "BTC-PERP")
    assert n == 50
    assert block["method"] == "regression"
    assert block["impact_per_usdt"] == per_unit
    assert block["crowding_number"] == pytest.approx(abs(per_unit) * block["k_usdt"])


def test_a_run_without_funds_has_no_crowding(tmp_path: Path) -> None:
    block = crowding_of_run(simulation.run(world(duration="2min"), out=tmp_path).path)["BTC-PERP"]
    assert (block["k_usdt"], block["crowding_number"], block["method"]) == (0.0, 0.0, "none")


VARIABLE = {"policy": "variable", "lower": "2", "upper": "4", "hidden": {"uniform": ["2.5", "3.5"]}, "poll": "10min"}


@pytest.mark.parametrize(
    "rule", [{"policy": "band", "lower": "2", "upper": "4"}, VARIABLE, {"policy": "tlx", "threshold": "0.25"}]
)
def test_tokens_without_a_clock_have_their_k_beside_and_instead_of_that_of_the_clock(
    tmp_path: Path, rule: dict[str, str]
) -> None:
    """1 MUSDT at 3x is 6 MUSDT per unit of return; in a market with a daily fund of -3 it stands beside that one's."""
    waiting = {**UP, "rebalance": rule, "execution": OFF_BOOK}
    other = {**PERP, "id": "OTHER"}
    daily = {**DOWN, "execution": OFF_BOOK}
    still = {**UP, "id": "STILL", "rebalance": {"policy": "none"}, "basket": {"OTHER": 3}}
    alone = {**waiting, "id": "ALONE", "basket": {"OTHER": 3}}
    scenario = world(index=STILL, traders=[], markets=[PERP, other], tokens=[waiting, daily, still, alone])
    block = crowding_of_run(simulation.run(scenario, out=tmp_path).path)
    assert block["BTC-PERP"]["k_usdt"] == pytest.approx(12 * 0.5e6, rel=1e-3)
    assert block["BTC-PERP"]["k_triggered_usdt"] == pytest.approx(6e6, rel=1e-3)
    assert block["OTHER"]["k_usdt"] == block["OTHER"]["k_triggered_usdt"] == pytest.approx(6e6, rel=1e-3)


def test_opposite_funds_overlap_in_what_they_would_trade(run: Run) -> None:
    (row,) = flow_overlaps(run).to_dicts()
    assert {row["one"], row["other"]} == {"UP", "DOWN"}
    assert (row["cosine"], row["overlap"]) == (pytest.approx(1.0), pytest.approx(1.0))
    traded = flow_exposures(run)
    assert min(traded["UP"]["BTC-PERP"], traded["DOWN"]["BTC-PERP"]) > 0
    legs = {leg["token"]: leg for leg in run.table("token_legs").sort("t_ns").to_dicts()}  # the last of each
    assert traded["UP"]["BTC-PERP"] == pytest.approx(2 * legs["UP"]["notional_atoms"] / 1e8)  # L - 1 of the notional
    assert traded["DOWN"]["BTC-PERP"] == pytest.approx(-4 * legs["DOWN"]["notional_atoms"] / 1e8)
    assert flow_concentration(run) == {"BTC-PERP": 1.0}  # one issuer runs both
    up, down = traded["UP"]["BTC-PERP"], traded["DOWN"]["BTC-PERP"]
    expected = (up**2 + down**2) / (up + down) ** 2
    assert flow_concentration(run, by="token") == {"BTC-PERP": pytest.approx(expected)}
