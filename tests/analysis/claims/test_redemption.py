"""Claim `redemption`: fees of 10 and 20 bps, 150 USDT a day and side, and nothing during a rebalance from 1 h to 2 h.

The run begins at noon, so that its first UTC day ends after twelve hours.
"""

from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.redemption import RedemptionClaim
from tests.analysis.claims.hand_tables import token
from tests.analysis.tables import DAY, HOUR, Rows, hand_run, rebalance

UNIT = 10**8
TERMS = {
    "mode": "cash_nav", "create_fee": "10 bps", "redeem_fee": "20 bps", "daily_cap": "150 USDT",
    "suspend_while_rebalancing": True,
}  # fmt: skip


def dealt(t_ns: int, side: str, cash: float, fee: float, **changes: Any) -> dict[str, Any]:
    """A request [USDT] that was settled."""
    atoms = {"cash_atoms": round(cash * UNIT), "fee_atoms": round(fee * UNIT)}
    return {"t_ns": t_ns, "token": "T", "side": side, "status": "settled", **atoms, **changes}


KEPT = [
    dealt(HOUR, "creation", 100, 0.1),
    dealt(2 * HOUR, "creation", 50, 0.05),
    dealt(3 * HOUR, "redemption", 100, 0.2),
    dealt(13 * HOUR, "creation", 100, 0.1),
    dealt(4 * HOUR, "creation", 900, 0.9, status="refused", reason="daily_cap"),
    dealt(HOUR + 1, "redemption", 9, 0, status="refused", reason="rebalancing"),
    dealt(HOUR + 1, "creation", 9, 0, status="refused", reason="rebalancing"),
    dealt(HOUR + 1, "creation", 9, 0, status="refused", reason="minimum"),
]


def judged(place: Path, rows: Rows, *, target: float = 3, more: Rows = (), **terms: Any) -> Evaluation:
    run = hand_run(
        place / "r",
        duration=DAY,
        start="2024-01-01T12:00:00Z",
        issued=[
            token("T", target, primary={**TERMS, **terms}),
            token("NONE"), token("OFF", primary={"mode": "none"}), token("NULL", primary=None), *more,
        ],
        primary=rows,
        rebalances=[rebalance(0, "T", HOUR, 2 * HOUR, 5), rebalance(1, "OTHER", 3 * HOUR - 1, 3 * HOUR + 1, 5)],
    )  # fmt: skip
    return RedemptionClaim().judge(run)


def test_rules_that_were_kept_are_as_declared(tmp_path: Path) -> None:
    """Of creations 0.25 of 250 were charged, of the redemption 0.2 of 100; the fullest day had 150."""
    found = judged(tmp_path, KEPT)
    assert found.outcome == "as declared"
    assert found.figures == pytest.approx(
        {
            "settled": 4, "creation_fee": 0.001, "redemption_fee": 0.002, "settled_during_rebalances": 0,
            "refused_rebalancing": 2, "refused_daily_cap": 1, "largest_day": 150, "daily_cap": 150,
        }
    )  # fmt: skip
    assert found.sentence == (
        "The run did what the issuer declares, and an issuer may declare something else. T: 4 requests settled, at "
        "0.10% for creation and 0.20% for redemption, during a rebalance 0 settled and 2 were refused and no side "
        "exceeded 150 USDT in a day of 150 USDT allowed and 1 requests were refused at that cap."
    )


@pytest.mark.parametrize("t_ns", [HOUR + 1, 2 * HOUR - 1])
def test_what_settles_during_a_rebalance_breaks_a_rule_where_that_is_one(tmp_path: Path, t_ns: int) -> None:
    inside = [dealt(t_ns, "creation", 1, 0.001)]
    found = judged(tmp_path / "a", inside)
    assert (found.outcome, found.figures["settled_during_rebalances"]) == ("refuted", 1)
    assert found.sentence.startswith("A declared rule was broken, and an issuer may declare something else.")
    allowed = judged(tmp_path / "b", inside, suspend_while_rebalancing=False)
    assert allowed.outcome == "as declared"
    assert "during a rebalance" not in allowed.sentence


def test_a_side_may_reach_its_cap_and_not_pass_it(tmp_path: Path) -> None:
    """An atom more, on the same UTC day; the day after begins at 12 h."""
    more = dealt(12 * HOUR - 1, "creation", 0, 0, cash_atoms=1)
    found = judged(tmp_path / "a", [*KEPT, more])
    assert found.outcome == "refuted"
    assert found.figures["largest_day"] == pytest.approx(150 + 1e-8, abs=1e-9)
    assert judged(tmp_path / "b", [*KEPT, {**more, "t_ns": 12 * HOUR}]).outcome == "as declared"
    free = judged(tmp_path / "c", [*KEPT, more], daily_cap="none")
    assert (free.outcome, "daily_cap" in free.figures, "in a day" in free.sentence) == ("as declared", False, False)


@pytest.mark.parametrize(("fee", "outcome"), [(0.10009, "as declared"), (0.1002, "refuted"), (0.0998, "refuted")])
@pytest.mark.parametrize(("side", "times"), [("creation", 1), ("redemption", 2)])
def test_a_fee_may_be_off_by_a_millionth_of_the_cash(
    tmp_path: Path, side: str, times: int, fee: float, outcome: str
) -> None:
    assert judged(tmp_path, [dealt(5 * HOUR, side, 100, 0.1 * (times - 1) + fee)]).outcome == outcome


@pytest.mark.parametrize("target", [3, -3])
def test_a_fee_of_the_notional_is_so_many_times_that_of_the_cash(tmp_path: Path, target: float) -> None:
    """10 bps of the notional of three times the cash: 0.3 of 100."""
    dear, cheap = (dealt(5 * HOUR, "creation", 100, fee) for fee in (0.3, 0.1))
    assert judged(tmp_path / "a", [dear], target=target, fee_of="notional").outcome == "as declared"
    assert judged(tmp_path / "b", [cheap], target=target, fee_of="notional").outcome == "refuted"
    assert judged(tmp_path / "c", [dear], target=target, fee_of="cash").outcome == "refuted"


def test_a_cap_that_follows_volatility_is_told_and_not_judged(tmp_path: Path) -> None:
    found = judged(tmp_path, KEPT, daily_cap={"base": "1 USDT", "above_volatility": {}, "window": "1d"})
    assert found.outcome == "as declared"
    assert "no side exceeded 150 USDT in a day, 1 requests were refused at a cap that follows volatility" in (
        found.sentence
    )


def test_of_several_funds_each_is_told_and_one_may_break_a_rule(tmp_path: Path) -> None:
    other = token("U", primary={**TERMS, "create_fee": "0 bps"})
    found = judged(tmp_path, [*KEPT, dealt(5 * HOUR, "creation", 10, 0.01, token="U")], more=[other])
    assert found.outcome == "refuted"
    assert (found.figures["T_settled"], found.figures["U_settled"]) == (4, 1)
    assert found.figures["U_creation_fee"] == pytest.approx(0.001)
    assert " U: 1 requests settled, at 0.10% for creation and 0.00% for redemption" in found.sentence


def test_without_a_settled_request_it_cannot_be_told(tmp_path: Path) -> None:
    unsettled = [*KEPT[4:], dealt(HOUR, "creation", 1, 0, token="OFF")]
    found = judged(tmp_path, unsettled)
    assert found.sentence == "It cannot be told: no request to create or redeem was settled."
