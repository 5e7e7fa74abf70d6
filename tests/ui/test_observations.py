"""What a run has told: resets under way, what run and twin differ in, and the figures shown."""

import math
from typing import Any

from marketsim.ui import charts
from marketsim.ui.charts import Frame, Line
from marketsim.ui.observations import Observations, log_gap_bps

MARK: dict[str, Any] = {"market": "BTC-PERP", "mark_price": 99.0, "index_price": 98.0}
REBALANCE: dict[str, Any] = {
    "id": 3, "token": "UP", "market": "BTC-PERP", "trigger": "scheduled", "t_decide_ns": 60, "t_first_ns": 61,
    "t_last_ns": 80, "filled_lots": -70, "slippage_bps": 4.8518, "leverage_before": 3.09, "leverage_after": 3.0021,
    "status": "done",
}  # fmt: skip


def child(parent: int, t_ns: int, lots: int, purpose: str = "rebalance") -> dict[str, Any]:
    return {
        "purpose": purpose, "parent": parent, "token": "UP", "market": "BTC-PERP", "t_ns": t_ns, "t_end_ns": t_ns + 1,
        "filled_lots": lots,
    }  # fmt: skip


def test_a_reset_is_the_sum_of_its_children_until_its_row_is_there() -> None:
    seen = Observations()
    for row in (child(3, 61, -40), child(3, 70, -20), child(9, 70, 500, "creation")):
        seen.add("children", row)
    (reset,) = seen.resets()
    assert (reset["filled_lots"], reset["t_ns"], reset["t_last_ns"], reset["status"]) == (-60, 61, 71, "so far")
    seen.add("children", child(3, 79, -10))
    seen.add("rebalances", REBALANCE)
    (reset,) = seen.resets()
    assert (reset["filled_lots"], reset["status"], reset["trigger"]) == (-70, "done", "scheduled")


def test_a_reset_that_filled_nothing_stands_where_it_was_decided() -> None:
    seen = Observations()
    seen.add("rebalances", {**REBALANCE, "t_first_ns": None, "t_last_ns": None, "filled_lots": 0})
    assert seen.resets()[0]["t_ns"] == 60


def test_a_gap_is_taken_where_both_have_a_value() -> None:
    gap = log_gap_bps([(0, 100.0), (1, 101.0), (2, None), (3, 102.0)], [(0, 100.0), (1, 100.0), (2, 100.0), (4, 1.0)])
    assert [t for t, _ in gap] == [0, 1]
    assert gap[0][1] == 0.0
    assert math.isclose(gap[1][1] or 0.0, 99.50330853)  # 1e4 ln 1.01


def test_figures_are_the_last_rows_of_run_and_twin_and_what_lies_between() -> None:
    run, twin = Observations(), Observations()
    run.add("marks", {**MARK, "t_ns": 0, "mid_price": 90.0})
    run.add("marks", {**MARK, "t_ns": 10, "mid_price": 1234.5})
    twin.add("marks", {**MARK, "t_ns": 10, "mid_price": None})
    for seen, nav in ((run, 101.5), (twin, 101.0)):
        seen.add("tokens", {"token": "UP", "nav": nav, "leverage": 3.0, "equity_atoms": 250_000_000, "t_ns": 10})
    for t_ns in (9, 10, 11):
        run.add("liquidations", {"t_ns": t_ns})
    rows = {row["name"]: (row["run"], row["twin"], row["difference"]) for row in charts.figures(run, twin)}
    assert rows["mid of BTC-PERP"] == ("1,234.50", "", "")
    assert rows["NAV of UP"] == ("101.5000", "101.0000", "+0.5000")
    assert rows["equity of UP"] == ("2.50", "2.50", "+0.00")
    assert rows["liquidations"] == ("2", "0", "+2")
    assert [row["twin"] for row in charts.figures(run, None)] == [""] * len(rows)


def test_figures_of_a_run_that_is_ahead_are_those_of_the_instant_that_its_twin_has_reached() -> None:
    run, twin = Observations(), Observations()
    for t_ns, mid in ((0, 100.0), (60 * 10**9, 101.0), (120 * 10**9, 150.0)):
        run.add("marks", {**MARK, "t_ns": t_ns, "mid_price": mid})
    twin.add("marks", {**MARK, "t_ns": 60 * 10**9, "mid_price": 100.5})
    instant, mid_row = charts.figures(run, twin)[:2]
    assert (instant["run"], mid_row["run"], mid_row["twin"], mid_row["difference"]) == (
        "1min",
        "101.00",
        "100.50",
        "+0.50",
    )


def test_reset_rows_are_said_newest_first() -> None:
    seen = Observations()
    seen.add("rebalances", REBALANCE)
    seen.add("rebalances", {**REBALANCE, "id": 4, "t_first_ns": 3_723 * 10**9, "slippage_bps": None})
    newest, oldest = charts.reset_rows(seen)
    assert (newest["time"], newest["slippage"]) == ("1h2min3s", "")
    assert (oldest["lots"], oldest["slippage"], oldest["leverage"]) == ("-70", "4.85", "3.090 to 3.002")


def test_a_long_line_is_thinned_and_keeps_its_ends() -> None:
    points = [(t, float(t)) for t in range(12_345)]
    kept = charts.thinned(points)
    assert len(kept) <= 501
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert charts.thinned(points[:3]) == points[:3]
    assert charts.thinned([]) == []


def test_a_chart_has_instants_of_utc_and_a_line_at_each_reset() -> None:
    frame = Frame(start_ns=1_704_148_200 * 10**9, duration_ns=7_200 * 10**9, currency="USDT")
    drawn = charts.chart(frame, "USDT", [Line("mid", [(10**9, 5.0)], "#000")], [2 * 10**9])
    assert drawn["useUTC"] is True
    assert drawn["series"][0]["data"] == [[1_704_148_201_000.0, 5.0]]
    assert drawn["series"][0]["markLine"]["data"] == [{"xAxis": 1_704_148_202_000.0}]
    assert drawn["xAxis"]["max"] - drawn["xAxis"]["min"] == 7_200_000
