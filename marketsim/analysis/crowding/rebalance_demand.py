"""K: what funds would trade after a move, in currency per unit of return, from their positions and targets.

K of market m to a move of market j = sum over tokens of target_im q_ij P_j - delta_mj q_im P_m, positions as they were
when the orders began. For one leg at target it is equity x L (L - 1) (Cheng & Madhavan 2009;
docs/theory.md#order-of-one-fund).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.issuers.policies.family import POLICIES, scheduled_words
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, NS_PER_SECOND

OPENING = "opening"
WINDOWS = {
    "market": pl.String, "moved": pl.String, "trigger": pl.String, "side": pl.String, "t0_ns": pl.Int64,
    "t1_ns": pl.Int64, "next_ns": pl.Int64, "tokens": pl.Int64, "k_usdt": pl.Float64,
}  # fmt: skip
"""Columns of `demand_windows`: K of `market` to a move of `moved`; `side` is `both`, or the side of the orders of a
triggered window; `next_ns` is the next window of any kind, null for the last."""

Demand = dict[tuple[str, str], float]
"""K by (market traded, market moved) [currency per unit of return]."""


@dataclass
class _Cluster:
    """Rebalances of one trigger and side whose orders overlap."""

    trigger: str
    side: str
    t0_ns: int
    t1_ns: int
    next_ns: int | None = None
    tokens: set[str] = field(default_factory=set)


def demand_windows(run: Run) -> pl.DataFrame:
    """K of every window of a run in which funds traded, and of the opening (trigger `opening`); columns `WINDOWS`.

    Rebalances of one trigger and side whose orders overlap are one window.
    """
    targets = _targets(run)
    legs = run.table("token_legs").sort("t_ns")
    rows: list[tuple[object, ...]] = []
    opening = _opening_legs(run, [token for token, _ in targets])
    if not opening.is_empty():
        t_ns = int(opening["t_ns"][0])
        rows += _rows(_Cluster(OPENING, "both", t_ns, t_ns), opening, targets)
    for cluster in _clusters(run):
        rows += _rows(cluster, _held_before(legs, cluster), targets)
    return pl.DataFrame(rows, schema=WINDOWS, orient="row")


def clock_demand(windows: pl.DataFrame) -> Demand:
    """K at the most crowded time of day: the mean over the resets at that minute of the clock.

    windows: rows of `demand_windows`. A run without scheduled resets has the K of its opening.
    """
    scheduled = windows.filter(pl.col("trigger").is_in(scheduled_words()))
    if scheduled.is_empty():
        scheduled = windows.filter(pl.col("trigger") == OPENING)
    minute = (pl.col("t0_ns") % NS_PER_DAY) // (60 * NS_PER_SECOND)
    mean = (
        scheduled.with_columns(minute.alias("clock")).group_by("clock", "market", "moved").agg(pl.col("k_usdt").mean())
    )
    if mean.is_empty():
        return {}
    own = mean.filter(pl.col("market") == pl.col("moved")).group_by("clock").agg(pl.col("k_usdt").sum())
    clock = own.sort(["k_usdt", "clock"], descending=[True, False])["clock"][0]
    chosen = mean.filter(pl.col("clock") == clock).select("market", "moved", "k_usdt")
    return {(market, moved): k for market, moved, k in chosen.iter_rows()}


def triggered_demand(run: Run) -> Demand:
    """K at the opening of the tokens that prices alone reset: no instant is theirs, a move sets them off."""
    return demand(_exposures(_opening_legs(run, _triggered_tokens(run))), _targets(run))


def demand(exposures: Mapping[tuple[str, str], float], targets: Mapping[tuple[str, str], float]) -> Demand:
    """K of market m to a move of market j, by (m, j): sum over tokens of target_im E_ij - delta_mj E_im.

    exposures: signed notional E by (token, market); targets: signed target leverage by (token, market).
    """
    markets = sorted({market for _, market in exposures})
    tokens = sorted({token for token, _ in exposures})
    k: Demand = {}
    for m in markets:
        for j in markets:
            total = 0.0
            for token in tokens:
                total += targets.get((token, m), 0.0) * exposures.get((token, j), 0.0)
                total -= exposures.get((token, m), 0.0) if m == j else 0.0
            k[m, j] = total
    return k


def _clusters(run: Run) -> list[_Cluster]:
    """Rebalances whose orders overlap, by trigger and side, each with the begin of the next one of any kind."""
    by_the_clock = scheduled_words()
    found: list[_Cluster] = []
    open_: dict[tuple[str, str], _Cluster] = {}
    columns = ("trigger", "token", "target_lots", "t_decide_ns", "t_last_ns")
    rows = run.table("rebalances").sort("t_decide_ns", "id").select(columns)
    for trigger, token, target_lots, decide_ns, last_ns in rows.iter_rows():
        side = "both" if trigger in by_the_clock else "up" if target_lots > 0 else "down"
        key, end_ns = (trigger, side), max(last_ns, decide_ns)
        cluster = open_.get(key)
        if cluster is None or decide_ns > cluster.t1_ns:
            cluster = open_[key] = _Cluster(trigger, side, decide_ns, end_ns)
            found.append(cluster)
        cluster.t1_ns = max(cluster.t1_ns, end_ns)
        cluster.tokens.add(token)
    starts = sorted({cluster.t0_ns for cluster in found})
    for cluster in found:
        cluster.next_ns = next((t_ns for t_ns in starts if t_ns > cluster.t1_ns), None)
    return found


def _held_before(legs: pl.DataFrame, cluster: _Cluster) -> pl.DataFrame:
    """The legs of a cluster's tokens as last recorded before it began."""
    before = legs.filter((pl.col("t_ns") < cluster.t0_ns) & pl.col("token").is_in(sorted(cluster.tokens)))
    return before.group_by("token", "market", maintain_order=True).last()


