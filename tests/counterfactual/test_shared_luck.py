"""The promise of shared luck: what a counterfactual leaves out or adds moves nobody else's luck."""

from pathlib import Path

import pytest

from marketsim import Agent, MarketModel
from marketsim.scenario import load_text
from tests.simulation.worlds import (
    CROWD,
    DOWN,
    GBM,
    HOUR,
    MAKERS,
    MINUTE,
    NOISE,
    RETAIL,
    SECOND,
    TREND,
    UP,
    VALUE,
    Recorded,
    recorded,
    world,
)

ORDERS = [
    {"at": "20min", "kind": "order", "market": "BTC-PERP", "size": "+2 BTC"},
    {"at": "25min", "kind": "jump", "underlying": "BTC", "size": "-2%"},
]


def wakeups(model: MarketModel, group: int, until_ns: int) -> list[tuple[int, int]]:
    """Every wake-up of one group up to an instant: (time, which of its traders)."""
    record, seen = model.world.groups[group], []
    while int(record["next_wake_ns"]) < until_ns:
        seen.append((int(record["next_wake_ns"]), int(record["next_trader"])))
        model.env.run(seen[-1][0])
    return seen


def luck_by_group(groups: list[dict], until_ns: int = 10 * MINUTE, **parts: object) -> dict[str, tuple]:
    """Wake-ups, the key of its innovations and each trader's count of them, by group."""
    luck = {}
    for number, group in enumerate(groups):
        model = MarketModel(world(traders=groups, **parts))
        seen = wakeups(model, number, until_ns)
        record = model.world.groups[number]
        first, count = int(record["first_trader"]), int(record["count"])
        model.env.run(until_ns)
        counts = model.world.traders["wakeups"][first : first + count].tolist()
        luck[group["id"]] = (
            seen,
            int(record["key"]),
            counts,
            model.world.accounts["deposit_atoms"][first : first + count].tolist(),
        )
        model.close()
    return luck


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(world(events=ORDERS), tmp_path_factory.mktemp("plain"))


def test_a_token_without_assets_leaves_the_tape_identical_row_for_row(plain: Recorded, tmp_path: Path) -> None:
    empty = {**UP, "aum": "0 USDT", "management_fee": {"rate": "1 bps", "every": "1d", "at": "00:00"}}
    with_token = recorded(world(events=ORDERS, tokens=[empty, {**DOWN, "aum": "0 USDT"}]), tmp_path)
    assert len(plain.table("trades")) > 1_000
    assert with_token.table("trades").equals(plain.table("trades"))
    assert with_token.hashes["trades"] == plain.hashes["trades"]
    assert with_token.table("rebalances").is_empty()
    rows = with_token.table("tokens")
    assert rows["leverage"].null_count() == len(rows) > 0
    assert rows["nav"].unique().to_list() == [100.0]


def test_a_token_that_trades_does_not_leave_the_tape_identical(plain: Recorded, tmp_path: Path) -> None:
    assert recorded(world(events=ORDERS, tokens=[UP]), tmp_path).hashes["trades"] != plain.hashes["trades"]


@pytest.mark.parametrize(
    "record",
    [
        {"quotes": "7s", "marks": "1s", "tokens": "13s", "cohorts": "17s", "positions": "1min"},
        {
            "orders": "all",
            "quotes": "change",
            "depth": {"bps": [1, 10], "every": "3s"},
            "book": {"levels": 3, "every": "11s"},
        },
    ],
    ids=["other cadences", "everything logged"],
)
def test_what_is_recorded_moves_nothing(plain: Recorded, tmp_path: Path, record: dict) -> None:
    other = recorded(world(events=ORDERS, record=record), tmp_path)
    assert other.hashes["trades"] == plain.hashes["trades"]
    assert other.hashes["accounts"] == plain.hashes["accounts"]
    assert other.digest == plain.digest


def test_an_agent_that_sends_nothing_changes_nothing(plain: Recorded, tmp_path: Path) -> None:
    class Onlooker(Agent):
        def process(self):
            while True:
                yield self.wait("7s")
                self.record(bid=self.view.bid_ticks("BTC-PERP"), luck=self.rng.normal())

    quiet = recorded(world(events=ORDERS), tmp_path, before=lambda model: Onlooker(model, capital="1 MUSDT"))
    assert quiet.hashes["trades"] == plain.hashes["trades"]
    assert quiet.hashes["marks"] == plain.hashes["marks"]


