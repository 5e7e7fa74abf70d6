"""What a claim evaluator returns, and what several of them read from a run: NAVs, prices, returns, attributions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import log
from typing import Literal, NamedTuple

from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY

Outcome = Literal["confirmed", "refuted", "conditional"]


class Evaluation(NamedTuple):
    """What an evaluator finds in a run: the outcome, a sentence with the condition it holds under, figures by name."""

    outcome: Outcome
    sentence: str
    figures: dict[str, float]


LOTS_ROUNDING = 1e-6
"""How far a return may be from its formula where positions of 100 MUSDT are rounded to lots of 0.001 BTC."""


def nav_of(run: Run, token: str) -> dict[int, float]:
    """NAV by instant [ns]."""
    rows = run.table("tokens").filter(token=token)
    return dict(zip(rows["t_ns"].to_list(), rows["nav"].to_list(), strict=True))


def price_of(run: Run, market: str, column: str = "index_price") -> dict[int, float]:
    """A price of a market by instant [ns]."""
    rows = run.table("marks").filter(market=market)
    return dict(zip(rows["t_ns"].to_list(), rows[column].to_list(), strict=True))


def growth(series: Mapping[int, float]) -> float:
    """Return of a series from its first to its last instant."""
    return series[max(series)] / series[min(series)] - 1


def daily_returns(series: Mapping[int, float]) -> list[float]:
    """Returns from midnight to midnight; a run starts at a midnight."""
    values = [series[t_ns] for t_ns in sorted(series) if t_ns % NS_PER_DAY == 0]
    return [after / before - 1 for before, after in pairwise(values)]


def parts_of(run: Run, token: str) -> dict[str, float]:
    """Each part of a token's attribution, summed over the run, as a share of its opening equity."""
    rows = run.table("attribution").filter(token=token).sort("t0_ns")
    opening = rows["opening_atoms"][0]
    parts = [
        name for name in rows.columns if name.endswith("_atoms") and name not in ("opening_atoms", "closing_atoms")
    ]
    return {name.removesuffix("_atoms"): rows[name].sum() / opening for name in parts}


def targets_of(run: Run) -> dict[str, float]:
    """Target leverage by token."""
    return dict(run.table("tokens").filter(t_ns=0).select("token", "target_leverage").iter_rows())


def rebalance_count(run: Run, token: str) -> int:
    """How often a token rebalanced."""
    return run.table("rebalances").filter(token=token).height


def in_bps(share: float) -> str:
    """A share as text in basis points."""
    return f"{share * 1e4:+.1f} bps"


def whole_days(run: Run) -> int:
    """Whole days that the run covers."""
    return int(max(run.table("tokens")["t_ns"].to_list())) // NS_PER_DAY


def realised_variance(prices: Mapping[int, float]) -> float:
    """Realised variance: the sum of squared daily log returns."""
    return sum(log(1 + r) ** 2 for r in daily_returns(prices))
