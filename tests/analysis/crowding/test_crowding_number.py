"""K, lambda and their product, by hand; and K of a run."""

from json import dumps
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from marketsim import simulation
from marketsim.analysis.crowding.crowding_number import crowding_sums, leading
from marketsim.analysis.crowding.flow_overlap import flow_concentration, flow_exposures, flow_overlaps
from marketsim.analysis.crowding.market_response import market_response
from marketsim.analysis.crowding.probe_impact import PROBES, Push, pushes_of
from marketsim.analysis.crowding.reset_impact import BUY, SELL, InstantImpact, instant_impacts, reset_impacts
from marketsim.analysis.crowding.run_crowding import clock_demand, crowding_of_run
from marketsim.analysis.measures.family import PairMeasure, Term
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.run_data.reset_demand import demand
from marketsim.datasets.run import Run
from tests.analysis.tables import HOUR, PERP, hand_run, quotes, rebalance
from tests.simulation.worlds import DOWN, MINUTE, OFF_BOOK, STILL, UP, world
from tests.simulation.worlds import PERP as WHOLE_PERP

RISE = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "3%"}]


def test_k_at_target_is_equity_times_l_times_l_less_one() -> None:
    # Cheng & Madhavan 2009: 6 for +3, 12 for -3, 2 for -1, -0.25 for +0.5.
    for leverage, coefficient in ((3, 6), (-3, 12), (-1, 2), (2, 2), (0.5, -0.25)):
        assert demand({"T": 100.0}, {"T": {"M": leverage}}) == {("M", "M"): pytest.approx(coefficient * 100.0)}


def test_k_of_a_basket_has_what_one_market_owes_to_the_other() -> None:
    # t_m t_j A - delta t_m A with targets +2 in A and -1 in B, 100 of assets:
    # A to A: 400 - 200; A to B and back: -200; B to B: 100 + 100. A fund in A alone adds 6 x 10 there.
    k = demand({"T": 100.0, "U": 10.0}, {"T": {"A": 2.0, "B": -1.0}, "U": {"A": 3.0}})
    assert k == {("A", "A"): 260.0, ("A", "B"): -200.0, ("B", "A"): -200.0, ("B", "B"): 200.0}


# -- probes by hand: a reset at 1 h, 5 lots of 2 wanted at 100 after a rise of 5 % in the baseline

ISSUED = [{"id": "UP", "issuer": "alpha", "basket": {"PERP": "3"}}]


def probe(sign: int, mid: float | None, **changed: Any) -> dict[str, Any]:
    """A row of `run_probes` as a study stores it."""
    row = {
        "replication": 0, "market": "PERP", "t_ns": HOUR, "schedule": "reset", "size": abs(sign) * 1.0,
        "lots": abs(sign) * 5, "sign": sign, "arrival_mid": 105.0, "horizon": "0s", "look_ns": HOUR,
        "filled_lots": sign * 5, "filled": sign * 1_050.0, "worst_price": None if not sign else 105.0 + 5 * sign,
        "seen": "PERP", "mid": mid, "bid": None if mid is None else mid - 1, "ask": None if mid is None else mid + 1,
        "mark": 105.0, "liquidated": 0.0, "net_change": "{}",
    }  # fmt: skip
    return {**row, **changed}


def probed(
    place: Path, *rows: dict[str, Any], rebalances: list[dict[str, Any]] | None = None, **more: Any
) -> tuple[Run, Run]:
    """A factual run with the probes of its reset, and the baseline's run."""
    instruments = [{**PERP, "lot": 2.0}, *more.pop("instruments", [])]
    common = {"record": {"quotes": "change"}, "issued": ISSUED, "instruments": instruments, **more}
    own = [rebalance(0, "UP", HOUR, HOUR, 5)] if rebalances is None else rebalances
    markets = sorted({row["market"] for row in own})
    mids = [row for market in markets for row in quotes(market, (0, 100.0), (HOUR - 1, 105.0))]
    manifest = {"run_id": "factual", "seed": 1, "replication": 0, "arm": "factual", "scenario_sha256": "0"}
    f = hand_run(place / "runs" / "f", rebalances=own, quotes=mids, manifest=manifest, **common)
    c = hand_run(place / "runs" / "c", quotes=mids, **common)
    (place / "probes").mkdir()
    pl.DataFrame(rows, schema=PROBES, orient="row").write_parquet(place / "probes" / "factual.parquet")
    return f, c


