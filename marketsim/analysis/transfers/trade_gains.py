"""trade_gains.parquet: what each cohort gains by trading in each arm of a study, beside the baseline.

A gain is what a cohort got in all its trades after the warm-up above what they were worth ten minutes later (cause
`trade` of the transfer matrix): what one gains others lose, so that the rows of an arm add up to zero. Fees, funding,
and what positions earn meanwhile are not in it. All funds are one cohort, `funds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from marketsim.analysis.inference.intervals import t_interval
from marketsim.units import ATOMS_PER_UNIT

FUNDS = "funds"
COLUMNS = {
    "cell": pl.Int64, "arm": pl.String, "versus": pl.String, "asset": pl.String, "cohort": pl.String,
    "replications": pl.Int64, "gain": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "change": pl.Float64,
    "change_lo": pl.Float64, "change_hi": pl.Float64,
}  # fmt: skip
"""gain: mean over replications, in the currency `asset`; change: gain of `arm` less that of `versus`, replications of
both. Intervals are 95 %, none below six replications. The baseline itself has no change."""

Gains = dict[tuple[int, str, str, str], dict[int, float]]
"""By cell, arm, currency and cohort, then replication."""


def trade_gains(flows: pl.DataFrame, funds: Sequence[str], baseline: str) -> pl.DataFrame:
    """The gains of every cohort; columns `COLUMNS`.

    flows: of the transfer matrices of all runs, with cell, replication and arm. funds: the tokens' ids.
    """
    gains = _gains(flows, funds)
    rows = [_row(key, by_replication, gains, baseline) for key, by_replication in sorted(gains.items())]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _gains(flows: pl.DataFrame, funds: Sequence[str]) -> Gains:
    """What each cohort got by replication; 0 where it did not trade in a run of its arm."""
    place = ["cell", "arm", "asset", "replication"]
    trades = flows.filter(cause="trade")
    got = trades.select(*place, cohort="to_cohort", atoms="atoms")
    paid = trades.select(*place, cohort="from_cohort", atoms=-pl.col("atoms"))
    named = pl.when(pl.col("cohort").is_in(list(funds))).then(pl.lit(FUNDS)).otherwise("cohort").alias("cohort")
    summed = pl.concat([got, paid]).with_columns(named).group_by(*place, "cohort").agg(pl.col("atoms").sum())
    found: Gains = {}
    for cell, arm, asset, replication, cohort, atoms in summed.iter_rows():
        found.setdefault((cell, arm, asset, cohort), {})[replication] = atoms / ATOMS_PER_UNIT
    runs = trades.select("cell", "arm", "replication").unique()
    everyone = {(cell, asset, cohort) for cell, _, asset, cohort in found}
    for cell, arm, replication in runs.iter_rows():
        for of_cell, asset, cohort in everyone:
            if of_cell == cell:
                found.setdefault((cell, arm, asset, cohort), {}).setdefault(replication, 0.0)
    return found


def _row(key: tuple[int, str, str, str], here: Mapping[int, float], gains: Gains, baseline: str) -> dict[str, object]:
    cell, arm, asset, cohort = key
    gain, lo, hi = _mean(list(here.values()))
    row: dict[str, object] = {
        **dict.fromkeys(COLUMNS), "cell": cell, "arm": arm, "asset": asset, "cohort": cohort,
        "replications": len(here), "gain": gain, "lo": lo, "hi": hi,
    }  # fmt: skip
    without = gains.get((cell, baseline, asset, cohort), {})
    both = [r for r in here if r in without]
    if arm != baseline and both:
        change, change_lo, change_hi = _mean([here[r] - without[r] for r in both])
        row |= {"versus": baseline, "change": change, "change_lo": change_lo, "change_hi": change_hi}
    return row


def _mean(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean of independent replications, and the ends of its interval."""
    x = np.array(values)
    left_out = (x.sum() - x) / max(1, len(x) - 1)
    interval = t_interval(float(x.mean()), left_out)
    return float(x.mean()), interval.lo, interval.hi
