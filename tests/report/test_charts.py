"""What pictures show is what the tables say; their specifications are valid and their data bounded and escaped."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.analysis.transfers.transfer_matrix import FLOW_COLUMNS, POOL, Transfers
from marketsim.datasets.run import Run
from marketsim.errors import ResultError, UsageError
from marketsim.report import charts, who_paid
from marketsim.report.attribution import equity_waterfall, nav_waterfall
from marketsim.report.book import band_sizes
from marketsim.report.charts import Line, TimeAxis, over_time
from marketsim.report.embedding import figure, finished
from marketsim.report.key_figures import holders_result, key_figures
from marketsim.report.prices import deviations_chart, price_chart
from marketsim.report.record import RunRecord
from marketsim.report.resets import Reset, largest_reset
from marketsim.report.spans import spans_of
from tests.report.synthetic_run import DAY, HOUR, MARKET, S, empty_tables, synthetic_tables, write_run
from tests.report.test_holding import DECAY, HOLDER, rows

PLAIN = ("price", "deviations", "volume", "leverage", "nav", "slippage", "funding", "liquidations", "wealth")


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return synthetic_tables(every_ns=HOUR)


@pytest.fixture(scope="module")
def record(tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return RunRecord.open(write_run(tmp_path_factory.mktemp("runs") / "run", tables))


def opened(directory: Path, **tables: pl.DataFrame) -> RunRecord:
    return RunRecord.open(write_run(directory / "run", {**empty_tables(), **tables}))


def data_of(chart: Any) -> list[dict[str, Any]]:
    """All rows of a chart, of all its tables."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("name", PLAIN)
def test_every_picture_of_a_run_is_valid_by_the_schema_and_can_be_had_by_itself(record: RunRecord, name: str) -> None:
    spec = getattr(Run(record.run.path).plot, name)().to_dict()  # checked against Vega-Lite's schema on the way
    assert spec["datasets"]
    assert len(max(spec["datasets"].values(), key=len)) <= 5_000


def test_a_price_is_drawn_as_the_table_has_it_and_deviations_in_basis_points(record: RunRecord) -> None:
    marks = record.table("marks")
    assert marks is not None
    drawn = [row["v"] for row in data_of(price_chart(record, MARKET)) if row.get("drawn") == "line"]
    assert drawn == marks["mid_price"].to_list()
    mid, index = marks["mid_price"][7], marks["index_price"][7]
    deviations = [row for row in data_of(deviations_chart(record, MARKET)) if row["series"] == "mid against index"]
    assert deviations[7]["v"] == pytest.approx((mid / index - 1) * 10_000, abs=1e-8)


def test_lows_and_highs_survive_and_all_lines_together_stay_below_the_most_that_altair_takes() -> None:
    values = [0.0] * 20_000
    values[12_345], values[54] = 9.0, -7.0
    frame = pl.DataFrame({"t_ns": range(20_000), "v": values})
    chart = over_time([Line(name, frame, "v", charts.BLUE) for name in "abcdef"], TimeAxis(0, 20_000), "v [1]")
    drawn = data_of(chart)
    assert len(drawn) <= 5_000
    for name in "abcdef":
        mine = [row["v"] for row in drawn if row["series"] == name]
        assert (min(mine), max(mine)) == (-7.0, 9.0)


