"""Verdicts on claims: computed from a run's tables, and only from runs of claims. All claims: tests/verification."""

from pathlib import Path

import pytest

import marketsim as ms
from marketsim.analysis.claims.verdicts import EVALUATORS, verdict, verdicts
from marketsim.errors import ResultError

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"


def run(name: str, out: Path, **changes: str) -> Path:
    return ms.run(SCENARIOS / f"{name}.yaml", out=out, report=False, set=changes).path


def test_rebalancing_alone_takes_nothing_where_the_price_does_not_move(tmp_path: Path) -> None:
    found = verdict(run("claims/flat", tmp_path))
    assert found.claim == "NAV decays in a sideways market even where the price does not move"
    assert found.outcome == "conditional"
    assert found.figures["FREE_change_atoms"] == 0
    assert found.figures["FEE_return"] == pytest.approx(0.9999**5 - 1, abs=1e-8)


def test_a_gap_of_thirty_five_percent_refutes_that_a_holder_cannot_lose_all_at_once(tmp_path: Path) -> None:
    run("claims/gap", tmp_path)
    (found,) = verdicts(tmp_path).values()
    assert found.outcome == "refuted"
    assert found.figures["BTC3L_return"] == -1


def test_the_outcome_follows_from_the_rows_and_not_from_the_name(tmp_path: Path) -> None:
    path = "underlyings.BTC.index.points"
    gentle = run("claims/gap", tmp_path, **{path: "[[0s, 30000 USDT], [6h, 21000 USDT]]"})  # -30 %, within 1/3
    assert verdict(gentle).outcome == "confirmed"


def test_a_run_of_another_scenario_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="none of claim-multiple"):
        verdict(run("base/costless", tmp_path))
    assert verdicts(tmp_path) == {}


def test_every_claim_has_an_evaluator() -> None:
    names = {f"claim-{path.stem}" for path in (SCENARIOS / "claims").glob("*.yaml")}
    assert names == set(EVALUATORS)