def value(name: str, f: Run, c: Run) -> float | None:
    measure = all_measures()[name]
    assert isinstance(measure, PairMeasure)
    return measure.value(measure.of_replication(measure.terms(f, c)))


def test_lambda_is_the_change_against_the_copy_without_an_order_over_price_and_size_by_side(tmp_path: Path) -> None:
    """Up 4.2 and down 2.1 of 105, over P = 100 and Q = 5 x 2 x 105 = 1050."""
    pair = probed(tmp_path, probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9))
    assert value("impact_per_usdt_buy_0s", *pair) == pytest.approx(0.042 / 1_050)
    assert value("impact_per_usdt_sell_0s", *pair) == pytest.approx(0.021 / 1_050)


def test_the_crowding_number_takes_the_side_of_the_orders_and_k_at_the_last_reset(tmp_path: Path) -> None:
    """K = 6 x 1000; the reset buys: .042 / 1050 x 6000 = .24. One that sold would take the other side."""
    rows = [probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9)]
    assert value("crowding_number_0s", *probed(tmp_path / "b", *rows)) == pytest.approx(0.24)
    sale = [rebalance(0, "UP", HOUR, HOUR, -5)]
    assert value("crowding_number_0s", *probed(tmp_path / "s", *rows, rebalances=sale)) == pytest.approx(0.12)


def test_a_push_to_the_other_side_is_a_negative_crowding_number(tmp_path: Path) -> None:
    pair = probed(tmp_path, probe(0, 105.0), probe(+1, 102.9), probe(-1, 105.0))
    assert value("crowding_number_0s", *pair) == pytest.approx(-0.12)


def test_a_side_that_was_emptied_counts_with_the_least_it_moved_and_is_counted(tmp_path: Path) -> None:
    """The buy took all up to 110 and left a bid of 104: its mid is at least 107, 2 above; the sale left nothing."""
    pair = probed(
        tmp_path, probe(0, 105.0), probe(+1, None, bid=104.0, worst_price=110.0), probe(-1, None, worst_price=99.0)
    )
    assert value("impact_per_usdt_buy_0s", *pair) == pytest.approx(0.02 / 1_050)
    assert value("impact_per_usdt_sell_0s", *pair) == pytest.approx(0.06 / 1_050)
    for name in ("impact_per_usdt_buy_0s", "impact_per_usdt_sell_0s", "crowding_number_0s"):
        (term,) = all_measures()[name].terms(*pair)  # type: ignore[attr-defined]
        assert (term.dropped, term.denominator > 0) == (1, True)


def test_an_emptied_side_that_nobody_was_traded_with_moved_nothing_that_is_known(tmp_path: Path) -> None:
    pair = probed(tmp_path, probe(0, 105.0), probe(+1, None, worst_price=None, filled_lots=0), probe(-1, 102.9))
    assert value("impact_per_usdt_buy_0s", *pair) == 0.0


def test_where_the_copy_without_an_order_has_no_mid_nothing_can_be_read(tmp_path: Path) -> None:
    pair = probed(tmp_path, probe(0, None), probe(+1, 109.2), probe(-1, 102.9))
    assert value("impact_per_usdt_buy_0s", *pair) is None
    (term,) = all_measures()["impact_per_usdt_buy_0s"].terms(*pair)  # type: ignore[attr-defined]
    assert (term.dropped, term.denominator) == (1, 0.0)


