"""Which whole runs of a study are finished, of all its arms or of the factual ones."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from marketsim.datasets.study import Study


def finished_runs(study: Study, arms: Collection[str]) -> pl.DataFrame:
    """Rows of `Study.runs` for the whole runs of some arms that ended well; forks are left out."""
    runs = study.runs()
    return runs.filter(pl.col("fork_ns").is_null() & (pl.col("status") == "ok") & pl.col("arm").is_in(sorted(arms)))


def factual_arms(study: Study) -> set[str]:
    """The arms that run the world as declared."""
    return {arm.id for arm in study.spec.arms if arm.arm == "factual" and not arm.set}
