"""Each mechanism of `btc-perp` switched off, in pairs of one luck: which facts go back, and by how much.

Three hours of the world on six seeds, with all mechanisms and without one at a time. Differences are off less on, their
95 % intervals Student's over the seeds. All facts of all switches are left in what_makes_which_fact.csv.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from marketsim.analysis.inference.intervals import t_interval
from marketsim.calibration.plans import PLANS
from tests.verification.facts_over_seeds import Job, facts_of_jobs
from tests.verification.results import write_table

PLAN = PLANS["btc-perp"]
SEEDS = range(1, 1 + int(os.environ.get("MARKETSIM_SWITCH_SEEDS", "6")))
MAKERS, PARENTS, NOISE = "traders.makers", "traders.parents", "traders.noise"
SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "nobody rests": {f"{MAKERS}.quoting.rest": None},
    "no widening": {
        f"{MAKERS}.volatility_spread": 0, f"{MAKERS}.quoting.steep": 0, f"{MAKERS}.quoting.thinning": "0%",
    },
    "sizes stay": {f"{MAKERS}.quoting.drift": 0},
    "makers do not learn": {f"{MAKERS}.view.impact": "0.001 bps"},
    "clocks without memory": {f"{NOISE}.clock": None, f"{PARENTS}.clock": None},
    "parents of one child": {f"{PARENTS}.children.number": 1},
    "nobody informed": {f"{PARENTS}.informed": "0%", f"{PARENTS}.error": None, f"{PARENTS}.stop_past": None},
}  # fmt: skip
GOES_BACK = {
    ("nobody rests", "hit_side_after_large_orders"): +1,
    ("no widening", "spread_return_correlation"): -1,
    ("no widening", "depth_variation"): -1,
    ("no widening", "depth_volatility_rank_correlation"): +1,
    ("makers do not learn", "response_1s_over_sigma"): -1,
    ("clocks without memory", "fano_1s"): -1,
    ("clocks without memory", "fano_60s"): -1,
    ("parents of one child", "sign_acf_10"): -1,
}
"""What a switch has to do to a fact, by the sign of off less on.

`sizes stay` and `nobody informed` are measured and show nothing that an interval would not call chance.
"""

Values = Mapping[str, float | None]


@pytest.fixture(scope="module")
def differences() -> dict[tuple[str, str], np.ndarray]:
    """Differences (seeds,) of every fact by switch."""
    worlds = {"on": {}, **SWITCHES}
    jobs = [Job(PLAN, seed, {**PLAN.window, **keys}) for keys in worlds.values() for seed in SEEDS]
    tables = facts_of_jobs(jobs, min(2, os.cpu_count() or 1))
    values: list[Values] = [{row.id: row.value for row in table.rows} for table in tables]
    n, found = len(SEEDS), {}
    for place, name in enumerate(worlds):
        for fact in values[0]:
            pairs = [(values[place * n + i][fact], values[i][fact]) for i in range(n)]
            if place and all(off is not None and on is not None for off, on in pairs):
                found[name, fact] = np.array([off - on for off, on in pairs])  # type: ignore[operator]
    write_table("what_makes_which_fact", [_row(name, fact, each) for (name, fact), each in found.items()])
    return found


def _row(switch: str, fact: str, off_less_on: np.ndarray) -> dict[str, Any]:
    ends = t_interval(off_less_on.mean(), (off_less_on.sum() - off_less_on) / (len(off_less_on) - 1))
    return {
        "switch": switch, "fact": fact, "off_less_on": float(off_less_on.mean()), "lo": ends.lo, "hi": ends.hi,
        "seeds": len(off_less_on),
    }  # fmt: skip


@pytest.mark.parametrize(("switch", "fact"), sorted(GOES_BACK))
def test_a_fact_goes_back_without_what_makes_it(
    switch: str, fact: str, differences: dict[tuple[str, str], np.ndarray], say: Callable[[str], None]
) -> None:
    row = _row(switch, fact, differences[switch, fact])
    say(f"{switch}: {fact} {row['off_less_on']:+.3g} [{row['lo']:.3g}, {row['hi']:.3g}]")
    nearest = row["lo"] if GOES_BACK[switch, fact] > 0 else -row["hi"]
    assert nearest > 0, "the interval of the difference has 0, or the other sign"
