"""Equivalence: whether a number is as good as what was predicted, within a margin set before (two one-sided tests).

"It did not differ" is no finding of few replications; "it lies within the margin" is one. At 5 % each side that is so
where the 90 % interval lies inside the margin (Schuirmann 1987; Westlake 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.intervals import t_interval

Verdict = Literal["equivalent", "equivalent, and differs", "differs", "undecided", "too few"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """An estimate with its 95 % interval, the 90 % one that the margin is held against, and what they say.

    verdict: `equivalent` where the 90 % interval lies inside predicted +- margin, `differs` where the 95 % one does
    not hold what was predicted (both: smaller than the margin and not nothing); else `undecided`; `too few` below six.
    """

    estimate: float
    predicted: float
    margin: float
    lo: float | None
    hi: float | None
    lo_90: float | None
    hi_90: float | None
    method: str
    verdict: Verdict


def equivalence(estimate: float, left_out: Floats, predicted: float, margin: float) -> Equivalence:
    """Hold an estimate, with its values without one replication each (n,), against a margin around a prediction."""
    wide = t_interval(estimate, left_out, effective=float(len(left_out)))
    narrow = t_interval(estimate, left_out, effective=float(len(left_out)), level=0.90)
    told: Verdict = "too few"
    if wide.lo is not None and wide.hi is not None and narrow.lo is not None and narrow.hi is not None:
        is_inside = predicted - margin < narrow.lo and narrow.hi < predicted + margin
        differs = not wide.lo <= predicted <= wide.hi
        if is_inside:
            told = "equivalent, and differs" if differs else "equivalent"
        else:
            told = "differs" if differs else "undecided"
    return Equivalence(estimate, predicted, margin, wide.lo, wide.hi, narrow.lo, narrow.hi, wide.method, told)
