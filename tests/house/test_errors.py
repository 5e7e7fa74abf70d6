"""Every error stays itself where it is made again: by pickle, and from its class and its arguments."""

from __future__ import annotations

import pickle

import pytest

from marketsim import errors
from marketsim.errors import MarketsimError, Problem

MADE = [
    errors.UsageError("no such option"),
    errors.ScenarioError([Problem("a.yaml", 2, 1, "seed", "x", "a number is due here", "a number")]),
    errors.ResultError("the run has no such table"),
    errors.DamagedResultError("the table is damaged"),
    errors.EnvironmentLackError("figures need matplotlib", "pip install matplotlib"),
    errors.SweepStoppedError("the disk is full"),
    errors.KernelError("the kernel stopped", 7),
    errors.ProcessFailedError("ValueError: no"),
    errors.ProcessKilledError("a process was killed"),
    errors.UnitError("5", "a unit is missing", "money such as 5 USDT", "5 USDT"),
    errors.DataFileError("price", "a.csv:2: 5,5", "a comma is ambiguous", "a number such as 5.5", "5.5"),
    errors.UnknownScenarioError("marketsim:no", "there is no shipped scenario of this name", "quickstart"),
    errors.UnreadableFileError("this is a folder", "a regular file"),
]


def test_every_error_of_the_tree_is_made_here() -> None:
    tree = {name for name in errors.__all__ if name not in ("MarketsimError", "Problem")}
    assert {type(error).__name__ for error in MADE} == tree


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_that_is_made_again_says_the_same(error: MarketsimError) -> None:
    for copy in (pickle.loads(pickle.dumps(error)), type(error)(*error.args)):
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert {k: v for k, v in vars(copy).items() if k != "swept"} == {
            k: v for k, v in vars(error).items() if k != "swept"
        }
