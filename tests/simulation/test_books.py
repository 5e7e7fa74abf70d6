"""The record of a world with everything in it closes: ledger, positions, attribution, open interest, to the atom."""

import json
from collections import defaultdict
from itertools import pairwise

import polars as pl
import pytest

from tests.simulation.worlds import CROWD, DOWN, GBM, HOUR, MINUTE, RETAIL, UP, Recorded, recorded, world

LEVERED = {
    **RETAIL,
    "id": "levered",
    "count": 150,
    "rate": "1/d",
    "capital": {"lognormal": {"median": "4 kUSDT", "sigma": "1"}},
    "start": {
        "leverage": {"uniform": ["5", "25"]},
        "long_share": "80%",
        "entry": {"uniform": ["29400 USDT", "30600 USDT"]},
    },
}
EVENTS = [
    {"at": "40min", "kind": "jump", "underlying": "BTC", "size": "-9%"},
    {"at": "50min", "kind": "order", "market": "BTC-PERP", "size": "-0.7 BTC"},
    {"at": "55min", "kind": "order", "market": "BTC-PERP", "size": "+1 BTC", "type": "limit", "price": "20000 USDT"},
]
FEE = {"rate": "2 bps", "every": "15min", "at": "00:00"}
MARKET = {"id": "BTC-PERP", "underlying": "BTC", "insurance_fund": "20 kUSDT", "funding": {"every": "30min"}}


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A levered crowd falls 9 % around midnight, with funding, fees, tokens, liquidations and deleveragings."""
    tokens = [
        {**UP, "management_fee": FEE},
        {**DOWN, "rebalance": {"policy": "band", "upper": 4, "poll": "1s"}},
        {**UP, "id": "EMPTY", "aum": "0 USDT"},
    ]
    scenario = world(
        duration="90min",
        index={**GBM, "pass_through": "20%"},
        market=MARKET,
        traders=[*CROWD, LEVERED],
        tokens=tokens,
        events=EVENTS,
        record={
            "orders": "all",
            "quotes": "change",
            "cohorts": "7min",
            "positions": "7min",
            "marks": "7min",
            "tokens": "1min",
        },
    )
    return recorded(scenario, tmp_path_factory.mktemp("crash"))


def test_the_world_of_these_tests_has_everything_in_it(crash: Recorded) -> None:
    for table in (
        "trades",
        "orders",
        "quotes",
        "funding",
        "rebalances",
        "liquidations",
        "deleveragings",
        "attribution",
        "events",
    ):
        assert len(crash.table(table)) > 0, table
    entries = set(crash.table("ledger")["entry"])
    assert entries >= {
        "deposit",
        "trade",
        "trading_fee",
        "funding",
        "liquidation_fee",
        "insurance",
        "deleveraging",
        "management_fee",
    }
    assert set(crash.table("liquidations")["stage"]) >= {"partial", "takeover"}


def test_not_an_atom_is_made_or_lost(crash: Recorded) -> None:
    assert crash.residual_atoms == 0
    deposits = crash.table("ledger").filter(entry="deposit")["atoms"].sum()
    by_time = crash.table("cohorts").group_by("t_ns").agg(pl.col("equity_atoms").sum(), pl.col("cash_atoms").len())
    assert set(by_time["equity_atoms"]) == {deposits}
    assert set(by_time["t_ns"]) == {*(k * 7 * MINUTE for k in range(13)), 90 * MINUTE}


def test_the_ledger_explains_every_change_of_every_cohorts_cash(crash: Recorded) -> None:
    ledger, cohorts = crash.table("ledger"), crash.table("cohorts")
    times = sorted(set(cohorts["t_ns"]))
    moved: dict[tuple[int, str], int] = defaultdict(int)
    for row in ledger.iter_rows(named=True):
        assert row["t_ns"] in times
        moved[row["t_ns"], row["to_cohort"]] += row["atoms"]
        if row["from_cohort"] is not None:
            moved[row["t_ns"], row["from_cohort"]] -= row["atoms"]
    cash = {(row["t_ns"], row["cohort"]): row["cash_atoms"] for row in cohorts.iter_rows(named=True)}
    names = {name for _, name in cash}
    assert {
        "noise",
        "UP",
        "outside",
        "outside_holders",
        "venue",
        "insurance",
        "issuer:alpha",
        "rounding",
        "event",
    } <= names
    for name in names:
        assert cash[0, name] == moved[0, name]
        for before, after in pairwise(times):
            assert cash[after, name] - cash[before, name] == moved[after, name], (name, after)


def test_a_deposit_comes_from_nowhere_at_the_start(crash: Recorded) -> None:
    deposits = crash.table("ledger").filter(entry="deposit")
    assert deposits["t_ns"].unique().to_list() == [0]
    assert deposits["from_cohort"].null_count() == len(deposits)
    assert set(deposits["to_cohort"]) == {
        "noise",
        "makers",
        "value",
        "trend",
        "retail",
        "levered",
        "UP",
        "DOWN",
        "insurance",
    }
    assert deposits.filter(to_cohort="UP")["atoms"].item() == 10**14
    assert crash.table("ledger").filter(pl.col("entry") != "deposit")["from_cohort"].null_count() == 0


def test_positions_net_to_zero_and_open_interest_is_the_longs_of_all_but_outside(crash: Recorded) -> None:
    positions = crash.table("positions")
    assert set(positions.group_by("t_ns").agg(pl.col("net_lots").sum())["net_lots"]) == {0}
    assert (positions["net_lots"] == positions["long_lots"] - positions["short_lots"]).all()
    assert min(positions["long_lots"].min(), positions["short_lots"].min()) == 0
    longs = positions.filter(pl.col("cohort") != "outside").group_by("t_ns").agg(pl.col("long_lots").sum()).sort("t_ns")
    marks = crash.table("marks").sort("t_ns")
    assert longs["t_ns"].to_list() == marks["t_ns"].to_list()
    assert longs["long_lots"].to_list() == marks["open_interest_lots"].to_list()


def test_equity_is_cash_and_position_at_the_mark_in_every_cohort(crash: Recorded) -> None:
    marks = dict(crash.table("marks").select("t_ns", (pl.col("mark_price") * 10).round().cast(pl.Int64)).iter_rows())
    net = {
        (t, cohort): lots
        for t, cohort, lots in crash.table("positions").select("t_ns", "cohort", "net_lots").iter_rows()
    }
    for row in crash.table("cohorts").iter_rows(named=True):
        held = net.get((row["t_ns"], row["cohort"]), 0)
        assert row["equity_atoms"] == row["cash_atoms"] + held * marks[row["t_ns"]] * 10_000


def test_accounts_begin_with_their_deposits_and_end_as_their_cohorts(crash: Recorded) -> None:
    accounts = (
        crash.table("accounts").group_by("cohort").agg(pl.col("start_equity_atoms", "end_equity_atoms").sum(), pl.len())
    )
    last = crash.table("cohorts").filter(t_ns=90 * MINUTE)
    both = last.join(accounts, on="cohort", how="full", coalesce=True)
    assert len(both) == len(last) == len(accounts)
    assert both["equity_atoms"].equals(both["end_equity_atoms"], check_names=False)
    assert both["accounts"].cast(pl.Int64).equals(both["len"].cast(pl.Int64), check_names=False)
    deposits = crash.table("ledger").filter(entry="deposit")
    for row in deposits.iter_rows(named=True):
        assert accounts.filter(cohort=row["to_cohort"])["start_equity_atoms"].item() == row["atoms"]


def test_fees_and_funding_of_the_accounts_are_those_of_the_ledger(crash: Recorded) -> None:
    accounts = crash.table("accounts").group_by("cohort").agg(pl.col("trading_fees_atoms", "funding_atoms").sum())
    ledger = crash.table("ledger")
    fees = ledger.filter(entry="trading_fee")
    assert set(fees["to_cohort"]) == {"venue"}
    for cohort, paid, received in accounts.iter_rows():
        if cohort == "venue":
            continue
        assert fees.filter(from_cohort=cohort)["atoms"].sum() == paid, cohort
        flows = ledger.filter(entry="funding")
        assert (
            flows.filter(to_cohort=cohort)["atoms"].sum() - flows.filter(from_cohort=cohort)["atoms"].sum() == received
        ), cohort
    assert accounts["funding_atoms"].sum() == 0


def test_funding_is_zero_sum_and_first_falls_on_its_clock(crash: Recorded) -> None:
    funding = crash.table("funding")
    assert funding["t_ns"].to_list() == [30 * MINUTE, 60 * MINUTE]  # 00:00 and 00:30; none at 0, none at the end
    assert (funding["paid_by_longs_atoms"] == funding["received_by_shorts_atoms"]).all()
    ledger = crash.table("ledger").filter(entry="funding")
    into, out = ledger.filter(to_cohort="venue")["atoms"].sum(), ledger.filter(from_cohort="venue")["atoms"].sum()
    assert into == out > 0


def test_attribution_adds_up_and_is_contiguous_from_start_to_end(crash: Recorded) -> None:
    rows = crash.table("attribution")
    parts = ("index", "basis", "funding", "management_fee", "trading_fee", "slippage", "primary")
    explained = sum((rows[f"{part}_atoms"] for part in parts), rows["opening_atoms"])
    assert explained.equals(rows["closing_atoms"], check_names=False)
    for token in ("UP", "DOWN", "EMPTY"):
        own = rows.filter(token=token).sort("t0_ns")
        assert own["t0_ns"].to_list() == [0, *own["t1_ns"].to_list()[:-1]]
        assert own["t1_ns"][-1] == 90 * MINUTE
        assert own["opening_atoms"].to_list()[1:] == own["closing_atoms"].to_list()[:-1]
        assert own["closing_atoms"][-1] == crash.table("accounts").filter(cohort=token)["end_equity_atoms"].item()


def test_attributions_parts_are_the_flows_of_the_ledger(crash: Recorded) -> None:
    ledger, rows = crash.table("ledger"), crash.table("attribution")
    for token in ("UP", "DOWN"):
        own = rows.filter(token=token)
        paid = ledger.filter(from_cohort=token)
        assert own["management_fee_atoms"].sum() == -paid.filter(entry="management_fee")["atoms"].sum()
        assert own["trading_fee_atoms"].sum() == -paid.filter(entry="trading_fee")["atoms"].sum()
        received = (
            ledger.filter(entry="funding", to_cohort=token)["atoms"].sum() - paid.filter(entry="funding")["atoms"].sum()
        )
        assert own["funding_atoms"].sum() == received
        assert own["primary_atoms"].sum() == 0
    assert rows.filter(token="UP")["management_fee_atoms"].sum() < 0


def test_a_rebalance_is_its_own_trades(crash: Recorded) -> None:
    trades = crash.table("trades")
    for row in crash.table("rebalances").iter_rows(named=True):
        own = trades.filter(taker_purpose="rebalance", taker_parent=row["id"])
        sign = 1 if row["target_lots"] > 0 else -1
        assert sign * own["size_lots"].sum() == row["filled_lots"]
        assert row["backlog_lots"] == row["target_lots"] - row["filled_lots"]
        assert set(own["taker_side"]) <= {"buy" if sign > 0 else "sell"}
        assert set(own["taker_cohort"]) <= {row["token"]}
        if not row["filled_lots"]:
            continue
        vwap = (own["price_ticks"] * own["size_lots"]).sum() / own["size_lots"].sum() / 10
        assert row["vwap"] == pytest.approx(vwap, rel=1e-12)
        assert row["slippage_bps"] == pytest.approx(1e4 * sign * (row["vwap"] / row["arrival_mid"] - 1), abs=1e-6)
        assert (own["t_ns"].min(), own["t_ns"].max()) == (row["t_first_ns"], row["t_last_ns"])
        window = trades.filter(pl.col("t_ns").is_between(row["t_decide_ns"], row["t_last_ns"]))
        assert row["market_volume_lots"] == window["size_lots"].sum()
        assert row["participation"] == pytest.approx(own["size_lots"].sum() / window["size_lots"].sum())


def test_a_rebalances_later_mids_are_those_of_the_quotes(crash: Recorded) -> None:
    quotes = crash.table("quotes").select("t_ns", "mid")
    for row in crash.table("rebalances").filter(pl.col("filled_lots") != 0).iter_rows(named=True):
        for column, after in (("mid_1m", MINUTE), ("mid_10m", 10 * MINUTE), ("mid_1h", HOUR)):
            if row["t_last_ns"] + after <= 90 * MINUTE:
                seen = quotes.filter(pl.col("t_ns") < row["t_last_ns"] + after)["mid"][-1]
                at_once = quotes.filter(t_ns=row["t_last_ns"] + after)["mid"].to_list()
                assert row[column] in [pytest.approx(mid) for mid in (seen, *at_once)]
            else:
                assert row[column] is None


def test_trades_carry_on_where_the_last_price_of_the_marks_stands(crash: Recorded) -> None:
    trades = crash.table("trades")
    assert trades["t_ns"].is_sorted()
    assert trades["seq"].to_list() == list(range(trades["seq"][0], trades["seq"][0] + len(trades)))
    assert (trades["taker_account"] != trades["maker_account"]).all()
    assert trades["size_lots"].min() > 0
    for t_ns, last in crash.table("marks").select("t_ns", "last_price").iter_rows():
        before = trades.filter(pl.col("t_ns") <= t_ns)
        assert last == (pytest.approx(before["price"][-1]) if len(before) else None)


def test_events_are_rows_with_details_that_can_be_read(crash: Recorded) -> None:
    events = crash.table("events")
    jump = events.filter(event="jump")
    assert (jump["t_ns"].item(), jump["subject"].item(), json.loads(jump["detail"].item())) == (
        40 * MINUTE,
        "BTC",
        {"size": -0.09},
    )
    assert all(isinstance(json.loads(detail), dict) for detail in events["detail"])


def test_public_account_numbers_follow_the_reserved_ranges(crash: Recorded) -> None:
    accounts = crash.table("accounts")
    assert accounts["account"].is_sorted()
    by_cohort = dict(accounts.group_by("cohort").agg(pl.col("account").min()).iter_rows())
    assert by_cohort["noise"] == 0
    assert by_cohort["makers"] == 150
    assert (by_cohort["UP"], by_cohort["DOWN"], by_cohort["EMPTY"]) == (10**9, 10**9 + 1, 10**9 + 2)
    assert by_cohort["event"] == 1_100_000_000
    assert (
        min(by_cohort[role] for role in ("venue", "outside", "insurance", "rounding", "issuer:alpha")) == 1_200_000_000
    )
