"""Claim `violent`: coins that move by e^0.01 and by more a day; 0.01 x sqrt(365) = 19 % a year, 0.03 57 %."""

from math import exp
from pathlib import Path

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.violent import ViolentClaim
from tests.analysis.claims.hand_tables import prices, token
from tests.analysis.tables import DAY, Rows, hand_run, rebalance


def swings(market: str, step: float) -> Rows:
    return prices({0: 100, DAY: 100 * exp(step), 2 * DAY: 100}, market)


def judged(place: Path, *tokens: tuple[str, str, str, int], wild: float = 0.03) -> Evaluation:
    """Tokens (id, market, policy, number of rebalances) on coins CALM, MID and WILD."""
    counted = [name for name, _, _, times in tokens for _ in range(times)]
    run = hand_run(
        place / "r",
        duration=2 * DAY,
        issued=[
            *(token(name, {market: 3}, rebalance={"policy": policy}) for name, market, policy, _ in tokens),
            token("PAIR", {"CALM": 1, "WILD": 2}),
        ],
        marks=[*swings("CALM", 0.01), *swings("MID", 0.02), *swings("WILD", wild)],
        rebalances=[rebalance(n, name, n, n, 5) for n, name in enumerate(counted)],
    )
    return ViolentClaim().judge(run)


BAND = (("W", "WILD", "band", 3), ("C", "CALM", "band", 1))
CLOCK = (("CC", "CALM", "daily", 2), ("WC", "WILD", "daily", 2))


def test_more_rebalances_where_it_is_wilder_confirm(tmp_path: Path) -> None:
    found = judged(tmp_path, *BAND)
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {"W_rebalances": 3, "C_rebalances": 1, "W_volatility": 0.57315, "C_volatility": 0.19105}, abs=1e-5
    )
    assert found.sentence == "Holds: band rule, 3 rebalances at 57% a year against 1 at 19%."


def test_rules_that_do_not_look_at_prices_make_it_conditional_or_refute_it(tmp_path: Path) -> None:
    some = judged(tmp_path / "a", *BAND, *CLOCK)
    assert some.outcome == "conditional"
    assert some.sentence == (
        "Holds for some rules only: band rule, 3 rebalances at 57% a year against 1 at 19% and daily rule, 2 "
        "rebalances at 57% a year against 2 at 19%. What goes by the clock alone trades as often in a "
        "violent market, only more."
    )
    none = judged(tmp_path / "b", *CLOCK)
    assert none.outcome == "refuted"
    assert none.sentence.startswith("Does not hold: daily rule, 2 rebalances")


def test_of_several_tokens_of_a_rule_the_calmest_and_the_wildest_are_compared(tmp_path: Path) -> None:
    assert judged(tmp_path, ("M", "MID", "band", 9), *BAND).outcome == "confirmed"


@pytest.mark.parametrize(("wild", "is_told"), [(0.0106, True), (0.0104, False)])
def test_volatilities_within_a_twentieth_are_the_same(tmp_path: Path, wild: float, is_told: bool) -> None:
    found = judged(tmp_path, *BAND, wild=wild)
    assert found.outcome == ("confirmed" if is_told else "undecided")


def test_tokens_of_different_rules_are_not_compared(tmp_path: Path) -> None:
    found = judged(tmp_path, ("W", "WILD", "band", 3), ("C", "CALM", "daily", 1))
    assert found.sentence == "It cannot be told: no two tokens of one rule stand on indices of different volatility."
