"""The primary market in whole simulations: agents who create and redeem, splits, notices, and books that close."""

from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim import scenario
from marketsim.errors import UsageError
from marketsim.simulation.model import MarketModel
from marketsim.traders.agent import Agent
from tests.simulation.worlds import (
    ATOMS,
    FREE,
    HOUR,
    MAKERS,
    MINUTE,
    NOISE,
    SECOND,
    STILL,
    UP,
    recorded,
    steps,
    world,
)

NAV = {"mode": "cash_nav", "create_fee": "10 bps", "redeem_fee": "10 bps"}
COSTLY = {**FREE, "fees": {"maker": "0 bps", "taker": "10 bps"}}
FUND = {**UP, "rebalance": {"policy": "none"}, "execution": {"algorithm": "off_book", "off_book_fees": False}}


class Client(Agent):
    """Creates, holds, and redeems what it got."""

    def __init__(self, model: Any, cash: str = "10 kUSDT", hold: str = "10min", **given: Any) -> None:
        self.cash, self.hold = cash, hold
        super().__init__(model, **{"capital": "20 kUSDT", **given})

    def process(self) -> Iterator[Any]:
        yield self.wait("5min")
        made = self.create("UP", self.cash)
        yield made.done
        self.record(status=made.status, units=made.units, price=made.price, reason=made.reason, nav=self.nav("UP"))
        yield self.wait(self.hold)
        sold = self.redeem("UP", "all")
        yield sold.done
        self.record(status=sold.status, cash=sold.cash, price=sold.price, reason=sold.reason, units=self.units("UP"))


def closed(run: Any) -> None:
    """Money is conserved, cohorts explained, and every fund's attribution ends at its equity."""
    assert run.residual_atoms == 0
    cohorts, ledger = run.table("cohorts"), run.table("ledger")
    last = cohorts.filter(pl.col("t_ns") == cohorts["t_ns"].max())
    moved = dict.fromkeys(last["cohort"], 0)
    for row in ledger.iter_rows(named=True):
        moved[row["to_cohort"]] += row["atoms"]
        if row["from_cohort"] is not None:
            moved[row["from_cohort"]] -= row["atoms"]
    held = dict(last.group_by("cohort").agg(pl.col("cash_atoms").sum()).iter_rows())
    assert held == {name: moved[name] for name in held}
    parts = ("index", "basis", "funding", "management_fee", "trading_fee", "slippage", "primary")
    explained = run.table("attribution").with_columns(
        sum=pl.col("opening_atoms") + sum((pl.col(f"{part}_atoms") for part in parts), pl.lit(0))
    )
    assert (explained["sum"] == explained["closing_atoms"]).all()