def test_a_look_that_no_probe_had_is_left_out_and_counted_and_an_arm_without_probes_has_nothing(tmp_path: Path) -> None:
    f, c = probed(tmp_path, probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9))
    (term,) = all_measures()["crowding_number_2min"].terms(f, c)  # type: ignore[attr-defined]
    assert (term.dropped, term.denominator) == (1, 0.0)
    assert all_measures()["crowding_number_2min"].terms(c, c) == []  # type: ignore[attr-defined]


def test_the_exponent_is_between_half_and_twice_the_orders(tmp_path: Path) -> None:
    """Pushes of 2 and 4 of half and twice the size: ln 2 / ln 4."""
    sizes = [probe(+1, 107.0, size=0.5, lots=3), probe(+1, 109.0, size=2.0, lots=12), probe(+1, 108.0)]
    pair = probed(tmp_path, probe(0, 105.0), *sizes)
    assert value("impact_exponent", *pair) == pytest.approx(0.5)


def test_the_prediction_for_an_order_sized_once_is_one_and_the_crowding_number(tmp_path: Path) -> None:
    token = [{**ISSUED[0], "execution": {"algorithm": "twap", "slices": 2}}]
    pair = probed(tmp_path, probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9), issued=token)
    assert value("multiplier_predicted_0s", *pair) == pytest.approx(1.24)


def test_there_is_no_prediction_where_another_reset_falls_before_the_horizon_is_over(tmp_path: Path) -> None:
    token = [{**ISSUED[0], "execution": {"algorithm": "market"}}]
    rows = [probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9)]
    rows += [{**row, "horizon": "2min"} for row in rows]
    two = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", HOUR + MINUTE, HOUR + MINUTE, 5)]
    pair = probed(tmp_path, *rows, rebalances=two, issued=token)
    assert value("multiplier_predicted_0s", *pair) == pytest.approx(1.24)
    assert value("multiplier_predicted_2min", *pair) is None
    assert value("crowding_number_2min", *pair) == pytest.approx(0.24)


def test_two_markets_of_one_instant_have_the_eigenvalue_of_largest_real_part(tmp_path: Path) -> None:
    """A basket +2, -1 of 1000 buys in both: lambda [[.04, .01], [.02, .03]] / 1050, K [[2000, -2000], [-2000, 2000]].

    Their product is [[60, -60], [-20, 20]] / 1050: eigenvalues 0 and 80 / 1050, which multiplies returns as 1 to -1/3.
    """
    token = [{"id": "UP", "issuer": "alpha", "basket": {"PERP": "2", "OTHER": "-1"}}]
    rows = [rebalance(0, "UP", HOUR, HOUR, 5), rebalance(1, "UP", HOUR, HOUR, 5, market="OTHER")]
    seen = {("PERP", "PERP"): 4.0, ("PERP", "OTHER"): 2.0, ("OTHER", "PERP"): 1.0, ("OTHER", "OTHER"): 3.0}
    probes = [
        probe(sign, 105.0 + abs(sign) * sign * moved, market=market, seen=other)
        for (market, other), moved in seen.items()
        for sign in (0, 1, -1)
    ]
    pair = probed(
        tmp_path, *probes, rebalances=rows, issued=token, instruments=[{**PERP, "market": "OTHER", "lot": 2.0}]
    )
    terms = all_measures()["crowding_number_0s"].terms(*pair)  # type: ignore[attr-defined]
    assert [term.market for term in terms] == ["OTHER", "PERP", None]
    of = {term.market: all_measures()["crowding_number_0s"].value([term]) for term in terms}
    assert of[None] == pytest.approx(80 / 1_050)
    assert (of["PERP"], of["OTHER"]) == (pytest.approx(0.04 / 1_050 * 2_000), pytest.approx(0.03 / 1_050 * 2_000))
    (instant,) = instant_impacts(*pair, "0s")
    assert isinstance(instant, InstantImpact)
    found = crowding_sums([instant]).crowding()
    assert dict(zip(instant.markets, found.responses, strict=True)) == {
        "PERP": pytest.approx(1.0),
        "OTHER": pytest.approx(-1 / 3),
    }


