"""Claim `split`: at a NAV of 20, 80 % below the start, ten tokens become one; 10 % of the money is left."""

import json
from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.split import SplitClaim
from tests.analysis.claims.hand_tables import navs, token
from tests.analysis.tables import HOUR, hand_run

TEN = {"below": "30 USDT", "ratio": 10}
DONE = {
    "ratio": 10, "nav_before": 20.0, "nav_after": 200.0, "supply_before": 1_000.0, "supply_after": 100.0,
    "cash_in_lieu_atoms": 0,
}  # fmt: skip


def split(t_ns: int = HOUR, subject: str = "T", event: str = "reverse_split", **changes: Any) -> dict[str, Any]:
    return {"t_ns": t_ns, "event": event, "subject": subject, "detail": json.dumps({**DONE, **changes})}


def judged(place: Path, *events: dict[str, Any], end: float = 100) -> Evaluation:
    run = hand_run(
        place / "r",
        issued=[token("NONE"), token("NULL", reverse_split=None), token("T", reverse_split=TEN)],
        tokens=[*navs("T", {0: 100, HOUR: 20, 2 * HOUR: end}), *navs("NONE", {0: 7})],
        events=events,
    )
    return SplitClaim().judge(run)


def test_a_split_of_the_declared_ratio_is_as_declared(tmp_path: Path) -> None:
    found = judged(tmp_path, split(), split(event="merge", subject="NONE"))
    assert found.outcome == "as declared"
    assert found.figures == pytest.approx(
        {"splits": 1, "fall_before": -0.8, "tokens_made_of_one": 0.1, "change_of_worth": 0, "loss_since_start": -0.9}
    )
    assert found.sentence == (
        "The run did what the issuer of T declares, and another may declare none: after a change of NAV of -80%, 10 "
        "tokens became one, and the value of holdings, cash for fractions included, changed by 0.0%. It makes the "
        "price readable and restores nothing: in the end 90% of a holding was lost."
    )


def test_fractions_paid_in_cash_are_part_of_what_holders_have(tmp_path: Path) -> None:
    """Of 1,005 tokens five are paid for, 5 x 20 = 100 USDT: 1,005 x 20 = 100 x 200 + 100."""
    paid = judged(tmp_path / "a", split(supply_before=1_005.0, cash_in_lieu_atoms=100 * 10**8))
    assert paid.outcome == "as declared"
    unpaid = judged(tmp_path / "b", split(supply_before=1_005.0))
    assert unpaid.outcome == "refuted"
    assert unpaid.figures["change_of_worth"] == pytest.approx(-100 / 20_100)
    assert unpaid.sentence.startswith("This is not what the issuer of T declares")
    assert "changed by -0.5%" in unpaid.sentence


def test_another_ratio_than_the_declared_one_refutes(tmp_path: Path) -> None:
    found = judged(tmp_path, split(nav_after=100.0, supply_after=200.0))
    assert (found.outcome, found.figures["change_of_worth"]) == ("refuted", 0)
    assert "5 tokens became one" in found.sentence


def test_every_split_of_the_token_counts(tmp_path: Path) -> None:
    """Of two splits a hundred become one, so that a NAV of 100 is a hundredth of the start."""
    first, second = split(), split(2 * HOUR, nav_before=15.0, nav_after=150.0)
    found = judged(tmp_path / "a", second, first)
    assert (found.outcome, found.figures["splits"]) == ("as declared", 2)
    assert found.figures["loss_since_start"] == pytest.approx(-0.99)
    assert found.figures["fall_before"] == pytest.approx(-0.8)
    assert (
        judged(tmp_path / "b", first, {**second, "detail": json.dumps({**DONE, "nav_after": 100.0})}).outcome
        == "refuted"
    )


def test_without_a_rule_or_a_split_it_cannot_be_told(tmp_path: Path) -> None:
    assert judged(tmp_path / "a").sentence == "It cannot be told: no NAV fell to where a split is declared."
    run = hand_run(tmp_path / "b", issued=[token("NONE"), token("NULL", reverse_split=None)])
    assert SplitClaim().judge(run).sentence == "It cannot be told: no issuer declares a reverse split."
