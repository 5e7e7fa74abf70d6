"""Break-even assets and who pays, by hand."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from marketsim.analysis.transfers.break_even import CostCurve, fee_of_a_day
from marketsim.analysis.transfers.reset_payers import reset_payers

M = 1e6
ASSETS = np.array([[1.0] * 6, [10.0] * 6, [100.0] * 6]) * M
COST = np.array([[0.5e-4], [1e-4], [2e-4]])


def test_break_even_lies_between_cells_by_the_logarithm_of_assets() -> None:
    """1.5 bp is half way from 1 bp at 10 M to 2 bp at 100 M: at 10^1.5 M, whatever the order of the cells."""
    curve = CostCurve("T", 1.5e-4, ASSETS[::-1], (ASSETS * COST)[::-1])
    at = curve.break_even()
    assert at is not None
    assert np.exp(at) == pytest.approx(10**1.5 * M)


@pytest.mark.parametrize(("fee", "reached"), [(0.4e-4, False), (0.6e-4, True), (2.1e-4, False)])
def test_outside_the_grid_there_is_none(fee: float, reached: bool) -> None:
    assert (CostCurve("T", fee, ASSETS, ASSETS * COST).break_even() is not None) == reached


def test_leaving_out_the_one_dear_night_moves_it() -> None:
    """Five nights of 1 bp and one of 4 at 10 M are 1.5 bp together; without it there the fee of 1.5 is not reached."""
    costs = ASSETS * COST
    costs[1, 5] = 10 * M * 4e-4
    curve = CostCurve("T", 1.5e-4, ASSETS[:2], costs[:2])
    at = curve.break_even()
    assert at is not None
    assert np.exp(at) == pytest.approx(10 * M)
    assert curve.break_even(without=5) is None


@pytest.mark.parametrize(
    ("fee", "share"),
    [
        ({"rate": "0.01%", "every": "1d", "per": "charge", "of": "equity", "when": "every"}, 1e-4),
        ({"rate": "0.01%", "every": "8h", "per": "charge", "of": "equity", "when": "every"}, 3e-4),
        ({"rate": "3.65%", "every": "1d", "per": "year", "of": "equity", "when": "every"}, 1e-4),
        ({"rate": "0.01%", "every": "1d", "per": "charge", "of": "notional", "when": "every"}, 3e-4),
        ({"rate": "0.01%", "every": "1d", "per": "year", "of": "equity", "when": "rebalance"}, None),
        ("none", None),
    ],
)
def test_a_fee_by_the_day(fee: Any, share: float | None) -> None:
    found = fee_of_a_day({"basket": {"M": "-3"}, "management_fee": fee})
    assert found is None if share is None else found == pytest.approx(share)


def test_what_cohorts_got_is_less_what_they_get_without_orders_and_comes_to_nothing() -> None:
    """Two resets a run: the fund pays makers 300 a run, who win 100 of noise with the orders and 40 without."""
    rows = [
        (0, replication, arm, at, "USDT", *who, atoms)
        for replication in (0, 1)
        for arm, flows in (
            ("factual", [(7, "fund", "makers", 100), (9, "fund", "makers", 200), (9, "noise", "makers", 100)]),
            ("frictionless", [(7, "noise", "makers", 20), (9, "noise", "makers", 20), (None, "noise", "makers", 5)]),
        )
        for at, *who, atoms in flows
    ]
    columns = ["cell", "replication", "arm", "decide_ns", "asset", "from_cohort", "to_cohort", "atoms"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    frame = frame.with_columns(pl.col("atoms") * 10**8)
    found = reset_payers(frame, "frictionless")
    assert dict(found.select("cohort", "estimate").iter_rows()) == {"fund": -150, "makers": 180, "noise": -30}
    assert found["replications"].to_list() == [2, 2, 2]
    assert found["lo"].to_list() == [None] * 3  # below six replications