def test_another_group_leaves_the_others_wakeups_and_innovations_identical() -> None:
    alone = luck_by_group([NOISE, MAKERS, VALUE])
    together = luck_by_group([RETAIL, NOISE, MAKERS, {**VALUE, "id": "value2"}, VALUE, TREND])
    assert len(alone["noise"][0]) > 1_000
    assert all(len(luck[0]) > 100 for luck in alone.values())
    assert {name: together[name] for name in alone} == alone
    assert together["value2"][0] != together["value"][0]


def test_groups_with_a_desk_leave_the_others_luck_identical() -> None:
    desk = {"market": "BTC-PERP", "count": 3, "capital": "100 kUSDT"}
    hunters = {"id": "hunters", "kind": "anticipator", **desk, "knows": {"schedule": True, "size_noise": "10%"}}
    providers = {"id": "providers", "kind": "liquidity_provider", **desk}
    blocks = {"id": "blocks", "kind": "metaorder", **desk, "rate": "20/h", "size": "10 kUSDT", "over": "1min"}
    token = {**UP, "disclosure": {"schedule": "public", "size": "noisy", "lead": "10min"}}
    crowd = [NOISE, MAKERS, VALUE]
    together = luck_by_group([hunters, *crowd, providers, blocks], tokens=[token])
    assert {name: together[name] for name in ("noise", "makers", "value")} == luck_by_group(crowd, tokens=[token])
    assert together["blocks"][0] == []  # the kernel never wakes them


def test_disclosure_that_nobody_reads_moves_nothing(tmp_path: Path) -> None:
    noisy = {**UP, "disclosure": {"schedule": "public", "size": "noisy", "lead": "10min", "every": "7s"}}
    mute, open_ = (recorded(world(tokens=[token]), tmp_path / name) for token, name in ((UP, "mute"), (noisy, "open")))
    assert open_.hashes["trades"] == mute.hashes["trades"]
    assert open_.hashes["rebalances"] == mute.hashes["rebalances"]


@pytest.mark.parametrize("change", [{"count": 61}, {"rate": "70/h"}], ids=["count", "rate"])
def test_a_groups_count_or_rate_redraws_that_clock_alone(change: dict) -> None:
    before = luck_by_group([NOISE, MAKERS, VALUE])
    after = luck_by_group([NOISE, MAKERS, {**VALUE, **change}])
    assert after["noise"] == before["noise"]
    assert after["makers"] == before["makers"]
    assert after["value"][0] != before["value"][0]


def test_a_token_leaves_every_wakeup_where_it_was() -> None:
    groups = list(CROWD)
    assert luck_by_group(groups, tokens=[UP, DOWN]) == luck_by_group(groups)


@pytest.mark.parametrize("pass_through", ["0%", "30%"])
def test_index_increments_are_shared_and_levels_too_where_nothing_is_learned(pass_through: str) -> None:
    index = {**GBM, "pass_through": pass_through, "pass_through_halflife": "1min"}
    levels, growth = [], []
    for tokens in ([], [UP]):
        model = MarketModel(world(index=index, tokens=tokens, events=ORDERS))
        growth.append(model.wired.paths[0].growth(0, 3_600).tolist())
        seen = []
        for second in range(0, 3_600, 10):
            model.env.run(second * SECOND)
            seen.append(model.world.index_level(0))
        levels.append(seen)
        model.close()
    assert growth[0] == growth[1]
    assert (levels[0] == levels[1]) is (pass_through == "0%")


