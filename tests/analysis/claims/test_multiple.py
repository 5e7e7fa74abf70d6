"""Claim `multiple`: a coin that rises by 10 % twice; a +3 token makes 1.3 x 1.3 = 1.69, three times 21 % is 63 %."""

from pathlib import Path

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.multiple import MultipleClaim
from tests.analysis.claims.hand_tables import attribution, navs, prices, token
from tests.analysis.tables import DAY, hand_run, rebalance

COIN = {0: 100.0, DAY: 110.0, 2 * DAY: 121.0}
FOLLOWS = {0: 100.0, DAY: 130.0, 2 * DAY: 169.0}
STILL = {0: 50.0, DAY: 50.0, 2 * DAY: 50.0}


def judged(place: Path, up: dict[int, float], other: dict[int, float], fee: int = 0) -> Evaluation:
    """A +3 token of the coin and one on a coin that stands still, both reset after each day."""
    run = hand_run(
        place / "r",
        duration=3 * DAY,
        issued=[token("UP", 3), token("REST", {"STILL": -2}), token("PAIR", {"PERP": 1, "STILL": 1})],
        marks=[*prices(COIN), *prices(STILL, "STILL")],
        tokens=[*navs("UP", up), *navs("REST", other)],
        rebalances=[rebalance(n, name, n * DAY, n * DAY, 5) for n in (1, 2) for name in ("UP", "REST")],
        attribution=[attribution("UP", 1_000, trading_fee=-fee)],
    )
    return MultipleClaim().judge(run)


def test_a_multiple_from_reset_to_reset_alone_is_conditional(tmp_path: Path) -> None:
    found = judged(tmp_path, FOLLOWS, STILL)
    assert found.outcome == "conditional"
    assert found.figures == pytest.approx(
        {
            "UP_return": 0.69, "UP_multiple_of_return": 0.63, "REST_return": 0, "REST_multiple_of_return": 0,
            "days": 2, "largest_daily_error": 0,
        },
        abs=1e-12,
    )  # fmt: skip
    assert found.sentence.startswith("Holds from one reset to the next, before costs: in 2 periods the largest error")
    assert found.sentence.endswith(
        "It does not hold over several resets: UP (+3) returned +69.0% where 3 times the coin is +63.0% and "
        "REST (-2) returned +0.0% where -2 times the coin is -0.0%."
    )


def test_a_multiple_over_all_of_the_run_confirms(tmp_path: Path) -> None:
    run = hand_run(
        tmp_path / "r",
        duration=DAY,
        issued=[token("UP", 3)],
        marks=prices({0: 100, DAY: 110}),
        tokens=navs("UP", {0: 100, DAY: 130}),
    )
    found = MultipleClaim().judge(run)
    assert (found.outcome, found.figures["days"]) == ("confirmed", 1)
    assert "It holds over the whole run too: UP (+3) returned +30.0%" in found.sentence


def test_one_token_that_misses_one_period_refutes(tmp_path: Path) -> None:
    """UP makes 31 % for 30 % on the first day and then what it owes: off by 1 %, whoever else holds."""
    found = judged(tmp_path, {0: 100, DAY: 131, 2 * DAY: 131 * 1.3}, STILL)
    assert found.outcome == "refuted"
    assert found.figures["largest_daily_error"] == pytest.approx(0.01)
    assert found.sentence.startswith("Does not hold from one reset to the next, before costs: in 2 periods")
    assert "the largest error was 1e-02" in found.sentence


@pytest.mark.parametrize(("nav", "outcome"), [(129.00009, "conditional"), (128.99, "refuted")])
def test_a_period_may_be_off_by_what_the_fund_was_charged(tmp_path: Path, nav: float, outcome: str) -> None:
    """10 of 1,000 were charged, so that 29 % of the 30 % owed will do."""
    assert judged(tmp_path, {0: 100, DAY: nav, 2 * DAY: nav * 1.3}, STILL, fee=10).outcome == outcome


@pytest.mark.parametrize(("charged", "outcome"), [(61, "confirmed"), (59, "conditional")])
def test_the_whole_run_may_be_off_by_as_much(tmp_path: Path, charged: int, outcome: str) -> None:
    """Six per cent lie between 69 % and 63 %."""
    assert judged(tmp_path, FOLLOWS, STILL, fee=charged).outcome == outcome


def test_of_baskets_of_several_coins_it_cannot_be_told(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", issued=[token("PAIR", {"A": 1, "B": 1})])
    assert MultipleClaim().judge(run).sentence == "It cannot be told: no token is of a single coin."
