"""Claim `target`: leverage right after resets, and in between."""

from pathlib import Path

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.target import TargetClaim
from tests.analysis.claims.hand_tables import navs, token
from tests.analysis.tables import HOUR, hand_run, rebalance

Leverage = dict[int, float | None]


def judged(place: Path, after: list[float | None], target: float = 3, **seen: Leverage) -> Evaluation:
    """Leverage by instant of each token; T rebalances, and has these leverages afterwards."""
    run = hand_run(
        place / "r",
        issued=[token(name, target) for name in seen],
        tokens=[row for name, by in seen.items() for row in navs(name, dict.fromkeys(by, 1), leverage=by)],
        rebalances=[rebalance(n, "T", n * HOUR, n * HOUR, 5, leverage_after=each) for n, each in enumerate(after)],
    )
    return TargetClaim().judge(run)


def test_a_leverage_that_drifts_between_resets_is_conditional(tmp_path: Path) -> None:
    found = judged(tmp_path, [3.000004, None, 3.0], T={0: 3.0, 1: 3.86, 2: None, 3: 2.25})
    assert found.outcome == "conditional"
    assert found.figures == pytest.approx(
        {"T_least": 2.25, "T_largest": 3.86, "largest_error_after_a_reset": 4e-6, "largest_error": 0.86}
    )
    assert found.sentence == (
        "Holds right after each reset (largest error 4e-06), but not between resets: leverage drifts to "
        "L (1 + r) / (1 + L r), T (+3) between 2.25 and 3.86."
    )


@pytest.mark.parametrize(
    ("after", "between", "outcome"),
    [
        (3.000009, 2.999991, "confirmed"), (3.000009, 3.000011, "conditional"), (3.000009, 2.999989, "conditional"),
        (3.000011, 3.0, "refuted"), (2.999989, 3.0, "refuted"), (2.999989, 3.1, "refuted"),
    ],
)  # fmt: skip
def test_a_leverage_may_be_off_by_a_hundred_thousandth(
    tmp_path: Path, after: float, between: float, outcome: str
) -> None:
    found = judged(tmp_path, [3.0, after, 3.0], T={0: 3.0, 1: between, 2: 3.0})
    assert found.outcome == outcome
    assert found.sentence.startswith("Does not hold right" if outcome == "refuted" else "Holds right")
    assert ("drifts" in found.sentence) == (between not in (2.999991, 3.0))


def test_of_short_tokens_the_least_is_nearest_to_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, [-3.0], -3, T={0: -2.0, 1: -9.0, 2: -3.0})
    assert (found.figures["T_least"], found.figures["T_largest"], found.figures["largest_error"]) == (-2, -9, 6)
    assert "T (-3) between -2.00 and -9.00" in found.sentence


def test_what_never_rebalanced_is_told_beside(tmp_path: Path) -> None:
    found = judged(tmp_path, [3.0], T={0: 3.0}, HELD={0: 3.0, 2: 2.281, 1: 2.5}, EMPTY={0: None})
    assert found.outcome == "confirmed"
    assert found.figures["HELD_at_the_end"] == 2.281
    assert found.sentence.endswith("T (+3) between 3.00 and 3.00; HELD, which never rebalanced, ended at 2.28.")
    assert not [name for name in found.figures if name.startswith("EMPTY")]


def test_without_a_rebalance_it_cannot_be_told(tmp_path: Path) -> None:
    assert judged(tmp_path, [], T={0: 3.0}, E={0: None}).sentence == "It cannot be told: no token rebalanced."
