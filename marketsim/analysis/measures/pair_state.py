"""What became of a pair of runs: whether a market collapsed in one, and whether the push of its resets ran away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marketsim.analysis.measures.collapse_share import is_collapsed
from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError, ResultError


@dataclass(frozen=True, slots=True)
class PairState:
    """collapsed: a market was destroyed in either run. is_runaway: the push of resets grew after them."""

    is_collapsed: bool = False
    is_runaway: bool = False


StateOfPair = Callable[[Run, Run], PairState]
"""The state of an arm's run and the baseline's of one replication; for the baseline itself twice the same run."""


def pair_state(arm: Run, versus: Run) -> PairState:
    """The state of a pair; what a run's record does not tell has not happened."""
    return PairState(any(_told(run) for run in (arm, versus)))


def _told(run: Run) -> bool:
    try:
        return is_collapsed(run)
    except DamagedResultError:
        raise
    except ResultError:
        return False
