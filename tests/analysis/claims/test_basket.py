"""Claim `basket`: a basket of +2 A and +1 B; A rises by 5 % and B falls by 5 %, so that a fund of it makes 5 %."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.basket import BasketClaim
from marketsim.analysis.claims.family import Evaluation
from tests.analysis.claims.hand_tables import attribution, navs, prices, token
from tests.analysis.tables import DAY, hand_run, rebalance


def judged(place: Path, *rows: dict[str, Any], nav: float = 105) -> Evaluation:
    """A fund that stood at `nav` at its reset after a day; `rows` are of its attribution, and of SAFE's."""
    run = hand_run(
        place / "r",
        duration=2 * DAY,
        issued=[token("PAIR", {"A": 2, "B": 1}), token("SAFE", {"A": 0})],
        marks=[*prices({0: 100, DAY: 105, 2 * DAY: 1}, "A"), *prices({0: 20, DAY: 19, 2 * DAY: 1}, "B")],
        tokens=[*navs("PAIR", {0: 100, DAY: nav}), *navs("SAFE", {0: 1, DAY: 1})],
        rebalances=[rebalance(0, "PAIR", DAY, DAY, 5), rebalance(1, "SAFE", DAY, DAY, 5)],
        attribution=[*rows, attribution("SAFE", 10)],
    )
    return BasketClaim().judge(run)


def test_a_fund_whose_perpetuals_made_all_of_it_confirms(tmp_path: Path) -> None:
    found = judged(tmp_path, attribution("PAIR", 1_000, index=40, basis=10))
    assert found.outcome == "confirmed"
    assert found.figures["largest_daily_error"] < 1e-12
    assert {name: value for name, value in found.figures.items() if name != "largest_daily_error"} == {
        "PAIR_made_atoms": 50, "PAIR_legs": 2, "SAFE_made_atoms": 0, "SAFE_legs": 1, "not_from_perpetuals_atoms": 0,
    }  # fmt: skip
    assert found.sentence.startswith(
        "Holds, before costs: of what funds of A and B earned, 0 atoms came from anything but their perpetuals"
    )


def test_an_atom_from_elsewhere_refutes(tmp_path: Path) -> None:
    """PAIR is judged before SAFE, so that the one that is whole does not hide it."""
    for number, closing in enumerate((1_049, 1_051)):
        found = judged(tmp_path / str(number), attribution("PAIR", 1_000, closing, index=50))
        assert (found.outcome, found.figures["not_from_perpetuals_atoms"]) == ("refuted", 1)
        assert found.sentence.startswith("Does not hold, before costs: of what funds of A and B earned, 1 atoms came")


def test_every_part_is_accounted_for(tmp_path: Path) -> None:
    """1 + 2 + 4 + 8 + 16 + 32 + 64 = 127: no two sums of some of them are equal."""
    parts = attribution(
        "PAIR", 1_000, 1_127, index=1, basis=2, funding=4, management_fee=8, trading_fee=16, slippage=32, primary=64
    )
    found = judged(tmp_path, parts)
    assert (found.outcome, found.figures["not_from_perpetuals_atoms"]) == ("confirmed", 0)
    assert found.figures["PAIR_made_atoms"] == 127


@pytest.mark.parametrize(("nav", "outcome"), [(104.0, "confirmed"), (104.00009, "confirmed"), (103.99, "refuted")])
def test_a_return_may_be_off_by_what_was_charged_and_no_more(tmp_path: Path, nav: float, outcome: str) -> None:
    """Charged are 10 of 1,000, a per cent: of the 5 % owed 4 % may be left."""
    found = judged(tmp_path, attribution("PAIR", 1_000, index=50, management_fee=-10), nav=nav)
    assert found.outcome == outcome
    assert found.figures["largest_daily_error"] == pytest.approx(1.05 - nav / 100, abs=1e-9)
    assert ("(largest error 1e-02)" in found.sentence) == (outcome == "confirmed" or nav == 103.99)


def test_without_a_token_it_cannot_be_told(tmp_path: Path) -> None:
    found = BasketClaim().judge(hand_run(tmp_path / "r"))
    assert (found.outcome, found.sentence) == ("undecided", "It cannot be told: there is no token.")