def test_an_agent_creates_and_redeems_and_its_cash_is_exact(tmp_path: Path) -> None:
    """10,000 less 10 buys 99.9 tokens at 100; after +1 % they are 10,289.70, less 10 bps."""
    index = steps(("0s", "30000 USDT"), ("10min", "30300 USDT"))
    clients: list[Client] = []
    scenario = world(index=index, market=FREE, traders=[], tokens=[{**FUND, "primary": NAV}])
    run = recorded(scenario, tmp_path, before=lambda model: clients.append(Client(model)))
    made, sold = clients[0].records
    assert (made["t_ns"], made["status"], made["units"], made["price"], made["nav"]) == (
        5 * MINUTE,
        "settled",
        99.9,
        100,
        100,
    )
    assert (sold["t_ns"], sold["status"], sold["cash"], sold["price"], sold["units"]) == (
        15 * MINUTE, "settled", pytest.approx(10_289.7, abs=1e-5), pytest.approx(103), 0,
    )  # fmt: skip
    rows = run.table("primary")
    assert rows["side"].to_list() == ["creation", "redemption"]
    assert set(rows["cohort"]) == {clients[0].name}
    assert rows["fee_atoms"].to_list() == [10 * ATOMS, rows["cash_atoms"][1] // 1_000]
    cohorts = run.table("cohorts").filter(pl.col("t_ns") == HOUR)
    issuer = cohorts.filter(pl.col("cohort") == "issuer:alpha")["cash_atoms"].item()
    assert issuer == rows["fee_atoms"].sum()
    entries = set(run.table("ledger")["entry"])
    assert {"creation", "redemption", "primary_fee"} <= entries
    closed(run)


def test_a_hedge_trades_in_the_book_under_its_purpose_and_number(tmp_path: Path) -> None:
    token = {**FUND, "execution": {"algorithm": "market"}, "primary": {**NAV, "mode": "cash_exec"}}
    run = recorded(
        world(traders=[NOISE, MAKERS], tokens=[token], index=STILL), tmp_path, before=lambda model: Client(model)
    )
    made, sold = run.table("primary").iter_rows(named=True)
    trades = run.table("trades").filter(pl.col("taker_cohort") == "UP")
    assert set(zip(trades["taker_purpose"], trades["taker_parent"], strict=True)) == {
        ("creation", made["hedge_parent"]), ("redemption", sold["hedge_parent"]),
    }  # fmt: skip
    bought = trades.filter(pl.col("taker_purpose") == "creation")["size_lots"].sum()
    assert bought == pytest.approx(3 * 10_000 / 30_000 * 1_000, abs=5)
    assert made["price"] > made["nav_true"]
    assert sold["price"] < sold["nav_true"]
    closed(run)


def test_who_stays_is_not_touched_by_what_it_costs_others_to_come_and_go(tmp_path: Path) -> None:
    """A client creates and redeems at the hedge's price, a fifth of the fund: NAV stays where the mark is."""
    token = {**FUND, "execution": {"algorithm": "market"}, "primary": {"mode": "cash_exec"}}
    run = recorded(
        world(
            traders=[NOISE, MAKERS],
            tokens=[token],
            market={**FREE, "fees": {"maker": "0 bps", "taker": "10 bps"}},
            index=STILL,
        ),
        tmp_path,
        before=lambda model: Client(model, cash="200 kUSDT", capital="300 kUSDT"),
    )
    tokens = run.table("tokens")
    assert tokens["nav"].to_list() == pytest.approx([100] * len(tokens), abs=1e-9)
    assert tokens["supply"].max() == pytest.approx(11_980, abs=20)
    closed(run)


def test_a_bull_run_takes_a_short_token_through_a_reverse_split_to_its_end(tmp_path: Path) -> None:
    """-3x: +25 % leaves 25 of 100, beneath 30: ten become one; after another +10 % nothing is left."""
    index = steps(("0s", "30000 USDT"), ("20min", "37500 USDT"), ("40min", "41000 USDT"))
    down = {
        **FUND, "id": "UP", "basket": {"BTC-PERP": -3}, "primary": NAV,
        "reverse_split": {"below": "30 USDT", "ratio": 10, "halt": "5min"},
    }  # fmt: skip
    market = {**FREE, "insurance_fund": "2 MUSDT"}
    clients: list[Client] = []
    run = recorded(
        world(index=index, market=market, traders=[], tokens=[down]),
        tmp_path,
        before=lambda model: clients.append(Client(model, hold="50min")),
    )
    told = list(run.table("events").filter(pl.col("event") != "state").select("event", "subject").iter_rows())
    assert told == [("reverse_split", "UP"), ("wiped", "UP")]
    split = loads(run.table("events").filter(pl.col("event") == "reverse_split")["detail"].item())
    assert split["nav_after"] == pytest.approx(10 * split["nav_before"])
    assert split["supply_after"] == pytest.approx(split["supply_before"] / 10)
    last = run.table("tokens").tail(1)
    assert (last["state"].item(), last["nav"].item()) == ("WIPED", 0)
    assert run.table("token_legs").tail(1)["position_lots"].item() == 0
    assert (clients[0].records[-1]["status"], clients[0].records[-1]["reason"]) == ("refused", "wiped")
    closed(run)


def test_the_bull_run_of_the_scenarios_ends_a_traded_token_and_its_books_close(tmp_path: Path) -> None:
    """Splits on the way down, ten to one each; the end, beyond +1/3 between two resets (A0.9); no atom lost."""
    run = recorded(scenario.load(Path(__file__).parents[2] / "scenarios/bull_run.yaml"), tmp_path)
    told = run.table("events").filter(pl.col("event") != "state")
    assert told["event"].to_list()[-1] == "wiped"
    splits = [loads(detail) for detail in told.filter(pl.col("event") == "reverse_split")["detail"]]
    assert len(splits) >= 1
    for split in splits:
        assert split["nav_before"] < 30
        assert split["nav_after"] == pytest.approx(10 * split["nav_before"], rel=1e-9)
        paid = split["cash_in_lieu_atoms"] / ATOMS
        before, after = (split[f"nav_{when}"] * split[f"supply_{when}"] for when in ("before", "after"))
        assert before == pytest.approx(after + paid, rel=1e-9)
    last = run.table("tokens").tail(1)
    assert (last["nav"].item(), last["state"].item()) == (0, "WIPED")
    primary = run.table("primary")
    assert {"creation", "redemption"} == set(primary.filter(pl.col("status") == "settled")["side"])
    assert set(primary.filter(pl.col("t_ns") > told["t_ns"].max())["reason"]) <= {"wiped"}
    closed(run)


def test_every_notice_is_an_event_and_does_what_it_says(tmp_path: Path) -> None:
    events = [
        {"at": "4min", "kind": "suspend", "subject": "UP", "what": ["primary"]},
        {"at": "6min", "kind": "resume", "subject": "UP", "what": ["primary"]},
        {"at": "10min", "kind": "split", "token": "UP", "ratio": 10, "halt": "2min"},
        {"at": "20min", "kind": "cap_change", "token": "UP", "cap": 1},
        {"at": "21min", "kind": "fee_change", "market": "BTC-PERP", "fees": {"maker": "1 bps", "taker": "9 bps"}},
        {"at": "30min", "kind": "delist", "token": "UP"},
    ]
    model = MarketModel(world(index=STILL, market=FREE, traders=[], tokens=[{**FUND, "primary": NAV}], events=events))
    client = Client(model)

    class Late(Client):
        def process(self) -> Iterator[Any]:
            yield self.wait("25min")
            request = self.create("UP", "1 kUSDT")
            yield request.done
            self.record(reason=request.reason)

    late = Late(model)
    model.env.run(5 * MINUTE + SECOND)
    assert client.records[0]["reason"] == "suspended"
    assert model.desks[0].token.state == "SUSPENDED"
    model.env.run(11 * MINUTE)
    assert (model.desks[0].token.state, model.desks[0].token.supply) == ("SPLITTING", 1_000)
    model.env.run()
    assert late.records[0]["reason"] == "supply_cap"
    assert (model.desks[0].token.state, model.view.cash_atoms(model.desks[0].token.account)) == ("DELISTED", 0)
    assert model.world.market_int(0, "taker_fee") == 90_000
    rows = model.journal.take()["events"]
    assert [row["event"] for row in rows if row["event"] != "state"] == [
        "suspended", "resumed", "reverse_split", "cap_change", "fee_change", "delisted",
    ]  # fmt: skip
    assert model.world.check_conserved() == 0
    model.close()


def test_holders_and_makers_of_a_token_with_its_own_market_create_and_redeem_there_too(tmp_path: Path) -> None:
    """Units of the book, of holders, of makers and of the outside are the supply at every snapshot."""
    traders = [
        NOISE, MAKERS,
        {"id": "holders", "kind": "holder", "market": "UP", "count": 40, "rate": "60/h", "capital": "5 kUSDT",
         "primary_share": "50%", "holds": {"UP": "30%"}},
        {"id": "quoters", "kind": "token_maker", "market": "UP", "count": 2, "capital": "500 kUSDT",
         "holds": {"UP": "10%"}, "tolerance": "1%", "every": "1min"},
    ]  # fmt: skip
    book = {"tick": "0.01 USDT", "lot": "0.01"}
    events = [
        {"at": "30min", "kind": "suspend", "subject": "UP", "what": ["primary"]},
        {"at": "40min", "kind": "suspend", "subject": "UP", "what": ["market"]},
        {"at": "45min", "kind": "resume", "subject": "UP"},
    ]
    token = {
        **UP,
        "market": book,
        "primary": {**NAV, "supply_cap": 10_500},
        "management_fee": {"rate": "1 bps", "every": "1h"},
    }
    index = steps(("0s", "30000 USDT"), ("5min", "30300 USDT"), ("20min", "30000 USDT"), ("50min", "30600 USDT"))
    run = recorded(world(traders=traders, tokens=[token], events=events, index=index), tmp_path)
    rows = run.table("primary")
    settled = rows.filter(pl.col("status") == "settled")
    assert set(settled["side"]) == {"creation", "redemption"}
    assert {"holders", "quoters"} <= set(settled["cohort"])
    resting = rows.filter(pl.col("t_ns").is_between(30 * MINUTE, 45 * MINUTE - 1))
    assert set(resting["status"]) <= {"refused"}
    units = run.table("positions").filter(pl.col("market") == "UP").group_by("t_ns").agg(pl.col("net_lots").sum())
    supply = run.table("tokens").select("t_ns", lots=(pl.col("supply") * 100).round().cast(pl.Int64))
    joined = units.join(supply, on="t_ns")
    assert len(joined) == 7
    assert (joined["net_lots"] == joined["lots"]).all()
    trades = run.table("trades").filter(pl.col("market") == "UP")
    assert trades.filter(pl.col("t_ns").is_between(40 * MINUTE + 1, 45 * MINUTE - 1)).is_empty()
    assert len(trades.filter(pl.col("t_ns") > 45 * MINUTE)) > 0
    fees = run.table("holders")
    assert fees["create_fee_atoms"].sum() == settled.filter(pl.col("side") == "creation")["fee_atoms"].sum()
    closed(run)


def test_a_split_of_a_traded_token_empties_its_book_and_prices_go_on_in_the_new_unit(tmp_path: Path) -> None:
    """Ten to one at 20min, halted for five: orders gone, marks ten times as high, holders' units a tenth, all exact."""
    traders = [
        NOISE, MAKERS,
        {"id": "holders", "kind": "holder", "market": "UP", "count": 40, "rate": "60/h", "capital": "5 kUSDT",
         "primary_share": "30%", "holds": {"UP": "30%"}},
        {"id": "quoters", "kind": "token_maker", "market": "UP", "count": 2, "capital": "500 kUSDT",
         "holds": {"UP": "10%"}},
    ]  # fmt: skip
    token = {**UP, "market": {"tick": "0.01 USDT", "lot": "0.01"}, "primary": NAV}
    events = [
        {"at": "20min", "kind": "split", "token": "UP", "ratio": 10, "halt": "5min"},
        {"at": "50min", "kind": "delist", "token": "UP", "close": "execution"},
    ]
    run = recorded(world(traders=traders, tokens=[token], events=events, record={"quotes": "change"}), tmp_path)
    quotes = run.table("quotes").filter(pl.col("market") == "UP")
    during = quotes.filter(pl.col("t_ns").is_between(20 * MINUTE, 25 * MINUTE - 1))
    assert during.tail(1).select("bid_lots", "ask_lots").row(0) == (0, 0)
    marks = run.table("marks").filter(pl.col("market") == "UP")
    price = dict(marks.select("t_ns", "mark_price").iter_rows())
    assert price[21 * MINUTE] == pytest.approx(10 * price[19 * MINUTE], rel=0.05)
    trades = run.table("trades").filter(pl.col("market") == "UP")
    assert trades.filter(pl.col("t_ns").is_between(20 * MINUTE + 1, 25 * MINUTE - 1)).is_empty()
    after = trades.filter(pl.col("t_ns").is_between(25 * MINUTE, 50 * MINUTE))
    assert len(after) > 10
    assert after["price"].median() == pytest.approx(price[40 * MINUTE], rel=0.05)
    tokens = run.table("tokens")
    units = run.table("positions").filter(pl.col("market") == "UP").group_by("t_ns").agg(pl.col("net_lots").sum())
    joined = units.join(tokens.select("t_ns", lots=(pl.col("supply") * 100).round().cast(pl.Int64)), on="t_ns")
    assert (joined["net_lots"] == joined["lots"]).all()
    last = tokens.tail(1)
    assert (last["state"].item(), last["supply"].item()) == ("DELISTED", 0)
    worth = run.table("decay")["log_return"].drop_nulls().sum()
    assert abs(worth) < 0.1
    closed(run)


def test_an_outage_refuses_orders_for_its_time_and_leaves_the_book_as_it_is(tmp_path: Path) -> None:
    events = [{"at": "20min", "kind": "outage", "market": "BTC-PERP", "for": "10min"}]
    run = recorded(
        world(traders=[NOISE, MAKERS], events=events, record={"orders": "all", "quotes": "change"}), tmp_path
    )
    trades = run.table("trades")
    during = trades.filter(pl.col("t_ns").is_between(20 * MINUTE + 1, 30 * MINUTE - 1))
    assert len(during) == 0
    assert len(trades.filter(pl.col("t_ns") < 20 * MINUTE)) > 0
    assert len(trades.filter(pl.col("t_ns") > 30 * MINUTE)) > 0
    refused = run.table("orders").filter(pl.col("reason") == "halted")
    assert refused["t_ns"].min() >= 20 * MINUTE
    assert refused["t_ns"].max() <= 30 * MINUTE
    assert run.residual_atoms == 0


def test_a_resumption_ends_a_running_outage_and_no_later_suspension_is_lifted_by_its_end(tmp_path: Path) -> None:
    """Outage 20 to 40 min, resumed at 25; suspended from 30 for good: no trade from 30 on, at 40 neither."""
    events = [
        {"at": "20min", "kind": "outage", "market": "BTC-PERP", "for": "20min"},
        {"at": "25min", "kind": "resume", "subject": "BTC-PERP", "what": ["market"]},
        {"at": "30min", "kind": "suspend", "subject": "BTC-PERP", "what": ["market"]},
    ]
    run = recorded(world(traders=[NOISE, MAKERS], events=events), tmp_path)
    at_min = run.table("trades")["t_ns"] / MINUTE
    assert at_min.is_between(25.001, 30).sum() > 0
    assert at_min.is_between(20.001, 24.999).sum() == 0
    assert (at_min > 30.001).sum() == 0


def test_an_agent_is_told_what_it_may_ask_for() -> None:
    model = MarketModel(
        world(index=STILL, market=FREE, traders=[], tokens=[{**FUND, "primary": NAV}, {**FUND, "id": "DOWN"}])
    )

    class Idle(Agent):
        def process(self) -> Iterator[Any]:
            yield self.wait("1h")

    agent = Idle(model, capital="10 kUSDT")
    with pytest.raises(UsageError, match="there are UP, DOWN"):
        agent.create("UPP", "1 kUSDT")
    with pytest.raises(UsageError, match="has no primary market"):
        agent.redeem("DOWN", "1")
    with pytest.raises(UsageError, match="UP is created for USDT"):
        agent.create("UP", "1 kUSDC")
    assert (agent.units("UP"), agent.nav("DOWN")) == (0, 100)
    model.close()


def test_a_run_with_a_primary_market_is_the_same_however_it_is_cut(tmp_path: Path) -> None:
    token = {**UP, "primary": {**NAV, "mode": "cash_exec", "queue": True}, "nav_quote": {"every": "7s", "delay": "30s"}}
    scenario = world(traders=[NOISE, MAKERS], tokens=[token])
    whole = recorded(scenario, tmp_path / "whole", before=lambda model: Client(model, name="client"))
    parts = recorded(
        scenario,
        tmp_path / "parts",
        before=lambda model: Client(model, name="client"),
        stops=[n * 97 * SECOND for n in range(1, 35)],
    )
    assert whole.digest == parts.digest
    assert whole.hashes == parts.hashes


FUNDED = {**FREE, "funding": {"interest": "1 bps", "damper": "5 bps", "cap": "30 bps", "every": "30min"}}
HOURLY = {"rate": "10 bps", "every": "15min"}


def test_holders_of_a_token_without_a_market_have_rows_that_add_up_to_the_funds(tmp_path: Path) -> None:
    """The client creates at five minutes and redeems at forty: two of four fees are partly his, and one settlement."""
    index = steps(("0s", "30000 USDT"), ("10min", "30300 USDT"))
    tokens = [
        {**FUND, "primary": NAV, "management_fee": HOURLY},
        {**FUND, "id": "DOWN", "basket": {"BTC-PERP": -3}, "management_fee": HOURLY},
    ]
    scenario = world(index=index, market=FUNDED, traders=[], tokens=tokens)
    run = recorded(scenario, tmp_path, before=lambda model: Client(model, hold="35min"))
    rows, deals = run.table("holders"), run.table("primary")
    made, sold = deals.rows(named=True)
    up, down = (rows.filter(pl.col("token") == token) for token in ("UP", "DOWN"))
    assert (len(up), len(down)) == (2, 1)
    client = up.row(0, named=True)
    assert client["cohort"] == "Client-1"
    assert (client["units_start"], client["units_end"], client["end_value_atoms"]) == (0, 0, 0)
    assert client["bought_atoms"] == made["cash_atoms"] - made["fee_atoms"]
    assert client["sold_atoms"] == sold["cash_atoms"]
    assert (client["create_fee_atoms"], client["redeem_fee_atoms"]) == (made["fee_atoms"], sold["fee_atoms"])
    assert client["trading_fee_atoms"] == 0
    # two fees of 10 bps on about 99.9 x 103 USDT, and 1 bp of funding on three times as much
    assert client["management_atoms"] / ATOMS == pytest.approx(2 * 0.001 * 10_289.7, rel=2e-3)
    assert client["funding_atoms"] / ATOMS == pytest.approx(-3e-4 * 99.9 * 101, rel=2e-2)
    outside = down.row(0, named=True)
    assert outside["cohort"] == up["cohort"][1] == "outside_holders"
    assert (outside["units_start"], outside["units_end"]) == (10_000, 10_000)
    last = run.table("tokens").filter(pl.col("t_ns") == HOUR)
    for token, own in (("UP", up), ("DOWN", down)):
        parts = run.table("attribution").filter(pl.col("token") == token)
        assert own["management_atoms"].sum() == pytest.approx(-parts["management_fee_atoms"].sum(), abs=2)
        assert own["funding_atoms"].sum() == pytest.approx(parts["funding_atoms"].sum(), abs=2)
        assert own["end_value_atoms"].sum() == last.filter(pl.col("token") == token)["equity_atoms"].item()
    assert down["funding_atoms"].item() > 0
    closed(run)


def test_absorbed_funding_is_no_holders(tmp_path: Path) -> None:
    for where in ({}, {"market": {"tick": "0.01 USDT", "lot": "0.01"}}):
        token = {**FUND, **where, "funding": "absorb"}
        run = recorded(world(index=STILL, market=FUNDED, traders=[], tokens=[token]), tmp_path / str(len(where)))
        assert run.table("funding")["paid_by_longs_atoms"].sum() > 0
        assert run.table("holders")["funding_atoms"].to_list() == [0]
        assert run.table("attribution")["funding_atoms"].sum() == 0


def test_a_split_leaves_the_worth_of_holders_without_a_market_as_it_is(tmp_path: Path) -> None:
    index = steps(("0s", "30000 USDT"), ("10min", "24000 USDT"), ("40min", "31900 USDT"))
    tokens = [
        {**FUND, "reverse_split": {"below": "50 USDT", "ratio": 10}},
        {**FUND, "id": "DOWN", "basket": {"BTC-PERP": -3}},
    ]
    run = recorded(world(index=index, market=FREE, traders=[], tokens=tokens), tmp_path)
    down, up = run.table("holders").sort("token").rows(named=True)
    assert (up["units_start"], up["units_end"]) == (10_000, 1_000)
    assert up["end_value_atoms"] == run.table("tokens").filter(pl.col("token") == "UP")["equity_atoms"][-1]
    assert (down["units_end"], down["end_value_atoms"]) == (10_000, 1_000_000 * ATOMS * 81 // 100)


def test_an_issuers_absorbed_costs_are_in_the_ledger_and_no_cost_is_left_in_the_fund(tmp_path: Path) -> None:
    """Gate's all-in fee in a live book: fees and slippage of the rebalance are the issuer's to the atom."""
    token = {**UP, "costs": "absorb", "start": {"leverage": "2.5"}}
    run = recorded(world(tokens=[token], traders=[NOISE, MAKERS]), tmp_path)
    (row,) = run.table("rebalances").rows(named=True)
    assert row["fees_atoms"] > 0
    parts = run.table("attribution")
    assert parts["trading_fee_atoms"].sum() == parts["slippage_atoms"].sum() == 0
    paid = run.table("ledger").filter(pl.col("from_cohort") == "issuer:alpha")
    assert paid.filter(pl.col("entry") == "trading_fee")["atoms"].sum() == row["fees_atoms"]
    assert set(paid["entry"]) == {"trading_fee", "trade"}
    closed(run)
