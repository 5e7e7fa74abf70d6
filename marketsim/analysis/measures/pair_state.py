"""What became of a pair of runs: whether a market collapsed in one, and whether the push of its resets ran away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from marketsim.analysis.measures.reset_gaps import reset_gaps
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import COARSEST_NS, mids_of
from marketsim.analysis.run_data.recording import underlying_markets
from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError, ResultError
from marketsim.issuers.orders.parent import Unfilled

MOST_MISSING = 0.01
"""Share of the time after the warm-up from which on a market without a mid has collapsed."""
FARTHEST = 0.20
"""How far a mid may leave the baseline's."""


@dataclass(frozen=True, slots=True)
class PairState:
    """is_collapsed: a market was destroyed in either run. is_runaway: the push grew, or an order met its cap."""

    is_collapsed: bool = False
    is_runaway: bool = False


StateOfPair = Callable[[Run, Run], PairState]
"""The state of an arm's run and the baseline's of one replication; for the baseline itself twice the same run."""


def pair_state(arm: Run, versus: Run) -> PairState:
    """The state of a pair; what a run's record does not tell has not happened."""
    collapsed = any(_told(is_collapsed, run) for run in (arm, versus)) or _told(has_left, arm, versus)
    return PairState(collapsed, _told(_runs_away, arm, versus) or _told(_met_a_cap, arm))


def has_collapsed(arm: Run, versus: Run) -> bool:
    """Whether a market was destroyed in one of a pair of runs; raises ResultError where their record does not tell."""
    return is_collapsed(arm) or is_collapsed(versus) or has_left(arm, versus)


def is_collapsed(run: Run) -> bool:
    """Whether a market of a run was destroyed: without a mid for more than 1 % of the time, or without insurance.

    The insurance fund is used up where it had something at the first snapshot and nothing at another.
    """
    period = measured_period(run)
    mids = mids_of(run).require("a collapse", COARSEST_NS)
    missing = [mids.missing_share(market, period.begin_ns, period.end_ns) for market in underlying_markets(run)]
    return any(share is not None and share > MOST_MISSING for share in missing) or _is_uninsured(run)


def _is_uninsured(run: Run) -> bool:
    funds = run.table("cohorts").filter(cohort="insurance").sort("t_ns")
    for _, fund in funds.group_by("asset"):
        equity = fund["equity_atoms"]
        if equity[0] > 0 and int(equity.to_numpy().min()) <= 0:
            return True
    return False


def has_left(arm: Run, versus: Run) -> bool:
    """Whether a mid of an arm was ever further than 20 % from the baseline's."""
    periods = [measured_period(run) for run in (arm, versus)]
    begin, end = max(each.begin_ns for each in periods), min(each.end_ns for each in periods)
    for market in underlying_markets(arm):
        instants = mids_of(arm).instants(market, begin, end)
        f, c = (mids_of(run).require("a collapse", COARSEST_NS).at(market, instants) for run in (arm, versus))
        apart = np.abs(f / c - 1)
        if bool((apart[np.isfinite(apart)] > FARTHEST).any()):
            return True
    return False


def _runs_away(arm: Run, versus: Run) -> bool:
    """Whether resets had pushed further half an hour after their end than at it, all of a run together."""
    ends, later = (reset_gaps(arm, versus, arm, time) for time in ("0s", "30min"))
    known = [
        (a.weight, a.gap, b.gap) for a, b in zip(ends, later, strict=True) if a.gap is not None and b.gap is not None
    ]
    return bool(known) and sum(w * b for w, _, b in known) > sum(w * a for w, a, _ in known)


def _met_a_cap(run: Run) -> bool:
    told = run.table("events").filter(event="backlog")["detail"]
    return bool(told.str.contains(f'"reason": ?"{Unfilled.CAP}"').any())


def _told(question: Callable[..., bool], *runs: Run) -> bool:
    try:
        return question(*runs)
    except DamagedResultError:
        raise
    except ResultError:
        return False
