"""What resets cost funds: fills held against the mids of the run without their orders, and fees; worked by hand."""

from pathlib import Path

import pytest

from marketsim.analysis.measures.reset_cost import ResetCost
from marketsim.analysis.run_data.reset_costs import reset_costs
from marketsim.errors import ResultError
from tests.analysis.tables import MINUTE, PERP, S, hand_run, quotes, rebalance

ISSUED = [{"id": name, "basket": {"PERP": "3"}} for name in ("UP", "DOWN", "IDLE")]
ASSETS = [{"t_ns": 0, "token": name, "equity_atoms": 1_000 * 10**8} for name in ("UP", "DOWN", "IDLE")]


def child(parent: int, t_ns: int, lots: int) -> dict:
    return {
        "t_ns": t_ns, "purpose": "rebalance", "parent": parent, "child": 0, "token": "x", "market": "PERP",
        "order_type": "market", "size_lots": lots, "filled_lots": lots,
    }  # fmt: skip


def with_orders(folder: Path, instruments=(PERP,)):
    """UP buys 4 at 107 on the mean and pays 3 in fees; DOWN sells 2 at 104."""
    return hand_run(
        folder, issued=ISSUED, tokens=ASSETS, instruments=instruments,
        rebalances=[
            rebalance(0, "UP", MINUTE, 2 * MINUTE, 4, vwap=107.0, fees_atoms=3 * 10**8),
            rebalance(1, "DOWN", MINUTE, MINUTE, -2, vwap=104.0),
        ],
        children=[child(0, MINUTE, 2), child(0, 2 * MINUTE, 2), child(1, MINUTE, -2)],
    )  # fmt: skip


def without(folder: Path, end: int = 3 * MINUTE):
    """The mid is 100 before the second minute and 110 from it on, whatever the funds would do."""
    mids = [(t, 100.0 if t < 2 * MINUTE else 110.0) for t in range(0, end, 10 * S)]
    return hand_run(folder, issued=ISSUED, quotes=quotes("PERP", *mids))


def test_each_fill_is_held_against_the_mid_of_its_instant(tmp_path: Path) -> None:
    """UP: 4 x 107 - (2 x 100 + 2 x 110) + 3 = 11. DOWN sold dearer than without: 2 x 100 - 2 x 104 = -8. IDLE: 0."""
    found = reset_costs(with_orders(tmp_path / "f"), without(tmp_path / "c"))
    assert {name: fund.cost for name, fund in found.items()} == pytest.approx({"UP": 11.0, "DOWN": -8.0, "IDLE": 0.0})
    assert found["UP"].assets == 1_000.0
    assert found["UP"].currency == "USDT"


def test_the_measure_is_all_costs_over_all_assets(tmp_path: Path) -> None:
    measure = ResetCost()
    (term,) = measure.terms(with_orders(tmp_path / "f"), without(tmp_path / "c"))
    assert measure.value([term]) == pytest.approx(1e4 * 3 / 3_000)


def test_a_fill_without_a_mid_to_hold_it_against_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="there was no mid in PERP at a fill of UP"):
        reset_costs(with_orders(tmp_path / "f"), without(tmp_path / "c", end=2 * MINUTE))
