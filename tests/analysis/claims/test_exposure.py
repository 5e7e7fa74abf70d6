"""Claim `exposure`: a coin rises by 10 % and falls by 10 %; a +3 fund of 300 coins buys 60, a -3 fund 120."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.exposure import ExposureClaim
from marketsim.analysis.claims.family import Evaluation
from tests.analysis.claims.hand_tables import prices, token
from tests.analysis.tables import DAY, hand_run, rebalance

COIN = {0: 100.0, DAY: 110.0, 2 * DAY: 99.0}


def judged(place: Path, targets: dict[str, float], *orders: tuple[str, int, int], opening: int = 300) -> Evaluation:
    """Orders of lots after so many days, by token; each held `opening` lots at first."""
    legs: list[dict[str, Any]] = [
        {"t_ns": t, "token": name, "market": "PERP", "position_lots": lots * (1 if target > 0 else -1)}
        for name, target in targets.items()
        for t, lots in ((DAY, 777), (0, opening))
    ]
    run = hand_run(
        place / "r",
        duration=3 * DAY,
        issued=[token(name, target) for name, target in targets.items()],
        marks=prices(COIN),
        token_legs=legs,
        rebalances=[rebalance(n, name, day * DAY, day * DAY, lots) for n, (name, day, lots) in enumerate(orders)],
    )
    return ExposureClaim().judge(run)


BOTH = (("UP", 1, 60), ("UP", 2, -50), ("DOWN", 1, 120), ("DOWN", 2, -110))


def test_tokens_that_trade_with_every_move_confirm(tmp_path: Path) -> None:
    """60 of 300 coins, three times equity: 0.6 of it; 120 of 300 are 1.2."""
    found = judged(tmp_path, {"UP": 3, "DOWN": -3}, *BOTH)
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {
            "UP_target": 3, "UP_orders_with_the_move": 2, "UP_first_order_of_equity": 0.6,
            "DOWN_target": -3, "DOWN_orders_with_the_move": 2, "DOWN_first_order_of_equity": 1.2,
        }
    )  # fmt: skip
    assert found.sentence.startswith("Holds for a leverage above 1 or below 0 (2 of 2 such tokens): ")
    assert found.sentence.endswith("UP (+3) 2 of 2 orders with the move and DOWN (-3) 2 of 2 orders with the move.")


def test_one_order_against_its_move_is_enough(tmp_path: Path) -> None:
    """A coin that fell and an order to buy."""
    one = judged(tmp_path / "a", {"UP": 3, "DOWN": -3}, *BOTH[:3], ("DOWN", 2, 110))
    assert one.outcome == "conditional"
    assert one.sentence.startswith("Does not hold throughout for a leverage above 1 or below 0 (1 of 2 such tokens)")
    assert one.figures["DOWN_orders_with_the_move"] == 1
    none = judged(tmp_path / "b", {"UP": 3}, ("UP", 1, 60), ("UP", 2, 50))
    assert none.outcome == "refuted"
    assert judged(tmp_path / "c", {"UP": 3}, ("UP", 1, 0)).outcome == "refuted"  # nothing is not with a move


@pytest.mark.parametrize(("target", "counts"), [(1, False), (0.5, False), (1.25, True), (-0.5, True)])
def test_between_nothing_and_once_a_fund_owes_nothing(tmp_path: Path, target: float, counts: bool) -> None:
    """A fund of half its equity sells what rises; whether that refutes is a question of its target."""
    found = judged(tmp_path, {"T": target}, ("T", 1, -5))
    assert found.outcome == ("refuted" if counts else "undecided")


def test_an_order_in_pieces_counts_once_by_its_first(tmp_path: Path) -> None:
    found = judged(tmp_path, {"UP": 3}, ("UP", 1, 60), ("UP", 1, -1), ("UP", 2, -50))
    assert (found.outcome, found.figures["UP_orders_with_the_move"]) == ("confirmed", 2)


def test_a_fund_that_began_empty_has_no_first_order_of_its_equity(tmp_path: Path) -> None:
    found = judged(tmp_path, {"UP": 3}, ("UP", 1, 60), opening=0)
    assert found.outcome == "confirmed"
    assert found.figures == {"UP_target": 3, "UP_orders_with_the_move": 1}


def test_baskets_and_tokens_without_a_reset_are_left_out(tmp_path: Path) -> None:
    pair = token("PAIR", {"PERP": 2, "OTHER": 2})
    run = hand_run(tmp_path / "r", issued=[pair, token("HELD")], rebalances=[rebalance(0, "PAIR", 1, 1, 5)])
    assert ExposureClaim().judge(run).sentence == (
        "It cannot be told: no token with a leverage above 1 or below 0 rebalanced."
    )
