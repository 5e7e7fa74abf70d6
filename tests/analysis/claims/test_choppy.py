"""Claim `choppy`: a coin goes from 100 to 105 and back; a +3 token makes 1.15 x 6/7 = 0.9857."""

from pathlib import Path

import pytest

from marketsim.analysis.claims.choppy import ChoppyClaim
from marketsim.analysis.claims.family import Evaluation
from tests.analysis.claims.hand_tables import navs, prices, token
from tests.analysis.tables import DAY, hand_run, rebalance

SWING = {0: 100.0, DAY: 105.0, 2 * DAY: 100.0}
DECAYS = {0: 100.0, DAY: 115.0, 2 * DAY: 690 / 7}
GAINS = {0: 100.0, 2 * DAY: 101.0}


def judged(
    place: Path, coin: dict[int, float], held: frozenset[str] = frozenset(), **tokens: dict[int, float]
) -> Evaluation:
    """+3 tokens with these NAVs; those not `held` rebalance after each day."""
    run = hand_run(
        place / "r",
        duration=2 * DAY,
        issued=[token(name) for name in tokens],
        marks=prices(coin),
        tokens=[row for name, series in tokens.items() for row in navs(name, series)],
        rebalances=[rebalance(n, name, n * DAY, n * DAY, 5) for n in (1, 2) for name in tokens if name not in held],
    )
    return ChoppyClaim().judge(run)


def test_a_token_that_lost_in_a_swing_confirms(tmp_path: Path) -> None:
    found = judged(tmp_path, SWING, UP=DECAYS)
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx({"UP_return": -1 / 70, "UP_coin_return": 0, "UP_product": -1 / 70})
    assert found.sentence == ("Holds for tokens that rebalance, where the coin swung and came back: UP (+3) -1.43%.")


def test_a_token_that_lost_nothing_does_not(tmp_path: Path) -> None:
    still = {0: 100.0, 2 * DAY: 100.0}
    assert judged(tmp_path / "a", SWING, UP=still).outcome == "refuted"
    both = judged(tmp_path / "b", SWING, UP=DECAYS, RICH=GAINS)
    assert both.outcome == "conditional"
    assert both.sentence.startswith("Does not hold throughout for tokens that rebalance")
    assert both.sentence.endswith("UP (+3) -1.43% and RICH (+3) +1.00%.")


def test_who_holds_still_stands_beside(tmp_path: Path) -> None:
    found = judged(tmp_path, SWING, frozenset({"HELD"}), UP=DECAYS, HELD=GAINS)
    assert found.outcome == "confirmed"
    assert found.sentence.endswith(" It takes both, rebalancing and no trend: without rebalancing HELD (+3) +1.00%.")


@pytest.mark.parametrize(("end", "is_sideways"), [(101.1, True), (101.3, False), (98.5, True), (98.3, False)])
def test_a_trend_is_a_fifth_of_the_volatility_over_the_run(tmp_path: Path, end: float, is_sideways: bool) -> None:
    """sqrt(ln(1.05)^2 + ln(end / 105)^2) / 5: 1.235 % at 101.1, 1.211 % at 101.3, 1.608 % at 98.5, 1.640 % at 98.3."""
    found = judged(tmp_path, {**SWING, 2 * DAY: end}, UP=DECAYS)
    assert found.outcome == ("confirmed" if is_sideways else "undecided")


def test_a_trend_and_a_basket_tell_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", {0: 100, DAY: 105, 2 * DAY: 110.25}, UP=GAINS)
    assert found.sentence == (
        "It cannot be told: no token rebalanced on a coin that went up and down and ended where it began."
    )
    beside = hand_run(
        tmp_path / "b",
        duration=2 * DAY,
        issued=[token("UP"), token("TREND", {"RISES": 2}), token("PAIR", {"PERP": 1, "RISES": 1})],
        marks=[*prices(SWING), *prices({0: 10, DAY: 11, 2 * DAY: 12}, "RISES")],
        tokens=[*navs("UP", DECAYS), *navs("TREND", {0: 1, 2 * DAY: 1.44})],
        rebalances=[rebalance(n, name, DAY, DAY, 5) for n, name in enumerate(("UP", "TREND", "PAIR"))],
    )
    told = ChoppyClaim().judge(beside)
    assert told.sentence.endswith("no trend: in a trend of +20% TREND (+2) +44.00%.")
    assert told.figures["TREND_coin_return"] == pytest.approx(0.2)
