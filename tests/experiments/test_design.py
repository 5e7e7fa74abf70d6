"""Designs: hand-made grids and lists, stratified samples, exact ends, worlds checked before anything runs."""

import json
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from marketsim.errors import ScenarioError
from marketsim.experiments.cells import lay_out_cells
from marketsim.experiments.design import plan_study
from marketsim.experiments.sampling import morris, saltelli, sample
from marketsim.experiments.world_checks import choose_cells
from marketsim.scenario import load_text
from marketsim.scenario.schema import Scenario

WORLD = """
schema: marketsim/1
name: small
clock: {duration: 1h}
seed: 7
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: M, underlying: BTC}]
tokens:
  - {id: UP, issuer: a, basket: {M: 3}, aum: 1 MUSDT, nav: 100 USDT, rebalance: {policy: daily, at: "00:02"}}
  - {id: DOWN, like: UP, basket: {M: -3}}
traders: [{id: noise, kind: noise, market: M, count: 10, rate: 30/h, capital: 20 kUSDT}]
study:
"""


def world(*lines: str) -> Scenario:
    return load_text(WORLD + "".join(f"  {line}\n" for line in lines))


def cells(*lines: str) -> list[dict]:
    return [dict(cell.values) for cell in lay_out_cells(world(*lines))]


def test_a_study_that_varies_nothing_has_one_cell() -> None:
    assert cells("replications: 2") == [{}]


def test_a_grid_has_every_combination_and_its_first_path_varies_slowest() -> None:
    grid = cells("over: {tokens.UP.aum: [1 MUSDT, 2 MUSDT], traders.noise.count: [5, 6, 7]}")
    assert [tuple(cell.values()) for cell in grid] == [
        ("1 MUSDT", 5), ("1 MUSDT", 6), ("1 MUSDT", 7), ("2 MUSDT", 5), ("2 MUSDT", 6), ("2 MUSDT", 7),
    ]  # fmt: skip


def test_a_list_takes_the_nth_values_together() -> None:
    zipped = cells(
        "design: list", "over: {tokens.*.aum: [1 MUSDT, 2 MUSDT], tokens.*.rebalance.at: ['00:02', '08:00']}"
    )
    assert [tuple(cell.values()) for cell in zipped] == [("1 MUSDT", "00:02"), ("2 MUSDT", "08:00")]


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_axis() -> None:
    points = sample("lhs", 10, 3, seed=5)
    assert points.shape == (10, 3)
    assert [sorted((10 * points[:, axis]).astype(int).tolist()) for axis in range(3)] == [list(range(10))] * 3
    assert (points == sample("lhs", 10, 3, seed=5)).all()
    assert (points != sample("lhs", 10, 3, seed=6)).all()


def test_sobol_points_are_balanced_and_more_of_them_only_add_to_those_there() -> None:
    points = sample("sobol", 16, 2, seed=5)
    assert (sample("sobol", 32, 2, seed=5)[:16] == points).all()
    quarters = {(x, y) for x, y in (4 * points).astype(int).tolist()}
    assert len(quarters) == 16  # a (0, 4, 2)-net: one point in each of 4 x 4 boxes


def test_saltelli_points_mix_one_coordinate_of_b_into_a_at_a_time() -> None:
    blocks = saltelli(4, 3, seed=5).reshape(4, 5, 3)
    for a, *mixed, b in blocks:
        for axis, point in enumerate(mixed):
            assert [point[i] == (b if i == axis else a)[i] for i in range(3)] == [True] * 3
        assert (a != b).all()


def test_each_axis_moves_once_by_two_thirds_on_a_morris_trajectory() -> None:
    paths = morris(200, 3, seed=5).reshape(200, 4, 3)
    for path in paths:
        steps = [after - before for before, after in pairwise(path)]
        moved = [int(np.flatnonzero(step)[0]) for step in steps if np.count_nonzero(step) == 1]
        assert sorted(moved) == [0, 1, 2]
        assert np.abs(steps).max(axis=1).tolist() == pytest.approx([2 / 3] * 3)
    levels, counts = np.unique(np.round(paths[:, 0] * 3), return_counts=True)
    assert levels.tolist() == [0, 1, 2, 3]
    assert counts.min() > 100  # 600 starts on four levels, 150 each; 100 is five standard deviations below
    assert {tuple(np.argsort(np.argmax(path[1:] != path[:-1], axis=0))) for path in paths} > {(0, 1, 2), (2, 1, 0)}


