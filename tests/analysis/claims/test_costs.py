"""Claim `costs`: what holders pay for trading, and what a day takes: of 10,000 in two days 2, 36 and 4."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.costs import CostsClaim
from marketsim.analysis.claims.family import Evaluation
from tests.analysis.claims.hand_tables import attribution, token
from tests.analysis.tables import DAY, hand_run

TRADED = {
    "cohort": "crowd", "bought_atoms": 8_000, "sold_atoms": 4_000, "trading_fee_atoms": 3, "create_fee_atoms": 4,
    "redeem_fee_atoms": 5,
}  # fmt: skip
MAKER = {"cohort": "makers", "bought_atoms": 10**6, "sold_atoms": 10**6, "trading_fee_atoms": 999}
LONG = {"index": -100, "management_fee": -2, "funding": -36, "trading_fee": -4}


def judged(place: Path, *parts: dict[str, int], holders: Sequence[dict[str, Any]] = (TRADED, MAKER)) -> Evaluation:
    """Tokens UP, DOWN, .. with these parts of their attribution over two days."""
    names = ("UP", "DOWN")[: len(parts)]
    run = hand_run(
        place / "r",
        duration=2 * DAY,
        issued=[token(name, target) for name, target in zip(names, (3, -3), strict=False)],
        traders=[{"id": "makers", "kind": "token_maker"}, {"id": "crowd", "kind": "holder"}],
        holders=holders,
        attribution=[attribution(name, 10_000, **each) for name, each in zip(names, parts, strict=True)],
    )
    return CostsClaim().judge(run)


def test_three_costs_confirm(tmp_path: Path) -> None:
    """12 of 12,000 traded are 0.1 %; makers of the market are no holders."""
    found = judged(tmp_path, LONG)
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {
            "trading_fee": 0.001, "UP_trading_fee_per_day": -2e-4, "UP_management_fee_per_day": -1e-4,
            "UP_funding_per_day": -18e-4, "UP_index_per_day": -50e-4,
        }
    )  # fmt: skip
    assert found.sentence.startswith(
        "Holds: whoever bought or sold a token paid 0.10% for it; a day UP (+3) -1.0 bps for management, -18.0 bps of "
        "funding, and inside the fund -2.0 bps for its rebalances. "
    )


def test_funding_that_one_side_receives_is_conditional(tmp_path: Path) -> None:
    found = judged(tmp_path, LONG, {**LONG, "funding": 36})
    assert found.outcome == "conditional"
    assert found.figures["DOWN_funding_per_day"] == pytest.approx(18e-4)
    assert "DOWN (-3) -1.0 bps for management, +18.0 bps of funding" in found.sentence
    assert ", and funding is received by the side that the others pay. " in found.sentence
    assert found.sentence.startswith("Holds")
    nothing = judged(tmp_path / "n", LONG, {**LONG, "funding": 0})
    assert nothing.outcome == "conditional"
    assert "received" not in nothing.sentence


@pytest.mark.parametrize(
    "parts",
    [
        ({**LONG, "funding": 36},),
        ({**LONG, "funding": 0},),
        (LONG, {**LONG, "management_fee": 0}),
        (LONG, {**LONG, "management_fee": 2}),
    ],
)
def test_a_cost_that_nobody_bears_refutes_in_words_too(tmp_path: Path, parts: tuple[dict[str, int], ...]) -> None:
    found = judged(tmp_path, *parts)
    assert found.outcome == "refuted"
    assert found.sentence.startswith("Does not hold: ")


def test_free_trading_refutes_and_no_trading_tells_nothing(tmp_path: Path) -> None:
    free = {**TRADED, "trading_fee_atoms": 0, "create_fee_atoms": 0, "redeem_fee_atoms": 0}
    assert judged(tmp_path / "a", LONG, holders=[free]).outcome == "refuted"
    only_makers = judged(tmp_path / "b", LONG, holders=[MAKER])
    assert only_makers.sentence == "It cannot be told: no holder bought or sold a token, so none paid a trading fee."
    assert judged(tmp_path / "c").sentence == "It cannot be told: there is no token."


@pytest.mark.parametrize(
    ("column", "share"),
    [("trading_fee_atoms", 3), ("create_fee_atoms", 4), ("redeem_fee_atoms", 5), ("sold_atoms", None)],
)
def test_what_a_holder_paid_is_of_all_he_dealt(tmp_path: Path, column: str, share: int | None) -> None:
    """Each fee by itself over 12,000; without sales all three over 8,000."""
    fees = ("trading_fee_atoms", "create_fee_atoms", "redeem_fee_atoms")
    one = {**TRADED, "sold_atoms": 0} if share is None else {**TRADED, **dict.fromkeys(fees, 0), column: share}
    found = judged(tmp_path, LONG, holders=[one])
    assert found.figures["trading_fee"] == pytest.approx(0.0015 if share is None else share / 12_000)
