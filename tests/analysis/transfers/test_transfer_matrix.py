"""The transfer matrix by hand, in a market of 10 atoms a tick and lot, and in worlds with all that moves money."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.analysis.transfers.position_handovers import deleveraged_for
from marketsim.analysis.transfers.transfer_matrix import (
    BALANCE_COLUMNS,
    FLOW_COLUMNS,
    POOL,
    Transfers,
    transfers,
)
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.simulation import run as run_world
from tests.analysis.tables import HOUR, MINUTE, PERP, S, hand_run, quotes
from tests.simulation.worlds import CROWD, DOWN, NOISE, RETAIL, UP, world

END = HOUR
START_ATOMS = 100_000


def trade(t_ns: int, buyer: str, seller: str, lots: int, price: int, **more: Any) -> dict[str, Any]:
    return {
        "t_ns": t_ns, "market": "PERP", "price_ticks": price, "size_lots": lots, "taker_side": "buy",
        "taker_cohort": buyer, "maker_cohort": seller, "taker_purpose": "normal", "maker_purpose": "normal", **more,
    }  # fmt: skip


def market(place: Path, closing: dict[str, int], positions: dict[str, int], **tables: Any) -> Run:
    """An hour in which the mark goes from 100 to 110, with cohorts that begin with 100 000 atoms and no position."""
    cohorts = [
        {"t_ns": t, "cohort": name, "kind": "noise", "asset": "USDT", "equity_atoms": atoms}
        for t, equity in ((0, dict.fromkeys(closing, START_ATOMS)), (END, closing))
        for name, atoms in equity.items()
    ]
    held = [
        {"t_ns": t, "cohort": name, "market": "PERP", "net_lots": lots}
        for t, lots_of in ((0, dict.fromkeys(positions, 0)), (END, positions))
        for name, lots in lots_of.items()
    ]
    marks = [{"t_ns": t, "market": "PERP", "mark_price": mark} for t, mark in ((0, 100.0), (END, 110.0))]
    return hand_run(place, duration=END, cohorts=cohorts, positions=held, marks=marks, **tables)


def cash(buyer: str, seller: str, atoms: int, entry: str = "trade") -> dict[str, Any]:
    return {"t_ns": END, "entry": entry, "asset": "USDT", "from_cohort": buyer, "to_cohort": seller, "atoms": atoms}


def flows_of(run: Run) -> set[tuple[str, str, str, int]]:
    rows = transfers(run).flows
    return set(rows.select("cause", "from_cohort", "to_cohort", "atoms").iter_rows())


MID_LATER = quotes("PERP", (0, 100.0), (10 * MINUTE, 103.0), (11 * MINUTE, 120.0))


def test_a_trade_moves_what_it_was_from_the_mid_ten_minutes_later(tmp_path: Path) -> None:
    """10 lots bought at 100; mid 103 ten minutes later: 300 atoms from the seller; the way to 110 is the pool's."""
    run = market(
        tmp_path / "r",
        {"a": START_ATOMS + 1_000 - 7, "b": START_ATOMS - 1_000, "venue": START_ATOMS + 7},
        {"a": 10, "b": -10},
        trades=[trade(S, "a", "b", 10, 100)],
        quotes=MID_LATER,
        ledger=[cash("a", "b", 10_000), cash("a", "venue", 7, "trading_fee")],
    )
    assert flows_of(run) == {
        ("trade", "a", "b", -300),
        ("mark", POOL, "a", 700),
        ("mark", POOL, "b", -700),
        ("trading_fee", "a", "venue", 7),
    }
    matrix = {(to, payer): atoms for to, payer, _, atoms in transfers(run).matrix().iter_rows()}
    assert (matrix["a", "b"], matrix["b", "a"], matrix["venue", "a"]) == (300, -300, 7)


def test_half_a_tick_that_is_no_whole_atom_is_rounded_and_settled_in_the_same_trade(tmp_path: Path) -> None:
    """One lot of one atom a tick bought at 100, mid 102.5 later: -2.5 atoms become -3."""
    later = [{**row, "ask_ticks": 104} for row in quotes("PERP", (0, 102.0))]
    run = market(
        tmp_path / "r",
        {"a": START_ATOMS + 10, "b": START_ATOMS - 10},
        {"a": 1, "b": -1},
        instruments=[{**PERP, "atoms_per_tick_lot": 1}],
        trades=[trade(S, "a", "b", 1, 100)],
        quotes=later,
        ledger=[cash("a", "b", 100)],
    )
    assert flows_of(run) == {("trade", "a", "b", -3), ("mark", POOL, "a", 7), ("mark", POOL, "b", -7)}


