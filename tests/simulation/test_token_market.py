"""A token's own spot book: units and cash, never margin; the fund's NAV as index; limits; what holding costs."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim import MarketModel
from marketsim.errors import KernelError, ScenarioError
from marketsim.simulation.holding import PrimaryDeals
from marketsim.traders.kinds.token_maker import TokenMakerDesk
from marketsim.venues.inventory import BookHoldings
from tests.simulation.test_agent import Scripted
from tests.simulation.worlds import ATOMS, CROWD, HOUR, PERP, UP, recorded, steps, world

BOOK = {"tick": "0.01 USDT", "lot": "0.01", "fees": {"maker": "10 bps", "taker": "10 bps"}}
TOKEN = {**UP, "market": BOOK, "management_fee": {"rate": "1 bps", "every": "1d", "at": "00:00"}}
HOLDERS = {"id": "holders", "kind": "holder", "market": "UP", "count": 40, "rate": "30/h", "capital": "5 kUSDT"}
QUOTERS = {"id": "quoters", "kind": "token_maker", "market": "UP", "count": 2, "capital": "500 kUSDT"}
DEALERS = ({**HOLDERS, "holds": {"UP": "50%"}}, {**QUOTERS, "holds": {"UP": "20%"}})


def token_world(traders: Any = (*CROWD, *DEALERS), token: dict[str, Any] = TOKEN, **parts: Any) -> Any:
    return world(**{"traders": traders, "tokens": [token], **parts})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return recorded(token_world(), tmp_path_factory.mktemp("run"))


def test_units_only_change_hands_and_cash_is_conserved(run: Any) -> None:
    assert run.residual_atoms == 0
    units = run.table("positions").filter(pl.col("market") == "UP").group_by("t_ns").agg(pl.col("net_lots").sum())
    assert units["net_lots"].unique().to_list() == [10_000 * 100]  # 1 MUSDT at 100 USDT, lots of 0.01
    assert run.table("positions").filter((pl.col("market") == "UP") & (pl.col("short_lots") > 0)).is_empty()
    assert run.table("trades").filter(pl.col("market") == "UP").height > 50


def test_the_index_of_a_token_market_is_the_funds_nav(run: Any) -> None:
    navs = run.table("tokens").select("t_ns", "nav")
    marks = run.table("marks").filter(pl.col("market") == "UP").select("t_ns", "index_price").join(navs, on="t_ns")
    away = (marks["index_price"] - marks["nav"]).abs().sort()
    # Half a tick; more only at the few instants at which the fund paid fees or traded after the mark was published.
    assert away[int(0.9 * len(away))] <= 0.005 + 1e-9
    assert away[-1] < 0.1


def test_nav_leaves_out_what_redeeming_clients_are_still_owed(tmp_path: Path) -> None:
    leaving = {**HOLDERS, "holds": {"UP": "70%"}, "share": {"uniform": ["0", "0.05"]}, "mood": "0%"}
    quoters = {**QUOTERS, "holds": {"UP": "20%"}, "max_inventory": "100 kUSDT"}
    token = {**TOKEN, "primary": {"mode": "cash_nav", "redeem_fee": "10 bps"}}  # hedges are sold in slices of 20 kUSDT
    run = recorded(token_world((*CROWD, leaving, quoters), token), tmp_path)
    navs = run.table("tokens").select("t_ns", "nav", "supply")
    assert navs["supply"][-1] < 0.7 * navs["supply"][0]
    marks = run.table("marks").filter(pl.col("market") == "UP").join(navs, on="t_ns")
    assert ((marks["index_price"] / marks["nav"] - 1).abs() < 0.002).all()
    assert run.residual_atoms == 0


def test_nav_leaves_out_what_creating_clients_paid_and_the_hedges_that_are_theirs(tmp_path: Path) -> None:
    """A creation of a fifth of the fund, hedged over minutes while the mark moves: what was hedged moves with it."""
    token = {**UP, "market": BOOK, "primary": {"mode": "cash_exec", "create_fee": "10 bps", "redeem_fee": "10 bps"}}

    def creates(client: Scripted) -> Any:
        yield client.wait("5min")
        client.create("UP", "200 kUSDT")

    run = recorded(
        world(tokens=[token], duration="20min", record={"marks": "1s", "tokens": "1s"}),
        tmp_path,
        before=lambda model: Scripted(model, creates, capital="300 kUSDT"),
    )
    navs = run.table("tokens").select("t_ns", "nav", "claims_atoms")
    both = run.table("marks").filter(pl.col("market") == "UP").join(navs, on="t_ns").filter(pl.col("claims_atoms") > 0)
    assert len(both) > 60
    assert both["nav"].max() - both["nav"].min() > 0.05
    away = (both["index_price"] - both["nav"]).abs().sort()
    assert away[int(0.7 * len(away))] <= 0.005 + 1e-9  # half a tick where no slice was filled after the mark
    assert away[-1] < 0.1


def test_units_are_those_of_their_account_and_those_for_sale_are_not_free() -> None:
    """Account 0 holds the first record of all. Another gets 500 new lots, offers 200 and can give up 300."""
    model = MarketModel(token_world((DEALERS[0], *CROWD)))
    market = model.wired.markets["UP"]
    units = BookHoldings(model.world, market)
    first = units.holders()[0]
    assert (units.units_of(0), units.free_of(0)) == (first, first)
    assert first > 0
    assert units.total_lots == sum(units.holders().values()) == 10_000 * 100
    seller = model.add_agent("seller", 0)
    units.create(seller, 500)
    model.gateway.send(seller, "UP", -200, order_type="limit", price_ticks=20_000)
    model.env.run(1)
    assert (units.units_of(seller), units.free_of(seller), units.total_lots) == (500, 300, 1_000_500)
    for takes in (units.destroy, lambda account, lots: units.move(account, 0, lots)):
        with pytest.raises(KernelError, match="has not 301 free lots"):
            takes(seller, 301)
    units.move(seller, 0, 100)
    units.destroy(seller, 200)
    assert (units.units_of(seller), units.free_of(seller), units.units_of(0)) == (200, 0, first + 100)
    assert units.total_lots == model.world.market_int(market, "supply_lots") == 1_000_300
    model.close()


def test_holders_may_ask_the_fund_only_where_it_deals_and_while_it_does() -> None:
    def is_open(token: dict[str, Any], *suspended: str) -> int:
        model = MarketModel(token_world(token=token))
        (desk,) = model.desks
        desk.status.suspend(suspended)
        told = model.world.market_int(model.wired.markets["UP"], "primary_open")
        model.close()
        return told

    deals = {**TOKEN, "primary": {"mode": "cash_nav"}}
    assert (is_open(TOKEN), is_open(deals), is_open(deals, "primary"), is_open(deals, "market")) == (0, 1, 0, 1)


def test_makers_hold_the_token_near_its_nav(run: Any) -> None:
    marks = run.table("marks").filter((pl.col("market") == "UP") & (pl.col("t_ns") > HOUR // 6))
    premium = (marks["mid_price"] / marks["index_price"] - 1).abs()
    assert premium.median() < 0.01


def test_what_holders_paid_and_got_agrees_with_the_trades(run: Any) -> None:
    trades = run.table("trades").filter(pl.col("market") == "UP")
    atoms = trades["price_ticks"] * trades["size_lots"] * 10**4  # 0.01 USDT x 0.01 token
    holders = run.table("holders")
    assert holders["bought_atoms"].sum() == holders["sold_atoms"].sum() == atoms.sum()
    paid = (atoms // 1000).sum()  # 10 bps of each side
    assert abs(holders["trading_fee_atoms"].sum() - 2 * paid) <= 2 * trades.height
    start, end = holders["units_start"].sum(), holders["units_end"].sum()
    assert start == pytest.approx(end) == pytest.approx(10_000)
    sign = pl.when(pl.col("taker_side") == "buy").then(1).otherwise(-1)
    each = [
        trades.select(account=f"{who}_account", lots=side * sign * pl.col("size_lots"), price="price_ticks")
        for who, side in (("taker", 1), ("maker", -1))
    ]
    cash = 10**4 * pl.col("lots") * pl.col("price")
    moved = pl.concat(each).group_by("account").agg(
        lots=pl.col("lots").sum(), paid=cash.filter(cash > 0).sum(), got=-cash.filter(cash < 0).sum()
    )  # fmt: skip
    joined = holders.join(moved, on="account", how="left").with_columns(pl.col("lots", "paid", "got").fill_null(0))
    assert joined["bought_atoms"].to_list() == joined["paid"].to_list()
    assert joined["sold_atoms"].to_list() == joined["got"].to_list()
    units = (joined["units_end"] - joined["units_start"]) * 100
    assert [round(lots) for lots in units] == joined["lots"].to_list()
    assert joined["units_end"].min() >= 0


def test_each_holder_bears_its_share_of_the_management_fee(run: Any) -> None:
    fee = run.table("ledger").filter(pl.col("entry") == "management_fee")["atoms"].sum()
    borne = run.table("holders")["management_atoms"].sum()
    assert fee > 0
    assert abs(borne - fee) <= run.table("holders").height  # each share is rounded to the atom


def test_a_token_tells_its_premium_to_nav(run: Any) -> None:
    tokens = run.table("tokens").filter(pl.col("mid_price").is_not_null())
    assert tokens.height > 50
    assert (tokens["premium_to_nav"] - (tokens["mid_price"] / tokens["nav"] - 1)).abs().max() < 1e-15
    marks = run.table("marks").filter(pl.col("market") == "UP").select("t_ns", mid="mid_price")
    both = tokens.join(marks, on="t_ns")
    assert (both["mid_price"] - both["mid"]).abs().max() < 1e-9


def test_holders_bear_the_funds_funding_by_their_units(tmp_path: Path) -> None:
    """Across 00:00: what the fund's account got or paid is the sum of all shares, to an atom each."""
    funding = {"every": "1h", "interest": "2 bps", "damper": "5 bps", "cap": "30 bps"}
    run = recorded(token_world(market={**PERP, "funding": funding}), tmp_path)
    shares = run.table("holders")["funding_atoms"]
    paid = run.table("attribution").filter(token="UP")["funding_atoms"].sum()
    assert paid < 0
    assert abs(shares.sum() - paid) <= len(shares)
    assert (shares.sign() == -1).sum() > 10


