"""The game of clocks of a study with its intervals, by drawing replications again (Efron 1979).

A draw takes whole replications, all schedules of each together, and solves the game of its means anew: costs, best
responses, equilibria and prices. Intervals are the middle 95 % of the draws. The cheapest of several schedules whose
costs are noisy looks cheaper than it is, so the price of anarchy of few replications comes out too high, never below 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.clock_game.game_costs import GameCosts
from marketsim.analysis.clock_game.registered_clocks import RegisteredClocks
from marketsim.analysis.clock_game.symmetric_game import SymmetricGame
from marketsim.analysis.inference.intervals import FEWEST

DRAWS = 2_000
SCHEDULE_COLUMNS = {
    "schedule": pl.String, "arm": pl.String, "replications": pl.Int64, "cost": pl.Float64, "lo": pl.Float64,
    "hi": pl.Float64, "cost_by_time": pl.String, "better": pl.String, "gain": pl.Float64, "gain_lo": pl.Float64,
    "gain_hi": pl.Float64, "is_equilibrium": pl.Boolean, "equilibrium_share": pl.Float64, "is_cheapest": pl.Boolean,
    "cheapest_share": pl.Float64,
}  # fmt: skip
"""Columns of clock_schedules.parquet. cost: mean over the funds [bps of assets]; better, gain: the change of one fund's
clock that takes most off its own cost, and what it takes off; shares: of the draws."""
GAME_COLUMNS = {
    "quantity": pl.String, "replications": pl.Int64, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "draws_without": pl.Float64, "collapsed": pl.Int64, "unread": pl.Int64, "sentence": pl.String,
}  # fmt: skip
"""Columns of clock_game.parquet. draws_without: share of the draws that have no pure equilibrium."""


@dataclass(frozen=True)
class SolvedGame:
    """The game of all replications, and those of the draws; none below six replications."""

    costs: GameCosts
    clocks: RegisteredClocks
    whole: SymmetricGame
    drawn: Sequence[SymmetricGame]


def solve(
    costs: GameCosts, clocks: RegisteredClocks, rng: np.random.Generator, draws: int = DRAWS
) -> SolvedGame | None:
    """The game of a study's costs; None without a replication."""
    n = len(costs.replications)
    if not n:
        return None
    often = rng.multinomial(n, np.full(n, 1 / n), size=draws if n >= FEWEST else 0).astype(np.float64)
    return SolvedGame(costs, clocks, costs.game(np.ones(n)), [costs.game(row) for row in often])


def schedules_table(solved: SolvedGame | None) -> pl.DataFrame:
    """A row for each schedule; columns `SCHEDULE_COLUMNS`."""
    rows = [] if solved is None else [_schedule_row(solved, schedule) for schedule in solved.whole.cost]
    return pl.DataFrame(rows, schema=SCHEDULE_COLUMNS, orient="row")


def game_table(solved: SolvedGame | None) -> pl.DataFrame:
    """The price of anarchy and of stability; columns `GAME_COLUMNS`."""
    rows = [] if solved is None else [_price_row(solved, name) for name in ("price_of_anarchy", "price_of_stability")]
    return pl.DataFrame(rows, schema=GAME_COLUMNS, orient="row")


def _schedule_row(solved: SolvedGame, schedule: tuple[int, ...]) -> dict[str, object]:
    whole, drawn, clocks = solved.whole, solved.drawn, solved.clocks
    players = len(schedule)
    old, new, gain = whole.best_response(schedule)
    lo, hi = _middle([game.total(schedule) / players for game in drawn])
    gain_lo, gain_hi = _middle([game.best_response(schedule)[2] for game in drawn])
    by_time = whole.cost[schedule].items()
    return {
        "schedule": clocks.in_words(schedule), "arm": clocks.arms[schedule],
        "replications": len(solved.costs.replications), "cost": whole.total(schedule) / players, "lo": lo, "hi": hi,
        "cost_by_time": ", ".join(f"{clocks.times[time]} {cost:.2f}" for time, cost in by_time),
        "better": f"{clocks.times[old]} to {clocks.times[new]}", "gain": gain, "gain_lo": gain_lo, "gain_hi": gain_hi,
        "is_equilibrium": schedule in whole.equilibria,
        "equilibrium_share": _share([schedule in game.equilibria for game in drawn]),
        "is_cheapest": schedule == whole.optimum,
        "cheapest_share": _share([schedule == game.optimum for game in drawn]),
    }  # fmt: skip


def _price_row(solved: SolvedGame, name: str) -> dict[str, object]:
    estimate = getattr(solved.whole, name)
    found = [getattr(game, name) for game in solved.drawn]
    lo, hi = _middle([price for price in found if price is not None])
    return {
        "quantity": name, "replications": len(solved.costs.replications), "estimate": estimate, "lo": lo, "hi": hi,
        "draws_without": _share([price is None for price in found]), "collapsed": solved.costs.collapsed,
        "unread": solved.costs.unread, "sentence": _sentence(solved, name, found, lo, hi),
    }  # fmt: skip


def _sentence(solved: SolvedGame, name: str, drawn: Sequence[float | None], lo: float | None, hi: float | None) -> str:
    """The price in words; draws without an equilibrium have none, so that its interval is of the others."""
    words, whole, clocks = name.replace("_", " "), solved.whole, solved.clocks
    estimate: float | None = getattr(whole, name)
    without = _share([price is None for price in drawn])
    beside = f" In {without:.0%} of the draws no schedule is a pure equilibrium." if without else ""
    if estimate is None:
        return f"There is no {words}: no schedule is a pure equilibrium, or the cheapest costs nothing.{beside}"
    choose = max if name == "price_of_anarchy" else min
    stable, best = (clocks.in_words(each) for each in (choose(whole.equilibria, key=whole.total), whole.optimum))
    within = "" if lo is None or hi is None else f" (95 % of the draws: {lo:.3f} to {hi:.3f})"
    return f"The {words} is {estimate:.3f}{within}: the equilibrium {stable} against the cheapest, {best}.{beside}"


def _middle(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The middle 95 % of some draws; None without one."""
    if not values:
        return None, None
    ends: Floats = np.quantile(np.array(values), [0.025, 0.975])
    return float(ends[0]), float(ends[1])


def _share(told: Sequence[bool]) -> float | None:
    return float(np.mean(told)) if told else None
