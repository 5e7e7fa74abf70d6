"""Long series as what can be drawn: every row of a short one; of a long one the lowest and highest of each interval."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from marketsim.datasets.run import Run
from marketsim.errors import DamagedResultError
from marketsim.figures.picture import Number, Series

MOST_INTERVALS = 600
"""About one for each hundredth of an inch of a figure across two columns."""
MOST_ROWS = 2 * MOST_INTERVALS


@dataclass(frozen=True)
class Thinned:
    """Instants [ns] and values of a series (n,), or the span of each interval around its middle.

    rows: how many there were; interval_ns: None where all are drawn.
    """

    x: tuple[int, ...]
    y: tuple[Number, ...]
    lo: tuple[Number, ...]
    hi: tuple[Number, ...]
    rows: int
    interval_ns: int | None

    def series(self, name: str, look: int | None = 0) -> Series:
        """A line of them, or a band where there are too many for one."""
        if self.interval_ns is None:
            return Series(name, "line", self.x, self.y, look=look)
        return Series(name, "band", self.x, lo=self.lo, hi=self.hi, look=look)


def thinned(run: Run, frame: pl.LazyFrame, value: pl.Expr, begin_ns: int, end_ns: int) -> Thinned:
    """The values of a frame with `t_ns` from `begin_ns` to `end_ns`, in time order; null and not finite are gaps.

    Reads no more than a stretch of a long table at once. Raises `DamagedResultError` where a table is not readable.
    """
    finite = pl.when(value.is_finite()).then(value)
    wanted = frame.filter(pl.col("t_ns").is_between(begin_ns, end_ns)).select("t_ns", value=finite)
    rows = int(collected(run, wanted.select(pl.len())).item())
    if rows <= MOST_ROWS:
        whole = collected(run, wanted).sort("t_ns", maintain_order=True)
        return Thinned(tuple(whole["t_ns"]), tuple(whole["value"]), (), (), rows, None)
    interval = -(-(end_ns - begin_ns + 1) // MOST_INTERVALS)
    spans = collected(
        run,
        wanted.group_by(number=(pl.col("t_ns") - begin_ns) // interval)
        .agg(lo=pl.col("value").min(), hi=pl.col("value").max())
        .sort("number"),
    )
    middles = (begin_ns + number * interval + interval // 2 for number in spans["number"])
    return Thinned(tuple(middles), (), tuple(spans["lo"]), tuple(spans["hi"]), rows, interval)


def collected(run: Run, frame: pl.LazyFrame) -> pl.DataFrame:
    """A query's answer; raises `DamagedResultError` where a file is not what its table should be."""
    try:
        return frame.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise DamagedResultError(f"{run.path} is damaged: {error}; --again makes it anew") from error
