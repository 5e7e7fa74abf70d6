"""Crowding: what funds would trade after a move (K), what their orders move (lambda), and the product of both.

After a return r funds send orders K r, these move prices by lambda K r, and funds trade after that move too. The
crowding number Lambda(h) is the spectral radius of lambda(h) K, h the time until the impact is counted: at the end of
the orders' window it says what an order does to its own reset, at the next reset what one reset does to the next
(CONTRACT section 7, VALIDATION section 2b). With Lambda < 1 the loop multiplies a move by 1 + Lambda where each fund
sizes its order once, by 1 / (1 - Lambda) where orders follow the price they make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marketsim.analysis.impact import REGRESSION_NS, Impact, impact_by_regression
from marketsim.datasets.run import Run
from marketsim.issuers.policies.family import scheduled_words
from marketsim.networks import exposure
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY, NS_PER_SECOND

WINDOWS: Mapping[str, Any] = {
    "market": pl.String, "moved": pl.String, "trigger": pl.String, "side": pl.String, "t0_ns": pl.Int64,
    "t1_ns": pl.Int64, "next_ns": pl.Int64, "tokens": pl.Int64, "k_usdt": pl.Float64,
}  # fmt: skip
"""Columns of `windows`: K of `market` to a move of `moved`; `side` is `both`, or the side orders of a triggered window
had; `next_ns` is the next window of any kind, null for the last."""


# -- K ----------------------------------------------------------------------------------------------------------------


def windows(run: Run) -> pl.DataFrame:
    """K of every window of a run in which funds traded, and of the opening (trigger `opening`), as `WINDOWS` says.

    K_mj = sum over tokens (target_im q_ij P_j - delta_mj q_im P_m) [currency per unit of return], positions as they
    were when the window began. Resets whose orders overlap, of one trigger and side, are one window.
    """
    targets = _targets(run)
    legs = run.table("token_legs").sort("t_ns")
    rows = []
    if not legs.is_empty():
        opening = legs.filter(pl.col("t_ns") == legs["t_ns"].min())
        rows += _window(opening, targets, "opening", "both", int(legs["t_ns"][0]), int(legs["t_ns"][0]), None)
    found = _clusters(run)
    starts = sorted({cluster.t0_ns for cluster in found})
    for cluster in found:
        later = [t for t in starts if t > cluster.t1_ns]
        held = _held_before(legs, cluster)
        rows += _window(
            held, targets, cluster.trigger, cluster.side, cluster.t0_ns, cluster.t1_ns, later[0] if later else None
        )
    return pl.DataFrame(rows, schema=dict(WINDOWS), orient="row")


def clock_k(found: pl.DataFrame) -> dict[tuple[str, str], float]:
    """K by (market, moved) in the most crowded clock window: the mean over its resets, a day or days apart.

    found: rows of `windows`. A run without scheduled resets has its opening K.
    """
    scheduled = found.filter(pl.col("trigger").is_in(scheduled_words()))
    if scheduled.is_empty():
        scheduled = found.filter(pl.col("trigger") == "opening")
    minute = (pl.col("t0_ns") % NS_PER_DAY) // (60 * NS_PER_SECOND)
    mean = (
        scheduled.with_columns(minute.alias("clock")).group_by("clock", "market", "moved").agg(pl.col("k_usdt").mean())
    )
    if mean.is_empty():
        return {}
    own = mean.filter(pl.col("market") == pl.col("moved")).group_by("clock").agg(pl.col("k_usdt").sum())
    clock = own.sort(["k_usdt", "clock"], descending=[True, False])["clock"][0]
    return {(row["market"], row["moved"]): row["k_usdt"] for row in mean.filter(pl.col("clock") == clock).to_dicts()}


@dataclass
class _Cluster:
    trigger: str
    side: str
    t0_ns: int
    t1_ns: int
    tokens: set[str] = field(default_factory=set)


def _clusters(run: Run) -> list[_Cluster]:
    """Resets whose orders overlap, by trigger and side."""
    found: list[_Cluster] = []
    open_: dict[tuple[str, str], _Cluster] = {}
    by_the_clock = scheduled_words()
    for row in run.table("rebalances").sort("t_decide_ns", "id").iter_rows(named=True):
        side = "both" if row["trigger"] in by_the_clock else "up" if row["target_lots"] > 0 else "down"
        key, end = (row["trigger"], side), max(row["t_last_ns"], row["t_decide_ns"])
        cluster = open_.get(key)
        if cluster is None or row["t_decide_ns"] > cluster.t1_ns:
            cluster = open_[key] = _Cluster(row["trigger"], side, row["t_decide_ns"], end)
            found.append(cluster)
        cluster.t1_ns = max(cluster.t1_ns, end)
        cluster.tokens.add(row["token"])
    return found


def _held_before(legs: pl.DataFrame, cluster: _Cluster) -> pl.DataFrame:
    """The legs of a cluster's tokens as last written down before it began."""
    before = legs.filter((pl.col("t_ns") < cluster.t0_ns) & pl.col("token").is_in(sorted(cluster.tokens)))
    return before.group_by("token", "market", maintain_order=True).last()