def test_steps_of_navs_waterfall_multiply_up_to_the_last_nav(tmp_path: Path) -> None:
    # Two intervals of log return 0.02 each: NAV 100 -> 100 exp(0.04) = 104.0810774192388.
    decay = rows("decay", DECAY, {**DECAY, "t0_ns": HOUR, "t1_ns": 2 * HOUR})
    whole = synthetic_tables(every_ns=HOUR)
    record = opened(tmp_path, decay=decay, attribution=whole["attribution"], tokens=whole["tokens"])
    bars = [row for row in data_of(nav_waterfall(record, ["BTC3L"])) if "part" in row]
    parts = ["price", "volatility", "leverage drift", "funding", "management fee", "rebalancing cost"]
    assert [bar["part"] for bar in bars] == ["first", *parts, "last"]
    assert bars[-1]["high"] == pytest.approx(104.0810774192388, abs=1e-10)
    signed = [bar["high"] - bar["low"] if bar["kind"] == "gain" else bar["low"] - bar["high"] for bar in bars[1:-1]]
    assert 100 + math.fsum(signed) == pytest.approx(104.0810774192388, abs=1e-10)
    assert signed[0] == pytest.approx(100 * (math.exp(0.06) - 1), abs=1e-10)  # beta_term, 0.03 in each
    assert [bar["label"] for bar in bars][4] == "−0.63 %"  # funding: exp(0.051) (exp(-0.006) - 1) = -0.0063


def test_a_token_whose_return_is_not_taken_apart_shows_its_equity_instead(record: RunRecord) -> None:
    frame = record.table("attribution")
    assert frame is not None
    own = frame.filter(token="BTC3S").sort("t0_ns")
    bars = [row for row in data_of(equity_waterfall(record)) if row.get("panel") == "BTC3S"]
    closing = 100 * own["closing_atoms"][-1] / own["opening_atoms"][0]
    assert bars[-1]["high"] == pytest.approx(closing, abs=1e-9)
    with pytest.raises(ResultError, match="no return could be taken apart"):
        record.run.plot.waterfall("BTC3S")


def rebalance(**changes: Any) -> dict[str, Any]:
    made = dict.fromkeys(empty_tables()["rebalances"].columns)
    made |= dict(id=0, cohort="A", token="A", market=MARKET, trigger="scheduled", price_source="mark", status="done")
    made |= dict(t_decide_ns=HOUR, t_first_ns=HOUR, t_last_ns=HOUR, target_lots=1_000, filled_lots=1_000)
    made |= dict(
        backlog_lots=0,
        equity_before_atoms=0,
        position_before_lots=0,
        fees_atoms=0,
        market_volume_lots=4_000,
        cross_lots=0,
    )
    made |= dict(children=1, arrival_mid=100.0, vwap=101.0, slippage_bps=100.0, mid_1m=102.0, mid_1h=None)
    known = set(empty_tables()["rebalances"].columns)
    return {key: value for key, value in (made | changes).items() if key in known}


def test_the_largest_reset_is_all_orders_of_one_instant_together(tmp_path: Path) -> None:
    """A buys 1 BTC at 101, B 3 BTC at 102 until a minute later; 4 of 10 BTC of the market's volume in that minute."""
    later = HOUR + 60 * S
    second = rebalance(
        id=1, token="B", cohort="B", t_last_ns=later, target_lots=3_000, filled_lots=3_000, vwap=102.0,
        slippage_bps=200.0, market_volume_lots=10_000, mid_1m=103.0, mid_1h=100.5,
    )  # fmt: skip
    small = rebalance(id=2, t_decide_ns=2 * HOUR, t_last_ns=2 * HOUR, filled_lots=-100, target_lots=-100)
    instruments = synthetic_tables(every_ns=HOUR)["instruments"]
    made = opened(tmp_path, rebalances=rows("rebalances", rebalance(), second, small), instruments=instruments)
    reset = largest_reset(made)
    assert reset is not None
    assert (reset.decided_ns, reset.last_ns, reset.tokens) == (HOUR, later, ("A", "B"))
    assert (reset.bought, reset.sold, reset.share) == (pytest.approx(407.0, abs=1e-9), 0.0, 0.4)
    assert reset.slippage_bps == pytest.approx((100 * 101 + 200 * 306) / 407, abs=1e-9)
    assert reset.after_minute_bps == pytest.approx(1e4 * math.log(1.03), abs=1e-9)
    assert reset.after_hour_bps == pytest.approx(1e4 * math.log(1.005), abs=1e-9)
    tiles = {name: (value, below) for name, value, below in key_figures(made)}
    assert tiles["Largest reset"] == ("407 USDT", f"{made.instant(HOUR)}, {MARKET}, 2 tokens: bought 407 USDT")
    assert tiles["Left an hour later"][0] == "49.9 bps"