def test_the_leading_eigenvalue_is_signed() -> None:
    assert leading(np.array([[-0.5]])).number == -0.5
    # [[0, -1], [1, 0]] turns: its eigenvalues are imaginary, their real part 0
    assert leading(np.array([[0.0, -1.0], [1.0, 0.0]])).number == pytest.approx(0.0)


def test_sums_of_instants_are_a_ratio_of_sums() -> None:
    """X 1 and 5 of Q 100 and 200, K 10 and 40: (1 + 5) / (100 / 10 + 200 / 40) = .4."""
    instants = [
        InstantImpact(("M",), (), np.array([[x]]), np.array([q]), np.array([[k]]))
        for x, q, k in ((1.0, 100.0, 10.0), (5.0, 200.0, 40.0))
    ]
    assert crowding_sums(instants).crowding().number == pytest.approx(0.4)


def test_the_measure_of_several_instants_is_of_their_sums() -> None:
    """X 1 and 3 of Q 10 and 10; K 100 and 50, weighed by 2 and 6: (4 / 20) x (200 + 300) / 8 = 12.5."""
    terms = [
        Term(day, np.array([[[x]], [[10.0]], [[weight * k]]]), weight, "M")
        for day, (x, k, weight) in enumerate([(1.0, 100.0, 2.0), (3.0, 50.0, 6.0)])
    ]
    measure = all_measures()["crowding_number_0s"]
    assert measure.value([*terms, Term(2, 0.0, 0.0, "M", dropped=1)]) == pytest.approx(12.5)
    assert measure.value([]) is None


def test_what_is_worked_until_nothing_is_wanted_is_sized_by_what_the_mark_shows_later(tmp_path: Path) -> None:
    """Lambda = .24 and, two minutes after a child, a mark that shows half: R = r / (1 - .12), so 1 + .24 / .88.

    At once the mark shows nothing of it.
    """
    token = [{**ISSUED[0], "execution": {"algorithm": "ioc_ladder", "resize": "each_child"}}]
    child = {"schedule": "child", "lots": 1}
    rows = [probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9)]
    for look, mid, mark in ((HOUR, 107.0, 105.0), (HOUR + 2 * MINUTE, 106.0, 105.5)):
        rows += [probe(0, 105.0, **child, look_ns=look), probe(+1, mid, **child, look_ns=look, mark=mark)]
    pair = probed(tmp_path, *rows, issued=token)
    assert value("multiplier_predicted_0s", *pair) == pytest.approx(1 + 0.24 / 0.88)


def test_both_sides_of_a_reset_are_read_and_the_largest_probes_apart(tmp_path: Path) -> None:
    pair = probed(tmp_path, probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9), probe(+1, 115.0, size=2.0, lots=10))
    (own,), (large,) = (reset_impacts(*pair, "0s", size) for size in (1.0, 2.0))
    assert (own.sides[BUY].x, own.sides[SELL].x) == ({"PERP": pytest.approx(0.042)}, {"PERP": pytest.approx(0.021)})  # type: ignore[union-attr]
    assert large.sides[BUY].notional == 2_100.0  # type: ignore[union-attr]
    assert large.sides[SELL] is None
    assert len(pushes_of(pair[0])["PERP", HOUR]) == 3


def test_liquidation_density_and_contrarian_liquidity_are_what_a_unit_of_return_sets_off() -> None:
    # The move is 1 %; liquidations buy 30, value traders sell 2 lots of 25 and retail (with its liquidations) buys 1.
    def push(side: int, changes: dict[str, int]) -> Push:
        return Push("M", "M", 0, "reset", 1.0, side, "0s", 0, 1.0, float(side), 0.0, False, 30.0 * side, dumps(changes))

    up = push(+1, {"value": -2, "retail": 1, "makers": -9, "probe": 10})
    down = push(-1, {"value": 2, "retail": -1, "makers": 9, "probe": -10})
    got = market_response([(up, down, 100.0)], leaning=["value", "retail"], money_per_lot=25.0)
    assert got.liquidation_density == pytest.approx(30 / 0.01)
    assert got.contrarian_liquidity == pytest.approx((30 - (-2 + 1) * 25) / 0.01)