def _window(
    held: pl.DataFrame,
    targets: Mapping[tuple[str, str], float],
    trigger: str,
    side: str,
    t0_ns: int,
    t1_ns: int,
    next_ns: int | None,
) -> list[dict[str, Any]]:
    exposures = {(row["token"], row["market"]): row["notional_atoms"] / ATOMS_PER_UNIT for row in held.to_dicts()}
    tokens = {token for token, _ in exposures}
    k = k_matrix(exposures, targets)
    place = dict(trigger=trigger, side=side, t0_ns=t0_ns, t1_ns=t1_ns, next_ns=next_ns, tokens=len(tokens))
    return [{"market": m, "moved": j, **place, "k_usdt": value} for (m, j), value in k.items()]


def k_matrix(
    exposures: Mapping[tuple[str, str], float], targets: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str], float]:
    """K of market m to a move of market j, by (m, j): sum over tokens of target_im E_ij - delta_mj E_im.

    exposures: signed notional E of each (token, market); targets: signed target leverage of each (token, market). At
    target K is equity x L (L - 1) for one leg (Cheng & Madhavan 2009).
    """
    markets = sorted({market for _, market in exposures})
    tokens = sorted({token for token, _ in exposures})
    k: dict[tuple[str, str], float] = {}
    for m in markets:
        for j in markets:
            total = 0.0
            for token in tokens:
                total += targets.get((token, m), 0.0) * exposures.get((token, j), 0.0)
                total -= exposures.get((token, m), 0.0) if m == j else 0.0
            k[m, j] = total
    return k


def _targets(run: Run) -> dict[tuple[str, str], float]:
    legs = run.table("token_legs").select("token", "market", "target_leverage").unique(["token", "market"])
    return {(row["token"], row["market"]): row["target_leverage"] for row in legs.to_dicts()}


# -- the crowding number ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crowding:
    """A crowding number with its interval, and what theory makes of it.

    one_shot: the multiplier 1 + Lambda of orders sized once; fixed_point: 1 / (1 - Lambda) of orders that follow their
    own price, None from 1 on (VALIDATION section 2b).
    """

    horizon_ns: int
    number: float
    lo: float | None
    hi: float | None
    pairs: int

    @property
    def one_shot(self) -> float:
        """Multiplier where every fund sizes its order once, before any impact."""
        return 1 + self.number

    @property
    def fixed_point(self) -> float | None:
        """Multiplier where orders follow the price they make; None where there is no finite one."""
        return 1 / (1 - self.number) if self.number < 1 else None


