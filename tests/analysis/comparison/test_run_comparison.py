"""Two runs side by side: by hand, and a pair with common random numbers whose token trades in the book or off it."""

import json
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from marketsim.analysis.comparison import first_divergence as divergences
from marketsim.analysis.comparison.first_divergence import divergence_in, first_divergence
from marketsim.analysis.comparison.headline_figures import headline_figures
from marketsim.analysis.comparison.return_correlation import correlation, return_correlation
from marketsim.analysis.comparison.run_comparison import compare, differing_values
from marketsim.analysis.measures.family import PairMeasure, RunMeasure
from marketsim.analysis.measures.register import all_measures
from marketsim.cli import main
from marketsim.datasets.run import Run
from marketsim.simulation import run as run_world
from tests.analysis.tables import HOUR, MINUTE, PERP, S, hand_run, quotes, rebalance
from tests.simulation.worlds import OFF_BOOK, UP, world


def trade(t_ns: int, seq: int, price: int) -> dict[str, Any]:
    return {"t_ns": t_ns, "market": "PERP", "seq": seq, "price_ticks": price}


def test_the_same_tables_never_diverge(tmp_path: Path) -> None:
    rows = [trade(S, 0, 100), trade(2 * S, 1, 101)]
    a, b = (hand_run(tmp_path / name, trades=rows) for name in "ab")
    found = compare(a, b)
    assert (found.divergence, found.identity, found.has_common_random_numbers, set(found.tables.values())) == (
        None,
        {},
        True,
        {True},
    )


def test_runs_diverge_at_the_first_row_that_differs_in_any_table(tmp_path: Path) -> None:
    a = hand_run(tmp_path / "a", trades=[trade(S, 0, 100), trade(5 * S, 1, 101)], quotes=quotes("PERP", (9 * S, 100.0)))
    b = hand_run(tmp_path / "b", trades=[trade(S, 0, 100), trade(4 * S, 1, 101)], quotes=quotes("PERP", (3 * S, 100.0)))
    found = first_divergence(a, b)
    assert found is not None
    assert (found.table, found.row, found.t_ns) == ("quotes", 0, 3 * S)
    in_trades = divergence_in(a, b, "trades")
    assert in_trades is not None
    assert (in_trades.row, in_trades.t_ns, in_trades.a["t_ns"]) == (1, 4 * S, 5 * S)  # type: ignore[index]


def test_a_row_that_one_run_lacks_is_a_divergence_too(tmp_path: Path) -> None:
    a = hand_run(tmp_path / "a", trades=[trade(S, 0, 100)])
    b = hand_run(tmp_path / "b", trades=[trade(S, 0, 100), trade(7 * S, 1, 101)])
    found = first_divergence(a, b)
    assert found is not None
    assert (found.table, found.row, found.t_ns, found.a) == ("trades", 1, 7 * S, None)


def test_what_came_after_a_rebalance_does_not_date_the_divergence(tmp_path: Path) -> None:
    """The mid an hour later differs because something else happened in between."""
    a = hand_run(tmp_path / "a", rebalances=[rebalance(0, "UP", S, S, 5, mid_1h=100.0)])
    b = hand_run(tmp_path / "b", rebalances=[rebalance(0, "UP", S, S, 5, mid_1h=90.0)])
    assert first_divergence(a, b) is None
    assert not compare(a, b).tables["rebalances"]


def test_another_cadence_of_the_record_is_no_divergence(tmp_path: Path) -> None:
    a = hand_run(tmp_path / "a", quotes=quotes("PERP", (0, 100.0), (10 * S, 100.0)))
    b = hand_run(tmp_path / "b", quotes=quotes("PERP", (0, 100.0), (20 * S, 100.0)), record={"quotes": "20s"})
    assert first_divergence(a, b) is None
    assert divergence_in(a, b, "quotes") is not None


def test_a_divergence_is_found_beyond_the_first_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergences, "SLICE", 3)
    rows = [trade(k * S, k, 100) for k in range(9)]
    a = hand_run(tmp_path / "a", trades=rows)
    b = hand_run(tmp_path / "b", trades=[*rows[:7], trade(7 * S, 7, 99), rows[8]])
    found = divergence_in(a, b, "trades")
    assert found is not None
    assert (found.row, found.t_ns) == (7, 7 * S)