def test_what_is_left_an_hour_later_says_why_it_is_not_known(tmp_path: Path) -> None:
    late = rebalance(t_decide_ns=3 * DAY - 60 * S, t_last_ns=3 * DAY - 30 * S)
    for folder, row, why in (("a", late, "the run ended before"), ("b", rebalance(), "the market had no mid then")):
        made = opened(tmp_path / folder, rebalances=rows("rebalances", row))
        tiles = {name: (value, below) for name, value, below in key_figures(made)}
        assert tiles["Left an hour later"] == ("–", f"not known: {why}")


def test_holders_gain_what_they_end_with_and_sold_less_what_they_bought_and_began_with(tmp_path: Path) -> None:
    # 10 units of NAV 100 at the start; bought for 300, sold for 50, hold 1,250 at the end: 1250 + 50 - 300 - 1000 = 0.
    tokens = synthetic_tables(every_ns=HOUR)["tokens"]
    made = opened(tmp_path, holders=rows("holders", HOLDER, {**HOLDER, "end_value_atoms": 10**8}), tokens=tokens)
    assert list(holders_result(made).values()) == [-1_249 * 10**8]


def test_states_that_overlap_are_one_band_that_names_all_who_were_in_it(tmp_path: Path) -> None:
    def state(t_ns: int, token: str, to: str) -> dict[str, Any]:
        return dict(t_ns=t_ns, event="state", subject=token, detail=json.dumps({"from": "X", "to": to}))

    events = [
        state(10, "A", "REBALANCING"), state(12, "B", "REBALANCING"), state(15, "A", "TRADING"),
        state(20, "B", "TRADING"), state(30, "A", "REBALANCING"), state(31, "A", "SUSPENDED"),
        dict(t_ns=40, event="outage", subject="M", detail='{"for_ns": 5}'),
    ]  # fmt: skip
    found = spans_of(opened(tmp_path, events=rows("events", *events)), "M")
    told = sorted((span.state, span.subject, span.from_ns, span.until_ns) for span in found)
    assert told == [
        ("outage", "M", 40, 45), ("rebalancing", "A", 30, 31), ("rebalancing", "A, B", 10, 20),
        ("suspended", "A", 31, 3 * DAY),
    ]  # fmt: skip


def test_the_book_is_told_in_bands_against_the_median_before_the_reset(tmp_path: Path) -> None:
    """Within 1 bps 10 lots before, 4 after; within 5 bps 30 and 34: bands 10 -> 4 and 20 -> 30."""
    depth = [
        dict(t_ns=minute * 60 * S, market=MARKET, side=side, bps=bps, size_lots=size)
        for minute in range(8)
        for side in ("bid", "ask")
        for bps, size in (((1.0, 10), (5.0, 30)) if minute < 5 or side == "bid" else ((1.0, 4), (5.0, 34)))
    ]
    made = opened(tmp_path, depth=rows("depth", *depth), instruments=synthetic_tables(every_ns=HOUR)["instruments"])
    reset = Reset(MARKET, 290 * S, 300 * S, ("A",), 1.0, 0.0, None, None, None, None)
    found = band_sizes(made, reset)
    assert found is not None
    at = found.filter(pl.col("t0_ns") == 360 * S).select("band", "place", "lots", "share").rows()
    assert sorted(at) == [
        ("ask 0-1 bps", 1, 4.0, 0.4), ("ask 1-5 bps", 2, 30.0, 1.5),
        ("bid 0-1 bps", -1, 10.0, 1.0), ("bid 1-5 bps", -2, 20.0, 1.0),
    ]  # fmt: skip
    assert band_sizes(made, Reset(MARKET, 60 * S, 60 * S, ("A",), 1.0, 0.0, None, None, None, None)) is None