def test_points_of_a_seed_stay_where_they_are() -> None:
    """Frozen: a study of an earlier day finds its cells."""
    assert np.rint(3 * morris(2, 3, seed=5)).tolist() == [
        [2, 0, 3], [2, 0, 1], [0, 0, 1], [0, 2, 1], [3, 3, 3], [3, 1, 3], [1, 1, 3], [1, 1, 1],
    ]  # fmt: skip
    assert sample("lhs", 2, 2, seed=5).round(3).tolist() == [[0.404, 0.465], [0.958, 0.98]]


def test_points_on_continuous_axes_are_exact_texts_between_their_ends() -> None:
    study = world(
        "design: {lhs: 50}",
        "over:",
        "  tokens.UP.aum: {log: [1 MUSDT, 20000 kUSDT]}",
        "  tokens.UP.rebalance.jitter: {uniform: [0s, 30min]}",
        "  markets.M.fees.taker: {uniform: [1 bps, 0.05%]}",
        "  traders.noise.rate: {uniform: [6/h, 1/min]}",
        "  traders.noise.count: {uniform: [5, 8]}",
        "  tokens.UP.basket.M: {uniform: [2, 4]}",
    )
    table = plan_study(study).design_table()
    assert table["tokens.UP.aum"][0].endswith(" USDT")
    aum, jitter, fee = (table[f"{path}:value"] for path in table.columns[1:9:3])
    assert 1e6 <= aum.min() < 1.2e6
    assert 17e6 < aum.max() <= 20e6
    assert aum.median() == pytest.approx(20**0.5 * 1e6, rel=0.1)
    assert 0 <= jitter.min() < 36
    assert 1764 < jitter.max() <= 1800
    assert 0.0001 <= fee.min() < fee.max() <= 0.0005
    assert table["traders.noise.rate"].str.ends_with("/h").all()
    assert sorted(set(table["traders.noise.count"])) == ["5", "6", "7", "8"]  # a count: whole numbers
    assert table["traders.noise.count"].value_counts()["count"].min() >= 11  # 50 strata on four equal parts
    assert table["tokens.UP.basket.M"].n_unique() == 50  # a leverage: no whole numbers, though its ends are
    assert all(len(text.replace(".", "")) <= 6 for text in table["tokens.UP.basket.M"])


@pytest.mark.parametrize(
    ("axis", "place", "value"),
    [
        ("tokens.UP.aum: {uniform: [1 MUSDT, 2 MUSDT]}", 0.5, "1500000 USDT"),
        ("tokens.UP.aum: {log: [1 MUSDT, 100 MUSDT]}", 0.5, "10000000 USDT"),
        ("tokens.UP.aum: {log: [1 USDT, 1 MUSDT]}", 0.1, "3.98107 USDT"),  # 10 ** 0.6, to six digits of its own
        ("tokens.UP.aum: {uniform: [0 USDT, 1 MUSDT]}", 0.123456789, "123460 USDT"),  # to six of the upper end's seven
        ("tokens.UP.rebalance.jitter: {uniform: [0s, 1h]}", 0.25, "15min"),
        ("tokens.UP.rebalance.at: {uniform: ['00:00', '01:00']}", 0.125, "00:07:30"),
        ("markets.M.fees.taker: {uniform: [0 bps, 8 bps]}", 0.25, "0.02%"),
        ("underlyings.BTC.index.volatility: {uniform: [50%/yr, 90%/yr]}", 0.75, "80%/yr"),
        ("traders.noise.rate: {uniform: [6/h, 18/h]}", 0.5, "12/h"),
        ("traders.noise.count: {uniform: [1, 4]}", 0.5, 3),
        ("traders.noise.count: {log: [1, 7]}", 0.99, 7),
        ("tokens.UP.basket.M: {uniform: [1, 4]}", 0.5, Decimal("2.5")),
        ("tokens.UP.aum: [1 MUSDT, 2 MUSDT, 3 MUSDT]", 0.7, "3 MUSDT"),
        ("tokens.UP.aum: [1 MUSDT, 2 MUSDT, 3 MUSDT]", 0.3, "1 MUSDT"),
    ],
)
def test_a_place_on_an_axis_is_a_value_as_a_scenario_file_writes_it(axis: str, place: float, value: object) -> None:
    from marketsim.experiments.axis import axis_of
    from marketsim.experiments.cells import value_at

    scenario = world("design: {lhs: 2}", f"over: {{{axis}}}")
    assert scenario.study is not None
    ((path, declared),) = scenario.study.over.items()
    assert axis_of(path, declared, value_at(scenario.canonical(), path.split(".")), ()).at(place) == value


