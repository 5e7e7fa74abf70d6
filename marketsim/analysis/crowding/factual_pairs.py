"""Every factual run of a study with the baseline's of the same replication, and of the same fork."""

from __future__ import annotations

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study

Pair = tuple[Run, Run]
"""A factual run and the baseline's of the same replication, and of the same fork."""


def factual_pairs(study: Study) -> dict[int, list[Pair]]:
    """The pairs of every cell; of a study of forks the forks without a jump, at which probes were sent."""
    factual, baseline = study.spec.factual_arm, study.spec.baseline_arm
    runs = study.runs().filter(status="ok")
    if study.spec.fork is not None:
        runs = runs.filter(pl.col("fork_ns").is_not_null(), pl.col("jump").is_null())
    place = ["cell", "replication", "fork_ns"]
    both = runs.filter(arm=factual or "").join(runs.filter(arm=baseline), on=place, nulls_equal=True, suffix="_c")
    found: dict[int, list[Pair]] = {}
    for cell, path, path_c in both.sort(place).select("cell", "path", "path_c").iter_rows():
        found.setdefault(cell, []).append((Run(path), Run(path_c)))
    return found
