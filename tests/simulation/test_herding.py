"""Holders who look at each other, in whole simulations: how far a common reason moves them, and whose luck it is."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from marketsim import MarketModel, scenario
from marketsim.kernel.rules import holder
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.neighbours import lay_neighbours
from tests.simulation.worlds import FREE, GBM, HOUR, UP, recorded, steps, world

BOOK = {"tick": "0.01 USDT", "lot": "0.01", "fees": {"maker": "0 bps", "taker": "0 bps"}}
FUND = {
    **UP,
    "rebalance": {"policy": "none"},
    "execution": {"algorithm": "off_book", "off_book_fees": False},
    "primary": {"mode": "cash_nav", "create_fee": "0 bps", "redeem_fee": "0 bps"},
    "market": BOOK,
}
FALL = steps(("0s", "30000 USDT"), ("30min", "27000 USDT"))  # NAV falls by 30 %, once and for all
FANS = {
    "id": "fans",
    "kind": "holder",
    "market": "UP",
    "count": 80,
    "rate": "60/h",
    "capital": "10 kUSDT",
    "holds": {"UP": "20%"},  # 2,500 USDT each: the share of wealth they want
    "share": "0.2",
    "chase": 0,
    "dislike": 0,
    "mood": "0%",
    "low_nav": "0.2",
    "change": "0.1%",
    "primary_share": "100%",
}
FRIENDS = {"id": "friends", "kind": "small_world", "groups": ["fans"], "neighbours": 8, "rewire": "10%"}


def imitating(weight: str, group: dict[str, Any] = FANS, network: str = "friends") -> dict[str, Any]:
    return {**group, "imitates": {"network": network, "weight": weight}}


def linked(weight: str, *, index: dict[str, Any] = FALL, duration: str = "2h", **parts: Any) -> Scenario:
    """A costless world of a fund and eighty holders, linked."""
    whole = {"tokens": [FUND], "traders": [imitating(weight)], "networks": [FRIENDS], **parts}
    return world(start="2024-01-01T06:00:00Z", duration=duration, index=index, market=FREE, **whole)


OWN_BOOK = 1  # the kernel's number of the first token's market, behind the perpetual's


def shares(declared: Scenario, until_ns: int) -> Any:
    """Share of wealth in the token, by holder, at an instant (holders,)."""
    model = MarketModel(declared)
    model.env.run(until_ns)
    nav, atoms = (model.world.market_int(OWN_BOOK, name) for name in ("index_ticks", "atoms"))
    n = declared.traders[0].count
    held = model.world.positions["lots"][:n].astype(float) * nav * atoms
    found = held / (held + model.world.accounts["cash_atoms"][:n])
    assert model.world.check_conserved() == 0
    model.close()
    return found


@pytest.mark.parametrize(("weight", "multiplier"), [("0%", 1.0), ("50%", 2.0), ("75%", 4.0)])
def test_a_reason_that_all_have_moves_all_by_one_over_one_less_the_weight(weight: str, multiplier: float) -> None:
    """Glaeser, Sacerdote & Scheinkman 2003, the social multiplier: NAV at 0.7 alone is worth 0.2 x 2 x 0.3 / 1.7."""
    alone = 0.2 * 2 * 0.3 / 1.7
    found = shares(linked(weight), 2 * HOUR - 1)
    assert found.mean() == pytest.approx(0.2 + multiplier * alone, rel=0.01)
    assert found.std() < 0.01


def test_those_who_look_at_holders_of_another_token_see_none_of_their_own() -> None:
    """Half of the neighbours hold DOWN: share = (1 - w) base + w share / 2, so 0.1 / 0.75 with w = 50 %."""
    down = {**FUND, "id": "DOWN", "basket": {"BTC-PERP": -3}}
    others = {**FANS, "id": "others", "market": "DOWN", "holds": {}}
    network = {"id": "friends", "kind": "random", "groups": ["fans", "others"], "neighbours": 40}
    parts = {"tokens": [FUND, down], "traders": [imitating("50%"), others], "networks": [network]}
    still = steps(("0s", "30000 USDT"))
    found = shares(linked("50%", index=still, **parts), 2 * HOUR - 1)
    assert found.mean() == pytest.approx(0.1 / 0.75, rel=0.05)


def test_a_weight_of_nothing_is_no_network_row_for_row(tmp_path: Path) -> None:
    bare = linked("0%", index=GBM, networks=[], traders=[FANS], duration="30min")
    looked = linked("0%", index=GBM, duration="30min")
    one, other = recorded(bare, tmp_path / "bare"), recorded(looked, tmp_path / "looked")
    assert one.table("primary").height > 100
    assert one.hashes == other.hashes


def neighbours_of(declared: Scenario, group: str) -> tuple[list[int], list[int]]:
    """Row starts and neighbours of a group, counted from its own first trader."""
    model = MarketModel(declared)
    number = [one.id for one in declared.traders].index(group)
    record = model.world.groups[number]
    first, count = int(record["first_trader"]), int(record["count"])
    tables = record["parameters"].view(holder.PARAMETERS)
    starts = model.world._kept[int(tables["neighbours_from"].item())]
    whom = model.world._kept[int(tables["neighbours"].item())][: starts[count]] - first
    model.close()
    return starts.tolist(), whom.tolist()


def test_another_group_token_or_network_leaves_the_links_as_they_are() -> None:
    alone = neighbours_of(linked("50%"), "fans")
    assert len(alone[1]) == 80 * 8
    down = {**FUND, "id": "DOWN", "basket": {"BTC-PERP": -3}}
    others = {**FANS, "id": "others", "market": "DOWN", "holds": {}, "count": 30}
    crowd = [imitating("20%", others, "street"), imitating("50%")]
    street = {"id": "street", "kind": "ring", "groups": ["others"], "neighbours": 2}
    beside = linked("50%", tokens=[down, FUND], traders=crowd, networks=[street, FRIENDS])
    assert neighbours_of(beside, "fans") == alone
    more = linked("50%", traders=[imitating("50%", {**FANS, "count": 81})])
    assert neighbours_of(more, "fans")[1][: 80 * 8] != alone[1]


def test_who_is_left_out_by_an_arm_keeps_the_seat_and_is_seen_to_hold_nothing() -> None:
    down = {**FUND, "id": "DOWN", "basket": {"BTC-PERP": -3}}
    others = {**FANS, "id": "others", "market": "DOWN", "holds": {}, "count": 30}
    network = {**FRIENDS, "groups": ["others", "fans"]}
    declared = linked("50%", tokens=[FUND, down], traders=[others, imitating("50%")], networks=[network])
    present = declared.model_copy(update={"tokens": declared.tokens[:1], "traders": declared.traders[1:]})
    whole: list[dict[str, Any]] = [{"parameters": {}}, {"parameters": {}}]
    lay_neighbours(declared, whole, 1, 0)
    left: list[dict[str, Any]] = [{"parameters": {}}]
    lay_neighbours(present, left, 1, 0, declared)
    (others_rows, all_rows), (rows,) = ([record["parameters"] for record in records] for records in (whole, left))
    assert others_rows == {}  # others do not imitate
    assert np.array_equal(rows["neighbours_from"], all_rows["neighbours_from"])
    seen = all_rows["neighbours"]
    assert np.array_equal(rows["neighbours"], np.where(seen >= 30, seen - 30, -1))
    assert (rows["neighbours"][:-1] == -1).sum() > 80


def test_who_wakes_and_when_does_not_depend_on_what_friends_do() -> None:
    woken = []
    for weight in ("0%", "75%"):
        model = MarketModel(linked(weight))
        model.env.run(HOUR)
        woken.append((model.world.traders["wakeups"].tolist(), model.world.groups["next_wake_ns"].tolist()))
        model.close()
    assert woken[0] == woken[1]


def test_a_cut_run_of_linked_holders_is_the_same_run(tmp_path: Path) -> None:
    whole = recorded(linked("50%", index=GBM, duration="20min"), tmp_path / "whole")
    cut = recorded(linked("50%", index=GBM, duration="20min"), tmp_path / "cut", stops=[7, 10**9, 333 * 10**9 + 1])
    assert whole.digest == cut.digest
    assert whole.hashes == cut.hashes


HERDING = Path(__file__).parents[2] / "scenarios/herding.yaml"


def herd(weight: str, seed: int, folder: Path) -> Any:
    """The first ninety minutes of the scenario."""
    over = {"traders.holders.imitates.weight": weight, "clock.duration": "90min", "record.trades": "none"}
    declared = scenario.load(HERDING, set={**over, "record.quotes": "none", "record.depth": "none"}, seed=seed)
    return recorded(declared, folder)


def test_holders_who_look_at_friends_swing_further_on_the_same_luck(tmp_path: Path) -> None:
    """Measured over eight seeds: units held by all holders vary 2.6 to 3.8 times as much; the multiplier is 1/0.3."""
    apart, together = (herd(weight, 1, tmp_path / weight.strip("%")) for weight in ("0%", "70%"))
    index = [run.table("marks").filter(market="BTC-PERP")["index_price"] for run in (apart, together)]
    assert index[0].equals(index[1])
    swings = []
    for run in (apart, together):
        units = run.table("positions").filter(cohort="holders", market="BTC3L").filter(pl.col("t_ns") > HOUR // 3)
        swings.append(np.std(units.sort("t_ns")["net_lots"].to_numpy()))
        assert run.residual_atoms == 0
    assert swings[1] > 1.8 * swings[0]
