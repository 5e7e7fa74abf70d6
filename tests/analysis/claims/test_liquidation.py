"""Claim `liquidation`: on how many of 20 paths a position is liquidated and a fund is lost, and what is left.

Exact 95 % intervals of 1, 5 and 15 of 20 (Clopper and Pearson 1934): [0.1, 24.9], [8.7, 49.1], [50.9, 91.3] per cent.
"""

from collections.abc import Collection
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.liquidation import LiquidationClaim
from tests.analysis.claims.hand_studies import hand_study, holding
from tests.analysis.tables import Rows, S

FUND = {"t_ns": S, "market": "PERP", "cohort": "UP", "is_fund": True}
WIPED = {"t_ns": S, "event": "wiped", "subject": "UP"}
ONE_CELL = pl.DataFrame({"cell": [0], "clock.duration": ["1h"]})


def judged(
    place: Path, ended: Collection[int], lost: Collection[int], kept: int = 300_000, more: Rows = ()
) -> Evaluation:
    """20 paths: those on which positions were liquidated, those on which UP was lost; what UP kept of 1,000,000."""
    rows = [
        holding(
            0, path, token_wealth_atoms=kept, perp_wealth_atoms=900_000, perp_liquidated_ns=S if path in ended else None
        )
        for path in range(20)
    ]
    runs: dict[tuple[int, int], dict[str, Rows]] = {
        (0, path): {"events": [WIPED]} if path % 2 else {"liquidations": [FUND]} for path in lost
    }
    return LiquidationClaim().judge(hand_study(place, [*rows, *more], runs, ONE_CELL))


def test_fewer_ends_and_little_left_are_conditional(tmp_path: Path) -> None:
    found = judged(tmp_path, range(15), [0])
    assert found.outcome == "conditional"
    assert found.figures == pytest.approx(
        {
            "perp_liquidated": 0.75, "perp_liquidated_lo": 0.5090, "perp_liquidated_hi": 0.9134,
            "token_ended": 0.05, "token_ended_lo": 0.0013, "token_ended_hi": 0.2487,
            "token_ruined": 0, "token_ruined_lo": 0, "token_ruined_hi": 0.1684,
            "perp_ruined": 0, "perp_ruined_lo": 0, "perp_ruined_hi": 0.1684,
            "token_kept_where_perp_liquidated": 0.3,
        },
        abs=1e-4,
    )  # fmt: skip
    assert found.sentence == (
        "Holds for liquidation itself: of 20 paths a perpetual was liquidated on 75% [51, 91], a token lost with its "
        "fund on 5% [0, 25]. It is no protection from the fall: where the perpetual was liquidated the token kept 30% "
        "of the cash in the median, having sold on the way down; a token's holder lost nine tenths or more on 0% [0, "
        "17] of paths, a perpetual's on 0% [0, 17]."
    )


@pytest.mark.parametrize(("kept", "outcome"), [(500_000, "confirmed"), (499_999, "conditional")])
def test_fewer_ends_and_half_left_confirm(tmp_path: Path, kept: int, outcome: str) -> None:
    assert judged(tmp_path, range(15), [0], kept).outcome == outcome


def test_more_ends_refute(tmp_path: Path) -> None:
    found = judged(tmp_path, [0], range(15), 900_000)
    assert (found.outcome, found.figures["token_ended"]) == ("refuted", 0.75)  # wiped, or its account liquidated
    assert found.sentence.startswith("Does not hold for liquidation itself: of 20 paths a perpetual")


@pytest.mark.parametrize(("ended", "lost"), [(5, 1), (1, 5), (5, 5)])
def test_intervals_that_overlap_tell_nothing(tmp_path: Path, ended: int, lost: int) -> None:
    found = judged(tmp_path, range(ended), range(lost), 900_000)
    assert found.outcome == "undecided"
    assert found.sentence.startswith("Cannot be told for liquidation itself")


def test_a_path_counts_where_any_holder_ended(tmp_path: Path) -> None:
    """A second holder of each path, of DOWN, who lost more than nine tenths on one, and just that on another."""
    more = [
        holding(0, path, token="DOWN", token_wealth_atoms=wealth, perp_wealth_atoms=other, perp_liquidated_ns=S)
        for path, (wealth, other) in enumerate([(99_999, 900_000), (100_000, 0), (990_000, 99_999)])
    ]
    found = judged(tmp_path, [0], [0], more=more)
    assert found.figures["perp_liquidated"] == pytest.approx(3 / 20)
    assert found.figures["token_ruined"] == pytest.approx(1 / 20)
    assert found.figures["perp_ruined"] == pytest.approx(2 / 20)
    # of 30 % (UP on the first path), 10 %, 10 % and 99 % the median is between 10 and 30
    assert found.figures["token_kept_where_perp_liquidated"] == pytest.approx(0.2, abs=1e-6)


def test_only_positions_of_the_same_capital_without_a_stop_count(tmp_path: Path) -> None:
    others = [
        holding(0, 0, perp_liquidated_ns=S, match="notional"),
        holding(0, 1, perp_liquidated_ns=S, stop_loss=0.1),
    ]
    found = judged(tmp_path / "a", [], [0], more=others)
    assert found.sentence == "It cannot be told: the perpetual was liquidated on none of 20 paths."
    none = LiquidationClaim().judge(hand_study(tmp_path / "b", others, {}, ONE_CELL))
    why = "It cannot be told: no token is compared with a position of the same capital and without a stop."
    assert none.sentence == why
    assert LiquidationClaim().judge(hand_study(tmp_path / "c", None, {}, ONE_CELL)).sentence == why


def test_a_study_none_of_whose_runs_is_finished_tells_nothing(tmp_path: Path) -> None:
    study = hand_study(tmp_path, None, {}, ONE_CELL)
    pl.DataFrame().write_parquet(study.path / "holding.parquet")
    assert LiquidationClaim().judge(study).outcome == "undecided"


def test_a_trader_of_the_fund_s_name_is_not_the_fund(tmp_path: Path) -> None:
    rows = [holding(0, 1, token_wealth_atoms=1, perp_liquidated_ns=S)]
    tables = {"liquidations": [{**FUND, "is_fund": False}], "events": [{**WIPED, "event": "merge"}]}
    found = LiquidationClaim().judge(hand_study(tmp_path, rows, {(0, 1): tables}, ONE_CELL))
    assert (found.figures["token_ended"], found.figures["token_ruined"]) == (0, 1)
