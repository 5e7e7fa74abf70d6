"""Claim `perp`: what token and perpetual cost of 1,000,000, on six paths of each of two horizons.

The token: 2 x 0.1 % of the holder's own, 3 bps inside the fund, 100 of management and 200 of funding paid: 26 bps. The
perpetual: 500 to open and as much to close, 70 for a liquidation, 30 of interest and 100 of funding paid: 12 bps. With
six of six paths the exact interval begins at 0.025^(1/6) = 54 %.
"""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.perp import PerpClaim
from tests.analysis.claims.hand_studies import hand_study, holding
from tests.analysis.claims.hand_tables import attribution

CHEAP = {
    "match": "notional", "token_management_atoms": 100, "token_funding_atoms": -200, "token_wealth_atoms": 1_002_000,
    "perp_fee_atoms": 500, "perp_liquidation_fee_atoms": 70, "perp_interest_atoms": 30, "perp_funding_atoms": -100,
    "perp_wealth_atoms": 1_000_600,
}  # fmt: skip
DEAR = {**CHEAP, "perp_fee_atoms": 1_500, "perp_wealth_atoms": 1_001_400}
INSIDE = {"attribution": [attribution("UP", 10_000, trading_fee=-3, management_fee=-50), attribution("DOWN", 1)]}
PATHS = range(1, 7)


def judged(place: Path, first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Evaluation:
    """What holders of the paths of either horizon had."""
    rows = [
        holding(cell, path, **row)
        for cell, told in enumerate((first, second))
        for path, row in zip(PATHS, told, strict=False)
    ]
    study = hand_study(place, rows, {(cell, path): INSIDE for cell in (0, 1) for path in PATHS})
    return PerpClaim().judge(study)


def test_costs_are_those_of_buying_holding_and_selling(tmp_path: Path) -> None:
    """Wealth: 1.002 less 0.2 % are 1.0, and 1.0006 less the exit 1.0001; of the dear one 0.9999."""
    found = judged(tmp_path, [CHEAP] * 6, [DEAR] * 6)
    assert found.outcome == "conditional"
    assert found.figures == pytest.approx(
        {
            "cell0_costs_less": 1, "cell0_costs_less_lo": 0.5407, "cell0_costs_less_hi": 1,
            "cell0_ahead": 1, "cell0_ahead_lo": 0.5407, "cell0_ahead_hi": 1,
            "cell0_token_cost": 0.0026, "cell0_perp_cost": 0.0012,
            "cell1_costs_less": 0, "cell1_costs_less_lo": 0, "cell1_costs_less_hi": 0.4593,
            "cell1_ahead": 0, "cell1_ahead_lo": 0, "cell1_ahead_hi": 0.4593,
            "cell1_token_cost": 0.0026, "cell1_perp_cost": 0.0032,
        },
        abs=1e-4,
    )  # fmt: skip
    assert [found.figures[f"cell{cell}_perp_cost"] for cell in (0, 1)] == pytest.approx([0.0012, 0.0032], abs=1e-9)
    assert found.figures["cell0_token_cost"] == pytest.approx(0.0026, abs=1e-9)
    assert (
        "costs less on most paths at 1 of 2 horizons, and on few at 1. duration 1h: it costs less on 100% [54, 100] of "
        "6 paths (12 bps, the token 26), and has more wealth in the end on 100% [54, 100]. duration 3h: it costs less "
        "on 0% [0, 46] of 6 paths (32 bps, the token "
        "26), and has more wealth in the end on 0% [0, 46]. " in found.sentence
    )


def test_most_everywhere_confirms_and_few_everywhere_refute(tmp_path: Path) -> None:
    assert judged(tmp_path / "a", [CHEAP] * 6, [CHEAP] * 6).outcome == "confirmed"
    assert judged(tmp_path / "b", [DEAR] * 6, [DEAR] * 6).outcome == "refuted"


@pytest.mark.parametrize("other", [CHEAP, DEAR])
def test_half_of_the_paths_tell_nothing(tmp_path: Path, other: dict[str, Any]) -> None:
    assert judged(tmp_path, [other] * 6, [CHEAP] * 3 + [DEAR] * 3).outcome == "undecided"


@pytest.mark.parametrize("ended", ["perp_stopped_ns", "perp_liquidated_ns"])
def test_a_position_that_has_ended_pays_for_no_exit(tmp_path: Path, ended: str) -> None:
    """700 of 1,000,000: 7 bps, and the fee of its exit is in what it paid."""
    found = judged(tmp_path, [{**CHEAP, ended: 5}] * 6, [CHEAP] * 6)
    assert found.figures["cell0_perp_cost"] == pytest.approx(0.0007, abs=1e-9)


def test_holders_of_a_path_are_one_by_their_mean(tmp_path: Path) -> None:
    """Holders who pay 12 and 20 bps make a path of 16; who holds DOWN, where nothing is traded inside, pays 23."""
    rows = [
        holding(0, path, **{**CHEAP, **changes})
        for path in PATHS
        for changes in ({}, {"token": "DOWN", "perp_fee_atoms": 900})
    ]
    rows.append(holding(0, 1, **{**DEAR, "match": "capital", "perp_fee_atoms": 10**6}))
    design = pl.DataFrame({"cell": [0], "clock.duration": ["1h"]})
    found = PerpClaim().judge(hand_study(tmp_path, rows, {(0, path): INSIDE for path in PATHS}, design))
    assert found.figures["cell0_perp_cost"] == pytest.approx(0.0016, abs=1e-9)
    assert found.figures["cell0_token_cost"] == pytest.approx((0.0026 + 0.0023) / 2, abs=1e-9)
    assert "of 6 paths" in found.sentence


def test_costs_that_are_equal_are_not_less_nor_is_wealth_more(tmp_path: Path) -> None:
    """Twice 1,250 and 100 are 26 bps as well; 1.00125 less the exit of 0.00125 is 1."""
    even = {**CHEAP, "perp_fee_atoms": 1_250, "perp_liquidation_fee_atoms": 0, "perp_interest_atoms": 0}
    equal = {**even, "perp_wealth_atoms": 1_001_250, "token_funding_atoms": 0, "token_management_atoms": 300}
    found = judged(tmp_path, [equal] * 6, [CHEAP] * 6)
    assert (found.figures["cell0_costs_less"], found.figures["cell0_ahead"]) == (0, 0)


def test_a_horizon_of_which_no_run_is_finished_leaves_it_undecided(tmp_path: Path) -> None:
    assert judged(tmp_path, [CHEAP] * 6, []).sentence == "It cannot be told: no run is finished of: duration 3h."


def test_without_such_positions_it_cannot_be_told(tmp_path: Path) -> None:
    none = hand_study(tmp_path / "a", None, {})
    assert (
        PerpClaim().judge(none).sentence == "It cannot be told: the study compares no holdings (study.compare_holding)."
    )
    why = "It cannot be told: no token of one perpetual is compared with a position of the same exposure."
    assert PerpClaim().judge(hand_study(tmp_path / "b", [holding(0, 1)], {})).sentence == why
    pl.DataFrame().write_parquet(none.path / "holding.parquet")
    assert PerpClaim().judge(none).sentence == why
