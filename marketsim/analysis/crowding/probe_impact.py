"""What probes moved: the push of a reset's orders, sent once more from the state before it, for each size and side.

A probe's push is the simple return (M - M_0) / P that its mid has and the copy without an order has not, P the price of
the last reset. A side that a probe has emptied has no mid any more: its push is at least that of the worst price it
traded at, and counts as that (docs/contract.md#forks-and-probes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.datasets import provenance
from marketsim.datasets.run import Run

PROBES = {
    "replication": pl.Int64, "market": pl.String, "t_ns": pl.Int64, "schedule": pl.String, "size": pl.Float64,
    "lots": pl.Int64, "sign": pl.Int64, "arrival_mid": pl.Float64, "horizon": pl.String, "look_ns": pl.Int64,
    "filled_lots": pl.Int64, "filled": pl.Float64, "worst_price": pl.Float64, "seen": pl.String, "mid": pl.Float64,
    "bid": pl.Float64, "ask": pl.Float64, "mark": pl.Float64, "liquidated": pl.Float64, "net_change": pl.String,
}  # fmt: skip
"""Columns of a frame of probes: those of `simulation.probing.run_probes`, `net_change` as JSON."""

RESET, CHILD = "reset", "child"
"""Schedules: all children of a reset, or its first one alone, looked at after the times between them (`lag`)."""


@dataclass(frozen=True, slots=True)
class Push:
    """What one probe of a reset moved in one market at one look.

    side: +1 bought, -1 sold. notional: that was wanted [currency], at the mid before its first order. change: M - M_0
    [money]; at least that, to its side, where is_bound; mark_change: the same of the mark. look_ns: when.
    """

    market: str
    seen: str
    decide_ns: int
    schedule: str
    size: float
    side: int
    horizon: str
    look_ns: int
    notional: float
    change: float
    mark_change: float
    is_bound: bool
    liquidated: float
    net_change: str


@lru_cache(maxsize=KEPT_RUNS)
def probes_of(run: Run) -> pl.DataFrame | None:
    """The probes that a study made at the resets of a run, or of the run that it was forked from; None where none."""
    manifest, whole = run.manifest, str(run.manifest["run_id"])
    if manifest.get("fork"):
        identity = (str(manifest["scenario_sha256"]), manifest["seed"], manifest["replication"], str(manifest["arm"]))
        whole = provenance.run_id(*identity)
    path = run.path.parent.parent / "probes" / f"{whole}.parquet"
    if not path.is_file():
        return None
    frame = pl.read_parquet(path)
    return frame.select(*PROBES) if frame.width else pl.DataFrame(schema=PROBES)


@lru_cache(maxsize=KEPT_RUNS)
def pushes_of(run: Run) -> Mapping[tuple[str, int], tuple[Push | None, ...]]:
    """What the probes of every reset moved, by (market, instant of the decision).

    A look at which the copy without an order had no mid, or before which there was none, is None: it cannot be read.
    """
    probes = probes_of(run)
    lots = dict(run.table("instruments").select("market", "lot").iter_rows())
    found: dict[tuple[str, int], tuple[Push | None, ...]] = {}
    if probes is None or probes.is_empty():
        return found
    for (market, at), frame in probes.group_by("market", "t_ns", maintain_order=True):
        rows = list(frame.iter_rows(named=True))
        without = {_look(row): row for row in rows if row["sign"] == 0}
        found[str(market), int(str(at))] = tuple(
            _push(row, without[_look(row)], lots[str(market)]) for row in rows if row["sign"]
        )
    return found


def _look(row: Mapping[str, Any]) -> tuple[object, ...]:
    return row["schedule"], row["look_ns"], row["seen"]


def _push(row: Mapping[str, Any], without: Mapping[str, Any], lot: float) -> Push | None:
    mid, mid_without = row["mid"], without["mid"]
    if mid_without is None or row["arrival_mid"] is None:
        return None
    return Push(
        market=row["market"],
        seen=row["seen"],
        decide_ns=row["t_ns"],
        schedule=row["schedule"],
        size=row["size"],
        side=row["sign"],
        horizon=row["horizon"],
        look_ns=row["look_ns"],
        notional=row["lots"] * lot * row["arrival_mid"],
        change=(_least_mid(row, mid_without) if mid is None else mid) - mid_without,
        mark_change=row["mark"] - without["mark"],
        is_bound=mid is None,
        liquidated=row["liquidated"],
        net_change=row["net_change"],
    )


def _least_mid(row: Mapping[str, Any], without: float) -> float:
    """The mid nearest to that without the order of which the price is at least as far, where a side is empty.

    The next price of an emptied side lies beyond the worst that was traded at; half-way to the other side's best is
    the mid then. Where the other side is empty, or both, that worst price stands for it.
    """
    worst = row["worst_price"] if row["seen"] == row["market"] else None
    if worst is None:
        return without
    own, other = (row["ask"], row["bid"]) if row["sign"] > 0 else (row["bid"], row["ask"])
    nearer = min if row["sign"] > 0 else max
    if own is None and other is not None:
        return float((worst + other) / 2)
    return float(worst if own is None else nearer(worst, own))
