"""Who pays for a reset: by hand, in a market of 10 atoms a tick and lot, and in a world of two funds."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.transfers.reset_transfers import check_reset_transfers, reset_transfers
from marketsim.analysis.transfers.transfer_matrix import transfers
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.simulation import run as run_world
from tests.analysis.tables import HOUR, MINUTE, S, hand_run, quotes, rebalance
from tests.analysis.transfers.test_transfer_matrix import cash, trade
from tests.simulation.worlds import CROWD, DOWN, UP, world

END = 2 * HOUR
RESET = HOUR
SENT = {"t_ns": RESET, "purpose": "rebalance", "token": "T3", "market": "PERP", "order_type": "market"}
FLAT = dict.fromkeys(("T3", "maker", "hunter"), 100_000)


def market(place: Path, moves: dict[str, int], lots: dict[str, int], trades: list[dict], sent: list[dict]) -> Run:
    """Two hours at a mark of 100 and a mid of 100, cohorts that end with what they got and hold these lots."""
    equity = [
        {"t_ns": t, "cohort": name, "kind": "noise", "asset": "USDT", "equity_atoms": atoms + (moves[name] if t else 0)}
        for t in (0, END)
        for name, atoms in FLAT.items()
    ]
    held = [
        {"t_ns": t, "cohort": name, "market": "PERP", "net_lots": lots[name] if t else 0}
        for t in (0, END)
        for name in FLAT
    ]
    marks = [{"t_ns": t, "market": "PERP", "mark_price": 100.0} for t in (0, END)]
    ledger = [
        cash(each["taker_cohort"], each["maker_cohort"], 10 * each["size_lots"] * each["price_ticks"])
        for each in trades
    ]
    return hand_run(
        place, duration=END, cohorts=equity, positions=held, marks=marks, trades=trades, ledger=ledger,
        quotes=quotes("PERP", *((t * MINUTE, 100.0) for t in range(121))), rebalances=sent,
        children=[SENT],
    )  # fmt: skip


def test_trades_around_a_reset_are_its_and_all_others_are_nobodys(tmp_path: Path) -> None:
    """The mid stays at 100: what is paid above it is lost. The fund buys 10 lots at 103 of the maker: 300 atoms.

    The hunter bought 5 at 101 half an hour before less a second, 50 atoms, and 5 at 102 two minutes before that window,
    which is nobody's: 100. Ten minutes after the last fill the maker buys 2 at 99 of the fund, which loses 20 more.
    """
    purposes = {"taker_purpose": "rebalance"}
    run = market(
        tmp_path / "r",
        {"T3": -320, "maker": 470, "hunter": -150},
        {"T3": 8, "maker": -18, "hunter": 10},
        [
            trade(RESET - 32 * MINUTE, "hunter", "maker", 5, 102),
            trade(RESET - 30 * MINUTE + S, "hunter", "maker", 5, 101),
            trade(RESET, "T3", "maker", 10, 103, **purposes),
            trade(RESET + 10 * MINUTE, "maker", "T3", 2, 99),
        ],
        [rebalance(0, "T3", RESET, RESET, 10)],
    )
    found = reset_transfers(run, transfers(run))
    rows = found.select("decide_ns", "from_cohort", "to_cohort", "from_purpose", "atoms").rows()
    assert set(rows) == {
        (RESET, "hunter", "maker", "normal", 50),
        (RESET, "T3", "maker", "rebalance", 300),
        (RESET, "maker", "T3", "normal", -20),
        (None, "hunter", "maker", "normal", 100),
    }


def test_windows_that_meet_share_no_trade_and_what_does_not_add_up_is_refused(tmp_path: Path) -> None:
    """A second reset 20 minutes on: its window begins where the first one's ends, ten minutes after its last fill."""
    sent = [rebalance(0, "T3", RESET, RESET, 10), rebalance(1, "T3", RESET + 20 * MINUTE, RESET + 20 * MINUTE, 10)]
    run = market(
        tmp_path / "r",
        {"T3": -20, "maker": 20, "hunter": 0},
        {"T3": 2, "maker": -2, "hunter": 0},
        [trade(RESET + 10 * MINUTE, "T3", "maker", 1, 101), trade(RESET + 10 * MINUTE + S, "T3", "maker", 1, 101)],
        sent,
    )
    whole = transfers(run)
    found = reset_transfers(run, whole)
    assert found.select("decide_ns", "atoms").rows() == [(RESET, 10), (RESET + 20 * MINUTE, 10)]
    with pytest.raises(ResultError, match="T3 to maker by -10 atoms"):
        check_reset_transfers(found.head(1), whole)


def test_resets_of_a_world_add_up_to_the_whole_matrix(tmp_path: Path) -> None:
    parts = {"tokens": [UP, DOWN], "traders": CROWD}
    run = Run(
        run_world(
            world(duration="1h", clock={"start": "2024-01-01T23:30:00Z", "warmup": "10min"}, **parts), out=tmp_path
        ).path
    )
    whole = transfers(run)
    found = reset_transfers(run, whole)  # which checks it
    assert found["atoms"].sum() == whole.flows.filter(cause="trade")["atoms"].sum()
    of_reset = found.filter(pl.col("decide_ns") == 32 * MINUTE)
    sent = (pl.col("from_purpose") == "rebalance") | (pl.col("to_purpose") == "rebalance")
    assert set(of_reset.filter(sent).select("from_cohort", "to_cohort").to_numpy().ravel()) > {"UP", "DOWN"}
    assert found.filter(sent, pl.col("decide_ns").is_null()).is_empty()
