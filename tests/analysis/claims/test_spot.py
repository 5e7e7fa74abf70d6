"""Claim `spot`: trades in a token's own book, and how far from NAV it stood."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.spot import SpotClaim
from tests.analysis.claims.hand_tables import perpetual, token
from tests.analysis.tables import PERP, Rows, hand_run


def trade(taker: str, maker: str, market: str = "T") -> dict[str, Any]:
    return {"market": market, "taker_cohort": taker, "maker_cohort": maker}


def mids(*values: float | None, market: str = "T") -> Rows:
    return [{"t_ns": t, "market": market, "index_price": 50.0, "mid_price": mid} for t, mid in enumerate(values)]


def judged(place: Path, trades: Rows, marks: Rows = ()) -> Evaluation:
    run = hand_run(
        place / "r",
        issued=[token("T"), token("U")],
        traders=[{"id": "makers", "kind": "token_maker"}, {"id": "crowd", "kind": "holder"}],
        instruments=[PERP, {**PERP, "market": "T", "kind": "spot"}, perpetual("U")],
        trades=trades,
        marks=marks,
    )
    return SpotClaim().judge(run)


def test_a_trade_with_somebody_who_makes_no_market_confirms(tmp_path: Path) -> None:
    """Premiums of 10, -30 and 20 bps of a NAV of 50; trades elsewhere do not count."""
    trades = [
        trade("makers", "makers"), trade("crowd", "makers"), trade("makers", "crowd"), trade("crowd", "crowd"),
        trade("crowd", "crowd", "PERP"), trade("crowd", "crowd", "U"),
    ]  # fmt: skip
    found = judged(tmp_path, trades, [*mids(50.05, 49.85, None, 50.1), *mids(99, market="PERP")])
    assert found.outcome == "confirmed"
    assert found.figures == pytest.approx(
        {"trades": 4, "holders_trades": 3, "median_premium": 0.002, "largest_premium": 0.003}
    )
    assert "4 trades in the spot book of T, 3 of them with somebody who makes no market there" in found.sentence
    assert found.sentence.endswith("redemption: here 20 bps away in the median and 30 at most.")


def test_a_book_without_two_sides_has_no_premium(tmp_path: Path) -> None:
    found = judged(tmp_path, [trade("crowd", "crowd")], mids(None))
    assert (found.outcome, found.figures) == ("confirmed", {"trades": 1, "holders_trades": 1})
    assert found.sentence.endswith("here no book had both sides.")


def test_makers_among_themselves_refute(tmp_path: Path) -> None:
    found = judged(tmp_path / "a", [trade("makers", "makers")])
    assert (found.outcome, found.figures) == ("refuted", {"trades": 1, "holders_trades": 0})
    assert found.sentence == "Nobody could trade a token for cash in a spot book."
    assert judged(tmp_path / "b", ()).figures == {"trades": 0, "holders_trades": 0}