def test_payments_are_net_of_both_directions_and_leave_the_pool_out(
    record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [("trade", "noise", "makers", 70), ("trading_fee", "makers", "noise", 100), ("mark", "noise", POOL, 9)]
    flows = pl.DataFrame(
        [(cause, "USDT", payer, payee, None, None, atoms) for cause, payer, payee, atoms in said],
        schema=FLOW_COLUMNS, orient="row",
    )  # fmt: skip
    monkeypatch.setattr(who_paid, "transfers", lambda _: Transfers(0, 1, flows, flows))
    paid = who_paid.payments(record)
    assert paid.rows() == [("USDT", "makers", "noise", 30)]
    (cell,) = data_of(who_paid.payments_chart("USDT", paid))
    assert (cell["payer"], cell["payee"], cell["told"]) == ("makers", "noise", "30 atoms")


def test_text_of_a_scenario_is_data_of_a_chart_and_cannot_leave_it() -> None:
    evil = "</script><script>alert(1)</script>\"'];alert(1)//\u2028<!--"
    frame = pl.DataFrame({"t_ns": [0, 1], "v": [1.0, 2.0]})
    chart = over_time([Line(evil, frame, "v", charts.BLUE, panel=evil)], TimeAxis(0, 1), f"v [{evil}]")
    page = figure(chart, evil)
    pieces = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)
    assert page.count("<script") == len(pieces) == 2
    assert not any(one in piece for piece in pieces for one in "<>&\u2028")
    told, spec = (json.loads(piece) for piece in pieces)
    assert told["series"]["words"] == [evil]
    expressions = re.findall(r'"expr":\s*("(?:[^"\\]|\\.)*")', json.dumps(spec))
    assert all(json.dumps(f"v [{evil}]") in json.loads(one) for one in expressions if "alert" in one)


def test_a_table_that_charts_share_is_kept_once() -> None:
    frame = pl.DataFrame({"t_ns": [0, 1], "v": [1.0, 2.0]})
    made = [over_time([Line("a", frame, "v", charts.BLUE)], TimeAxis(0, 1), "v", height=height) for height in (10, 20)]
    page = finished("".join(figure(chart, "the same line twice") for chart in made))
    assert page.count('class="chart"') == 2
    assert page.count('class="table"') == 1


def test_a_run_shows_itself_in_a_notebook_and_names_what_there_is(record: RunRecord) -> None:
    told = record.run._repr_html_()
    assert told.startswith("<div><strong>")
    assert "Largest reset" in told
    assert "<script" not in told
    with pytest.raises(UsageError, match=f"market: was 'X'; allowed: {MARKET}"):
        record.run.plot.price("X")
    with pytest.raises(ResultError, match="depth of its market was not recorded"):
        record.run.plot.book()


def test_tables_are_read_without_the_library_of_charts() -> None:
    code = "import sys, marketsim.datasets.study; print(sorted({'altair', 'vl_convert'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_many_tokens_with_many_rebalances_and_hourly_funding_for_a_year_stay_within_what_is_drawn(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    ids = [f"T{number}" for number in range(12)]
    of_each = {
        name: pl.concat([tables[name].filter(token="BTC3L").with_columns(token=pl.lit(one)) for one in ids])
        for name in ("tokens", "token_legs")
    }
    orders = rows(
        "rebalances",
        *(rebalance(id=n, token=one, leverage_before=3.0, participation=0.1) for one in ids for n in range(500)),
    )
    funding = pl.concat([tables["funding"].head(1).with_columns(t_ns=pl.lit(HOUR) * hour) for hour in range(1, 8_761)])
    plot = opened(tmp_path, **{**tables, **of_each, "rebalances": orders, "funding": funding}).run.plot
    for name in ("price", "leverage", "nav", "slippage", "funding"):
        assert len(data_of(getattr(plot, name)())) <= 5_000, name
