"""The resolved scenario: every default written in, equal worlds equal, and the document read back as itself."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from marketsim import scenario
from marketsim.units import Money, Size
from tests.scenario.worlds import HEAD, TOKENS, TRADERS, WORLD, load, messages

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EVERY = [path for path in sorted(SCENARIOS.rglob("*.yaml")) if "invalid" not in path.parts]


def test_an_absent_market_key_is_the_contracts_example() -> None:
    market = load(HEAD).markets[0]
    assert (market.kind, market.contract, market.venue) == ("perpetual", "linear", "main")
    assert (market.tick, market.lot) == (Money(Decimal("0.1"), "USDT"), Size(Decimal("0.001"), "BTC"))
    assert (market.fees.maker, market.fees.taker) == (Decimal("0.0002"), Decimal("0.0005"))
    assert (market.mark.rule, market.mark.every) == ("median", 10**9)
    funding = market.funding
    assert (funding.every, funding.offset, funding.sample) == (28_800 * 10**9, 0, 5 * 10**9)
    assert (funding.interest, funding.damper, funding.cap) == (Decimal("0.0001"), Decimal("0.0005"), Decimal("0.003"))
    assert (funding.average, funding.impact_notional) == ("linear", Money(Decimal(25_000), "USDT"))
    assert (len(market.margin.tiers), market.margin.mode) == (12, "cross")
    assert market.margin.tiers[0].up_to == Money(Decimal(50_000), "USDT")
    assert (market.liquidation.engine, market.liquidation.fee) == ("binance", Decimal("0.0125"))
    assert market.insurance_fund == Money(Decimal(0), "USDT")


def test_no_tiers_are_no_tiers() -> None:
    assert (
        load(HEAD.replace("underlying: BTC}", "underlying: BTC, margin: {tiers: none}}")).markets[0].margin.tiers == ()
    )


def test_an_absent_token_key_is_none_or_follows_from_the_basket() -> None:
    token = load(HEAD + TOKENS).tokens[1]
    assert (token.management_fee, token.rebalance.emergency, token.account.tiers) == (None, None, ())
    assert (token.disclosure, token.primary, token.reverse_split) == (None, None, None)
    assert token.market is None
    assert (token.nav_quote.source, token.nav_quote.every, token.nav_quote.delay) == ("mark", 10**9, 0)
    assert token.start.leverage == -3
    assert token.start.last_reset == Money(Decimal(30_000), "USDT")


def test_the_last_reset_defaults_to_the_opening_price_on_the_tick_grid() -> None:
    token = load((HEAD + TOKENS).replace("30000 USDT", "30000.07 USDT")).tokens[0]
    assert token.start.last_reset == Money(Decimal("30000.1"), "USDT")


def test_a_basket_of_several_legs_starts_at_its_targets() -> None:
    text = HEAD + "  - {id: X-PERP, underlying: BTC}\n" + TOKENS.replace("{BTC-PERP: 3}", "{X-PERP: 1, BTC-PERP: -1}")
    token = load(text).tokens[0]
    assert list(token.basket) == ["BTC-PERP", "X-PERP"]
    assert token.start.leverage is None
    assert "starts at its targets" in messages(text.replace("nav:", "start: {leverage: 2}, nav:"))[0]


def test_an_absent_trader_key_is_the_kinds_own_default_in_the_markets_currency() -> None:
    group = load().traders[0]
    assert group.rate == Fraction(1, 120)
    assert (group.latency.kind, dict(group.latency.parameters), group.latency.unit) == ("constant", {"value": 0}, "ns")
    assert (group.fees.maker, group.fees.taker) == (Decimal("0.0002"), Decimal("0.0005"))
    assert group.start is None
    assert group.size.unit == "USDT"
    assert dict(group.size.parameters) == {"min": Decimal(540), "alpha": Decimal("1.5"), "max": Decimal(108_000)}


def test_a_market_in_another_currency_has_its_defaults_in_that_currency() -> None:
    loaded = load((HEAD + TRADERS).replace("30000 USDT", "30000 EUR").replace("10 kUSDT", "10 kEUR"))
    assert loaded.markets[0].tick.currency == "EUR"
    assert loaded.markets[0].margin.tiers[0].up_to.currency == "EUR"
    assert loaded.traders[0].size.unit == "EUR"


@pytest.mark.parametrize(
    ("index", "volatility"),
    [
        ("{kind: gbm, price: 30000 USDT, volatility: 40%/yr}", "0.4"),
        ("{kind: log_ou_vol, price: 30000 USDT, volatility: 90%/yr}", "0.9"),
        ("{kind: constant, price: 30000 USDT}", "0.7"),
    ],
)
def test_trend_followers_take_the_indexs_volatility_where_it_has_one(index: str, volatility: str) -> None:
    text = HEAD.replace("{kind: gbm, price: 30000 USDT, volatility: 70%/yr}", index)
    text += "traders: [{id: t, kind: trend, market: BTC-PERP, count: 1, capital: 1 kUSDT}]"
    assert load(text).traders[0].volatility == Decimal(volatility)


def test_absent_record_keys_are_the_contracts() -> None:
    record = load().record
    assert (record.trades, record.orders, record.quotes) == ("all", "none", 10 * 10**9)
    assert (record.depth, record.book) == (None, None)
    assert (record.marks, record.tokens) == (60 * 10**9, 60 * 10**9)
    assert (record.cohorts, record.positions) == (3_600 * 10**9, 3_600 * 10**9)


def test_an_event_at_an_instant_is_counted_from_the_start() -> None:
    text = WORLD.replace("{duration", "{start: 2024-05-01T00:00:00Z, duration")
    text += "events: [{at: 2024-05-01T06:00:00Z, kind: jump, underlying: BTC, size: -6%}]"
    assert load(text).events[0].at == 6 * 3_600 * 10**9


def test_choices_are_kept_in_the_order_of_their_values() -> None:
    one = load(WORLD.replace("10 kUSDT}", "{choice: {5 kUSDT: 30%, 1 kUSDT: 70%}}}"))
    two = load(WORLD.replace("10 kUSDT}", "{choice: {1 kUSDT: 70%, 5 kUSDT: 30%}}}"))
    assert one.traders[0].capital.choices[0] == (Decimal(1000), Decimal("0.7"))
    assert one.canonical() == two.canonical()


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("duration: 1d", "duration: 24h"),
        ("duration: 1d", "duration: 1d, warmup: 0s"),
        ("30000 USDT", "30 kUSDT"),
        ("70%/yr", "70.0%/yr"),
        ("1 MUSDT", "1000 kUSDT"),
        ("count: 100", "count: 100, rate: 720/d"),
        ("count: 100", "count: 100, fees: {maker: 0.02%, taker: 5 bps}"),
        ("count: 100", "count: 100, start: null, latency: 0ms"),
        ("underlying: BTC}", "underlying: BTC, funding: {every: 480min}}"),
        ("underlying: BTC}", "underlying: BTC, margin: {tiers: binance_btcusdt_2024}}"),
        ('at: "00:02"', "at: 00:02:00"),
        ('at: "00:02"}', 'at: "00:02", emergency: none}'),
        ("nav: 100 USDT", "nav: 100 USDT, start: {leverage: 3, last_reset: 30 kUSDT}"),
        ("nav: 100 USDT", "nav: 100 USDT, primary: {mode: none}, management_fee: none, account: {tiers: none}"),
        (
            "schema: marketsim/1",
            "schema: marketsim/1\nname: other\ntitle: x\nseed: 9\nreferences: [y]\nstudy: {arms: [factual]}",
        ),
        ("tokens:", "networks: []\nrecord: {quotes: 10000ms}\nevents: []\ntokens:"),
    ],
)
def test_equal_worlds_spelled_differently_have_one_hash(written: str, otherwise: str) -> None:
    assert written in WORLD
    text = WORLD.replace(written, otherwise)
    if "leverage: 3," in otherwise:
        text = text.replace("like: UP", "like: UP, start: {leverage: null}")
    assert load(text).sha256() == load().sha256()


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [("count: 100", "count: 101"), ("1 MUSDT", "1.00000001 MUSDT"), ("70%/yr", "70.1%/yr"), ("id: noise", "id: noisy")],
)
def test_other_worlds_have_other_hashes(written: str, otherwise: str) -> None:
    assert load(WORLD.replace(written, otherwise)).sha256() != load().sha256()


def test_the_hash_of_a_known_world_stays_what_it_is() -> None:
    smallest = scenario.load(SCENARIOS / "cases/valid/smallest.yaml")
    assert smallest.sha256() == "7787744b4595f08b6c7f6ed9d57bc2a4f63912f4fe6e2e83e9e012e9fd8e1486"


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_the_canonical_document_is_sorted_json_and_loads_as_the_same_world(path: Path, tmp_path: Path) -> None:
    loaded = scenario.load(path)
    document = loaded.canonical()
    assert json.dumps(document) == json.dumps(document, sort_keys=True)
    stored = (
        loaded.root / "resolved.json"
        if any(u.index.kind == "file" for u in loaded.underlyings) or (loaded.study and loaded.study.registration)
        else tmp_path / "r.json"
    )
    again = scenario.load_text(json.dumps(document, indent=1), folder=stored.parent)
    assert again.canonical() == document
    assert again.sha256() == loaded.sha256()


def test_an_index_file_is_hashed_and_its_path_begins_at_the_root_folder() -> None:
    loaded = scenario.load(SCENARIOS / "cases/valid/file_index.yaml")
    index = loaded.underlyings[0].index
    assert index.path == "cases/valid/data/btc.csv"
    assert loaded.root == SCENARIOS
    assert len(index.sha256) == 64


def test_an_index_file_counts_by_its_content_not_by_its_place(tmp_path: Path) -> None:
    data = (SCENARIOS / "cases/valid/data/btc.csv").read_bytes()
    text = (SCENARIOS / "cases/valid/file_index.yaml").read_text()
    (tmp_path / "other.csv").write_bytes(data)
    (tmp_path / "file_index.yaml").write_text(text.replace("data/btc.csv", "other.csv"))
    moved = scenario.load(tmp_path / "file_index.yaml")
    assert moved.sha256() == scenario.load(SCENARIOS / "cases/valid/file_index.yaml").sha256()


def test_a_scenario_cannot_be_changed_after_it_is_loaded() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().clock.duration = 5


def test_a_scenario_survives_a_trip_to_another_process() -> None:
    import pickle

    loaded = load()
    assert pickle.loads(pickle.dumps(loaded)).sha256() == loaded.sha256()


def test_loading_a_scenario_brings_in_nothing_heavy() -> None:
    import subprocess
    import sys

    program = "import sys; from marketsim import scenario; scenario.load(sys.argv[1]); print(*sys.modules)"
    path = str(SCENARIOS / "quickstart.yaml")
    ended = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert not {"numba", "polars", "mesa", "simpy", "networkx", "altair"} & set(ended.stdout.split())


def test_a_spot_market_has_no_key_of_a_perpetual_and_its_groups_open_with_coin() -> None:
    text = HEAD.replace("{id: BTC-PERP, underlying: BTC}", "{id: S, kind: spot, underlying: BTC}")
    groups = "".join(
        f"  - {{id: {kind}, kind: {kind}, market: S, count: 1, capital: 1 kUSDT{more}}}\n"
        for kind, more in (("noise", ""), ("trend", ""), ("market_maker", ", start: {leverage: 1}"), ("retail", ""))
    )
    world = load(text + "traders:\n" + groups)
    assert set(world.canonical()["markets"][0]) == {"id", "kind", "underlying", "venue", "tick", "lot", "fees", "mark"}
    assert (world.markets[0].contract, world.markets[0].mark.rule) == (None, "mid")
    starts = [
        group.start and (group.start.leverage.parameters["value"], group.start.long_share) for group in world.traders
    ]
    assert starts == [(Decimal("0.5"), 1), None, (1, 1), None]
    retail = world.traders[3]
    assert (retail.leverage.parameters["value"], retail.target, retail.stop) == (1, Decimal("0.25"), Decimal("0.15"))
