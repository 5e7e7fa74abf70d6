"""Why a rebalance or a liquidation happened: the words of its rule, its numbers in the formula, and what was left."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import marketsim as ms
from marketsim.cli import main
from marketsim.datasets.run import Run
from marketsim.errors import UsageError
from marketsim.report import write_report
from marketsim.units import ATOMS_PER_UNIT
from tests.simulation.worlds import CROWD, DOWN, MAKERS, NOISE, OFF_BOOK, PERP, STILL, UP, world

LADDER = {"algorithm": "ioc_ladder", "slice": "400 kUSDT", "every": "5s"}
FALL = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-8%"}]
BANDS: dict[str, dict[str, Any]] = {
    "emergency": {
        "policy": "daily",
        "at": "12:00",
        "emergency": {"leverage": 3.5, "side": "delever"},
    },
    "band": {"policy": "band", "lower": 2.5, "upper": 3.5, "to": "50%"},
    "edge": {"policy": "band", "lower": 2.5, "upper": 3.5, "to": "edge", "source": "index"},
    "move": {"policy": "band", "move": "5%", "side": "losing"},
    "variable": {
        "policy": "variable",
        "lower": 2.5,
        "upper": 3.5,
        "hidden": {"uniform": [2.8, 3.2]},
        "poll": {"uniform": ["1min", "2min"]},
    },
    "tlx": {"policy": "tlx", "threshold": 0.2},
    "fli": {
        "policy": "fli",
        "min": 2.7,
        "max": 3.3,
        "speed": "10%",
        "every": "1d",
        "ripcord": 4.5,
        "max_trade": "3 BTC",
        "cooldown": "2min",
        "ripcord_max_trade": "20 BTC",
        "ripcord_cooldown": "1min",
    },
    "ripcord": {
        "policy": "fli",
        "min": 2.7,
        "max": 3.2,
        "speed": "10%",
        "every": "1d",
        "ripcord": 3.5,
        "max_trade": "3 BTC",
        "cooldown": "2min",
        "ripcord_max_trade": "5 BTC",
        "ripcord_cooldown": "1min",
    },
}
WORDS = {
    "emergency": r"Leverage was 3\.[5-9]\d* at the mark of [\d,.]+ USDT, above 3\.5\..*An emergency acts only to lower",
    "band": r"Leverage was 3\.\d+ .*above 3\.5\..*It goes 50% of the way to its target 3: 3\.\d+\.",
    "edge": r"Leverage was 3\.\d+ at the index of .*It goes to the edge that was crossed, rounded into the band: 3\.5",
    "move": r"The price had moved by -\d\.\d+% since .* at 30,000\.0 USDT, more than 0\.05 of it\. .*had lost",
    "variable": r"At a look at 2024-01-01T23:4\d:.* leverage was .*outside 2\.5 to 3\.5\. .*for this look was [23]\.",
    "tlx": r"Notional was .*the margin at the last update 1,000,000\.00 USDT: \|.* = 0\.\d+, at or above 0\.2\.",
    "fli": r"Recentred it is .* x \(1 - 0\.1\) \+ 3 x 0\.1, within 2\.7 to 3\.3: 3\.3\d*; .*One chunk is at most 3 BTC",
    "ripcord": r"at or above the ripcord 3\.5: it goes to 3\.2\..*One chunk is at most 5 BTC",
}


def explained(run: Run, number: int) -> str:
    return " ".join(run.explain("rebalances", number).rule)


def order_by_formula(run: Run, number: int) -> float:
    """The size that the formula gives with the numbers as they are printed, in BTC."""
    (line,) = (line for line in run.explain("rebalances", number).formula if " x " in line and "goal" not in line)
    numbers = r"= ([-\d.]+) x ([\d.,]+) USDT / ([\d.,]+) USDT - ([-+\d.,]+) BTC = ([-+\d.,]+) BTC"
    found = re.fullmatch(numbers, line.strip())
    assert found is not None, line
    goal, equity, price, position, order = (float(each.replace(",", "")) for each in found.groups())
    assert goal * equity / price - position == pytest.approx(order, abs=2e-4)
    return order


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explanations")


@pytest.mark.parametrize("policy", BANDS)
def test_a_rule_says_what_it_saw_and_its_formula_gives_the_order(policy: str, out: Path) -> None:
    token = {**UP, "rebalance": BANDS[policy], "execution": OFF_BOOK}
    run = ms.run(world(tokens=[token], events=FALL, index=STILL), out=out, report=False)
    first = run.table("rebalances").row(0, named=True)
    assert re.search(WORDS[policy], explained(run, first["id"])), explained(run, first["id"])
    for row in run.table("rebalances").iter_rows(named=True):
        assert round(order_by_formula(run, row["id"]), 3) * 1_000 == pytest.approx(row["target_lots"], abs=1.0)


def test_position_and_mark_before_make_the_leverage_before(out: Path) -> None:
    run = ms.run(world(tokens=[UP, DOWN], events=FALL, index=STILL), out=out, report=False)
    for row in run.table("rebalances").iter_rows(named=True):
        notional = row["position_before_lots"] * 0.001 * row["mark_price"]
        equity = row["equity_before_atoms"] / ATOMS_PER_UNIT
        assert notional / equity == pytest.approx(row["leverage_before"], abs=1e-9)
        assert row["goal_leverage"] == (3.0 if row["token"] == "UP" else -3.0)


def test_a_scheduled_reset_says_its_time_its_children_and_that_nothing_was_left(out: Path) -> None:
    run = ms.run(world(tokens=[UP], index=STILL), out=out, report=False)
    found = run.explain("rebalances", 0)
    row, children = run.table("rebalances").row(0, named=True), run.table("children")
    assert found.title == "Rebalance 0: UP on BTC-PERP, 2024-01-02T00:02:00Z (scheduled)"
    assert found.rule[:2] == (
        "It returns to its target every day at 00:02 UTC.",
        "It was due by the clock at 2024-01-02T00:02:00Z.",
    )
    assert [part["got [BTC]"] for part in found.parts] == [lots / 1_000 for lots in children["filled_lots"]]
    assert "Nothing was left." in found.outcome
    wanted, got = row["target_lots"] / 1_000, row["filled_lots"] / 1_000
    assert found.outcome[0].startswith(f"Of {wanted:+.3f} BTC it got {got:+.3f} BTC at ")


def test_a_gap_says_how_much_was_left_and_why(out: Path) -> None:
    thin = [NOISE, {**MAKERS, "count": 1, "size": "100 USDT"}]
    token = {**UP, "aum": "50 MUSDT", "start": {"leverage": 3.4}, "execution": {**LADDER, "cost_allowance": "1%"}}
    run = ms.run(world(tokens=[token], traders=thin, duration="35min"), out=out, report=False)
    row = run.table("rebalances").row(0, named=True)
    assert row["backlog_lots"] < 0
    found = run.explain("rebalances", 0)
    gap = next(line for line in found.outcome if line.startswith("A gap of"))
    assert gap.startswith(f"A gap of {row['backlog_lots'] / 1_000:+,.3f} BTC was never traded, because ")
    assert any("less what trading costs: / (1 + goal leverage x 0.01 x side)" in line for line in found.formula)


def test_an_order_that_an_arm_holds_back_says_so(out: Path) -> None:
    run = ms.run(world(tokens=[UP], index=STILL), arm="shadow", out=out, report=False)
    found = run.explain("rebalances", 0)
    assert found.rule[-1] == "In this arm the order was written down and not sent."
    assert (found.parts, found.outcome) == ((), ())


@pytest.fixture(scope="module")
def crash(out: Path) -> Run:
    fall = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-12%"}]
    return ms.run(world(events=fall, market={**PERP, "insurance_fund": "300 USDT"}), out=out, report=False)


def test_a_liquidation_says_its_margin_its_trades_and_who_bore_the_rest(crash: Run) -> None:
    table = crash.table("liquidations").with_row_index()
    assert set(table["stage"]) == {"partial", "deleveraged"}
    for row in table.iter_rows(named=True):
        found = crash.explain("liquidations", row["index"])
        assert f"account {row['account']} ({row['cohort']})" in found.title
        figures = {each.name: each.value for each in found.numbers}
        notional = abs(row["size_lots"]) * 0.001 * row["mark_price"]
        assert figures["notional"] == pytest.approx(notional)
        if notional <= 50_000:  # the lowest tier of Binance's table of 2024: 0.40 %, nothing deducted
            margin = next(line for line in found.formula if "0.4000% - 0.00 USDT" in line)
            printed = float(margin.split(" = ")[-1].split()[0].replace(",", ""))
            assert printed == pytest.approx(0.004 * notional, abs=0.01)
            assert f"so all of it was to go: {-row['size_lots'] / 1_000:+.8g} BTC." in found.rule[1]
    sold = sum(part["got [BTC]"] for i in range(table.height) for part in crash.explain("liquidations", i).parts)
    fills = crash.table("trades").filter(pl.col("taker_purpose") == "liquidation")["size_lots"].sum()
    assert sold == pytest.approx(fills / 1_000)


def test_a_slice_is_explained_as_one_and_not_as_a_position(out: Path) -> None:
    fall = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-12%"}]
    market = {**PERP, "insurance_fund": "50 kUSDT", "liquidation": {"slice": "2 kUSDT"}}
    run = ms.run(world(events=fall, market=market), out=out, report=False)
    table = run.table("liquidations").with_row_index().filter(stage="partial")
    assert table.height > 5
    for row in table.head(5).iter_rows(named=True):
        found = run.explain("liquidations", row["index"])
        assert "in slices of at most 2000 USDT, one of an account at a mark step" in found.rule[0]
        assert found.rule[1] == f"It is closed in slices, and this order was one: {-row['size_lots'] / 1_000:+.8g} BTC."
        assert "waited for the next step, unless the account met its margin" in found.rule[-1]
        figures = {each.name: each.value for each in found.numbers}
        assert figures["slice"] == pytest.approx(row["size_lots"] / 1_000)
        assert "maintenance rate" not in figures
        cushion = float(found.formula[-1].split(" = ")[-1].split()[0].replace(",", ""))
        assert cushion == pytest.approx(row["mark_price"] - row["bankruptcy_price"], rel=1e-4)


def test_the_command_says_the_same_in_words_and_as_json(crash: Run, out: Path) -> None:
    ended = CliRunner().invoke(main, ["explain", str(crash.path), "liquidations", "0"])
    assert (ended.exit_code, ended.stdout.strip()) == (0, str(crash.explain("liquidations", 0)).strip())
    told = json.loads(CliRunner().invoke(main, ["explain", str(crash.path), "liquidations", "0", "--json"]).stdout)
    assert told == json.loads(json.dumps(crash.explain("liquidations", 0).as_dict()))
    assert set(told) == {"table", "id", "title", "rule", "numbers", "formula", "trades", "outcome"}


@pytest.mark.parametrize(
    ("table", "number", "told"),
    [
        ("trades", 0, "table: was 'trades'; allowed: rebalances, liquidations"),
        ("rebalances", 0, "this run has no rebalances"),
        ("liquidations", 1_000_000, r"liquidations 1000000: there is none; allowed: 0 to \d+"),
        ("liquidations", -1, "liquidations -1: there is none"),
    ],
)
def test_what_is_not_there_is_refused(crash: Run, table: str, number: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        crash.explain(table, number)


def test_a_long_list_of_children_shows_its_beginning_and_its_end(out: Path) -> None:
    ladder = {"algorithm": "ioc_ladder", "slice": "2 kUSDT", "every": "1s"}
    token = {**UP, "start": {"leverage": 3.1}, "execution": ladder}
    run = ms.run(world(tokens=[token], index=STILL, traders=CROWD), out=out, report=False)
    found = run.explain("rebalances", 0)
    assert len(found.parts) == run.table("children").height > 20
    assert f"... and {len(found.parts) - 20:,} more ..." in str(found)


def test_the_report_of_a_run_folds_the_explanations_of_the_largest_out(crash: Run, tmp_path: Path) -> None:
    run = ms.run(world(tokens=[UP], index=STILL), out=tmp_path)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<summary>Rebalance 0: UP on BTC-PERP, 2024-01-02T00:02:00Z (scheduled)</summary>" in page
    assert "order = goal leverage x equity / mark price - position" in page
    assert "<summary>Liquidation " in write_report(crash.path).read_text(encoding="utf-8")
