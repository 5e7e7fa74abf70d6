"""Who knows of a reset, in a whole world: anticipators, liquidity providers, and metaorders that nothing moves."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim import MarketModel, load
from marketsim.announcements import Mode
from marketsim.scenario.schema import Scenario
from tests.simulation.worlds import ATOMS, CROWD, GBM, HOUR, MINUTE, SECOND, UP, Recorded, recorded, world

SCENARIO = Path(__file__).parents[2] / "scenarios/front_running.yaml"
T_RESET = 42 * MINUTE
HUNTERS = {"id": "hunters", "kind": "anticipator", "market": "BTC-PERP", "count": 2, "capital": "500 kUSDT"}
KNOWS = {"schedule": True, "size_noise": "20%", "lead": "10min"}
PROVIDERS = {"id": "providers", "kind": "liquidity_provider", "market": "BTC-PERP", "count": 2, "capital": "500 kUSDT"}
BLOCKS = {
    "id": "blocks",
    "kind": "metaorder",
    "market": "BTC-PERP",
    "count": 3,
    "capital": "20 MUSDT",
    "rate": "2/h",
    "size": {"lognormal": {"median": "50 kUSDT", "sigma": "0.5"}},
    "over": "2min",
    "slices": 8,
}
OPEN = {"schedule": "public", "size": "exact", "lead": "5min"}
FALL = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-3%"}]


def told(mode: Mode) -> Any:
    def set_modes(model: MarketModel) -> None:
        for token in model.scenario.tokens:
            model.announcement_feed.set_mode(token.id, mode)

    return set_modes


def trades_of(run: Recorded, cohort: str) -> pl.DataFrame:
    """Trades of one cohort with its signed lots, + bought."""
    side = pl.when(pl.col("taker_side") == "buy").then(1).otherwise(-1)
    taken = pl.when(pl.col("taker_cohort") == cohort).then(side).otherwise(-side)
    mine = run.table("trades").filter((pl.col("taker_cohort") == cohort) | (pl.col("maker_cohort") == cohort))
    return mine.with_columns(lots=taken * pl.col("size_lots"))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load(SCENARIO)


@pytest.fixture(scope="module")
def run(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(scenario, tmp_path_factory.mktemp("true"))


def test_anticipators_sell_before_a_reset_that_sells_and_end_flat(run: Recorded) -> None:
    (row,) = run.table("rebalances").iter_rows(named=True)
    assert (row["t_decide_ns"], row["target_lots"] < 0) == (T_RESET, True)
    mine = trades_of(run, "hunters")
    before = mine.filter(pl.col("t_ns") < T_RESET)
    after = mine.filter(pl.col("t_ns") >= T_RESET)
    assert before["t_ns"].min() > T_RESET - 10 * MINUTE
    assert before["lots"].max() < 0 < after["lots"].min()
    assert after["t_ns"].max() < T_RESET + 10 * MINUTE
    assert mine["lots"].sum() == 0
    assert mine.filter(pl.col("taker_cohort") == "hunters")["taker_purpose"].unique().to_list() == ["anticipation"]
    # 3 x 15 % of an order that each expects with its own error of 20 %.
    share = before["lots"].sum() / row["target_lots"]
    assert share == pytest.approx(0.45, rel=0.35)


def test_providers_buy_what_is_sold_and_end_flat(run: Recorded) -> None:
    mine = trades_of(run, "providers")
    assert mine["lots"].sum() == 0
    during = mine.filter(pl.col("t_ns").is_between(T_RESET - 5 * MINUTE, T_RESET + 2 * MINUTE))
    assert during["lots"].sum() > 0.1 * abs(run.table("rebalances")["target_lots"][0])
    assert mine.filter(pl.col("lots") > 0)["t_ns"].min() >= T_RESET - 5 * MINUTE


def test_money_is_conserved_to_the_atom(run: Recorded) -> None:
    assert run.residual_atoms == 0


@pytest.mark.parametrize("mode", ["silent", "zero"])
def test_nobody_trades_on_a_reset_that_is_silent_or_has_a_size_of_zero(
    scenario: Scenario, tmp_path: Path, mode: Mode
) -> None:
    quiet = recorded(scenario, tmp_path, before=told(mode))
    assert trades_of(quiet, "hunters").is_empty()
    assert trades_of(quiet, "providers").is_empty()
    assert quiet.residual_atoms == 0
    assert len(quiet.table("rebalances")) == 1


def test_silent_and_zero_are_one_market(scenario: Scenario, tmp_path: Path) -> None:
    tapes = [recorded(scenario, tmp_path / mode, before=told(mode)).hashes["trades"] for mode in ("silent", "zero")]
    assert tapes[0] == tapes[1]


def test_the_run_is_the_same_however_it_is_cut(scenario: Scenario, run: Recorded, tmp_path: Path) -> None:
    stops = [T_RESET - 5 * MINUTE, T_RESET - 1, T_RESET, T_RESET + 17 * SECOND, T_RESET + 3 * MINUTE, HOUR]
    cut = recorded(scenario, tmp_path, stops=stops)
    assert cut.digest == run.digest
    assert cut.hashes == run.hashes


def test_what_was_announced_is_an_event(run: Recorded) -> None:
    (row,) = run.table("events").filter(event="announced").iter_rows(named=True)
    assert (row["t_ns"], row["subject"]) == (T_RESET - 5 * MINUTE, "BTC3L")


def quotes_of(model: MarketModel, desk: str, until_ns: int) -> list[Any]:
    model.env.run(until_ns)
    sessions = model.trader_desks[desk].sessions.values()
    return [quote for session in sessions for quote in session.quotes if not quote.is_final]


def test_a_providers_orders_rest_opposite_the_expected_order_at_its_distances() -> None:
    """First 2 bps, then 3.6, ..: at a mid of 29,100 the bids lie 5.82, 10.48, .. below it, to the tick below."""
    calm = {**GBM, "volatility": "0%/yr"}
    token = {**UP, "disclosure": OPEN}
    model = MarketModel(world(traders=(*CROWD, PROVIDERS), tokens=[token], events=FALL, index=calm))
    assert quotes_of(model, "providers", 26 * MINUTE) == []
    quotes = quotes_of(model, "providers", 28 * MINUTE + 3 * SECOND)
    assert quotes
    assert all(quote.lots > 0 for quote in quotes)
    for session in model.trader_desks["providers"].sessions.values():
        records = [model.world.orders[quote.record] for quote in session.quotes if quote.record >= 0]
        away = [1e4 * (1 - int(record["price_ticks"]) / session.quoted_at) for record in records]
        wanted = [2 * 1.8**level for level in range(5)][: len(away)]
        assert away == pytest.approx(wanted, abs=0.04)  # a tick of 0.1 is 0.034 bps
    model.close()


def test_a_providers_supply_grows_with_the_concession_and_falls_with_its_dislike_of_risk() -> None:
    sizes = []
    for dislike in (200, 2_000):
        group = {**PROVIDERS, "count": 1, "risk_aversion": dislike, "share": "100%"}
        model = MarketModel(
            world(traders=(*CROWD, group), tokens=[{**UP, "aum": "10 MUSDT", "disclosure": OPEN}], events=FALL)
        )
        quotes = quotes_of(model, "providers", 27 * MINUTE)  # as soon as it is announced
        sizes.append([quote.lots for quote in quotes])
        model.close()
    patient, timid = sizes
    assert len(timid) == 5
    # x(d) = d W / (a sigma^2 T), T = 10 min: 500 kUSDT x 2 bps / (2,000 x 0.49 x 1.9026e-5) = 5,364 USDT = 184 lots.
    assert timid[0] == pytest.approx(184, abs=2)
    assert sum(timid) == pytest.approx(184 * 1.8**4, rel=0.02)
    assert patient[0] == pytest.approx(10 * timid[0], rel=0.02)


def test_anticipators_are_bounded_by_their_equity_times_leverage(tmp_path: Path) -> None:
    poor = {**HUNTERS, "count": 1, "capital": "10 kUSDT", "leverage": 2, "share": "100%", "knows": KNOWS}
    token = {**UP, "aum": "5 MUSDT"}
    run = recorded(world(traders=(*CROWD, poor), tokens=[token], events=FALL, record={"positions": "5s"}), tmp_path)
    held = run.table("positions").filter(cohort="hunters")["net_lots"]
    assert held.min() < -600
    assert held.min() >= -(2 * 10_000 / 29_000 * 1_000) * 1.05
    assert held[-1] == 0


def test_only_the_tokens_a_group_names_are_followed(tmp_path: Path) -> None:
    down = {**UP, "id": "DOWN", "basket": {"BTC-PERP": -3}}
    plain = {**UP, "rebalance": {"policy": "none"}}
    for tokens, traded in (([], True), (["UP"], False), (["DOWN"], True)):
        group = {**HUNTERS, "knows": KNOWS, "tokens": tokens}
        run = recorded(
            world(traders=(*CROWD, group), tokens=[plain, down], events=FALL), tmp_path / ("-".join(tokens) or "all")
        )
        assert (not trades_of(run, "hunters").is_empty()) is traded


def test_a_trigger_price_that_is_near_is_anticipated(tmp_path: Path) -> None:
    """3x at 4x after a fall of 1/9: the index stops at 26,700, 0.13 % above the trigger, and later goes below it."""
    token = {**UP, "rebalance": {"policy": "band", "upper": 4}, "disclosure": OPEN}
    events = [
        {"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-11%"},
        {"at": "14min30s", "kind": "jump", "underlying": "BTC", "size": "-0.5%"},
    ]
    index = {**GBM, "volatility": "0%/yr"}
    traded = {}
    for near in ("0%", "1%"):
        group = {**HUNTERS, "near": near, "fees": {"maker": "0 bps", "taker": "0 bps"}}
        run = recorded(
            world(traders=(*CROWD[:3], group), tokens=[token], events=events, index=index), tmp_path / near[0]
        )
        traded[near] = trades_of(run, "hunters")
        (row,) = run.table("rebalances").iter_rows(named=True)
        assert row["trigger"] == "band"
    assert traded["0%"].is_empty()
    before = traded["1%"].filter(pl.col("t_ns") < row["t_decide_ns"])
    assert before["lots"].sum() < 0
    assert traded["1%"]["lots"].sum() == 0


def test_several_markets_are_one_account_with_a_position_in_each(tmp_path: Path) -> None:
    scenario = load(SCENARIO.parent / "cases/valid/crowd.yaml")
    model = MarketModel(scenario)
    model.env.run(HOUR)
    traded = {(p.market, p.trader) for p in model.trader_desks["blocks"].parents}
    assert {market for market, _ in traded} == {"BTC-PERP", "ETH-PERP"}
    assert model.world.check_conserved() == 0
    model.close()


def test_metaorders_start_alike_whether_or_not_there_are_tokens(tmp_path: Path) -> None:
    alone = recorded(world(traders=(*CROWD, BLOCKS), events=FALL), tmp_path / "alone")
    crowded = recorded(
        world(traders=(*CROWD, HUNTERS, BLOCKS), tokens=[{**UP, "disclosure": OPEN}], events=FALL), tmp_path / "crowded"
    )
    begun = [run.table("events").filter(event="metaorder") for run in (alone, crowded)]
    assert len(begun[0]) > 2
    assert begun[0].drop("detail").equals(begun[1].drop("detail"))
    lots = [rows["detail"].str.json_path_match("$.lots").to_list() for rows in begun]
    assert lots[0] == lots[1]
    assert alone.hashes["trades"] != crowded.hashes["trades"]


def test_a_metaorder_is_worked_in_even_slices_that_carry_its_number(tmp_path: Path) -> None:
    run = recorded(world(traders=(*CROWD, BLOCKS), duration="2h"), tmp_path)
    mine = run.table("trades").filter(taker_cohort="blocks")
    assert mine["taker_purpose"].unique().to_list() == ["normal"]
    begun = run.table("events").filter(event="metaorder")
    for row in begun.filter(pl.col("t_ns") < 115 * MINUTE).iter_rows(named=True):
        parent = int(row["subject"].removeprefix("blocks/"))
        children = mine.filter(taker_parent=parent)
        side = {"buy": 1, "sell": -1}[children["taker_side"].unique().item()]
        wanted = int(pl.Series([row["detail"]]).str.json_path_match("$.lots").item())
        assert side * children["size_lots"].sum() == wanted
        assert sorted(set(children["t_ns"])) == [row["t_ns"] + n * 15 * SECOND for n in range(8)]


def test_metaorders_come_at_their_rate_and_times_of_day_with_their_share_of_buys() -> None:
    """30 traders x 4/h x 2 h = 240 by luck, standard deviation 15.5; and 30 at each of two times of day."""
    many = {**BLOCKS, "count": 30, "rate": "4/h", "at": ["00:00", "01:15"], "buy_share": "75%"}
    model = MarketModel(world(traders=[many], duration="2h"))
    model.env.run(2 * HOUR)
    parents = model.trader_desks["blocks"].parents
    listed = [p for p in parents if p.begun_ns in (30 * MINUTE, 105 * MINUTE)]
    assert len(listed) == 60
    assert len(parents) - 60 == pytest.approx(240, abs=3 * 15.5)
    buys = sum(p.lots > 0 for p in parents) / len(parents)
    assert buys == pytest.approx(0.75, abs=3 * (0.75 * 0.25 / len(parents)) ** 0.5)
    assert [p.parent for p in parents] == list(range(len(parents)))
    model.close()


def test_a_groups_latency_is_that_of_its_messages(tmp_path: Path) -> None:
    far = {**BLOCKS, "count": 1, "rate": "0/h", "at": ["00:00"], "latency": "250ms"}
    run = recorded(world(traders=(*CROWD, far)), tmp_path)
    first = run.table("trades").filter(taker_cohort="blocks")["t_ns"].min()
    assert first == 30 * MINUTE + SECOND // 4


def test_their_fees_are_paid(run: Recorded) -> None:
    paid = run.table("accounts").filter(cohort="hunters")["trading_fees_atoms"].sum()
    mine = trades_of(run, "hunters").filter(pl.col("taker_cohort") == "hunters")
    worth = (mine["price"] * mine["size_lots"] * 0.001).sum()
    assert paid / ATOMS == pytest.approx(2e-4 * worth, rel=1e-6)
