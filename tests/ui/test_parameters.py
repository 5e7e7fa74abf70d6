"""Sliders: units and limits are those of the Specs, and what a slider says is a value that the language takes."""

import pytest

from marketsim.errors import ScenarioError
from marketsim.scenario import Scenario, load
from marketsim.scenario.quantities import read_quantity
from marketsim.ui.parameters import Parameter, as_option, parameters_of, short


@pytest.fixture(scope="module")
def quickstart() -> Scenario:
    return load("marketsim:quickstart@1")


def found(world: Scenario) -> dict[str, Parameter]:
    return {each.path: each for each in parameters_of(world)}


def test_the_main_parameters_with_the_units_and_limits_of_their_specs(quickstart: Scenario) -> None:
    shown = {path: (each.text, each.allowed) for path, each in found(quickstart).items()}
    assert shown["tokens.BTC3L.aum"] == ("4 MUSDT", "zero or more")
    assert shown["tokens.BTC3L.basket.BTC-PERP"] == ("3", "")
    assert shown["tokens.BTC3L.rebalance.at"] == ("00:02", "")
    assert shown["tokens.BTC3L.execution.every"] == ("10s", "more than zero")
    assert shown["traders.noise.count"] == ("400", "zero or more")
    assert shown["traders.noise.rate"] == ("30/h", "zero or more")
    assert shown["traders.makers.size"] == ("4 kUSDT", "more than zero")
    assert shown["underlyings.BTC.index.volatility"] == ("65%/yr", "zero or more")
    assert shown["underlyings.BTC.index.pass_through"] == ("0%", "0% to 100%")
    assert shown["clock.duration"] == ("2h", "more than 0s, at most 3660d")
    assert shown["seed"][0] == "20240101"


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("tokens.BTC3L.aum", "400 kUSDT", "40 MUSDT"),
        ("tokens.BTC3L.basket.BTC-PERP", "-6", "6"),
        ("tokens.BTC3L.rebalance.at", "00:00", "23:59"),
        ("traders.makers.count", "1", "50"),
        ("traders.noise.rate", "3/h", "300/h"),
        ("underlyings.BTC.index.pass_through", "0%", "100%"),
        ("clock.duration", "30min", "8h"),
    ],
)
def test_the_ends_of_a_slider(quickstart: Scenario, path: str, least: str, most: str) -> None:
    parameter = found(quickstart)[path]
    assert (parameter.at(0), parameter.at(parameter.steps)) == (least, most)


def test_a_slider_stands_where_its_text_does_and_says_that_text_again(quickstart: Scenario) -> None:
    for each in found(quickstart).values():
        if each.steps and each.path != "traders.makers.count":  # 5 lies between two steps of equal factors
            assert each.at(each.step_of(each.text) or 0) == each.text
    reset = found(quickstart)["tokens.BTC3L.rebalance.at"]
    assert [reset.step_of(text) for text in ("00:00", "12:00", "noon", "3h")] == [0, 720, None, None]
    assert found(quickstart)["seed"].steps == 0


def refusal(name: str, path: str, text: str) -> str:
    try:
        load(f"marketsim:{name}", set=[as_option(path, text)])
    except ScenarioError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["quickstart@1", "btc-perp@2"])
def test_every_step_of_every_slider_is_a_value_of_the_language(name: str) -> None:
    world = load(f"marketsim:{name}")
    for each in found(world).values():
        texts = [each.at(step) for step in range(each.steps + 1)] if each.steps else []
        quantities = [read_quantity(text, each.known) for text in texts]
        assert {quantity and quantity.kind for quantity in quantities} <= {each.quantity.kind}
        for text in texts[:: max(1, len(texts) // 3)]:
            assert "due here" not in refusal(name, each.path, text)  # it may not fit the world; as a text it is right


def test_money_is_written_as_people_write_it() -> None:
    assert short("4000000 USDT") == "4 MUSDT"
    assert short("12345 USDT") == "12.345 kUSDT"
    assert short("660 USDT") == "660 USDT"
    assert short("0.5 USDT") == "0.5 USDT"
    assert short("5 bps") == "5 bps"
    assert short("1000000000 USDT") == "1 GUSDT"


def test_a_time_of_day_is_quoted_for_the_command() -> None:
    assert as_option("tokens.BTC3L.rebalance.at", "00:02") == 'tokens.BTC3L.rebalance.at="00:02"'
    assert as_option("tokens.BTC3L.aum", "4 MUSDT") == "tokens.BTC3L.aum=4 MUSDT"
