"""Claim `premium`: the index stands at 100, the mark goes to 100.4; funding of 10 bps at 100 and 20 bps at 100.4.

A +3 fund earns 3 x 40 bps, and pays 3 x (0.1 + 0.2008) / 100 of its equity: of 10^8 atoms 1,200,000 and 902,400.
"""

from pathlib import Path

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.premium import PremiumClaim
from tests.analysis.claims.hand_tables import attribution, prices, token
from tests.analysis.tables import HOUR, hand_run

INDEX = {0: 100.0, HOUR: 100.0, 2 * HOUR: 100.0}
MARK = {0: 100.0, HOUR: 100.1, 2 * HOUR: 100.4}


def judged(place: Path, basis: int, funding: int, index: dict[int, float] = INDEX, target: float = 3) -> Evaluation:
    run = hand_run(
        place / "r",
        issued=[token("T", target)],
        marks=[*prices(index, marks=MARK), *prices({0: 1, HOUR: 9}, "OTHER")],
        funding=[
            {"t_ns": t, "market": market, "rate": rate, "mark_price": mark}
            for t, market, rate, mark in (
                (HOUR, "PERP", 0.001, 100.0), (2 * HOUR, "PERP", 0.002, 100.4), (HOUR, "OTHER", 0.5, 100.0),
            )
        ],
        attribution=[attribution("T", 10**8, basis=basis, funding=funding)],
    )  # fmt: skip
    return PremiumClaim().judge(run)


def test_three_times_the_premium_and_three_times_the_funding_confirm(tmp_path: Path) -> None:
    found = judged(tmp_path, 1_200_000, -902_400)
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {
            "PERP_mark_return": 0.004, "PERP_funding_rate": 0.003, "T_from_premium": 0.012, "T_from_funding": -0.009024,
            "largest_error": 0,
        },
        abs=1e-12,
    )  # fmt: skip
    assert found.sentence == (
        "Holds where NAV is calculated at the perpetual's mark: while no index moved, PERP rose +40.0 bps above its "
        "index and its funding was +30.0 bps; T (+3) earned +120.0 bps from the premium and -90.2 bps from funding."
    )


def test_a_short_token_has_both_the_other_way_round(tmp_path: Path) -> None:
    assert judged(tmp_path, -1_200_000, 902_400, target=-3).outcome == "confirmed"


@pytest.mark.parametrize(
    ("basis", "funding", "outcome"),
    [
        (1_200_090, -902_400, "confirmed"), (1_200_110, -902_400, "refuted"), (1_199_890, -902_400, "refuted"),
        (1_200_000, -902_310, "confirmed"), (1_200_000, -902_290, "refuted"), (1_200_000, -902_510, "refuted"),
        (1_200_000, 902_400, "refuted"),
    ],
)  # fmt: skip
def test_either_may_be_off_by_a_millionth(tmp_path: Path, basis: int, funding: int, outcome: str) -> None:
    found = judged(tmp_path, basis, funding)
    assert found.outcome == outcome
    assert found.sentence.startswith("Holds where" if outcome == "confirmed" else "Does not hold where")


def test_an_index_that_moved_hides_it_also_where_it_came_back(tmp_path: Path) -> None:
    found = judged(tmp_path, 1_200_000, -902_400, index={**INDEX, HOUR: 95.0})
    assert found.sentence == (
        "It cannot be told: the index moved by 5.00%; one that stands still shows what the perpetual does."
    )


def test_without_a_token_it_cannot_be_told(tmp_path: Path) -> None:
    assert PremiumClaim().judge(hand_run(tmp_path / "r")).sentence == "It cannot be told: there is no token."