def test_a_trade_of_the_last_minutes_is_valued_at_the_last_mark(tmp_path: Path) -> None:
    run = market(
        tmp_path / "r",
        {"a": START_ATOMS + 1_000, "b": START_ATOMS - 1_000},
        {"a": 10, "b": -10},
        trades=[trade(END - S, "a", "b", 10, 100)],
        quotes=MID_LATER,
        ledger=[cash("a", "b", 10_000)],
    )
    assert flows_of(run) == {("trade", "a", "b", -1_000)}


def test_turnover_beyond_64_bits_still_closes(tmp_path: Path) -> None:
    """Forty trades there and back of 3e17 atoms each: the cash of either side is 1.2e19, above 2^63."""
    lots = 3 * 10**14
    trades = [trade(k * S, *(("a", "b") if k % 2 else ("b", "a")), lots, 100) for k in range(1, 81)]
    paid = [cash(buyer, seller, 8 * lots * 100 * 10) for buyer, seller in (("a", "b"), ("b", "a")) for _ in range(5)]
    closing = {"a": START_ATOMS, "b": START_ATOMS}
    run = market(tmp_path / "r", closing, {"a": 0, "b": 0}, trades=trades, quotes=MID_LATER, ledger=paid)
    assert transfers(run).balances["received_atoms"].to_list() == [0, 0]


def test_who_paid_the_anticipator_is_told_by_purpose(tmp_path: Path) -> None:
    """It buys 10 at 100 from makers, sells them at 108 to a rebalance; the mid is 103 after the first, 108 later."""
    run = market(
        tmp_path / "r",
        {"hunters": START_ATOMS + 800, "makers": START_ATOMS - 1_000, "UP": START_ATOMS + 200},
        {"hunters": 0, "makers": -10, "UP": 10},
        trades=[
            trade(S, "hunters", "makers", 10, 100, taker_purpose="anticipation"),
            trade(20 * MINUTE, "UP", "hunters", 10, 108, taker_purpose="rebalance", maker_purpose="anticipation"),
        ],
        quotes=quotes("PERP", (0, 100.0), (10 * MINUTE, 103.0), (15 * MINUTE, 107.0)),
        ledger=[cash("hunters", "makers", 10_000), cash("UP", "hunters", 10_800)],
    )
    flows = transfers(run).flows.filter(cause="trade")
    assert set(flows.select("from_cohort", "from_purpose", "to_cohort", "to_purpose", "atoms").iter_rows()) == {
        ("hunters", "anticipation", "makers", "normal", -300),
        ("UP", "rebalance", "hunters", "anticipation", 100),
    }


def test_fills_off_the_book_settle_with_the_pool_alone(tmp_path: Path) -> None:
    """A fund takes 5 lots from outside at the mark of 104: 6 ticks x 5 x 10 atoms by the end."""
    run = market(
        tmp_path / "r",
        {"UP": START_ATOMS + 300, "outside": START_ATOMS - 300},
        {"UP": 5, "outside": -5},
        quotes=MID_LATER,
        ledger=[cash("UP", "outside", 5_200)],
    )
    assert flows_of(run) == {("mark", POOL, "UP", 300), ("mark", POOL, "outside", -300)}


def test_a_takeover_transfers_what_was_paid_beyond_the_mark_and_not_the_position(tmp_path: Path) -> None:
    """10 lots sold to the fund at 97 where the mark was 99: 200 atoms to it; 4 of the 14 were sold in the book."""
    liquidation = {
        "t_ns": MINUTE, "t_order_ns": MINUTE, "market": "PERP", "account": 3, "cohort": "a", "size_lots": 14,
        "mark_price": 99.0, "stage": "takeover", "insurance_atoms": 200,
    }  # fmt: skip
    before = trade(S, "a", "b", 14, 100)
    sale = trade(MINUTE, "b", "a", 4, 98, taker_side="sell", taker_cohort="a", maker_cohort="b", taker_account=3,
                 taker_purpose="liquidation")  # fmt: skip
    run = market(
        tmp_path / "r",
        {
            "a": START_ATOMS - 14_000 + 3_920 + 9_700,
            "b": START_ATOMS + 14_000 - 3_920 - 11_000,
            "insurance": START_ATOMS + 1_300,
        },
        {"a": 0, "b": -10, "insurance": 10},
        trades=[before, sale],
        quotes=quotes("PERP", (0, 100.0)),
        liquidations=[liquidation],
        ledger=[cash("a", "b", 14_000), cash("b", "a", 3_920), cash("insurance", "a", 9_700, "insurance")],
    )
    assert ("insurance", "insurance", "a", -200) in flows_of(run)


