"""Resets in turn: orders and pushes by hand, and what a registration may ask."""

import pytest

from marketsim.analysis.loop_hypotheses.registered_tests import RegisteredTurns, read_turns
from marketsim.analysis.loop_hypotheses.resets_in_turn import predicted_in_turn, response_of
from marketsim.errors import UsageError

ASKED = b'analysis = "resets in turn"\n[margins]\norders = 0.1\npush = 0.25\n'


def test_pushes_that_stay_are_answered_by_their_powers() -> None:
    """Lambda = .5: orders 1, Lambda, Lambda^2; M = 1 + .5 + .25 + .125 = 1.875.

    docs/theory.md#several-funds-and-several-resets
    """
    orders, pushes = predicted_in_turn([0, 10, 20], [2, 12, 22], [1, 0, 0], response_of([0, 100], [0.5, 0.5]))
    assert orders == pytest.approx([1, 0.5, 0.25])
    assert pushes == pytest.approx([0.5, 0.75, 0.875])


def test_pushes_that_fade_ask_for_less_and_for_some_of_it_back() -> None:
    """Lambda .5 at once and .25 from 8 on: the second order .25, the third .0625; the last push .25 + .0625 + .03125.

    Fading on to nothing at 18: the second order's .25 is wanted, and .25 of the first is wanted back.
    """
    fading = response_of([0, 8], [0.5, 0.25])
    orders, pushes = predicted_in_turn([0, 10, 20], [2, 12, 22], [1, 0, 0], fading)
    assert orders == pytest.approx([1, 0.25, 0.0625])
    assert pushes[-1] == pytest.approx(0.34375)
    gone = response_of([0, 8, 18], [0.5, 0.25, 0])
    assert predicted_in_turn([0, 10, 20], [2, 12, 22], [1, 0, 0], gone)[0] == pytest.approx([1, 0.25, -0.1875])


def test_the_baselines_own_moves_are_answered_too() -> None:
    orders, _ = predicted_in_turn([0, 10], [2, 12], [1, -0.3], response_of([0], [0.0]))
    assert orders == [1, -0.3]


def test_a_registration_names_margins_and_horizons_come_in_their_order() -> None:
    assert read_turns(ASKED, "life.toml", ("5min", "0s", "190s")) == RegisteredTurns(
        {"orders": 0.1, "push": 0.25}, ("0s", "190s", "5min")
    )
    assert read_turns(b'analysis = "reset loop"\n', "loop.toml", ()) is None
    assert read_turns(b"question = 1\n", "other.toml", ()) is None


@pytest.mark.parametrize(
    ("told", "horizons", "said"),
    [
        (ASKED, ("0s", "next"), "later times, not next"),
        (ASKED, ("5min",), "0s and later times"),
        (b'analysis = "resets in turn"\n[margins]\norders = 0.1\n', ("0s",), "margins.push"),
        (b'analysis = "by eye"\n', ("0s",), "'reset loop', 'resets in turn'"),
    ],
)
def test_what_a_registration_cannot_ask_is_refused(told: bytes, horizons: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_turns(told, "life.toml", horizons)
