"""A scenario as an object: from a map, changed, written down and read again, with every mistake at its path."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import marketsim as ms
from marketsim.errors import ScenarioError, UsageError
from marketsim.scenario import load_text
from tests.scenario.worlds import WORLD, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
VALID = [path for path in sorted(SCENARIOS.rglob("*.yaml")) if "invalid" not in path.parts]

MAP = {
    "schema": "marketsim/1",
    "clock": {"duration": "1d"},
    "underlyings": [{"id": "BTC", "index": {"kind": "gbm", "price": "30000 USDT", "volatility": "70%/yr"}}],
    "markets": [{"id": "BTC-PERP", "underlying": "BTC"}],
    "tokens": [
        {
            "id": "UP",
            "issuer": "alpha",
            "basket": {"BTC-PERP": 3},
            "aum": "1 MUSDT",
            "nav": "100 USDT",
            "rebalance": {"policy": "daily", "at": "00:02"},
        },
        {"id": "DOWN", "like": "UP", "basket": {"BTC-PERP": -3}, "aum": "500 kUSDT"},
    ],
    "traders": [{"id": "noise", "kind": "noise", "market": "BTC-PERP", "count": 100, "capital": "10 kUSDT"}],
}


def problems_of(error: pytest.ExceptionInfo[ScenarioError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


def test_a_map_is_the_world_of_a_file_with_its_keys() -> None:
    assert ms.Scenario.from_dict(MAP).sha256() == load(WORLD).sha256()


def test_numbers_of_numpy_and_floats_are_numbers() -> None:
    tokens = [{**MAP["tokens"][0], "basket": {"BTC-PERP": np.float64(2.5)}}]
    groups = [{**MAP["traders"][0], "count": np.int64(7)}]
    world = ms.Scenario.from_dict({**MAP, "tokens": tokens, "traders": groups})
    assert (world.tokens[0].basket["BTC-PERP"], world.traders[0].count) == (Decimal("2.5"), 7)


def test_mistakes_of_a_map_have_the_path_of_the_value_and_no_line() -> None:
    tokens = [{**MAP["tokens"][0], "aum": "1 bananas"}, MAP["tokens"][1]]
    with pytest.raises(ScenarioError) as error:
        ms.Scenario.from_dict({**MAP, "tokens": tokens, "colour": "red", "clock": {"duration": 5}})
    told = problems_of(error)
    assert [line.split(":")[0] for line in told] == ["clock.duration", "colour", "tokens.UP.aum"]
    assert told[1].startswith("colour: there is no such key; was 'colour'; allowed: schema, name")
    assert "was '1 bananas'" in told[2]


def test_a_missing_key_is_told_by_its_path() -> None:
    with pytest.raises(ScenarioError) as error:
        ms.Scenario.from_dict({key: value for key, value in MAP.items() if key != "clock"})
    assert problems_of(error) == ["clock: the key 'clock' is missing"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({1, 2}, "tokens.UP.basket: a set is no value of a scenario; text, a number, a list or a map is"),
        ({"BTC-PERP": float("nan")}, "tokens.UP.basket.BTC-PERP: the number NaN is no value of a scenario"),
        ({3: "x"}, "tokens.UP.basket: the key 3 is no text"),
    ],
)
def test_what_no_scenario_can_hold_is_refused_at_its_path(value: object, told: str) -> None:
    with pytest.raises(UsageError) as error:
        ms.Scenario.from_dict({**MAP, "tokens": [{**MAP["tokens"][0], "basket": value}]})
    assert str(error.value).startswith(told)


def test_a_map_that_holds_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["clock"] = endless
    with pytest.raises(UsageError, match="nested too deeply"):
        ms.Scenario.from_dict(endless)


def test_a_map_extends_a_shipped_scenario_and_a_file_of_its_folder(tmp_path: Path) -> None:
    shipped = ms.Scenario.from_dict({"extends": "marketsim:quickstart", "seed": 3})
    assert (shipped.sha256(), shipped.seed) == (ms.load("marketsim:quickstart").sha256(), 3)
    (tmp_path / "base.yaml").write_text(WORLD)
    changed = ms.Scenario.from_dict(
        {"extends": "base.yaml", "tokens": [{"id": "UP", "aum": "2 MUSDT"}]}, folder=tmp_path
    )
    assert [token.aum.amount for token in changed.tokens] == [2_000_000, 500_000]


def test_values_laid_over_a_scenario_leave_it_as_it_was() -> None:
    world = load(WORLD)
    other = world.with_({"tokens.*.aum": "3 MUSDT", "traders.noise.count": 7, "seed": 5})
    assert [token.aum.amount for token in other.tokens] == [3_000_000, 3_000_000]
    assert (other.traders[0].count, other.seed) == (7, 5)
    assert [token.aum.amount for token in world.tokens] == [1_000_000, 500_000]


def test_defaults_that_follow_from_a_value_follow_the_new_one() -> None:
    assert load(WORLD).with_({"tokens.UP.basket.BTC-PERP": 2}).tokens[0].start.leverage == 2


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("tokens.UP.aum", "1 bananas", "tokens.UP.aum: "),
        ("tokens.UP.rebalance", {"policy": "daily", "at": "26:00"}, "tokens.UP.rebalance.at: "),
        ("tokens.SIDEWAYS.aum", "1 MUSDT", "tokens.SIDEWAYS.aum: there is nothing of this name; was 'SIDEWAYS'"),
        ("clock.warmup", "2d", "clock.warmup: the warm-up is not shorter than the run"),
    ],
)
def test_a_value_that_is_wrong_is_told_by_its_path_alone(path: str, value: object, told: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load(WORLD).with_({path: value})
    (line,) = problems_of(error)
    assert line.startswith(told)
    assert "--set" not in line


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_scenario_written_as_yaml_and_read_again_is_the_same_world(path: Path) -> None:
    original = ms.Scenario.load(path)
    again = load_text(original.to_yaml(), folder=original.root)
    assert again.sha256() == original.sha256()
    assert again.canonical() == original.canonical()


@pytest.mark.parametrize("title", ["null", "12", "true", 'a "quoted": text', "two\nlines\u2028three", "", "- x", "é😀"])
def test_any_title_is_text_when_it_is_read_again(title: str) -> None:
    world = ms.Scenario.from_dict({**MAP, "title": title, "references": ["1e3", "~"]})
    again = load_text(world.to_yaml())
    assert (again.title, again.references) == (title, ("1e3", "~"))


def test_sentences_are_those_of_show() -> None:
    assert "UP of issuer alpha holds 3 times BTC-PERP, with 1000000 USDT under management" in load(WORLD).sentences()


def test_a_model_takes_a_map_and_a_scenario_with_a_seed() -> None:
    small = {**MAP, "clock": {"duration": "1min"}}
    for given in (small, ms.Scenario.from_dict(small)):
        model = ms.MarketModel(given, seed=9)
        assert (model.root_seed, model.env.end_ns) == (9, 60 * 10**9)
        model.close()


def test_run_takes_a_scenario_with_values_and_a_seed_laid_over_it(tmp_path: Path) -> None:
    world = ms.Scenario.from_dict({**MAP, "clock": {"duration": "1min"}, "name": "mine"})
    done = ms.run(world, seed=9, set={"tokens.UP.aum": "2 MUSDT"}, out=tmp_path, report=False)
    assert (done.manifest["seed"], done.manifest["name"]) == (9, "mine")
    assert done.manifest["scenario_sha256"] == world.with_({"tokens.UP.aum": "2 MUSDT"}).sha256()