# -- K of a run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = world(tokens=[UP, DOWN], events=RISE, duration="50min")
    return Run(simulation.run(scenario, out=tmp_path_factory.mktemp("out")).path)


def test_k_of_a_run_is_of_the_assets_at_the_last_reset(run: Run) -> None:
    """6 x 1 MUSDT + 12 x 0.5 MUSDT, though at the reset leverages are off target; one run says nothing of lambda."""
    block = crowding_of_run(run.path)["BTC-PERP"]
    assert block["k_usdt"] == pytest.approx(12e6)
    assert (block["method"], block["crowding_number"], block["impact_per_usdt"]) == ("none", None, None)


def test_k_of_the_clock_is_the_mean_over_days_at_the_minute_that_is_most_crowded() -> None:
    """12:00 on two days, 3 and 5: their mean of 4 is more than the one 3.5 at 20:00, and their sum of 8 is nobody's."""
    day, noon = 24 * 60 * MINUTE, 12 * 60 * MINUTE
    found = {noon: {("M", "M"): 3.0}, noon + day: {("M", "M"): 5.0}, 20 * 60 * MINUTE: {("M", "M"): 3.5}}
    assert clock_demand(found) == {("M", "M"): 4.0}
    found[20 * 60 * MINUTE] = {("M", "M"): 4.5}
    assert clock_demand(found) == {("M", "M"): 4.5}
    assert clock_demand({}) == {}


def test_the_most_crowded_minute_is_that_of_all_markets_own_k_together() -> None:
    """At noon 3 + 3 in two markets against 5 in one an hour later; what one market owes to another does not count."""
    noon, later = 12 * 60 * MINUTE, 13 * 60 * MINUTE
    at_noon = {("A", "A"): 3.0, ("B", "B"): 3.0, ("A", "B"): -2.0}
    assert clock_demand({noon: at_noon, later: {("A", "A"): 5.0, ("A", "B"): 9.0}}) == at_noon


def test_a_run_without_funds_has_no_crowding(tmp_path: Path) -> None:
    block = crowding_of_run(simulation.run(world(duration="2min"), out=tmp_path).path)["BTC-PERP"]
    assert (block["k_usdt"], block["crowding_number"], block["method"]) == (0.0, None, "none")


VARIABLE = {"policy": "variable", "lower": "2", "upper": "4", "hidden": {"uniform": ["2.5", "3.5"]}, "poll": "10min"}


@pytest.mark.parametrize(
    "rule", [{"policy": "band", "lower": "2", "upper": "4"}, VARIABLE, {"policy": "tlx", "threshold": "0.25"}]
)
def test_tokens_without_a_clock_have_their_k_beside_and_instead_of_that_of_the_clock(
    tmp_path: Path, rule: dict[str, str]
) -> None:
    """1 MUSDT at 3x is 6 MUSDT per unit of return; in a market with a daily fund of -3 it stands beside that one's."""
    waiting = {**UP, "rebalance": rule, "execution": OFF_BOOK}
    other = {**WHOLE_PERP, "id": "OTHER"}
    daily = {**DOWN, "execution": OFF_BOOK}
    still = {**UP, "id": "STILL", "rebalance": {"policy": "none"}, "basket": {"OTHER": 3}}
    alone = {**waiting, "id": "ALONE", "basket": {"OTHER": 3}}
    scenario = world(index=STILL, traders=[], markets=[WHOLE_PERP, other], tokens=[waiting, daily, still, alone])
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
