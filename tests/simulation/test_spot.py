"""A coin's spot market: coin against cash, exactly conserved; nobody sells or spends what he has not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim import MarketModel, simulation
from marketsim.report import write_report
from marketsim.scenario import load
from marketsim.venues.collateral import Collateral
from marketsim.venues.margin import tier_table
from tests.simulation.test_agent import Scripted
from tests.simulation.worlds import ATOMS, CROWD, GBM, MINUTE, PERP, STILL, recorded, steps, world

SPOT = {"id": "BTC-SPOT", "kind": "spot", "underlying": "BTC"}
FREE_SPOT = {**SPOT, "fees": {"maker": "0 bps", "taker": "0 bps"}}


def on_spot(kind: str, count: int, capital: str, **more: Any) -> dict[str, Any]:
    return {"id": f"spot-{kind}", "kind": kind, "market": "BTC-SPOT", "count": count, "capital": capital, **more}


MAKERS = on_spot("market_maker", 3, "2 MUSDT", size="4 kUSDT")
BUYERS = (
    on_spot("noise", 150, "20 kUSDT", rate="60/h"),
    MAKERS,
    on_spot("fundamentalist", 30, "100 kUSDT", threshold={"offset": "0.01%", "scale": "0.05%"}),
    on_spot("trend", 20, "20 kUSDT", rate="60/h", enter="0.5"),
    on_spot("contrarian", 20, "20 kUSDT", rate="60/h", enter="0.5"),
    on_spot("retail", 40, "3 kUSDT", rate="60/h", target="0.2%", stop="0.2%"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    record = {"orders": "all", "cohorts": "5min", "positions": "5min"}
    return recorded(world(market=SPOT, traders=BUYERS, record=record), tmp_path_factory.mktemp("run"))


def test_cash_and_coin_are_conserved_at_every_snapshot(run: Any) -> None:
    assert run.residual_atoms == 0
    deposits = run.table("ledger").filter(entry="deposit")["atoms"].sum()
    cohorts = run.table("cohorts").group_by("t_ns").agg(pl.col("equity_atoms").sum(), pl.col("cash_atoms").sum())
    assert set(cohorts["equity_atoms"]) == set(cohorts["cash_atoms"]) == {deposits}
    positions = run.table("positions")
    assert set(positions.group_by("t_ns").agg(pl.col("net_lots").sum())["net_lots"]) == {0}
    assert positions.filter(pl.col("short_lots") > 0)["cohort"].unique().to_list() == ["outside"]
    outside = positions.filter(cohort="outside")
    assert outside["net_lots"].n_unique() == 1  # no coin came in or went out


def test_everybody_opens_with_his_capital_and_half_of_it_in_coin_where_he_trades_on_both_sides(run: Any) -> None:
    positions = {row["cohort"]: row["net_lots"] for row in run.table("positions").filter(t_ns=0).iter_rows(named=True)}
    coin = {name: lots * 30 * ATOMS for name, lots in positions.items()}  # a lot of 0.001 BTC is worth 30 USDT
    opening = run.table("cohorts").filter(t_ns=0)
    for row in opening.filter(pl.col("kind") != "ledger").iter_rows(named=True):
        half = row["kind"] in ("noise", "market_maker", "fundamentalist")
        assert row["equity_atoms"] == row["cash_atoms"] + coin[row["cohort"]]
        assert coin[row["cohort"]] == pytest.approx(row["equity_atoms"] / 2 if half else 0, rel=0.002)
    assert opening.filter(cohort="spot-noise")["equity_atoms"].item() == 150 * 20_000 * ATOMS


def test_every_kind_trades_and_no_rule_asks_for_more_than_its_trader_covers(run: Any) -> None:
    trades = run.table("trades")
    traded = set(trades["taker_cohort"]) | set(trades["maker_cohort"])
    assert traded == {group["id"] for group in BUYERS}
    for cohort in ("spot-trend", "spot-contrarian", "spot-retail"):  # what they buy they sell again
        assert set(trades.filter(taker_cohort=cohort)["taker_side"]) == {"buy", "sell"}
    assert run.table("orders").filter(reason="insufficient_funds").is_empty()
    assert trades.height > 500


def test_a_spot_market_has_no_funding_no_premium_no_open_interest_and_no_liquidations(run: Any) -> None:
    row = run.table("instruments").row(0, named=True)
    assert (row["market"], row["kind"], row["contract"], row["asset"]) == ("BTC-SPOT", "spot", None, "USDT")
    assert run.table("funding").is_empty()
    assert run.table("liquidations").is_empty()
    marks = run.table("marks")
    assert marks["premium"].is_null().all()
    assert marks["predicted_funding"].is_null().all()
    assert set(marks["open_interest_lots"]) == {0}
    assert marks.height == 61


def test_the_price_follows_the_index(run: Any) -> None:
    marks = run.table("marks").filter(pl.col("t_ns") > 5 * MINUTE)
    assert (marks["mark_price"] / marks["index_price"] - 1).abs().median() < 0.001


def act(
    script: Callable[[Any], Any],
    markets: Any = (FREE_SPOT,),
    capital: str = "30 kUSDT",
    index: Any = STILL,
    **more: Any,
) -> Scripted:
    scenario = world(
        index=index, traders=more.pop("traders", [{**MAKERS, "market": "BTC-SPOT"}]), markets=markets, **more
    )
    model = MarketModel(scenario)
    agent = Scripted(model, script, capital=capital)
    model.env.run()
    assert model.world.check_conserved() == 0
    return agent


def test_an_agent_buys_coin_and_sells_it_and_is_refused_what_it_has_not() -> None:
    told = {}

    def script(agent: Any) -> Any:
        yield agent.wait("1s")
        for name, size in (
            ("naked", "-0.1 BTC"),
            ("bought", "+0.5 BTC"),
            ("beyond", "-0.501 BTC"),
            ("sold", "-0.5 BTC"),
        ):
            order = agent.send("BTC-SPOT", size, type="market")
            yield order.done
            told[name] = (order.status, order.reason, agent.view.position_lots("BTC-SPOT"))
            assert agent.view.equity_atoms == pytest.approx(30_000 * ATOMS, rel=1e-3)
        order = agent.send("BTC-SPOT", "+1.1 BTC", type="market")
        yield order.done
        told["unpaid"] = (order.status, order.reason, agent.view.position_lots("BTC-SPOT"))

    act(script)
    assert told == {
        "naked": ("rejected", "insufficient_funds", 0),
        "bought": ("filled", "filled", 500),
        "beyond": ("rejected", "insufficient_funds", 500),
        "sold": ("filled", "filled", 0),
        "unpaid": ("rejected", "insufficient_funds", 0),
    }


def test_a_market_order_into_a_thin_book_ends_where_the_cash_does() -> None:
    def script(agent: Any) -> Any:
        yield agent.wait("1s")
        order = agent.send("BTC-SPOT", "+0.999 BTC", type="market")
        yield order.done
        agent.record(reason=order.reason, filled=order.filled_lots, cash=agent.view.cash_atoms)

    thin = {**MAKERS, "size": "2 kUSDT", "levels": 3, "first": "1%", "growth": 2}
    agent = act(script, traders=[thin])
    (row,) = agent.records
    assert row["reason"] == "insufficient_funds"
    assert 900 < row["filled"] < 999
    assert 0 <= row["cash"] < 40 * ATOMS  # less than one more lot


def test_coin_beside_a_perpetual_is_no_collateral_and_outlives_its_liquidation() -> None:
    fall = steps(("0s", "30000 USDT"), ("10min", "24000 USDT"))
    told = {}

    def script(agent: Any) -> Any:
        yield agent.wait("1s")
        bought = agent.send("BTC-SPOT", "+1 BTC", type="market")
        yield bought.done
        # 600 kUSDT at 14 times need 43 kUSDT: with its coin it had 60, without it has 30.
        too_much = agent.send("BTC-PERP", "+20 BTC", type="market")
        long = agent.send("BTC-PERP", "+8 BTC", type="market")
        yield long.done
        told["too much"] = too_much.reason
        told["held"] = agent.view.position_lots("BTC-PERP")
        yield agent.wait("30min")
        told["after"] = agent.view.position_lots("BTC-PERP"), agent.view.position_lots("BTC-SPOT")
        told["cash"] = agent.view.cash_atoms
        told["liquidations"] = int(agent.model.world.accounts[agent.account]["liquidations"])
        sold = agent.send("BTC-SPOT", "-1 BTC", type="market")
        yield sold.done
        told["sold"] = sold.status

    makers = {**MAKERS, "id": "perp-makers", "market": "BTC-PERP"}
    agent = act(
        script,
        markets=(
            FREE_SPOT,
            {**PERP, "margin": {"tiers": [{"up_to": "1 GUSDT", "max_leverage": 14, "maintenance": "1%"}]}},
        ),
        capital="60 kUSDT",
        index=fall,
        traders=[MAKERS, makers],
    )
    assert told["too much"] == "insufficient_margin"
    assert told["held"] == 8_000
    assert told["after"] == (0, 1_000)  # at 24,000 USDT the 8 BTC had lost 48 kUSDT of 30
    assert told["cash"] >= 0
    assert told["liquidations"] == 1
    assert told["sold"] == "filled"
    assert agent.view.cash_atoms == pytest.approx(told["cash"] + 24_000 * ATOMS, rel=0.01)


def test_what_an_account_may_spend_leaves_out_coin_and_what_its_bids_keep() -> None:
    scenario = world(index=STILL, traders=[MAKERS], markets=(SPOT, PERP))
    model = MarketModel(scenario)

    def script(agent: Any) -> Any:
        yield agent.wait("1s")
        yield agent.send("BTC-SPOT", "+0.5 BTC", type="market").done
        agent.send("BTC-SPOT", "+0.1 BTC", price="20000 USDT")
        yield agent.wait("1s")
        purse = Collateral(model.world, model.wired.markets, {"BTC-PERP": tier_table(scenario.markets[1].margin.tiers)})
        agent.record(free=purse.free_atoms(agent.account), cash=agent.view.cash_atoms, equity=agent.view.equity_atoms)

    agent = Scripted(model, script, capital="30 kUSDT")
    model.env.run()
    (row,) = agent.records
    assert row["cash"] - row["free"] == 2_000 * ATOMS + ATOMS  # 0.1 BTC at 20,000 USDT and 5 bps of it
    assert row["equity"] - row["cash"] == pytest.approx(15_000 * ATOMS, rel=1e-3)


@pytest.mark.parametrize("markets", [(SPOT, PERP), (PERP, SPOT)])
def test_an_index_learns_from_the_perpetual_before_the_spot_market(markets: Any) -> None:
    learning = {**GBM, "pass_through": "50%"}
    model = MarketModel(world(index=learning, traders=[], markets=markets))
    assert model.world.underlyings[0]["learning_market"] == model.wired.markets["BTC-PERP"]
    alone = MarketModel(world(index=learning, traders=[], market=SPOT))
    assert alone.world.underlyings[0]["learning_market"] == alone.wired.markets["BTC-SPOT"]
    assert alone.world.underlyings[0]["learning"] > 0


def test_a_spot_market_and_its_crowd_move_nobody_elses_luck(tmp_path: Any) -> None:
    alone = recorded(world(traders=CROWD), tmp_path / "alone").table("trades")
    beside = recorded(world(markets=(PERP, SPOT), traders=(*CROWD, *BUYERS)), tmp_path / "beside").table("trades")
    columns = ["t_ns", "price_ticks", "size_lots", "taker_account", "maker_account", "taker_side"]
    assert beside.filter(market="BTC-PERP").select(columns).equals(alone.select(columns))
    assert beside.filter(market="BTC-SPOT").height > 500


def test_an_order_from_outside_may_bring_coin_in() -> None:
    event = {"at": "1min", "kind": "order", "market": "BTC-SPOT", "size": "-0.2 BTC"}
    model = MarketModel(world(index=STILL, market=SPOT, traders=[MAKERS], events=[event]))
    model.env.run()
    account = next(a for a in range(len(model.wired.account_ids)) if model.who(a)[1] == "event")
    assert model.view.position_lots(account, "BTC-SPOT") == -200
    assert model.world.check_conserved() == 0


def test_the_smallest_spot_scenario_makes_a_page_without_funding(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "scenarios/spot_book.yaml"
    assert len(file.read_text().splitlines()) < 10
    done = simulation.run(load(file, set={"clock.duration": "2min"}), out=tmp_path, report=write_report)
    page = (done.path / "report.html").read_text()
    assert "BTC-SPOT: mid price." in page
    assert "BTC-SPOT: mid and mark price against the index" in page
    assert "<h2>Funding" not in page
    assert done.manifest["conservation"]["residual_atoms"] == 0
    assert done.manifest["counts"]["trades"] > 20
    again = simulation.run(load(done.path / "scenario.yaml"), out=tmp_path / "again")
    assert again.manifest["tables"]["trades"] == done.manifest["tables"]["trades"]