def test_listed_events_are_shared(plain: Recorded, tmp_path: Path) -> None:
    other = recorded(world(events=ORDERS, tokens=[UP, DOWN]), tmp_path)
    assert other.table("events").filter(event="jump").equals(plain.table("events").filter(event="jump"))
    for run in (plain, other):
        listed = run.table("trades").filter(taker_cohort="event")
        assert listed["t_ns"].unique().to_list() == [HOUR // 3]
        assert listed["size_lots"].sum() == 2_000
        assert listed["taker_side"].unique().to_list() == ["buy"]
        assert set(listed["taker_account"]) == {1_100_000_000}


BURSTS = {"kind": "hawkes", "branching": 0.8, "power_law": {"exponent": 1.2, "from": "200ms", "to": "2min"}}


def test_a_market_order_more_moves_no_wake_up_of_an_excited_clock() -> None:
    groups = [{**NOISE, "clock": BURSTS, "season": "crypto_utc"}, MAKERS]
    order = {"at": "1min", "kind": "order", "market": "BTC-PERP", "size": "+5 BTC"}
    seen, prices = [], []
    for events in ([], [order]):
        model = MarketModel(world(traders=groups, events=events))
        seen.append(wakeups(model, 0, 3 * MINUTE))
        prices.append(model.view.last_ticks("BTC-PERP"))
        model.close()
    assert len(seen[0]) > 100
    assert seen[0] == seen[1]
    assert prices[0] != prices[1]


def test_an_excited_clock_is_moved_by_its_own_group_alone() -> None:
    noise = {**NOISE, "clock": BURSTS}
    alone = luck_by_group([noise, MAKERS])
    with_others = luck_by_group([TREND, noise, {**VALUE, "clock": BURSTS}, MAKERS])
    assert with_others[noise["id"]] == alone[noise["id"]]


def test_a_run_with_excited_clocks_may_be_cut_anywhere() -> None:
    groups = [{**NOISE, "clock": BURSTS, "season": "crypto_utc"}, {**TREND, "season": "crypto_utc"}, MAKERS]
    digests = []
    for step in (4 * MINUTE, 7 * SECOND):
        model = MarketModel(world(traders=groups))
        for until in range(step, 4 * MINUTE, step):
            model.env.run(until)
        model.env.run(4 * MINUTE)
        digests.append(model.world.digest())
        model.close()
    assert digests[0] == digests[1]


def test_trend_followers_draw_the_size_of_each_entry_from_its_law() -> None:
    law = {"uniform": ["2 kUSDT", "20 kUSDT"]}
    held = []
    for size in ("11 kUSDT", law):
        follower = {**TREND, "count": 100, "size": size, "enter": 0.1, "rate": "600/h"}
        model = MarketModel(world(traders=[NOISE, MAKERS, follower]))
        model.env.run(10 * MINUTE)
        record = model.world.groups[2]
        first, count = int(record["first_trader"]), int(record["count"])
        lots = abs(model.world.positions["lots"][first : first + count])
        held.append(lots[lots > 0] * model.view.index_ticks("BTC-PERP") * model.wired.world.markets[0]["atoms"] / 1e8)
        model.close()
    one, many = held
    assert len(many) > 20
    assert max(one) < 11_500
    assert min(many) < 6_000
    assert 15_000 < max(many) < 20_500


TWO_COINS = """
schema: marketsim/1
name: two-coins
clock: {{duration: 10min}}
underlyings: [{first[0]} {{id: LINK, index: {{kind: gbm, price: 15 USDT, volatility: 90%/yr}}}}]
markets: [{first[1]} {{id: LM, underlying: LINK, tick: 0.001 USDT, lot: 0.1 LINK}}]
traders:
{first[2]}
  - {{id: n, kind: noise, market: LM, count: 40, rate: 120/h, capital: 20 kUSDT, latency: {{exponential: 30ms}}}}
  - {{id: mm, kind: market_maker, market: LM, count: 3, capital: 2 MUSDT, latency: 4ms}}
"""
XLM = (
    "{id: XLM, index: {kind: gbm, price: 0.1 USDT, volatility: 90%/yr}},",
    "{id: XM, underlying: XLM, tick: 0.00001 USDT, lot: 1 XLM},",
    "  - {id: n0, kind: noise, market: XM, count: 40, rate: 120/h, capital: 20 kUSDT}",
)


def test_a_coin_declared_before_another_moves_nothing_in_its_market(tmp_path: Path) -> None:
    alone = recorded(load_text(TWO_COINS.format(first=("", "", ""))), tmp_path / "a")
    beside = recorded(load_text(TWO_COINS.format(first=XLM)), tmp_path / "b")
    numbered = ("account", "order", "parent")  # what counts up over both markets
    for name in ("trades", "quotes", "marks"):
        one, other = (run.table(name).filter(market="LM") for run in (alone, beside))
        kept = [column for column in one.columns if column.rpartition("_")[2] not in numbered and column != "seq"]
        assert one.select(kept).equals(other.select(kept))
    assert alone.table("trades").height > 100
    assert beside.table("trades").filter(market="XM").height > 100