def crowding_number(
    measured: Impact, k: Mapping[tuple[str, str], float], rng: np.random.Generator | None = None
) -> Crowding:
    """Lambda(h): spectral radius of lambda(h) K, with a BCa interval over (replication, instant) where rng is given."""
    matrix = np.array([[k.get((m, j), 0.0) for j in measured.markets] for m in measured.markets])

    def radius(chosen: NDArray[np.int64]) -> float:
        return spectral_radius(measured.matrix(chosen) @ matrix)

    value = spectral_radius(measured.matrix() @ matrix)
    from marketsim.analysis.resampling import interval  # brings scipy.stats

    if rng is None:
        return Crowding(measured.horizon_ns, value, None, None, measured.pairs)
    found = interval(radius, measured.pairs, rng)
    return Crowding(measured.horizon_ns, value, found.lo, found.hi, measured.pairs)


def spectral_radius(matrix: NDArray[np.float64]) -> float:
    """The largest absolute eigenvalue."""
    return float(np.max(np.abs(np.linalg.eigvals(matrix)))) if matrix.size else 0.0


# -- who is exposed to the same markets -------------------------------------------------------------------------------


def flow_exposures(run: Run, *, by: str = "token") -> dict[str, dict[str, float]]:
    """What each token, or each issuer (`by`), would trade per unit of return in each market, at its last snapshot.

    These, not positions, are what crowds: a +3 and a -3 fund hold opposite positions and send orders of one sign.
    """
    legs = run.table("token_legs").sort("t_ns").group_by("token", "market", maintain_order=True).last()
    rows = [
        (row["token"], row["market"], row["notional_atoms"] / ATOMS_PER_UNIT * (row["target_leverage"] - 1))
        for row in legs.to_dicts()
    ]
    table = exposure.exposures(rows)
    issuers = {token["id"]: token["issuer"] for token in run.resolved["tokens"]}
    return exposure.joined(table, issuers) if by == "issuer" else table


def overlaps(run: Run, *, by: str = "token") -> pl.DataFrame:
    """Overlap of what each two tokens or issuers would trade after a move: columns one, other, cosine, overlap."""
    table = flow_exposures(run, by=by)
    alike, shared = exposure.cosines(table), exposure.overlaps(table)
    rows = [{"one": a, "other": b, "cosine": alike.get((a, b)), "overlap": shared.get((a, b))} for a, b in alike]
    schema = {"one": pl.String, "other": pl.String, "cosine": pl.Float64, "overlap": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def concentration(run: Run, *, by: str = "issuer") -> dict[str, float]:
    """Herfindahl index of who would trade each market after a move: 1 where it is one issuer (or token) alone."""
    return exposure.market_concentration(flow_exposures(run, by=by))


# -- one run ----------------------------------------------------------------------------------------------------------


def of_run(path: str | Path) -> dict[str, dict[str, Any]]:
    """The manifest's crowding block of one run by itself: K, and lambda by regression on its own tape.

    K is null where tokens were not recorded. There is no interval: one run is one draw of luck. The better estimate is
    a study's, by probes.
    """
    run = Run(path)
    k = clock_k(windows(run))
    has_funds = bool(run.resolved["tokens"]) and run.manifest["arm"] != "off"
    return {row["market"]: _block(run, row["market"], k, has_funds) for row in run.table("instruments").to_dicts()}


def _block(run: Run, market: str, k: Mapping[tuple[str, str], float], has_funds: bool) -> dict[str, Any]:
    value = k.get((market, market), 0.0 if k or not has_funds else None)
    per_unit = impact_by_regression(run, market)[0] if value else None
    return {
        "k_usdt": value,
        "impact_per_usdt": per_unit,
        "crowding_number": None if value is None or (value and per_unit is None) else abs((per_unit or 0.0) * value),
        "method": "none" if per_unit is None else "regression",
        "lo": None,
        "hi": None,
        "horizon_s": None if per_unit is None else REGRESSION_NS / NS_PER_SECOND,
    }
