"""Games whose equilibria and prices are known: typed in from their sources, or worked by hand."""

import pytest

from marketsim.analysis.clock_game.symmetric_game import SymmetricGame, all_schedules


def of_loads(players: int, *costs) -> SymmetricGame:
    """A congestion game of parallel links: what a player on a link pays, by how many are on it."""
    schedules = all_schedules(players, len(costs))
    cost = {s: {link: costs[link](s.count(link)) for link in dict.fromkeys(s)} for s in schedules}
    return SymmetricGame(cost, len(costs))


def test_schedules_of_players_that_are_alike() -> None:
    assert all_schedules(2, 2) == [(0, 0), (0, 1), (1, 1)]
    assert len(all_schedules(3, 3)) == 10


def test_pigous_network_with_two_players() -> None:
    """Costs x and 2 (Pigou 1920, atomic): both on the first road is an equilibrium, and so is one on each."""
    game = of_loads(2, lambda x: x, lambda x: 2)
    assert game.equilibria == ((0, 0), (0, 1))
    assert game.optimum == (0, 1)
    assert game.price_of_anarchy == pytest.approx(4 / 3)
    assert game.price_of_stability == 1.0


def test_fair_cost_sharing() -> None:
    """Links of cost k and 1 shared by k players: prices k and 1 (Anshelevich et al. 2004, the first example)."""
    game = of_loads(3, lambda x: 3 / x, lambda x: 1 / x)
    assert game.equilibria == ((0, 0, 0), (1, 1, 1))
    assert game.price_of_anarchy == pytest.approx(3)
    assert game.price_of_stability == 1.0


def test_two_alike_links_of_load() -> None:
    """Two tasks on two machines (Koutsoupias and Papadimitriou 1999): pure equilibria have one on each, price 1."""
    game = of_loads(2, lambda x: x, lambda x: x)
    assert game.equilibria == ((0, 1),)
    assert game.price_of_anarchy == 1.0


def test_the_prisoners_dilemma() -> None:
    """Years in prison: 1 each silent, 2 each confessing, 0 and 3 (Tucker)."""
    game = SymmetricGame({(0, 0): {0: 1}, (0, 1): {0: 3, 1: 0}, (1, 1): {1: 2}}, 2)
    assert game.equilibria == ((1, 1),)
    assert game.best_response((0, 0)) == (0, 1, 1)
    assert game.price_of_anarchy == 2.0


def test_without_a_pure_equilibrium_there_is_no_price() -> None:
    """Rock, paper, scissors, with a stake of 1 on top of 2 so that costs are positive."""
    cost = {
        (0, 0): {0: 2},
        (1, 1): {1: 2},
        (2, 2): {2: 2},
        (0, 1): {0: 3, 1: 1},
        (1, 2): {1: 3, 2: 1},
        (0, 2): {0: 1, 2: 3},
    }
    game = SymmetricGame(cost, 3)
    assert game.equilibria == ()
    assert game.price_of_anarchy is None


@pytest.mark.parametrize(
    ("left", "equilibria", "anarchy"),
    [(0.6, ((0, 0),), 2 / 1.6), (0.5, ((0, 0), (0, 1)), 4 / 3), (0.4, ((0, 1),), 1.0)],
)
def test_two_resets_where_a_part_of_the_push_is_left(left: float, equilibria, anarchy: float) -> None:
    """Half of the push of all who come together, and what is left of those before: 1 each, or 1/2 and left + 1/2."""
    cost = {(0, 0): {0: 1.0}, (0, 1): {0: 0.5, 1: left + 0.5}, (1, 1): {1: 1.0}}
    game = SymmetricGame(cost, 2)
    assert game.equilibria == equilibria
    assert game.price_of_anarchy == pytest.approx(anarchy)
