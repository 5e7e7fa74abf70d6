"""The game of a study's replications: its tables, and what drawing replications again says of it."""

import numpy as np
import pytest

from marketsim.analysis.clock_game.clock_game import game_table, schedules_table, solve
from marketsim.analysis.clock_game.game_costs import GameCosts
from marketsim.analysis.clock_game.registered_clocks import RegisteredClocks

CLOCKS = RegisteredClocks(("00:02", "00:07"), ("A", "B"), {(0, 0): "both", (0, 1): "apart", (1, 1): "late"})


def costs(later: list[float]) -> GameCosts:
    """Together each pays 1; apart the first pays 1/2, the later one as given; both late 2."""
    n = len(later)
    cost = {
        (0, 0): {0: np.ones(n)}, (0, 1): {0: np.full(n, 0.5), 1: np.array(later)}, (1, 1): {1: np.full(n, 2.0)}
    }  # fmt: skip
    return GameCosts(cost, 2, tuple(range(n)), collapsed=1, unread=2)


def solved(later: list[float], draws: int = 2_000):
    return solve(costs(later), CLOCKS, np.random.default_rng(1), draws)


def test_replications_that_agree_leave_no_doubt() -> None:
    found = solved([1.1] * 6)
    both, apart, late = schedules_table(found).iter_rows(named=True)
    assert (both["schedule"], both["arm"]) == ("00:02 00:02", "both")
    assert (both["is_equilibrium"], both["equilibrium_share"]) == (True, 1.0)
    assert [both[key] for key in ("gain", "gain_lo", "gain_hi")] == pytest.approx([-0.1] * 3)
    assert (apart["is_cheapest"], apart["better"]) == (True, "00:07 to 00:02")
    assert apart["gain"] == pytest.approx(0.1)
    assert apart["cost"] == pytest.approx(0.8)
    assert apart["cost_by_time"] == "00:02 0.50, 00:07 1.10"
    assert not late["is_equilibrium"]
    anarchy, stability = game_table(found).iter_rows(named=True)
    assert [anarchy[key] for key in ("estimate", "lo", "hi")] == pytest.approx([2 / 1.6] * 3)
    assert stability["estimate"] == pytest.approx(2 / 1.6)
    assert (anarchy["collapsed"], anarchy["unread"], anarchy["draws_without"]) == (1, 2, 0.0)
    assert "the equilibrium 00:02 00:02 against the cheapest, 00:02 00:07" in anarchy["sentence"]


def test_draws_say_how_sure_an_equilibrium_is() -> None:
    """To be alone costs 1/8 more in four replications of eight and 1/8 less in four: binomial, ties count."""
    both, apart, _ = schedules_table(solved([1.125, 0.875] * 4)).iter_rows(named=True)
    assert both["equilibrium_share"] == pytest.approx(163 / 256, abs=0.035)
    assert apart["equilibrium_share"] == pytest.approx(163 / 256, abs=0.035)


def test_draws_without_an_equilibrium_are_said() -> None:
    """Rock, paper, scissors: whoever pays 3 would rather pay 1 or 2, and whoever pays 2 would rather pay 1."""
    n, three = 6, RegisteredClocks(("0", "1", "2"), ("A", "B"), {})
    cost = {
        (0, 0): {0: 2.0}, (1, 1): {1: 2.0}, (2, 2): {2: 2.0}, (0, 1): {0: 3.0, 1: 1.0}, (1, 2): {1: 3.0, 2: 1.0},
        (0, 2): {0: 1.0, 2: 3.0},
    }  # fmt: skip
    arrays = {s: {time: np.full(n, value) for time, value in by_time.items()} for s, by_time in cost.items()}
    found = solve(GameCosts(arrays, 3, tuple(range(n))), three, np.random.default_rng(1), 100)
    anarchy = game_table(found).row(0, named=True)
    assert (anarchy["estimate"], anarchy["lo"], anarchy["draws_without"]) == (None, None, 1.0)
    assert "In 100% of the draws no schedule is a pure equilibrium." in anarchy["sentence"]


def test_few_replications_have_no_interval() -> None:
    found = solved([1.1] * 5)
    assert schedules_table(found)["lo"].to_list() == [None] * 3
    assert game_table(found)["draws_without"].to_list() == [None] * 2
    assert solved([]) is None
    assert game_table(None).is_empty()