def test_differing_values_are_named_by_the_ids_of_things() -> None:
    a = {"tokens": [{"id": "UP", "aum": "1 USDT", "basket": {"PERP": "3"}}], "points": [[0, 1]], "same": 1}
    b = {
        "tokens": [{"id": "UP", "aum": "2 USDT", "basket": {"PERP": "3"}}, {"id": "NEW"}],
        "points": [[0, 2]],
        "same": 1,
    }
    assert dict(differing_values(a, b)) == {
        "tokens.UP.aum": ("1 USDT", "2 USDT"),
        "tokens.NEW": (None, {"id": "NEW"}),
        "points": ([[0, 1]], [[0, 2]]),
    }


def test_correlation_of_still_series_is_one_where_they_are_the_same() -> None:
    still, moving = np.zeros(4), np.array([1.0, -1.0, 1.0, -1.0])
    assert (correlation(still, still), correlation(still, moving), correlation(moving, -moving)) == (1.0, 0.0, -1.0)


def test_return_correlation_says_when_an_hour_of_returns_fell_below_one_half(tmp_path: Path) -> None:
    """The runs go together for two hours, then b turns every return round: r falls below 1/2 when 16 of 60 are turned.

    Returns alternate between +1 % and -1 %, so r of a window is (60 - 2 x turned) / 60, but for the means: 0.5 at 15.
    """
    a, b = [(0, 100.0)], [(0, 100.0)]
    for k in range(1, 241):
        step = 0.01 if k % 2 else -0.01
        a.append((k * MINUTE, a[-1][1] * exp(step)))
        b.append((k * MINUTE, b[-1][1] * exp(step if k <= 120 else -step)))
    runs = [
        hand_run(tmp_path / name, duration=4 * HOUR, quotes=quotes("PERP", *mids))
        for name, mids in (("a", a), ("b", b))
    ]
    found = return_correlation(*runs, "PERP")
    assert found.overall == pytest.approx(0.0, abs=1e-9)
    assert found.fell_ns == (120 + 16) * MINUTE


def test_a_window_of_fewer_than_sixty_returns_is_no_window(tmp_path: Path) -> None:
    """Of sixty returns the first, of 5 %, agrees, and 16 of the others, of 1 %, do not: (25 + 43 - 16) / 84 = .62.

    Without the first, of 59, it would be (43 - 16) / 59 = .46. The means add less than .01.
    """
    a, b = [(0, 100.0)], [(0, 100.0)]
    for k in range(60):
        step = 0.05 if k == 0 else 0.01 if k % 2 else -0.01
        a.append(((k + 1) * MINUTE, a[-1][1] * exp(step)))
        b.append(((k + 1) * MINUTE, b[-1][1] * exp(-step if 20 <= k < 36 else step)))
    runs = [hand_run(tmp_path / n, duration=HOUR, quotes=quotes("PERP", *mids)) for n, mids in (("a", a), ("b", b))]
    found = return_correlation(*runs, "PERP")
    assert found.overall == pytest.approx(0.62, abs=0.01)
    assert found.fell_ns is None


