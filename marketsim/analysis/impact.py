"""Impact: what orders move, by probes in pairs, or (to compare) from the tape of one run; and what moves set off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps, loads
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marketsim.datasets.run import Run
from marketsim.units import NS_PER_SECOND

REGRESSION_NS = 60 * NS_PER_SECOND
"""Length of the intervals of the regression of mid changes on signed taker volume."""

PROBES: Mapping[str, Any] = {
    "replication": pl.Int64, "market": pl.String, "t_ns": pl.Int64, "lots": pl.Int64, "sign": pl.Int64,
    "over_ns": pl.Int64, "horizon_ns": pl.Int64, "filled_lots": pl.Int64, "filled": pl.Float64, "seen": pl.String,
    "mid_before": pl.Float64, "mid": pl.Float64, "liquidated": pl.Float64, "net_change": pl.String,
}  # fmt: skip
"""Columns of a frame of probes: those of `simulation.probing.run_probes`, `net_change` as JSON."""

_PAIR = ["replication", "market", "t_ns", "lots", "over_ns", "horizon_ns", "seen"]


def probe_frame(rows: Iterable[Mapping[str, Any]], replication: int = 0) -> pl.DataFrame:
    """Rows of `simulation.probing.run_probes` as a frame."""
    told = [{**row, "replication": replication, "net_change": dumps(row["net_change"])} for row in rows]
    return pl.DataFrame(told, schema=dict(PROBES), orient="row")


def antithetic_pairs(probes: pl.DataFrame) -> pl.DataFrame:
    """Pairs of probes: what each order moved at each horizon, and what the move did.

    Columns: those that tell pairs apart; x = half the log ratio of the + and the - probe's mid; q, liquidated and
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


@dataclass(frozen=True)
class Impact:
    """Impact of orders in `markets` on them at one horizon: lambda [return per unit of currency] (seen, traded).

    clusters: of each (replication, instant), the sums of Q X (seen, traded) and of Q^2 (traded,).
    """

    markets: tuple[str, ...]
    horizon_ns: int
    qx: NDArray[np.float64]
    qq: NDArray[np.float64]

    @property
    def pairs(self) -> int:
        """Clusters it rests on."""
        return len(self.qq)

    def matrix(self, chosen: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """lambda = sum Q X / sum Q^2 over all clusters, or those chosen (with repetition)."""
        qx = self.qx.sum(axis=0) if chosen is None else self.qx[chosen].sum(axis=0)
        qq = self.qq.sum(axis=0) if chosen is None else self.qq[chosen].sum(axis=0)
        ratio: NDArray[np.float64] = np.divide(qx, qq[None, :], out=np.zeros_like(qx), where=qq[None, :] > 0)
        return ratio


def impact(found: pl.DataFrame, horizon_ns: int, markets: Sequence[str]) -> Impact:
    """Impact at one horizon from pairs (`antithetic_pairs`)."""
    rows = found.filter((pl.col("horizon_ns") == horizon_ns) & pl.col("seen").is_in(markets))
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


def impact_by_regression(run: Run, market: str, every_ns: int = REGRESSION_NS) -> tuple[float | None, int]:
    """lambda from one run's own tape: mid changes on signed taker volume in intervals, through zero; and how many.

    For comparison only: flow also follows the price (makers' stale quotes are taken when the index moves), which
    raises it. None where the tape or the quotes were not recorded.
    """
    quotes = run.table("quotes").filter((pl.col("market") == market) & pl.col("mid").is_not_null()).sort("t_ns")
    trades = run.scan("trades").filter(pl.col("market") == market)
    signed = pl.col("size_lots") * pl.col("price") * pl.when(pl.col("taker_side") == "buy").then(1).otherwise(-1)
    flow = trades.group_by(pl.col("t_ns") // every_ns).agg(signed.sum().alias("q")).sort("t_ns").collect()
    if quotes.is_empty() or flow.is_empty():
        return None, 0
    lot = float(run.table("instruments").filter(pl.col("market") == market)["lot"][0])
    edges = np.arange(0, int(quotes["t_ns"][-1]) + 1, every_ns)
    at = np.searchsorted(quotes["t_ns"].to_numpy(), edges, side="right") - 1
    known = at >= 0
    log_mid = np.log(quotes["mid"].to_numpy()[np.maximum(at, 0)])
    x = np.diff(log_mid)
    q = np.zeros(len(x))
    slots = flow["t_ns"].to_numpy()
    inside = slots < len(x)
    q[slots[inside]] = flow["q"].to_numpy()[inside] * lot
    good = known[:-1]
    total = float(q[good] @ q[good])
    return (float(q[good] @ x[good]) / total if total else None), int(good.sum())


# -- what a move sets off ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Responses:
    """What others trade per unit of return [currency]: by liquidation in the move's direction (G), or against it (C).

    r = r0 / (1 - lambda (K + G - C)) (VALIDATION section 2b); lambda of live probes has both in it already.
    """

    liquidation_density: float | None
    contrarian_liquidity: float | None


def responses(
    found: pl.DataFrame, market: str, horizon_ns: int, *, leaning: Iterable[str], money_per_lot: float
) -> Responses:
    """G and C of a market from its pairs of probes: least squares of what was traded on the move x.

    leaning: cohorts that count in C (traders who are neither makers, who take the other side of anything, nor funds);
    what liquidations traded for them is taken out of it. money_per_lot: at a typical price [currency].
    """
    rows = found.filter(
        (pl.col("market") == market) & (pl.col("seen") == market) & (pl.col("horizon_ns") == horizon_ns)
    )
    x = rows["x"].to_numpy()
    total = float(x @ x)
    if not total:
        return Responses(None, None)
    names = set(leaning)
    bought = np.array(
        [sum(lots for name, lots in loads(change).items() if name in names) for change in rows["change"]], np.float64
    )
    density = float(x @ rows["liquidated"].to_numpy()) / total
    others = float(x @ bought) * money_per_lot / total
    return Responses(density, density - others)
