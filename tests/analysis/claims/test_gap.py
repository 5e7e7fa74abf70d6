"""Claim `gap`: what holders were asked for, whose funds ended, and the least NAV, from tables written by hand."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.gap import GapClaim
from tests.analysis.claims.hand_tables import navs, prices, token
from tests.analysis.tables import HOUR, Rows, S, hand_run

UNIT = 10**8
HOLDERS = {"cohort": "outside_holders", "kind": "ledger"}
TAKEN = {"t_ns": HOUR, "market": "PERP", "cohort": "UP", "is_fund": True, "solvent_at_index": False}


def judged(place: Path, least: float = 40, **tables: Rows) -> Evaluation:
    """UP falls to `least` and ends at 90; DOWN makes ten per cent; the coin falls by 3 %."""
    run = hand_run(
        place / "r",
        issued=[token("UP", 3), token("DOWN", -3)],
        marks=prices({0: 100, HOUR: 97}),
        tokens=[*navs("UP", {0: 100, S: least, HOUR: 90}), *navs("DOWN", {0: 100, HOUR: 110})],
        **tables,
    )
    return GapClaim().judge(run)


def test_funds_that_live_on_confirm(tmp_path: Path) -> None:
    trader = {**TAKEN, "cohort": "crowd", "is_fund": False, "solvent_at_index": True}
    rich = {"cohort": "crowd", "cash_atoms": 9 * UNIT}
    found = judged(tmp_path, liquidations=[trader], cohorts=[HOLDERS, rich], events=[{"event": "jump", "subject": "B"}])
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {
            "wiped_tokens": 0, "liquidated_funds": 0, "liquidated_above_zero": 0, "asked_of_holders_atoms": 0,
            "least_nav": 40, "UP_return": -0.1, "DOWN_return": 0.1, "PERP_return": -0.03,
        }
    )  # fmt: skip
    assert found.sentence.startswith(
        "Holders were asked for 0 USDT, and no NAV fell below zero. And of the funds between them and the market none "
        "was wiped. UP (+3) returned -10% on -3% of PERP and DOWN (-3) returned +10% on -3% of PERP. "
    )


def test_a_wiped_fund_refutes(tmp_path: Path) -> None:
    found = judged(tmp_path, least=0, events=[{"event": "wiped", "subject": "UP"}])
    assert (found.outcome, found.figures["wiped_tokens"], found.figures["least_nav"]) == ("refuted", 1, 0)
    assert "But of the funds between them and the market 1 of 2 were wiped, and their holders with them. " in (
        found.sentence
    )


def test_a_liquidated_fund_refutes_whether_it_had_something_left_or_not(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", liquidations=[TAKEN])
    assert (found.outcome, found.figures["liquidated_funds"]) == ("refuted", 1)
    assert "none was wiped. UP" in found.sentence
    rows: list[dict[str, Any]] = [
        TAKEN,
        *({**TAKEN, "cohort": name, "solvent_at_index": True} for name in ("UP", "UP", "DOWN")),
    ]
    several = judged(tmp_path / "b", liquidations=rows)
    assert (several.figures["liquidated_funds"], several.figures["liquidated_above_zero"]) == (2, 2)
    assert "; DOWN and UP had something left when the venue liquidated" in several.sentence


@pytest.mark.parametrize("atoms", [-3 * UNIT, 3 * UNIT])
def test_money_asked_of_holders_refutes(tmp_path: Path, atoms: int) -> None:
    found = judged(tmp_path, cohorts=[{**HOLDERS, "cash_atoms": atoms}, {**HOLDERS, "cash_atoms": UNIT}])
    assert (found.outcome, found.figures["asked_of_holders_atoms"]) == ("refuted", 3 * UNIT)
    assert found.sentence.startswith("Holders were asked for 3 USDT, and no NAV")


def test_a_nav_below_zero_refutes(tmp_path: Path) -> None:
    found = judged(tmp_path, least=-0.01)
    assert (found.outcome, found.figures["least_nav"]) == ("refuted", -0.01)
    assert "and a NAV fell below zero. But of" in found.sentence


def test_without_a_token_it_cannot_be_told(tmp_path: Path) -> None:
    assert GapClaim().judge(hand_run(tmp_path / "r")).sentence == "It cannot be told: there is no token."
