"""lambda by probes: what orders move, from pairs of orders +Q and -Q sent into forks of one state of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps, loads

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats, Integers

PROBES = {
    "replication": pl.Int64, "market": pl.String, "t_ns": pl.Int64, "lots": pl.Int64, "sign": pl.Int64,
    "over_ns": pl.Int64, "horizon_ns": pl.Int64, "filled_lots": pl.Int64, "filled": pl.Float64, "seen": pl.String,
    "mid_before": pl.Float64, "mid": pl.Float64, "liquidated": pl.Float64, "net_change": pl.String,
}  # fmt: skip
"""Columns of a frame of probes: those of `simulation.probing.run_probes`, `net_change` as JSON."""

_PAIR = ["replication", "market", "t_ns", "lots", "over_ns", "horizon_ns", "seen"]


@dataclass(frozen=True)
class Impact:
    """Impact of orders in `markets` on them at one horizon: lambda [return per unit of currency] (seen, traded).

    qx, qq: for each cluster, a (replication, instant), the sums of Q X (seen, traded) and of Q^2 (traded,).
    """

    markets: tuple[str, ...]
    horizon_ns: int
    qx: Floats
    qq: Floats

    @property
    def pairs(self) -> int:
        """Clusters it rests on."""
        return len(self.qq)

    def matrix(self, chosen: Integers | None = None) -> Floats:
        """lambda = sum Q X / sum Q^2 over all clusters, or over the chosen ones (with repetition)."""
        qx = self.qx.sum(axis=0) if chosen is None else self.qx[chosen].sum(axis=0)
        qq = self.qq.sum(axis=0) if chosen is None else self.qq[chosen].sum(axis=0)
        ratio: Floats = np.divide(qx, qq[None, :], out=np.zeros_like(qx), where=qq[None, :] > 0)
        return ratio


def antithetic_pairs(probes: pl.DataFrame) -> pl.DataFrame:
    """The probes in pairs of opposite sign: what each order moved at each horizon, and what the move set off.

    Columns: those that distinguish pairs; x = half the log ratio of the + and the - probe's mid; q, liquidated and
    change (JSON, lots by cohort) = half the differences of what they traded [currency], of what liquidations bought
    [currency], and of what each cohort bought.
    """
    up = probes.filter(pl.col("sign") > 0)
    down = probes.filter(pl.col("sign") < 0)
    both = up.join(down, on=_PAIR, suffix="_down").filter(
        pl.col("mid").is_not_null() & pl.col("mid_down").is_not_null() & (pl.col("filled") != pl.col("filled_down"))
    )
    changes = [_half(up, down) for up, down in both.select("net_change", "net_change_down").rows()]
    return both.select(
        *_PAIR,
        x=(pl.col("mid") / pl.col("mid_down")).log() / 2,
        q=(pl.col("filled") - pl.col("filled_down")) / 2,
        liquidated=(pl.col("liquidated") - pl.col("liquidated_down")) / 2,
        change=pl.Series(changes, dtype=pl.String),
    ).sort(_PAIR)


def _half(up: str, down: str) -> str:
    """Half the difference of two changes by cohort."""
    bought, sold = loads(up), loads(down)
    cohorts = sorted({*bought, *sold})
    return dumps({name: (bought.get(name, 0) - sold.get(name, 0)) / 2 for name in cohorts})


def impact_at(horizon_ns: int, pairs: pl.DataFrame, markets: Sequence[str]) -> Impact:
    """The impact at one horizon, from `antithetic_pairs`."""
    rows = pairs.filter((pl.col("horizon_ns") == horizon_ns) & pl.col("seen").is_in(markets))
    number = {market: i for i, market in enumerate(markets)}
    clusters = {key: i for i, key in enumerate(rows.select("replication", "t_ns").unique(maintain_order=True).rows())}
    qx = np.zeros((len(clusters), len(markets), len(markets)))
    qq = np.zeros((len(clusters), len(markets)))
    for row in rows.iter_rows(named=True):
        cluster, traded, seen = clusters[row["replication"], row["t_ns"]], number[row["market"]], number[row["seen"]]
        qx[cluster, seen, traded] += row["q"] * row["x"]
        if seen == traded:
            qq[cluster, traded] += row["q"] ** 2
    return Impact(tuple(markets), horizon_ns, qx, qq)