def test_a_matrix_that_does_not_close_is_refused_with_whom_and_by_how_much(tmp_path: Path) -> None:
    run = market(
        tmp_path / "r",
        {"a": START_ATOMS + 1_001, "b": START_ATOMS - 1_000},
        {"a": 10, "b": -10},
        trades=[trade(S, "a", "b", 10, 100)],
        quotes=MID_LATER,
        ledger=[cash("a", "b", 10_000)],
    )
    with pytest.raises(ResultError, match=r"does not close: a by \+1 USDT atoms"):
        transfers(run)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"trades": "none"}, "needs every trade"),
        ({"quotes": "none"}, "needs table quotes at least every 60 s"),
        ({"positions": "none"}, "needs table positions"),
    ],
)
def test_what_was_not_recorded_is_named(record: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=said):
        transfers(hand_run(tmp_path / "r", record=record))


STEP = {"kind": "path", "interpolate": "step", "points": [["0s", "30000 USDT"], ["40min", "24000 USDT"]]}
LEVERED = {**RETAIL, "count": 80, "capital": "20 kUSDT", "start": {"leverage": "15", "long_share": "80%"}}
HOLDING = {**UP, "market": {"tick": "0.01 USDT", "lot": "0.01"}, "primary": {"mode": "cash_nav"}}
TOKEN_NOISE = {**NOISE, "id": "dabblers", "market": "UP", "count": 20, "tilt": "0%", "holds": {"UP": "10%"}}
QUOTERS = {
    "id": "quoters",
    "kind": "token_maker",
    "market": "UP",
    "count": 2,
    "capital": "200 kUSDT",
    "holds": {"UP": "20%"},
}


FALL = {"tokens": [UP], "index": STEP, "traders": [*CROWD, {**LEVERED, "id": "levered"}]}
WORLDS = {
    "two tokens at midnight": {"tokens": [UP, DOWN]},
    "a fall of a fifth": FALL,
    "a token with a market and a door": {"tokens": [HOLDING], "traders": [*CROWD, TOKEN_NOISE, QUOTERS]},
}


def run_of(parts: dict[str, Any], place: Path) -> Run:
    return Run(run_world(world(duration="1h", clock={"warmup": "10min"}, **parts), out=place).path)


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(FALL, tmp_path_factory.mktemp("fall"))


@pytest.mark.parametrize("name", WORLDS)
def test_the_matrix_of_a_whole_world_closes_to_the_atom(name: str, fallen: Run, tmp_path: Path) -> None:
    """Equity of every cohort as the kernel has it, from trades, positions, marks and the ledger alone."""
    run = fallen if name == "a fall of a fifth" else run_of(WORLDS[name], tmp_path)
    found = transfers(run)
    assert found.since_ns == 10 * MINUTE
    rows = found.balances
    assert (rows["opening_atoms"] + rows["received_atoms"] == rows["closing_atoms"]).all()
    assert rows["closing_atoms"].sum() == run.table("ledger").filter(entry="deposit")["atoms"].sum()
    assert found.matrix()["atoms"].sum() == 0
    also = {"a fall of a fifth": {"insurance", "liquidation_fee", "deleveraging"}}.get(name, set())
    assert {"trade", "mark", "trading_fee"} | also <= set(found.flows["cause"])
    if "door" in name:
        assert {"creation", "units"} <= set(found.flows["cause"])


def test_the_cash_of_deleveragings_is_between_the_accounts_they_are_put_down_to(fallen: Run) -> None:
    """Lots x price of each row, from its account to the liquidation it served, is what the ledger has between both."""
    atoms: Counter[tuple[str, str]] = Counter()
    served = deleveraged_for(fallen, fallen.table("liquidations"))
    for cut, victim in served:
        atoms[cut.cohort, victim.cohort] += cut.size_lots * round(cut.price * 10) * 10_000
    paid: Counter[tuple[str, str]] = Counter()
    entries = fallen.table("ledger").filter(entry="deleveraging")
    for payer, receiver, amount in entries.select("from_cohort", "to_cohort", "atoms").iter_rows():
        paid[payer, receiver] += amount
    between = {(a, b) for a, b in [*atoms, *paid] if a != b}
    assert len(between) > 2
    for a, b in between:
        assert atoms[a, b] - atoms[b, a] == paid[a, b] - paid[b, a]


@pytest.mark.parametrize("second", [None, ("c", "BTC", -5)])
def test_a_pool_that_gains_is_refused_currency_by_currency_even_where_every_cohort_adds_up(
    second: tuple[str, str, int] | None,
) -> None:
    """The pool paid 5 USDT atoms more than it got; 5 of another currency the other way do not make that good."""
    paid = [("a", "USDT", 5), *([second] if second else [])]
    flows = pl.DataFrame(
        [("mark", asset, POOL, cohort, None, None, atoms) for cohort, asset, atoms in paid], FLOW_COLUMNS, orient="row"
    )
    balances = pl.DataFrame(
        [(cohort, "noise", asset, 100, 0, atoms, 100 + atoms) for cohort, asset, atoms in paid],
        BALANCE_COLUMNS,
        orient="row",
    )
    with pytest.raises(ResultError, match=r"market_pool by -5 USDT atoms"):
        Transfers(0, END, flows, balances).check_closed()
