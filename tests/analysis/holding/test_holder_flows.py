"""A holder who trades in the token's own market, and the perpetual position that does the same, by hand."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.analysis.holding.holder_flows import HolderCosts, HolderFlow, holder_histories, representative_holder
from marketsim.analysis.holding.token_against_perpetual import compare_holding
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES
from tests.analysis.tables import HOUR, hand_run
from tests.datasets.manifests import write_manifest
from tests.simulation.worlds import FREE, OFF_BOOK, UP, world

SECOND = 10**9
CENT = 10**6  # atoms of 0.01 USDT
TOKEN = {**UP, "execution": OFF_BOOK, "market": {"tick": "0.01 USDT", "lot": "0.01"}}


def trade(seq: int, t_ns: int, side: str, lots: int, price_ticks: int, taker: int, maker: int) -> dict[str, Any]:
    return {
        "t_ns": t_ns, "market": "UP", "seq": seq, "price_ticks": price_ticks, "price": price_ticks / 100,
        "size_lots": lots, "taker_side": side, "taker_account": taker, "maker_account": maker,
        "taker_cohort": "savers", "maker_cohort": "quoters", "taker_order": 2 * seq, "maker_order": 2 * seq + 1,
        "taker_purpose": "normal", "maker_purpose": "normal", "taker_parent": -1, "maker_parent": -1,
    }  # fmt: skip


def holder(**changes: Any) -> dict[str, Any]:
    atoms = dict.fromkeys((n for n in TABLES["holders"].names if n.endswith("_atoms")), 0)
    return {"account": 7, "cohort": "savers", "token": "UP", "units_start": 10.0, "units_end": 5.0, **atoms, **changes}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """10 units at 100 USDT; 5 bought at 110 after 10 s, a creation of 5 at 112 after 20 s, 15 of 20 sold after 30 s."""
    snapshot: dict[str, Any] = dict.fromkeys(TABLES["tokens"].names)
    snapshot |= {"token": "UP", "supply": 10_000.0, "equity_atoms": 10**14, "nav": 100.0, "state": "TRADING"}
    mark = {"market": "BTC-PERP", "open_interest_lots": 0}
    given: dict[str, list[dict[str, Any]]] = {
        "instruments": [
            {"market": "UP", "venue": "main", "kind": "spot", "underlying": "UP", "contract": "", "tick": 0.01,
             "lot": 0.01, "atoms_per_tick_lot": 10_000, "asset": "USDT"}
        ],
        "tokens": [{**snapshot, "t_ns": 0}],
        "marks": [
            {**mark, "t_ns": t * SECOND, "mark_price": p} for t, p in ((0, 30_000.0), (30, 33_000.0), (40, 36_000.0))
        ],
        "trades": [
            trade(0, 10 * SECOND, "buy", 500, 11_000, taker=7, maker=1),
            trade(1, 30 * SECOND, "buy", 1_500, 13_000, taker=1, maker=7),  # somebody lifts an offer of his
        ],
        "primary": [
            {"t_ns": 20 * SECOND, "t_request_ns": 20 * SECOND, "t_settle_ns": 20 * SECOND, "token": "UP",
             "side": "creation", "account": 7, "cohort": "savers", "units": 5.0, "cash_atoms": 56_100 * CENT,
             "price": 112.0, "nav_true": 112.0, "fee_atoms": 100 * CENT, "queue_ahead": 0.0, "hedge_parent": -1,
             "status": "settled", "reason": None}
        ],
        "holders": [
            holder(bought_atoms=55_000 * CENT, sold_atoms=195_000 * CENT, create_fee_atoms=100 * CENT,
                   trading_fee_atoms=250 * CENT, end_value_atoms=65_000 * CENT),
            holder(account=1_200_000_003, cohort="outside_holders"),
        ],
    }  # fmt: skip
    (tmp_path / "tables").mkdir()
    for name, table in TABLES.items():
        pl.DataFrame(given.get(name, []), schema=table.schema()).write_parquet(tmp_path / "tables" / f"{name}.parquet")
    small = world(duration="1min", market=FREE, traders=[], tokens=[TOKEN])
    (tmp_path / "resolved.json").write_text(json.dumps(small.canonical()))
    write_manifest(tmp_path)
    return tmp_path


def test_flows_are_what_he_put_in_and_which_share_he_gave_up(directory: Path) -> None:
    (held,) = holder_histories(Run(directory), "UP")
    assert held.flows == (
        HolderFlow(0, cash_atoms=100_000 * CENT),
        HolderFlow(10 * SECOND, cash_atoms=55_000 * CENT),
        HolderFlow(20 * SECOND, cash_atoms=56_000 * CENT),
        HolderFlow(30 * SECOND, share=held.flows[-1].share),
    )
    assert held.flows[-1].share == 0.75
    assert held.cash_in_atoms == 211_000 * CENT
    assert held.wealth_atoms == (195_000 + 65_000 - 350) * CENT


def test_the_position_puts_in_and_takes_out_the_same(directory: Path) -> None:
    """At 1x without costs: 33, 18 and 18 lots of 30 USDT, which gain 3 USDT each; three quarters, 51, are sold.

    Three quarters of 2 110 + 69 x 3 = 2 317 USDT are handed back; on the rest the other 18 gain 3 USDT each again.
    """
    frame = compare_holding(directory, [{"as": "perp", "leverage": 1, "match": "capital"}])
    (row,) = frame.rows(named=True)
    assert (row["account"], row["cohort"], row["start_ns"]) == (7, "savers", 0)
    assert (row["token_create_fee_atoms"], row["token_trading_fee_atoms"]) == (100 * CENT, 250 * CENT)
    assert row["perp_notional_atoms"] == 69 * 3_000 * CENT
    assert row["perp_wealth_atoms"] == (231_700 + 18 * 300) * CENT


def test_who_holds_bears_the_share_of_his_units_also_when_a_split_makes_a_tenth_of_them(tmp_path: Path) -> None:
    """100 of 1,000 units, of 400, and after a split 10 of 40: of fees of 2,000, 400 and 80 they bear 200, 100 and 20.

    Funding of -5,000, +800 and -40 is -500, +200 and -10; a NAV of 950 in the end is 95 of an old unit.
    """
    supplies = {0: (100.0, 1_000.0), HOUR: (90.0, 400.0), 2 * HOUR: (900.0, 40.0), 3 * HOUR: (950.0, 40.0)}
    periods = [(2 * HOUR, -80, -40), (0, -2_000, -5_000), (HOUR, -400, 800), (5, 0, 0)]
    run = hand_run(
        tmp_path / "r",
        tokens=[{"t_ns": t, "token": "UP", "nav": nav, "supply": supply} for t, (nav, supply) in supplies.items()],
        attribution=[
            {"token": "UP", "t0_ns": t0, "management_fee_atoms": fee, "funding_atoms": funding}
            for t0, fee, funding in periods
        ],
        events=[
            {"t_ns": 2 * HOUR, "event": "reverse_split", "subject": "UP", "detail": '{"ratio": 10}'},
            {"t_ns": HOUR, "event": "reverse_split", "subject": "DOWN", "detail": '{"ratio": 7}'},
        ],
    )
    held = representative_holder(run, "UP", 100)
    assert held.costs == HolderCosts(0, 0, 0, 320, -310)
    assert held.flows == (HolderFlow(0, cash_atoms=100 * 100 * 10**8),)
    assert held.wealth_atoms == 100 * 95 * 10**8


def test_a_token_that_nobody_holds_costs_nothing(tmp_path: Path) -> None:
    """Supply is 0 at first; a period that begins between two snapshots has the supply of the one before."""
    run = hand_run(
        tmp_path / "r",
        tokens=[{"t_ns": t, "token": "UP", "nav": 1.0, "supply": s} for t, s in ((0, 0.0), (HOUR, 50.0))],
        attribution=[{"token": "UP", "t0_ns": t, "funding_atoms": -100} for t in (0, HOUR, HOUR + 1)],
    )
    assert representative_holder(run, "UP", 10).costs.funding == -40
