"""Who pays for a reset in the end: what each cohort got around it, net, that it had not got without the funds' orders.

Of `reset_transfers`, the trades around resets: an arm's less the baseline's of the same replication, so that what
cohorts win of each other at all times drops out. Over all cohorts it comes to nothing, to the atom.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.intervals import t_interval
from marketsim.units import ATOMS_PER_UNIT

COLUMNS = {
    "cell": pl.Int64, "arm": pl.String, "versus": pl.String, "asset": pl.String, "cohort": pl.String,
    "replications": pl.Int64, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "method": pl.String,
}  # fmt: skip
"""Columns of reset_payers.parquet: what a cohort got per reset, + received [currency], with a 95 % interval."""


def reset_payers(resets: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """What each cohort got around a reset, in every arm less in `baseline`; columns `COLUMNS`.

    resets: `reset_transfers` of runs, with cell, replication and arm. Instants of resets of a run count alike.
    """
    rows = []
    for (cell, arm, asset, cohort), of_cohort in _paired(resets, baseline).group_by(
        "cell", "arm", "asset", "cohort", maintain_order=True
    ):
        values = of_cohort["atoms"].to_numpy() / ATOMS_PER_UNIT
        found = t_interval(float(values.mean()), _left_out(values))
        told = (len(values), float(values.mean()), found.lo, found.hi, found.method)
        rows.append((cell, arm, baseline, asset, cohort, *told))
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _paired(resets: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """Atoms per reset by cell, arm, asset, cohort and replication, less the baseline's; 0 where there was no trade."""
    run = ["cell", "replication", "arm"]
    around = resets.filter(pl.col("decide_ns").is_not_null())
    counts = around.group_by(run).agg(resets=pl.col("decide_ns").n_unique())
    paid = around.select(*run, "asset", cohort="from_cohort", atoms=-pl.col("atoms"))
    got = around.select(*run, "asset", cohort="to_cohort", atoms="atoms")
    net = pl.concat([paid, got]).group_by(*run, "asset", "cohort").agg(pl.col("atoms").sum())
    each = counts.join(net.select("cell", "asset", "cohort").unique(), on="cell")
    each = each.join(net, on=[*run, "asset", "cohort"], how="left").with_columns(
        atoms=pl.col("atoms").fill_null(0) / pl.col("resets")
    )
    place = ["cell", "replication", "asset", "cohort"]
    versus = each.filter(arm=baseline).select(*place, without="atoms")
    both = each.filter(pl.col("arm") != baseline).join(versus, on=place)
    return both.with_columns(atoms=pl.col("atoms") - pl.col("without")).sort("cell", "arm", "asset", "cohort")


def _left_out(values: Floats) -> Floats:
    """The mean without one value each (n,)."""
    n = len(values)
    return (values.sum() - values) / (n - 1) if n > 1 else np.empty(0)
