"""What cohorts gain by trading, from the flows of two arms, worked by hand."""

import polars as pl
import pytest

from marketsim.analysis.transfers.trade_gains import trade_gains

COIN = 10**8


def flow(arm: str, replication: int, payer: str, to: str, amount: float, cause: str = "trade") -> dict:
    return {
        "cell": 0, "replication": replication, "arm": arm, "cause": cause, "asset": "USDT", "from_cohort": payer,
        "to_cohort": to, "atoms": round(amount * COIN),
    }  # fmt: skip


def test_gains_add_up_to_nothing_and_are_held_against_the_baseline() -> None:
    """Funds pay makers 5 + r in replication r; noise pays makers 2 in the baseline, and 3 beside the funds."""
    flows = [
        each
        for r in range(6)
        for each in (
            flow("factual", r, "UP", "makers", 5 + r), flow("factual", r, "makers", "DOWN", 1),
            flow("factual", r, "noise", "makers", 3), flow("factual", r, "noise", "venue", 9, "trading_fee"),
            flow("frictionless", r, "noise", "makers", 2),
        )
    ]  # fmt: skip
    rows = trade_gains(pl.DataFrame(flows), ["UP", "DOWN"], "frictionless").rows(named=True)
    found = {(row["arm"], row["cohort"]): row for row in rows}
    gains = {key: row["gain"] for key, row in found.items()}
    assert gains == pytest.approx(
        {
            ("factual", "funds"): -6.5, ("factual", "makers"): 9.5, ("factual", "noise"): -3.0,
            ("frictionless", "funds"): 0.0, ("frictionless", "makers"): 2.0, ("frictionless", "noise"): -2.0,
        }
    )  # fmt: skip
    makers = found["factual", "makers"]
    assert (makers["versus"], makers["replications"]) == ("frictionless", 6)
    # changes 5, 6, .., 10: sd 1.870829, standard error .763763, t(5) 2.570582
    assert makers["change"] == pytest.approx(7.5)
    assert makers["change_lo"] == pytest.approx(7.5 - 1.963315, abs=1e-5)
    assert makers["change_hi"] == pytest.approx(7.5 + 1.963315, abs=1e-5)
    assert found["frictionless", "makers"]["change"] is None


def test_five_replications_have_no_interval() -> None:
    flows = [flow("factual", r, "UP", "makers", 5 + r) for r in range(5)]
    row = trade_gains(pl.DataFrame(flows), ["UP"], "frictionless").row(0, named=True)
    assert row["lo"] is None