def test_headline_figures_by_hand(tmp_path: Path) -> None:
    """Quotes of 99 to 101 (200 bps), 98 to 102 (400) and 97 to 103 (600), one with an empty side, one of the warm-up.

    Slippage: (2 x 100 x 10 + 1 x 200 x 40) / 400 bps. Volume: 3 lots at 100 of half a coin.
    """
    book = {"market": "PERP", "bid_lots": 1, "ask_lots": 1}
    sides = [(0, 50, 150, 1), (1, 99, 101, 1), (2, 98, 102, 1), (3, 97, 103, 1), (4, 1, 199, 0)]
    run = hand_run(
        tmp_path / "r",
        warmup="1h",
        instruments=[{**PERP, "lot": 0.5}],
        quotes=[
            {**book, "t_ns": t * HOUR, "bid_ticks": bid, "ask_ticks": ask, "ask_lots": lots, "mid": 100.0}
            for t, bid, ask, lots in sides
        ],
        trades=[
            {**trade(t * HOUR, t, 100), "price": 100.0, "size_lots": lots} for t, lots in enumerate((9, 1, 2))
        ],
        liquidations=[{"t_ns": t, "market": "PERP"} for t in (0, HOUR, 2 * HOUR)],
        tokens=[{"t_ns": t, "token": "UP", "nav": nav} for t, nav in ((0, 1.0), (HOUR, 1.5))],
        rebalances=[
            rebalance(0, "UP", HOUR, HOUR, -2, slippage_bps=10.0),
            rebalance(1, "UP", HOUR, HOUR, 1, slippage_bps=40.0, arrival_mid=200.0),
            rebalance(2, "UP", HOUR, HOUR, 7, slippage_bps=None),
            rebalance(3, "UP", HOUR, HOUR, 7, slippage_bps=90.0, status="shadow"),
        ],
        cohorts=[
            {"t_ns": t, "cohort": name, "kind": kind, "equity_atoms": units * 10**8}
            for name, kind, *worth in (
                ("crowd", "noise", 10, 7), ("insurance", "ledger", 5, 6), ("venue", "ledger", 0, 9),
                ("UP", "token", 3, 4),
            )
            for t, units in zip((0, 2 * HOUR), worth, strict=True)
        ],
    )  # fmt: skip
    found = headline_figures(run)
    assert found == {
        "UP.nav": 1.5, "UP.rebalances": 3.0, "UP.slippage [bps]": pytest.approx(25.0), "PERP.volume": 150.0,
        "PERP.spread [bps]": pytest.approx(400.0), "PERP.volatility [1/yr]": 0.0, "PERP.liquidations": 2.0,
        "collapsed": found["collapsed"], "crowd.gain": -3.0, "insurance.gain": 1.0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Common random numbers, a token that resets at 00:02 in the book, and the same off the book."""
    place = tmp_path_factory.mktemp("pair")
    token = {**UP, "start": {"leverage": "3.3"}}
    dear, free = (
        run_world(world(record={"quotes": "10s"}, tokens=[{**token, **execution}]), out=place)
        for execution in ({}, {"execution": OFF_BOOK})
    )
    return dear.path, free.path


def test_a_pair_diverges_when_the_first_order_reaches_the_book(pair: tuple[Path, Path]) -> None:
    found = compare(*pair)
    assert found.has_common_random_numbers
    assert set(found.identity) == {"scenario_sha256", "identity_sha256"}
    assert found.scenario["tokens.UP.execution.algorithm"] == ("ioc_ladder", "off_book")
    assert found.divergence is not None
    assert found.divergence.t_ns == 32 * MINUTE  # 00:02 in a world that begins at 23:30
    assert (found.divergence.table, found.divergence.a["taker_cohort"]) == ("trades", "UP")  # type: ignore[index]
    (correlated,) = found.correlations
    assert correlated.overall is not None
    assert correlated.overall > 0.5
    assert found.figures["UP.rebalances"] == (1.0, 1.0, 0.0)
    assert found.figures["BTC-PERP.volume"][2] < 0  # type: ignore[operator]


def test_measures_of_a_pair_are_finite_and_of_the_right_side(pair: tuple[Path, Path]) -> None:
    """The token is above its target, so that it sells: the last fill stands below the counterfactual."""
    f, c = (Run(path) for path in pair)
    of_pair = {name: each for name, each in all_measures().items() if isinstance(each, PairMeasure)}
    of_run = {name: each for name, each in all_measures().items() if isinstance(each, RunMeasure)}
    values = {name: measure.value(measure.terms(f, c)) for name, measure in of_pair.items()}
    values |= {name: measure.value(measure.terms(f)) for name, measure in of_run.items()}
    assert values["impact_gap_0s"] > 0  # type: ignore[operator]
    assert values["slippage_bps"] > 0  # type: ignore[operator]
    assert 0 < values["participation"] <= 1  # type: ignore[operator]
    assert values["wipe_probability"] == values["collapse_share"] == 0.0
    assert values["volatility"] == pytest.approx(1.0, abs=0.5)
    same = {name: measure.value(measure.terms(f, f)) for name, measure in of_pair.items()}
    assert (same["price_share"], same["amplification"], same["volatility"]) == (0.0, 1.0, 1.0)


def test_compare_prints_for_people_and_as_one_json_object(pair: tuple[Path, Path]) -> None:
    paths = [str(path) for path in pair]
    ended = CliRunner().invoke(main, ["compare", *paths])
    assert ended.exit_code == 0, ended.output
    assert "They have common random numbers: seed and replication are the same." in ended.stdout
    assert "tokens.UP.execution.algorithm: ioc_ladder | off_book" in ended.stdout
    assert "They diverge at 00:32:00.000000 (1920000000000 ns) from the start, in row" in ended.stdout
    found = json.loads(CliRunner().invoke(main, ["compare", *paths, "--json"]).stdout)
    assert (found["share_luck"], found["parting"]["t_ns"]) == (True, 1_920_000_000_000)
    assert found["figures"]["UP.rebalances"] == [1.0, 1.0, 0.0]


def test_compare_of_what_is_no_run_is_wrong_usage(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["compare", str(tmp_path), str(tmp_path)])
    assert (ended.exit_code, "holds no run directory" in ended.stderr) == (2, True)
