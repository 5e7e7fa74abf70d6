"""Measures of single runs on tables written by hand; every expected value is worked out beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.crowding.liquidation_cascades import cascades
from marketsim.analysis.measures.family import RunMeasure, Term
from marketsim.analysis.measures.register import all_measures
from marketsim.datasets.run import Run
from tests.analysis.tables import DAY, HOUR, MINUTE, hand_run, rebalance

USDT = 10**8


def terms(name: str, run: Run) -> list[Term]:
    measure = all_measures()[name]
    assert isinstance(measure, RunMeasure)
    return measure.terms(run)


def value(name: str, *runs: Run) -> float | None:
    return all_measures()[name].value([term for run in runs for term in terms(name, run)])


def marks(*rows: tuple[int, float, float, float | None]) -> list[dict[str, Any]]:
    """Rows of `marks` as (t_ns, index, mark, mid)."""
    return [
        {"t_ns": t, "market": "PERP", "index_price": index, "mark_price": mark, "mid_price": mid}
        for t, index, mark, mid in rows
    ]


def test_costs_of_rebalances_weigh_by_notional(tmp_path: Path) -> None:
    """10 bps of 1 x 100 and 40 bps of 3 x 100: 32.5; with 4 and 6 lots wanted, (4 x 20 + 6 x 50) / 10 = 38."""
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 4, filled_lots=1, slippage_bps=10.0, shortfall_bps=20.0),
        rebalance(1, "UP", 2 * HOUR, HOUR, -6, filled_lots=-3, slippage_bps=40.0, shortfall_bps=50.0),
        rebalance(2, "UP", 3 * HOUR, -1, 4, filled_lots=0, vwap=None, status="shadow"),
        rebalance(3, "UP", 4 * HOUR, HOUR, 4, arrival_mid=None),
    ]
    run = hand_run(tmp_path / "r", rebalances=rows)
    assert value("slippage_bps", run) == pytest.approx(32.5)
    assert value("shortfall_bps", run) == pytest.approx(38.0)


def test_participation_is_own_volume_over_the_markets(tmp_path: Path) -> None:
    """10 of 100 lots and 30 of 60: 40 / 160."""
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 10, market_volume_lots=100, participation=0.1),
        rebalance(1, "UP", 2 * HOUR, HOUR, 30, market_volume_lots=60, participation=0.5),
        rebalance(2, "UP", 3 * HOUR, HOUR, 30, market_volume_lots=0, participation=None),
    ]
    assert value("participation", hand_run(tmp_path / "r", rebalances=rows)) == pytest.approx(0.25)


def test_rebalances_per_day_count_decisions_of_tokens_that_exist(tmp_path: Path) -> None:
    """Three decisions (one with two legs) of two tokens in a day and a half: 3 / (2 x 1.5)."""
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 1),
        rebalance(1, "UP", HOUR, HOUR, 1, market="OTHER"),
        rebalance(2, "UP", 30 * HOUR, 30 * HOUR, 1),
        rebalance(3, "DOWN", 30 * HOUR, 30 * HOUR, 1),
    ]
    tokens = [
        {"t_ns": t, "token": token, "supply": n}
        for t in (HOUR, 30 * HOUR)
        for token, n in (("UP", 1.0), ("DOWN", 1.0), ("NOBODYS", 0.0))
    ]
    run = hand_run(tmp_path / "r", duration=36 * HOUR, rebalances=rows, tokens=tokens)
    assert value("rebalances_per_day", run) == pytest.approx(1.0)
    assert terms("rebalances_per_day", run) == [Term(0, 1.0, 2.0), Term(1, 2.0, 1.0)]


def token(t_ns: int, name: str, nav: float, **more: Any) -> dict[str, Any]:
    return {"t_ns": t_ns, "token": name, "nav": nav, "supply": 10.0, **more}


def test_premium_is_signed_and_its_size_is_not(tmp_path: Path) -> None:
    """+1 %, -3 % and no market: mean -1 %, mean size 2 %."""
    rows = [
        token(MINUTE, "UP", 100.0, premium_to_nav=0.01),
        token(2 * MINUTE, "UP", 100.0, premium_to_nav=-0.03),
        token(2 * MINUTE, "DOWN", 100.0, premium_to_nav=None),
    ]
    run = hand_run(tmp_path / "r", tokens=rows)
    assert value("premium", run) == pytest.approx(-100.0)
    assert value("premium_size", run) == pytest.approx(200.0)


@pytest.fixture
def two_days(tmp_path: Path) -> Run:
    """A +3 token over two days of +10 % and -10 %: it earns 28 %, then loses 31 % and is split ten to one."""
    legs = [{"t_ns": 0, "token": "UP", "market": "PERP", "target_leverage": 3.0}]
    prices = marks((0, 100.0, 1.0, 1.0), (DAY, 110.0, 1.0, 1.0), (2 * DAY, 99.0, 1.0, 1.0))
    navs = [token(0, "UP", 1.0), token(DAY, "UP", 1.28), token(2 * DAY, "UP", 12.8 * 0.69)]
    split = {
        "t_ns": DAY + HOUR,
        "event": "reverse_split",
        "subject": "UP",
        "detail": json.dumps({"ratio": 10, "supply_before": 1005, "supply_after": 100}),
    }
    return hand_run(tmp_path / "r", duration=2 * DAY, token_legs=legs, marks=prices, tokens=navs, events=[split])


def test_tracking_error_is_the_root_mean_square_of_daily_returns_less_the_promise(two_days: Run) -> None:
    """2 % short of 3 x 10 %, then 1 % short of 3 x -10 %: sqrt((4 + 1) / 2) %."""
    assert value("tracking_error", two_days) == pytest.approx(1e4 * (0.0005 / 2) ** 0.5)


def test_token_return_sees_through_a_split(two_days: Run) -> None:
    assert value("token_return", two_days) == pytest.approx(1.28 * 0.69 - 1)


def test_funding_drag_is_per_day_and_equity(tmp_path: Path) -> None:
    """3 paid and 1 received of a mean equity of 1 000 in half a day: 40 bps a day."""
    navs = [token(t, "UP", 1.0, equity_atoms=atoms * USDT) for t, atoms in ((HOUR, 900), (12 * HOUR, 1_100))]
    ledger = [
        {"t_ns": 8 * HOUR, "entry": "funding", "from_cohort": "UP", "to_cohort": "venue", "atoms": 3 * USDT},
        {"t_ns": 9 * HOUR, "entry": "funding", "from_cohort": "venue", "to_cohort": "UP", "atoms": 1 * USDT},
        {"t_ns": 9 * HOUR, "entry": "funding", "from_cohort": "venue", "to_cohort": "noise", "atoms": 2 * USDT},
    ]
    run = hand_run(tmp_path / "r", duration=12 * HOUR, tokens=navs, ledger=ledger)
    assert value("funding_drag", run) == pytest.approx(40.0)


def test_funding_drag_of_the_second_day_is_of_a_day_as_well(tmp_path: Path) -> None:
    """3 of 1 000 on the first day and 1 of 1 000 on the second: 20 bps a day."""
    navs = [token(t, "UP", 1.0, equity_atoms=1_000 * USDT) for t in (HOUR, 25 * HOUR)]
    paid = {"entry": "funding", "from_cohort": "UP", "to_cohort": "venue"}
    ledger = [{**paid, "t_ns": 8 * HOUR, "atoms": 3 * USDT}, {**paid, "t_ns": 32 * HOUR, "atoms": 1 * USDT}]
    run = hand_run(tmp_path / "r", duration=2 * DAY, tokens=navs, ledger=ledger)
    assert [term.denominator for term in terms("funding_drag", run)] == [1_000 * USDT] * 2
    assert value("funding_drag", run) == pytest.approx(20.0)


def test_wipe_probability_is_of_tokens_over_all_runs(tmp_path: Path) -> None:
    navs = [token(0, "UP", 1.0), token(0, "DOWN", 1.0), token(0, "NOBODYS", 1.0, supply=0.0)]
    one = hand_run(tmp_path / "a", tokens=navs, events=[{"t_ns": HOUR, "event": "wiped", "subject": "DOWN"}])
    other = hand_run(tmp_path / "b", tokens=navs)
    assert value("wipe_probability", one, other) == pytest.approx(0.25)


def test_cascades_are_sized_in_money_and_branch_with_parents(tmp_path: Path) -> None:
    """Two cascades of 100 x (2 + 3) and 100 x 1; one liquidation of three has a parent."""
    rows = [
        {"t_ns": t, "market": "PERP", "account": a, "size_lots": n, "mark_price": 100.0, "cascade": c, "parent": p}
        for t, a, n, c, p in ((HOUR, 1, 2, 0, -1), (HOUR, 2, -3, 0, 0), (2 * HOUR, 3, 1, 2, -1))
    ]
    run = hand_run(tmp_path / "r", liquidations=rows)
    assert value("cascade_size", run) == pytest.approx(300.0)
    assert value("branching_ratio", run) == pytest.approx(1 / 3)


def test_anticipators_profit_is_their_gain_per_day_behind_the_warm_up(tmp_path: Path) -> None:
    """Two groups gain 5 + 1 in the first measured half day and lose 3 in the second day: 3 in 1.5 days."""
    rows = [
        {"t_ns": t, "cohort": name, "kind": "anticipator", "equity_atoms": n * USDT}
        for t, name, n in (
            *((0, "early", 50), (0, "late", 20)),
            *((12 * HOUR, "early", 10), (12 * HOUR, "late", 20)),
            *((DAY, "early", 15), (DAY, "late", 21)),
            *((2 * DAY, "early", 12), (2 * DAY, "late", 21)),
        )
    ]
    others = [{"t_ns": t, "cohort": "noise", "kind": "noise", "equity_atoms": t} for t in (0, DAY, 2 * DAY)]
    run = hand_run(tmp_path / "r", duration=2 * DAY, warmup="12h", cohorts=[*rows, *others])
    assert value("anticipator_profit", run) == pytest.approx(2.0)
    assert value("anticipator_profit", hand_run(tmp_path / "none", cohorts=others)) is None


def test_insurance_loss_leaves_the_fees_it_got_apart(tmp_path: Path) -> None:
    """From 100 to 97 in a day with 5 of liquidation fees: 8 lost."""
    rows = [
        {"t_ns": t, "cohort": "insurance", "kind": "ledger", "equity_atoms": n * USDT} for t, n in ((0, 100), (DAY, 97))
    ]
    fee = {"t_ns": DAY, "entry": "liquidation_fee", "from_cohort": "noise", "to_cohort": "insurance", "atoms": 5 * USDT}
    run = hand_run(tmp_path / "r", duration=DAY, cohorts=rows, ledger=[fee])
    assert value("insurance_loss", run) == pytest.approx(8.0)


def test_the_fees_of_a_day_are_those_of_that_day(tmp_path: Path) -> None:
    """8 lost on the first day as above, 1 on the second, which begins with the fee of its first instant behind it."""
    rows = [
        {"t_ns": t, "cohort": "insurance", "kind": "ledger", "equity_atoms": n * USDT}
        for t, n in ((0, 100), (DAY, 97), (2 * DAY, 96))
    ]
    fee = {"entry": "liquidation_fee", "from_cohort": "noise", "to_cohort": "insurance", "atoms": 5 * USDT}
    run = hand_run(tmp_path / "r", duration=2 * DAY, cohorts=rows, ledger=[{**fee, "t_ns": DAY}])
    assert [term.numerator for term in terms("insurance_loss", run)] == [8.0, 1.0]


def test_a_run_in_which_nothing_happened_says_nothing(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r")
    silent = ("slippage_bps", "participation", "premium", "cascade_size", "branching_ratio", "wipe_probability")
    assert [value(name, run) for name in silent] == [None] * len(silent)


def test_only_what_happens_from_the_end_of_the_warm_up_on_counts(tmp_path: Path) -> None:
    """The warm-up ends after an hour; what happens at that very instant is measured, a nanosecond before it is not."""
    liquidated = [
        {"t_ns": HOUR + late, "market": "PERP", "account": n, "size_lots": 10**n, "mark_price": 100.0, "cascade": n,
         "parent": parent}
        for n, late, parent in ((2, -1, -1), (1, 0, 2), (0, 1, -1))
    ]  # fmt: skip
    rows = [
        rebalance(0, "UP", HOUR - 1, HOUR, 7, slippage_bps=90.0, shortfall_bps=90.0),
        rebalance(1, "UP", HOUR, HOUR, 5, slippage_bps=10.0, shortfall_bps=30.0),
    ]
    run = hand_run(tmp_path / "r", warmup="1h", liquidations=liquidated, rebalances=rows)
    assert value("cascade_size", run) == pytest.approx((1_000 + 100) / 2)
    assert value("branching_ratio", run) == pytest.approx(1 / 2)
    assert cascades(run)["notional"].to_list() == [1_000.0, 100.0]
    assert value("slippage_bps", run) == pytest.approx(10.0)
    assert value("shortfall_bps", run) == pytest.approx(30.0)
