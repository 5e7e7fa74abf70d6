"""What there is: lists with origins, kinds with their defaults, presets with date and source, the JSON Schema."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from marketsim.errors import UsageError
from marketsim.kinds import Family, families
from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems, plain
from marketsim.scenario.presets import all_presets, presets_for
from marketsim.scenario.registry import listing
from marketsim.scenario.schema import json_schema
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.margin import TIER_TABLES
from marketsim.venues.marks.family import MARK_RULES
from tests.scenario.worlds import HEAD, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CONTRACT_KINDS = """
constant gbm jump_diffusion heston log_ou_vol ou ar1 regime path file book
noise order_flow fundamentalist trend fcn market_maker retail basis_arbitrageur funding_arbitrageur contrarian holder
token_maker
anticipator liquidity_provider metaorder
jump order suspend resume split merge delist cap_change fee_change outage
""".split()


def names(what: str) -> list[str]:
    return [name.split()[-1] for name, _, _ in listing(what)]


@pytest.mark.parametrize("what", ["scenarios", "kinds", "policies", "presets", "plugins"])
def test_every_list_has_rows_of_name_origin_and_subject(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCENARIOS.parent)
    assert all(len(row) == 3 and row[0] and row[1] for row in listing(what))


def test_scenarios_are_listed_with_their_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCENARIOS.parent)
    question = "What does one daily-reset token do to the book it trades in?"
    assert ("marketsim:quickstart@1", "scenarios/quickstart.yaml", question) in listing("scenarios")
    assert len({origin for _, origin, _ in listing("scenarios")}) == len(listing("scenarios"))


def test_own_scenarios_are_listed_after_the_shipped_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/mine.yaml").write_text("extends: marketsim:quickstart\ntitle: Mine\n", encoding="utf-8")
    *shipped, own = listing("scenarios")
    assert own == ("mine", "scenarios/mine.yaml", "Mine")
    assert ("marketsim:btc-perp@1", str(SCENARIOS / "base/btc-perp@1.yaml")) in [row[:2] for row in shipped]


def test_a_list_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="there are scenarios, kinds, policies"):
        listing("kind")


def test_kinds_show_their_own_keys_with_defaults() -> None:
    about = {name: text for name, _, text in listing("kinds")}
    assert "[id, groups, neighbours: 8, attention: 64, rewire: 10%]" in about["network small_world"]
    assert "imitates: none" in about["trader holder"]
    assert "rate: 30/h, market_share: 30%" in about["trader noise"]
    assert "levels: 9, first: 0.0045%" in about["trader market_maker"]
    assert "threshold: {offset: 0.06%, scale: 0.8%, exponent: 0.5}" in about["trader fundamentalist"]


@pytest.mark.parametrize("kind", CONTRACT_KINDS)
def test_every_kind_of_the_contract_exists_or_is_refused_by_name(kind: str) -> None:
    """`book` is a kind of index to come, and one of matching."""
    announced = any(kind in family.announced for family in families().values())
    there = {name.split()[-1] for name, _, _ in listing("kinds") if not name.startswith("matching ")}
    assert (kind in there) != announced


def test_every_way_to_match_of_the_contract_exists() -> None:
    found = {name for name, _, _ in listing("kinds") if name.startswith("matching ")}
    assert found == {"matching book", "matching linear", "matching propagator", "matching square_root"}


@pytest.mark.parametrize(
    "word", "none daily band variable fli tlx market ioc_ladder twap pov passive hidden off_book".split()
)
def test_every_policy_and_execution_of_the_contract_exists(word: str) -> None:
    assert word in names("policies")


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (MARK_RULES, "last mid index index_basis median funding_basis oracle_ema"),
        (LIQUIDATION_ENGINES, "binance bitmex okx hyperliquid ftx dydx deribit bybit"),
        (DELEVERAGING_RULES, "bitmex binance okx hyperliquid dydx pro_rata capped_pro_rata socialised"),
    ],
)
def test_every_rule_of_a_venue_of_the_contract_exists_or_is_refused_by_name(family: Family[Any], words: str) -> None:
    assert {*family.kinds, *family.announced} == set(words.split())
    assert not family.kinds.keys() & family.announced.keys()
    assert {f"{family.name} {word}" for word in family.kinds} <= {row[0] for row in listing("kinds")}


def test_every_preset_has_a_date_a_source_and_a_file_of_its_name() -> None:
    for preset in all_presets().values():
        assert preset.date[:2] == "20"
        assert len(preset.source) > 20
        assert preset.keys.place.file == f"presets/{preset.name}.yaml"


@pytest.mark.parametrize("name", sorted(presets_for("markets")))
def test_every_market_preset_makes_a_valid_market(name: str) -> None:
    load(HEAD.replace("underlying: BTC}", f"underlying: BTC, preset: {name}}}"))


@pytest.mark.parametrize("name", sorted(presets_for("tokens")))
def test_every_issuer_preset_makes_a_valid_token(name: str) -> None:
    two = ("pionex_2l", "blvt_2020", "fli_eth2x", "fli_btc2x")
    target = {"pionex_5x": 5, "gate_2024": "2.3", **dict.fromkeys(two, 2)}.get(name, 3)
    head = HEAD.replace("BTC", "ETH") if name == "fli_eth2x" else HEAD
    market = "ETH-PERP" if name == "fli_eth2x" else "BTC-PERP"
    load(
        head
        + f"tokens: [{{id: T, issuer: a, preset: {name}, basket: {{{market}: {target}}}, aum: 1 MUSDT, nav: 1 USDT}}]"
    )


def test_every_preset_of_the_rules_is_there() -> None:
    """Every family of docs/products.md#families has its preset."""
    assert set(presets_for("tokens")) == set(
        "ftx_2019 ftx_2021 blvt_2020 blvt_2021 kucoin_3x kucoin_dynamic gate_2024 gate_2025 gate_floating mexc_3x "
        "bybit_3x pionex_2l pionex_5x amun_3x fli_eth2x fli_btc2x tlx toros".split()
    )


