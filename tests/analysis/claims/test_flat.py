"""Claim `flat`: on a coin that stands still, what a fund lost beside its charges, to the atom."""

from pathlib import Path

import pytest

from marketsim.analysis.claims.family import Evaluation
from marketsim.analysis.claims.flat import FlatClaim
from tests.analysis.claims.hand_tables import attribution, navs, prices, token
from tests.analysis.tables import DAY, HOUR, hand_run, rebalance

STILL = {0: 100.0, HOUR: 100.0, 2 * DAY: 100.0}


def judged(place: Path, coin: dict[int, float] = STILL, end: float = 99.97, **funds: dict[str, int]) -> Evaluation:
    """+3 funds of 10,000 with these parts, whose NAV ends at `end` of 100; each rebalances twice."""
    run = hand_run(
        place / "r",
        duration=2 * DAY,
        issued=[token(name) for name in funds],
        marks=prices(coin),
        tokens=[row for name in funds for row in navs(name, {0: 100, 2 * DAY: end})],
        attribution=[attribution(name, 10_000, **parts) for name, parts in funds.items()],
        rebalances=[rebalance(n, name, n * HOUR, n * HOUR, 5) for n in (1, 2) for name in funds],
    )
    return FlatClaim().judge(run)


def test_what_charges_alone_take_is_conditional(tmp_path: Path) -> None:
    found = judged(tmp_path, T={"management_fee": -1, "funding": -2, "index": 5, "basis": -5})
    assert found.outcome == "conditional"
    assert found.figures == pytest.approx({"T_return": -3e-4, "T_beside_charges_atoms": 0, "T_rebalances": 2})
    assert found.sentence == (
        "Not through rebalancing: where the price stood still, 2 rebalances changed equity by 0 atoms beside what was "
        "charged. Only through that, in 2 days: T (+3) -3.0 bps (management fee -1.0 bps and funding -2.0 bps)."
    )


def test_every_charge_is_told_by_its_name(tmp_path: Path) -> None:
    charged = {"management_fee": -1, "funding": 2, "trading_fee": -3, "slippage": -4}
    found = judged(tmp_path, T=charged, FREE={"primary": 7})
    assert (
        "(management fee -1.0 bps, funding +2.0 bps, trading fees -3.0 bps and slippage -4.0 bps) and "
        "FREE (+3) -3.0 bps (no charge)." in found.sentence
    )
    assert "4 rebalances changed equity" in found.sentence


@pytest.mark.parametrize("end", [100, 101])
def test_a_nav_that_did_not_fall_refutes(tmp_path: Path, end: float) -> None:
    assert judged(tmp_path, end=end, T={}).outcome == "refuted"


@pytest.mark.parametrize(("name", "atoms", "outcome"), [("index", -1, "confirmed"), ("basis", 5, "refuted")])
def test_an_atom_beside_the_charges_decides(tmp_path: Path, name: str, atoms: int, outcome: str) -> None:
    found = judged(tmp_path, T={name: atoms, "funding": -2}, OTHER={"funding": -2})
    assert found.outcome == outcome
    assert found.figures["T_beside_charges_atoms"] == atoms
    assert found.sentence.startswith(f"Equity changed by {atoms} atoms beside what was charged: T (+3) -3.0 bps (")


def test_of_a_loss_and_a_gain_the_loss_is_told(tmp_path: Path) -> None:
    found = judged(tmp_path, T={"index": 9}, OTHER={"index": -3})
    assert found.outcome == "confirmed"
    assert found.sentence.startswith("Equity changed by -3 atoms")


def test_a_coin_that_moved_and_came_back_did_not_stand_still(tmp_path: Path) -> None:
    found = judged(tmp_path, coin={**STILL, HOUR: 101.0}, T={"index": -3})
    assert found.sentence == "It cannot be told: every index moved."


def test_one_leg_that_moves_is_enough(tmp_path: Path) -> None:
    run = hand_run(
        tmp_path / "r",
        issued=[token("PAIR", {"PERP": 1, "MOVES": 1})],
        marks=[*prices({0: 1, HOUR: 1}), *prices({0: 1, HOUR: 2}, "MOVES")],
    )
    assert FlatClaim().judge(run).outcome == "undecided"
