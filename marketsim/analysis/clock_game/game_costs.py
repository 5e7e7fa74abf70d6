"""What each schedule of a game of clocks costs a fund at each of its times, replication by replication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.clock_game.registered_clocks import RegisteredClocks
from marketsim.analysis.clock_game.symmetric_game import Schedule, SymmetricGame
from marketsim.analysis.measures.pair_state import StateOfPair, pair_state
from marketsim.analysis.run_data.reset_costs import reset_costs
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study

BASIS_POINTS = 1e4


@dataclass(frozen=True)
class GameCosts:
    """cost: of each schedule and time in it, what a fund there paid (n,) [bps of its assets], by replication.

    replications: those in which every schedule could be read. collapsed: left out because a market was destroyed in
    one; unread: because a run was not there.
    """

    cost: Mapping[Schedule, Mapping[int, Floats]]
    times: int
    replications: tuple[int, ...]
    collapsed: int = 0
    unread: int = 0

    def game(self, weights: Floats) -> SymmetricGame:
        """The game of the mean costs, each replication taken as often as `weights` (n,) says."""
        share = weights / weights.sum()
        mean = {
            schedule: {time: float(share @ values) for time, values in by_time.items()}
            for schedule, by_time in self.cost.items()
        }
        return SymmetricGame(mean, self.times)


def game_costs(study: Study, clocks: RegisteredClocks, state: StateOfPair = pair_state) -> GameCosts:
    """The costs of every schedule, in the replications in which all of its arms ended well."""
    paths = {
        (row["replication"], row["arm"]): row["path"] for row in study.runs().filter(status="ok").iter_rows(named=True)
    }
    read: dict[int, dict[Schedule, dict[int, float]]] = {}
    collapsed = unread = 0
    for replication in range(study.spec.replications):
        wanted = (study.spec.baseline_arm, *clocks.arms.values())
        if any((replication, arm) not in paths for arm in wanted):
            unread += 1
            continue
        baseline, *runs = (Run(paths[replication, arm]) for arm in wanted)
        if any(state(run, baseline).is_collapsed for run in runs):
            collapsed += 1
            continue
        by_schedule = zip(clocks.arms, runs, strict=True)
        read[replication] = {schedule: _by_time(run, baseline, clocks) for schedule, run in by_schedule}
    return GameCosts(_together(clocks.arms, list(read.values())), len(clocks.times), tuple(read), collapsed, unread)


def _by_time(run: Run, baseline: Run, clocks: RegisteredClocks) -> dict[int, float]:
    """What the funds at each time paid, on the mean of these [bps of their assets]."""
    costs, at = reset_costs(run, baseline), {token["id"]: token["rebalance"]["at"] for token in run.resolved["tokens"]}
    found: dict[int, list[float]] = {}
    for player in clocks.players:
        fund = costs[player]
        found.setdefault(clocks.times.index(at[player]), []).append(BASIS_POINTS * fund.cost / fund.assets)
    return {time: float(np.mean(values)) for time, values in found.items()}


def _together(
    schedules: Mapping[Schedule, str], read: Sequence[Mapping[Schedule, Mapping[int, float]]]
) -> dict[Schedule, dict[int, Floats]]:
    return {
        schedule: {time: np.array([each[schedule][time] for each in read]) for time in dict.fromkeys(schedule)}
        for schedule in schedules
    }
