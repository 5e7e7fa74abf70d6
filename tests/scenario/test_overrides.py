"""`--set`: paths by id, `*` for all, values checked like the file's own, mistakes named with the path."""

from decimal import Decimal

import pytest

from marketsim.errors import ScenarioError, UsageError
from tests.scenario.worlds import HEAD, TOKENS, WORLD, load, messages


def test_an_override_names_things_by_id() -> None:
    loaded = load(set=["tokens.UP.aum=100 MUSDT", "traders.noise.count=7"])
    assert (loaded.tokens[0].aum.amount, loaded.traders[0].count) == (100_000_000, 7)


def test_an_override_does_not_travel_through_like() -> None:
    loaded = load(set={"tokens.UP.rebalance.at": '"12:00"'})
    assert [token.rebalance.at for token in loaded.tokens] == [(43_200 * 10**9,), (120 * 10**9,)]


def test_a_star_fans_out_over_all_members() -> None:
    loaded = load(set={"tokens.*.rebalance.jitter": "30min"})
    assert [token.rebalance.jitter for token in loaded.tokens] == [1_800 * 10**9] * 2


def test_a_star_fans_out_over_the_keys_of_a_map() -> None:
    assert load(set={"tokens.UP.basket.*": "2"}).tokens[0].basket == {"BTC-PERP": 2}


def test_an_override_reaches_what_is_only_a_default() -> None:
    loaded = load(set={"clock.warmup": "1h", "markets.BTC-PERP.fees.taker": "7 bps"})
    assert loaded.clock.warmup == 3_600 * 10**9
    assert (loaded.markets[0].fees.maker, loaded.markets[0].fees.taker) == (Decimal("0.0002"), Decimal("0.0007"))


def test_defaults_that_depend_on_another_part_follow_the_override() -> None:
    loaded = load(set={"underlyings.BTC.index.price": "40000 USDT", "markets.*.fees.taker": "9 bps"})
    assert loaded.tokens[0].start.last_reset.amount == 40_000
    assert loaded.traders[0].fees.taker == Decimal("0.0009")


def test_a_value_is_one_yaml_flow_value_and_merges_by_the_rules() -> None:
    loaded = load(set={"tokens.UP.rebalance": "{policy: band, lower: 2, upper: 4}"})
    assert loaded.tokens[0].rebalance.policy == "band"
    loaded = load(set={"tokens.UP.rebalance": "{emergency: {leverage: 4, side: both}}"})
    assert loaded.tokens[0].rebalance.at == (120 * 10**9,)


def test_values_from_python_are_taken_as_they_are() -> None:
    loaded = load(set={"traders.noise.count": 7, "traders.noise.limit_size": 0.1, "tokens.UP.basket": {"BTC-PERP": 2}})
    assert (loaded.traders[0].count, loaded.traders[0].limit_size) == (7, Decimal("0.1"))


def test_null_takes_a_key_away() -> None:
    assert load(set={"traders": "null"}).traders == ()


def test_things_without_ids_are_named_by_position() -> None:
    text = WORLD + "events: [{at: 1h, kind: jump, underlying: BTC, size: -6%}]"
    assert load(text, set={"events.0.size": "-9%"}).events[0].size == Decimal("-0.09")


def test_the_seed_is_the_last_override() -> None:
    assert load(WORLD + "seed: 1", set=["seed=2"], seed=3).seed == 3


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("tokens.UPP.aum", "1 MUSDT", r"nothing of this name; was 'UPP'; allowed: UP, DOWN; did you mean 'UP'"),
        ("tokens.UP.amu", "1 MUSDT", r"tokens.UP.amu: there is no such key; was 'amu'.*did you mean 'aum'"),
        ("tokens.UP.aum", "1", r"--set tokens.UP.aum: a bare number"),
        ("tokens.UP.aum.amount", "1", "has no parts to name"),
        ("tokens.*.rebalanc.at", "1", "there is no such key; was 'rebalanc'"),
        ("markets.BTC-PERP.preset", "binance_2024", "has done its work already"),
        ("tokens.UP.like", "DOWN", "has done its work already"),
        ("extends", "x.yaml", "has done its work already"),
        ("tokens.UP.id", "X", "has done its work already"),
        ("tokens..aum", "1", "this is not a path"),
        ("tokens.UP.aum", "{1", "this is not a YAML value"),
        ("tokens.UP.aum", "!!str 1", "tags are not part of the language"),
        ("events.*.size", "1%", "nothing of this name"),
    ],
)
def test_a_wrong_override_is_named_with_its_path(path: str, value: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        load(set={path: value})


def test_a_star_that_stands_for_nothing_is_refused() -> None:
    assert (
        "there is nothing here that * could stand for"
        in messages(HEAD + "tokens: []", set={"tokens.*.aum": "1 USDT"})[0]
    )


def test_an_override_without_an_equals_sign_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="not PATH=VALUE"):
        load(set=["tokens.UP.aum"])


def test_an_override_may_hold_an_equals_sign() -> None:
    assert load(set=["title=a=b"]).title == "a=b"


def test_all_wrong_overrides_are_reported_together() -> None:
    assert len(messages(HEAD + TOKENS, set={"tokens.X.aum": "1", "tokens.UP.nav": "1", "clock.warmup": "1"})) == 3
