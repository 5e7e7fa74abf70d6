"""What several claims read from a run: NAVs, prices, returns from reset to reset, attributions, words for tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import log
from typing import Any

from marketsim.analysis.claims.family import NotRecordedError
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY, duration_ns

ROUNDING = 1e-6
"""How far a return may be from its formula where positions are rounded to lots."""

_NO_CHARGES = ("index", "basis", "primary")
"""Parts of an attribution that cost nothing: what the position earned, and what came in or went out."""


def declared_tokens(run: Run) -> dict[str, dict[str, Any]]:
    """The tokens of the scenario that ran, as declared, by id."""
    return {token["id"]: token for token in run.resolved["tokens"]}


def legs_of(run: Run, token: str) -> dict[str, float]:
    """Signed target leverage by market of a token's basket."""
    return {market: float(target) for market, target in declared_tokens(run)[token]["basket"].items()}


def targets_of(run: Run) -> dict[str, float]:
    """Target leverage by token: the sum of its legs."""
    return {token: sum(legs_of(run, token).values()) for token in declared_tokens(run)}


def named(token: str, target: float) -> str:
    """A token with its target: BTC3L (+3)."""
    return f"{token} ({target:+g})"


def listed(things: Iterable[str]) -> str:
    """Things in a row: a, b and c; nothing of none."""
    *first, last = [*things] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def nav_of(run: Run, token: str) -> dict[int, float]:
    """NAV by instant [ns]; raises `NotRecordedError` where none was recorded."""
    rows = run.table("tokens").filter(token=token).sort("t_ns")
    if rows.is_empty():
        raise NotRecordedError(f"no NAV of {token} was recorded (record.tokens)")
    return dict(rows.select("t_ns", "nav").iter_rows())


def price_of(run: Run, market: str, column: str = "index_price") -> dict[int, float]:
    """A price of a market by instant [ns]; raises `NotRecordedError` where none was recorded."""
    rows = run.table("marks").filter(market=market).sort("t_ns").select("t_ns", column).drop_nulls()
    if rows.is_empty():
        raise NotRecordedError(f"no {column} of {market} was recorded (record.marks)")
    return dict(rows.iter_rows())


def leverage_of(run: Run, token: str) -> dict[int, float]:
    """Leverage by instant [ns] while the fund had equity; raises `NotRecordedError` where none was recorded."""
    rows = run.table("tokens").filter(token=token).sort("t_ns")
    if rows.is_empty():
        raise NotRecordedError(f"no leverage of {token} was recorded (record.tokens)")
    return dict(rows.select("t_ns", "leverage").drop_nulls().iter_rows())


def as_of(series: Mapping[int, float], t_ns: int) -> float:
    """The value last written at an instant, or the first one after."""
    instants = list(series)
    return series[instants[max(bisect_right(instants, t_ns) - 1, 0)]]


def growth(series: Mapping[int, float]) -> float:
    """Return of a series from its first to its last instant."""
    return series[max(series)] / series[min(series)] - 1


def resets_of(run: Run, token: str) -> list[int]:
    """The instants at which a token decided a rebalance [ns], in their order."""
    rows = run.table("rebalances").filter(token=token)
    return sorted(set(rows["t_decide_ns"].to_list()))


def between_resets(run: Run, token: str) -> list[tuple[int, int]]:
    """From the start to the first reset, and from each to the next [ns]; the whole run for a token that has none."""
    cuts = sorted({0, *resets_of(run, token)})
    return list(pairwise(cuts)) or [(0, duration_ns(run.resolved["clock"]["duration"]))]


def returns_over(series: Mapping[int, float], periods: Iterable[tuple[int, int]]) -> list[float]:
    """Returns of a series over periods; none from nothing, what a wiped fund has left."""
    values = [(as_of(series, begin), as_of(series, end)) for begin, end in periods]
    return [after / before - 1 if before else 0.0 for before, after in values]


def daily_returns(series: Mapping[int, float]) -> list[float]:
    """Returns over the whole days since the start."""
    days = range(0, max(series) - NS_PER_DAY + 1, NS_PER_DAY)
    return returns_over(series, [(begin, begin + NS_PER_DAY) for begin in days])


def parts_of(run: Run, token: str) -> dict[str, float]:
    """Each part of a token's attribution, summed over the run, as a share of its opening equity."""
    rows = run.table("attribution").filter(token=token).sort("t0_ns")
    opening = rows["opening_atoms"][0] if rows.height else 0
    parts = [
        name for name in rows.columns if name.endswith("_atoms") and name not in ("opening_atoms", "closing_atoms")
    ]
    return {name.removesuffix("_atoms"): sum(rows[name].to_list()) / opening if opening else 0.0 for name in parts}


def charges_of(run: Run, token: str) -> float:
    """What a fund was charged in all, whoever was paid, as a share of its opening equity: fees, funding, slippage."""
    return sum(abs(share) for name, share in parts_of(run, token).items() if name not in _NO_CHARGES)


def rebalance_count(run: Run, token: str) -> int:
    """How often a token rebalanced."""
    return run.table("rebalances").filter(token=token).height


def realised_volatility(prices: Mapping[int, float]) -> float:
    """Yearly volatility of daily log returns (fraction); that of what is recorded where there is no whole day."""
    days = daily_returns(prices)
    if not days:
        values = list(prices.values())
        days = [after / before - 1 for before, after in pairwise(values)]
        span = max(prices) / NS_PER_DAY
    else:
        span = float(len(days))
    return float((sum(log(1 + r) ** 2 for r in days) / span * 365) ** 0.5) if span else 0.0


def in_bps(share: float) -> str:
    """A share as text in basis points."""
    return f"{share * 1e4:+.1f} bps"


def whole_days(run: Run) -> int:
    """Whole days that the run covers, at least one."""
    return max(duration_ns(run.resolved["clock"]["duration"]) // NS_PER_DAY, 1)