def test_ftx_presets_differ_in_the_side_of_the_emergency_alone() -> None:
    old, new = plain(presets_for("tokens")["ftx_2019"].keys), plain(presets_for("tokens")["ftx_2021"].keys)
    assert (old["rebalance"]["emergency"].pop("side"), new["rebalance"]["emergency"].pop("side")) == ("both", "delever")
    assert old == new


def test_presets_act_where_their_sources_say_that_a_border_is_reached() -> None:
    """Pionex 1.6 and 3.5, Bybit 2 and 4, KuCoin 15 %."""
    rules = {name: plain(presets_for("tokens")[name].keys)["rebalance"] for name in ("pionex_2l", "bybit_3x")}
    assert plain(presets_for("tokens")["kucoin_3x"].keys)["rebalance"]["emergency"]["move"] == "15%"
    assert (rules["bybit_3x"]["lower"], rules["bybit_3x"]["upper"]) == (2, 4)
    assert list(rules["pionex_2l"]["by_target"].values()) == [[Decimal("1.6"), Decimal("3.5")]]
    assert {rule["crossing"] for rule in rules.values()} == {"at"}
    assert plain(presets_for("tokens")["kucoin_3x"].keys)["rebalance"]["emergency"]["crossing"] == "at"


def test_the_tier_table_of_the_presets_is_the_venues() -> None:
    named = HEAD.replace("underlying: BTC}", "underlying: BTC, margin: {tiers: binance_btcusdt_2024}}")
    assert load(named).markets[0].margin.tiers == TIER_TABLES["binance_btcusdt_2024"]


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SCENARIOS.rglob("*.yaml")) if "invalid" not in path.parts],
    ids=lambda path: path.stem,
)
def test_the_json_schema_takes_every_scenario(path: Path) -> None:
    document = jsonschema.Draft202012Validator(json_schema(), format_checker=None)
    text = plain(read(path, Problems()))
    assert [error.message for error in document.iter_errors(_as_json(text))] == []


def _as_json(value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    return float(value) if type(value).__name__ == "Decimal" else value


def test_the_json_schema_refuses_an_unknown_key() -> None:
    errors = list(jsonschema.Draft202012Validator(json_schema()).iter_errors({"schema": "marketsim/1", "nmae": "x"}))
    assert "nmae" in errors[0].message


def test_every_default_in_the_json_schema_is_as_a_file_has_it_and_fits_its_own_key() -> None:
    schema = json_schema()
    parts = schema["$defs"]
    funding = parts["FundingSpec"]["properties"]["every"]["anyOf"][1]
    assert funding["default"] == "8h"
    assert parts["NoiseSpec"]["properties"]["size"]["anyOf"][1]["default"] == {
        "pareto": {"min": 540, "alpha": 1.5, "max": 108_000}
    }
    assert parts["ClockSpec"]["properties"]["start"]["anyOf"][1]["default"] == "2024-01-01T00:00:00Z"
    for name, part in parts.items():
        for key, shape in part["properties"].items():
            for one in shape["anyOf"][1:]:
                if one.get("default") is not None:
                    fits = jsonschema.Draft202012Validator({**shape, "$defs": parts})
                    assert fits.is_valid(one["default"]), f"{name}.{key}: {one['default']!r}"