def play(script: Any, token: dict[str, Any] = TOKEN) -> Scripted:
    model = MarketModel(token_world(token=token))
    agent = Scripted(model, script)
    model.env.run(HOUR // 2)
    return agent


def one(size: str, **options: Any) -> Any:
    def script(agent: Scripted) -> Any:
        yield agent.wait("5min")
        order = agent.send("UP", size, **options)
        agent.orders.append(order)
        yield order.done

    return script


def test_units_one_does_not_hold_cannot_be_sold() -> None:
    (order,) = play(one("-1 UP", type="market")).orders
    assert (order.status, order.reason) == ("rejected", "insufficient_funds")


def test_units_bought_can_be_sold_again() -> None:
    def script(agent: Scripted) -> Any:
        yield agent.wait("5min")
        for size in ("+2 UP", "-2 UP"):
            order = agent.send("UP", size, type="market")
            agent.orders.append(order)
            yield order.done
        agent.record(units=agent.view.position_lots("UP"), cash=agent.view.cash_atoms)

    agent = play(script)
    assert [order.status for order in agent.orders] == ["filled", "filled"]
    assert agent.records[0]["units"] == 0
    assert 999_990 * ATOMS < agent.records[0]["cash"] < 1_000_000 * ATOMS  # spread and fees, nothing else


def test_resting_bids_tie_up_their_cash() -> None:
    def script(agent: Scripted) -> Any:
        yield agent.wait("5min")
        for _ in range(2):  # each costs 600 k of 1 M
            agent.orders.append(agent.send("UP", "+12000 UP", price="50 USDT"))
        yield agent.wait("1s")

    first, second = play(script).orders
    assert first.status == "resting"
    assert (second.status, second.reason) == ("rejected", "insufficient_funds")


def test_a_limit_price_far_from_nav_is_refused_where_the_market_has_a_band() -> None:
    banded = {**TOKEN, "market": {**BOOK, "price_band": "30%"}}
    (order,) = play(one("+1 UP", price="60 USDT"), banded).orders
    assert (order.status, order.reason) == ("rejected", "price_band")


def test_nobody_may_hold_more_than_the_cap() -> None:
    capped = {**TOKEN, "market": {**BOOK, "holding_cap": 6}}

    def script(agent: Scripted) -> Any:
        yield agent.wait("5min")
        for size in ("+6 UP", "+1 UP"):
            order = agent.send("UP", size, type="market")
            agent.orders.append(order)
            yield order.done

    held = {"traders": (*CROWD, {**QUOTERS, "holds": {"UP": "20%"}, "uses_primary": False})}
    model = MarketModel(token_world(token=capped, **held))
    agent = Scripted(model, script)
    model.env.run(HOUR // 2)
    first, second = agent.orders
    assert first.filled_lots == 600
    assert (second.status, second.reason) == ("rejected", "holding_cap")


def test_token_makers_start_hedged_and_stay_so() -> None:
    model = MarketModel(token_world())
    (desk,) = model.trader_desks.values()
    assert isinstance(desk, TokenMakerDesk)
    for until in (0, HOUR // 2):
        if until:
            model.env.run(until)
        for account in desk.accounts:
            units = model.view.position_lots(account, "UP")
            wanted = desk.hedge_of(units)["BTC-PERP"]
            held = model.view.position_lots(account, "BTC-PERP")
            assert wanted < 0
            assert abs(held - wanted) <= 0.5 * abs(wanted)
    assert model.world.check_conserved() == 0


def test_a_token_market_leaves_the_perp_alone_while_nobody_hedges(tmp_path: Path) -> None:
    alone = {**HOLDERS, "holds": {"UP": "50%"}}
    with_market = recorded(token_world((*CROWD, alone)), tmp_path / "with").table("trades")
    without = recorded(world(tokens=[{k: v for k, v in TOKEN.items() if k != "market"}]), tmp_path / "without")
    columns = ["t_ns", "price_ticks", "size_lots", "taker_account", "maker_account", "taker_side"]
    perp = with_market.filter(pl.col("market") == "BTC-PERP").select(columns)
    assert perp.equals(without.table("trades").select(columns))


def test_holders_follow_performance(tmp_path: Path) -> None:
    rise = steps(("0s", "30000 USDT"), ("20min", "31500 USDT"))
    fall = steps(("0s", "30000 USDT"), ("20min", "28500 USDT"))
    held = {}
    for name, index in (("rise", rise), ("fall", fall)):
        dealers = ({**DEALERS[0], "chase": 5, "mood": "0%"}, DEALERS[1])
        table = recorded(token_world((*CROWD, *dealers), index=index), tmp_path / name).table("positions")
        last = table.filter((pl.col("cohort") == "holders") & (pl.col("market") == "UP")).sort("t_ns")
        held[name] = last["net_lots"][-1]
    assert held["rise"] > held["fall"]


def test_a_holder_outside_a_token_market_is_refused_by_name() -> None:
    with pytest.raises(ScenarioError, match="a holder trades a token in the token's own market"):
        world(traders=(*CROWD, {**HOLDERS, "market": "BTC-PERP"}))


def test_more_units_than_there_are_cannot_be_held() -> None:
    with pytest.raises(ScenarioError, match="more than all units are held"):
        token_world((*CROWD, {**DEALERS[0], "holds": {"UP": "60%"}}, {**DEALERS[1], "holds": {"UP": "50%"}}))


def test_an_agent_who_bought_the_token_is_a_holder_too(tmp_path: Path) -> None:
    agents: list[Scripted] = []
    run = recorded(
        token_world(), tmp_path, before=lambda model: agents.append(Scripted(model, one("3 UP", type="market")))
    )
    (row,) = run.table("holders").filter(pl.col("account") == 1_100_000_000).rows(named=True)
    (order,) = agents[0].orders
    assert (row["units_start"], row["units_end"]) == (0.0, 3.0)
    assert row["bought_atoms"] == sum(fill.price_ticks * fill.lots for fill in order.fills) * 10**4
    assert row["trading_fee_atoms"] == sum(fill.fee_atoms for fill in order.fills)
    assert row["management_atoms"] > 0
    fee = run.table("ledger").filter(pl.col("entry") == "management_fee")["atoms"].sum()
    assert abs(run.table("holders")["management_atoms"].sum() - fee) <= run.table("holders").height


def test_fees_and_cash_of_creations_and_redemptions_are_those_that_settled() -> None:
    deals = PrimaryDeals()
    row = {"account": 5, "token": "UP", "side": "creation", "fee_atoms": 7, "cash_atoms": 707, "status": "settled"}
    deals.note([row, {**row, "status": "queued"}, {**row, "side": "redemption", "fee_atoms": 2}])
    deals.note([row, {**row, "status": "refused"}, {**row, "token": "DOWN"}])
    assert [deals.fee_atoms[5, "UP", side] for side in ("creation", "redemption")] == [14, 2]
    assert [deals.cash_atoms[5, "UP", side] for side in ("creation", "redemption")] == [1400, 707]
    assert deals.fee_atoms[6, "UP", "creation"] == 0