def test_the_design_table_has_text_value_and_place_of_every_path() -> None:
    table = plan_study(
        world("over: {tokens.*.aum: [1 MUSDT, 250 kUSDT], tokens.UP.primary: [none, none]}")
    ).design_table()
    assert table.columns == ["cell", "tokens.*.aum", "tokens.*.aum:value", "tokens.UP.primary"]
    assert table["tokens.*.aum"].to_list() == ["1 MUSDT", "1 MUSDT", "250 kUSDT", "250 kUSDT"]
    assert table["tokens.*.aum:value"].to_list() == [1e6, 1e6, 250e3, 250e3]
    sampled = plan_study(world("design: {sobol: 2}", "over: {tokens.*.aum: {log: [1 MUSDT, 2 MUSDT]}}")).design_table()
    assert sampled.columns == ["cell", "tokens.*.aum", "tokens.*.aum:value", "tokens.*.aum:unit"]


def test_the_plan_has_every_arm_of_every_replication_of_every_cell() -> None:
    lines = ("arms: [factual, frictionless]", "replications: 2", "over: {tokens.UP.aum: [1 MUSDT, 2 MUSDT]}")
    plan = plan_study(world(*lines)).run_table()
    assert plan.select("cell", "replication", "arm").rows() == [
        (0, 0, "factual"), (0, 0, "frictionless"), (0, 1, "factual"), (0, 1, "frictionless"),
        (1, 0, "factual"), (1, 0, "frictionless"), (1, 1, "factual"), (1, 1, "frictionless"),
    ]  # fmt: skip
    assert plan["run_id"].n_unique() == 8
    forked = plan_study(world(*lines[1:], "arms: [factual, frictionless]", "fork: {horizon: 1h}")).run_table()
    assert forked["arm"].unique().to_list() == ["factual"]  # the other arms are forked from it


def test_another_value_or_path_moves_no_other_cells_runs() -> None:
    def ids(over: str) -> dict:
        plan = plan_study(world(f"over: {over}"))
        values = {cell.number: tuple(cell.values.values()) for cell in plan.cells}
        return {(values[run.cell], run.replication, run.arm): run.run_id for run in plan.runs}

    few = ids("{tokens.UP.aum: [1 MUSDT, 3 MUSDT]}")
    more = ids("{tokens.UP.aum: [2 MUSDT, 3 MUSDT, 1 MUSDT]}")
    assert {key: more[key] for key in few} == few
    spelled = ids("{tokens.UP.aum: [1000 kUSDT]}")
    assert set(spelled.values()) < set(few.values())


def test_arms_lie_over_their_cell() -> None:
    arms = "arms: [factual, {id: rich, set: {tokens.UP.aum: 9 MUSDT}}, {id: same}]"
    plan = plan_study(world(arms, "over: {tokens.UP.aum: [1 MUSDT, 2 MUSDT]}"))
    rich = [run.run_id for run in plan.runs if run.arm == "rich"]
    assert rich[0] == rich[1]  # the arm's value wins over both cells': one world, run once
    assert len({run.run_id for run in plan.runs if run.arm == "same"}) == 2


