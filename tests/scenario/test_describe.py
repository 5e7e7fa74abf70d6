"""Showing a scenario: origins of values, sentences, and the text of `show` as a scenario of its own."""

from pathlib import Path

import pytest

from marketsim import scenario
from marketsim.scenario.describe import show

SCENARIOS = Path(__file__).parents[2] / "scenarios"
VALID = [path for path in sorted(SCENARIOS.rglob("*.yaml")) if "invalid" not in path.parts]


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


@pytest.fixture
def shown() -> str:
    return show(SCENARIOS / "crowded_reset.yaml", ["tokens.BTC3L.aum=60 MUSDT"])


def test_a_value_says_which_line_of_which_file_it_comes_from(shown: str) -> None:
    written = (SCENARIOS / "crowded_reset.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (number for number, text in enumerate(written, 1) if text.startswith("clock:"))
    assert line_of(shown, "duration: 3d").endswith(f"crowded_reset.yaml:{line}")
    assert "base/btc-perp@1.yaml:" in line_of(shown, "underlying: BTC")


def test_a_value_says_that_it_comes_from_a_preset_an_override_or_a_default(shown: str) -> None:
    assert line_of(shown, "interest: 0.01%").endswith("# preset binance_2024")
    assert line_of(shown, "aum: 60000000 USDT").endswith("# --set tokens.BTC3L.aum")
    assert line_of(shown, "venue: main").endswith("# default")
    assert line_of(shown, "- {maintenance: 0.4%").endswith("# preset binance_2024, table binance_btcusdt_2024")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_what_is_shown_is_the_same_world_when_it_is_read_again(path: Path) -> None:
    original = scenario.load(path)
    again = scenario.load_text(show(path), folder=original.root)
    assert again.canonical() == original.canonical()


def test_sentences_say_what_a_scenario_means() -> None:
    text = show(SCENARIOS / "cases/valid/everything.yaml", sentences=True)
    for sentence in (
        "The run covers 1d12h from 2024-03-01T12:00:00Z, seed 42. The first 1h30min is warm-up.",
        "wanders with a volatility of 70%/yr, in steps of 500ms. It learns 30% of the perp's deviation",
        "which itself wanders (sd 0.5, memory 2h)",
        "BTC-PERP is a linear perpetual on BTC",
        "Funding is paid every 4h, at most 0.75%.",
        "BTC3L of issuer alpha holds 3 times BTC-PERP, with 5000000 USDT under management",
        "every day at 16:00:30 UTC plus up to 10min unless leverage is within 2.9 to 3.1, and at once when leverage is "
        "above 4.5 (only after a loss).",
        "when leverage is below 1.6 or above 3.5 or the price has moved by more than 20%, 50% of the way to the "
        "target.",
        "It never rebalances.",
        "holds 1 times BTC-PERP and -1 times ETH-PERP",
        "noise: 100 noise traders on BTC-PERP",
        "They start with positions at leverage between 1 and 5, uniformly, 45% of them long.",
        "1d into the run the index of BTC jumps by -6%.",
        "3h into the run somebody sends a limit order of 2 BTC to BTC-PERP at 29999.5 USDT.",
        "A study is declared; `sweep` reads it, `run` ignores it.",
    ):
        assert sentence in text


def test_sentences_know_every_policy_and_every_algorithm() -> None:
    text = show(SCENARIOS / "cases/valid/rebalancing.yaml", sentences=True)
    for sentence in (
        "It returns to its target every day at 16:00 UTC unless leverage is within 2 to 4 and the price has moved by "
        "at most 1%, and at once when leverage is below 1.5 or above 4 or the price has moved by more than 20% (in "
        "both directions).",
        "and at once when the price has moved by more than 15% (only after a loss).",
        "It rebalances when leverage is below 1.5 or above 5.25, to the edge.",
        "It goes to a hidden target (between 1.5 and 3.5, uniformly) when, at a look, leverage is outside 1.25 to 4; "
        "the time between two looks is 10min on average, exponentially.",
        "Every 1d it goes 5% of the way to 2, and at once back into 1.7 to 2.3, in chunks of 600 ETH 50min apart; from "
        "2.7 on it falls back to 2.3 in chunks of 1600 ETH 1min apart.",
        "It returns to its target when notional is 0.25 times the last margin or more away from it.",
        "It sends immediate-or-cancel orders that keep it at 10% of the volume, for at most 1h. Its sizes allow for "
        "costs of 0.07%.",
        "It waits in the book 0.01% behind the other side, and takes what is left after 10min.",
        "It sends 20 market orders at random times of a window of 15min. It is never more than 20% of the "
        "market's volume.",
    ):
        assert sentence in text


def test_sentences_say_at_which_times_a_token_resets_and_whether_a_border_is_crossed_at_itself() -> None:
    text = show(SCENARIOS / "cases/valid/resets.yaml", sentences=True)
    for sentence in (
        "It returns to its target every day at 00:02 and 12:02 UTC plus up to 30min.",
        "It returns to its target every 8h from 00:00 UTC plus up to 30min, and at once when the price has moved by at "
        "least 15% (only after a loss).",
        "It returns to its target every 8h from 00:05 UTC plus up to 30min",
        "It rebalances when leverage is at most 2 or at least 4, to the target.",
    ):
        assert sentence in text


def test_sentences_say_who_looks_at_whom() -> None:
    text = show(SCENARIOS / "cases/valid/networks.yaml", sentences=True)
    for sentence in (
        "The share of wealth they want goes 30% of the way to what their neighbours in friends hold.",
        "friends links the traders of bulls and bears: 6 neighbours each on average, on a ring, 25% of the links "
        "leading anywhere instead. Nobody looks at more than 4.",
        "stars links the traders of bears and bulls: 4 neighbours each on average, where newcomers prefer who is known",
        "mostly within their own group, 15% of the links leading outside.",
    ):
        assert sentence in text


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_every_scenario_can_be_said_in_sentences(path: Path) -> None:
    assert "The run covers" in show(path, sentences=True)


def test_sentences_say_who_knows_what_of_a_reset() -> None:
    text = show(SCENARIOS / "cases/valid/crowd.yaml", sentences=True)
    for sentence in (
        "Anybody may know when it falls due and the size of the next order, with an error of 30%, every 30s, from "
        "20min before a reset on.",
        "Anybody may know the size of the next order, exactly, every 30s.",
        "hunters: 2 anticipator traders on BTC-PERP and ETH-PERP, each with a capital of 100000 USDT, 5ms away",
        "They follow OPEN, SIZE. They know when resets fall due, how large they are to 20%, of a reset 30min before",
        "They know what is public.",
        "They offer the other side of up to 20% of the order each expects around the index, from 0.01% away on",
        "2/h on average. They send large orders at that rate and at 00:00, 00:10, 60% of them to buy, in 20 slices",
    ):
        assert sentence in text