def _opening_legs(run: Run, tokens: Sequence[str]) -> pl.DataFrame:
    """The legs of some tokens as first recorded, without those of tokens that never rebalance."""
    legs = run.table("token_legs")
    wanted = sorted(set(tokens) - _still_tokens(run))
    return legs.filter((pl.col("t_ns") == pl.col("t_ns").min()) & pl.col("token").is_in(wanted))


def _still_tokens(run: Run) -> set[str]:
    """Tokens whose policy never rebalances."""
    return {token["id"] for token in run.resolved["tokens"] if _triggers(token) == ()}


def _triggered_tokens(run: Run) -> list[str]:
    """Tokens whose policy has no reset by the clock."""
    timed = scheduled_words()
    return [token["id"] for token in run.resolved["tokens"] if not set(_triggers(token) or ("?",)) & set(timed)]


def _triggers(token: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What sets a token's rebalances off; None where its policy is not installed here."""
    kind = POLICIES.kinds.get(token["rebalance"]["policy"])
    return None if kind is None else tuple(trigger.word for trigger in kind.rebalance_triggers)


def _exposures(held: pl.DataFrame) -> dict[tuple[str, str], float]:
    legs = held.select("token", "market", "notional_atoms").iter_rows()
    return {(token, market): atoms / ATOMS_PER_UNIT for token, market, atoms in legs}


def _rows(cluster: _Cluster, held: pl.DataFrame, targets: Mapping[tuple[str, str], float]) -> list[tuple[object, ...]]:
    exposures = _exposures(held)
    tokens = len({token for token, _ in exposures})
    place = (cluster.trigger, cluster.side, cluster.t0_ns, cluster.t1_ns, cluster.next_ns, tokens)
    return [(m, j, *place, value) for (m, j), value in demand(exposures, targets).items()]


def _targets(run: Run) -> dict[tuple[str, str], float]:
    legs = run.table("token_legs").select("token", "market", "target_leverage").unique(["token", "market"])
    return {(token, market): target for token, market, target in legs.iter_rows()}