def test_an_arm_may_change_the_rule_whose_keys_another_arm_sets() -> None:
    """The paths of all arms lead somewhere in the world as declared; in one arm's world those of others need not."""
    found = world(
        "arms:",
        "  - {id: later, set: {tokens.UP.rebalance.at: '08:00'}}",
        "  - {id: band, set: {tokens.*.rebalance: {policy: band, move: 1%}}}",
    )
    plan = plan_study(found)
    assert plan is not None
    with pytest.raises(ScenarioError, match="there is no 'att'"):
        world("arms: [{id: later, set: {tokens.UP.rebalance.att: '08:00'}}]")


def test_worlds_that_cannot_be_are_all_told_with_their_cell_and_the_line_of_their_axis() -> None:
    with pytest.raises(ScenarioError) as refused:
        plan_study(world("over:", "  tokens.UP.aum: [1 MUSDT, 5 MEUR, -1 USDT]", "  traders.noise.count: [5, 2.5]"))
    found = [(problem.line, problem.column, problem.message.partition(":")[0]) for problem in refused.value.problems]
    assert found == [
        (14, 5, "in cell 2 and 1 more"), (14, 5, "in cell 4 and 1 more"), (15, 5, "in cell 1 and 2 more"),
    ]  # fmt: skip
    assert "tokens.UP.aum" in str(refused.value)


def test_a_text_stays_a_text_in_a_cell() -> None:
    (cell,) = lay_out_cells(world("over: {tokens.UP.rebalance.at: ['08:00']}"))
    assert cell.overrides == {"tokens.UP.rebalance.at": json.dumps("08:00")}


GRID = "over: {tokens.UP.aum: [2 MUSDT, 9 MUSDT, 1 MUSDT, 3 MUSDT], traders.noise.count: [5, 6, 7]}"


def test_a_cell_is_found_by_its_number_in_any_order() -> None:
    laid_out = lay_out_cells(world(GRID))
    assert len(laid_out) == 12
    assert [tuple(cell.values.values()) for cell in (laid_out[10], laid_out[0])] == [("3 MUSDT", 6), ("2 MUSDT", 5)]
    assert laid_out.number_of([3, 1]) == 10
    assert [cell.number for cell in laid_out] == list(range(12))
    with pytest.raises(IndexError):
        laid_out[12]


def test_a_grid_too_large_to_be_meant_is_refused() -> None:
    axis = "[" + ", ".join(map(str, range(1, 1025))) + "]"
    with pytest.raises(ScenarioError, match="this grid has 2,097,152 cells"):
        world(f"over: {{traders.noise.count: {axis}, markets.M.funding.every: [1h, 8h], tokens.UP.aum: {axis}}}")


def test_the_cells_that_stand_for_all_have_every_corner_and_every_value() -> None:
    chosen = choose_cells(lay_out_cells(world(GRID)), 6, seed=7)
    # corners: 9 and 1 MUSDT with 5 and 7 traders; the diagonal: (2, 5), (9, 6), (1, 7), (3, 5)
    assert {3, 5, 6, 8, 0, 4}.issuperset(chosen.numbers)
    assert (len(chosen.numbers), chosen.among) == (6, "both ends of every axis")
    all_of_them = choose_cells(lay_out_cells(world(GRID)), 11, seed=7)
    assert {3, 5, 6, 8, 0, 4, 9}.issubset(all_of_them.numbers)
    assert all_of_them.among == "every value of every axis"
    assert choose_cells(lay_out_cells(world(GRID)), 11, seed=7) == all_of_them


def test_the_cells_that_stand_for_a_sample_have_both_ends_of_every_axis() -> None:
    laid_out = lay_out_cells(world("design: {lhs: 300}", "over: {tokens.UP.aum: {uniform: [1 MUSDT, 2 MUSDT]}}"))
    chosen = choose_cells(laid_out, 20, seed=7)
    places = sorted((cell.places["tokens.UP.aum"], cell.number) for cell in laid_out)
    assert {places[0][1], places[-1][1]}.issubset(chosen.numbers)
    assert len(chosen.numbers) == 20
