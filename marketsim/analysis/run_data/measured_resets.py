"""The resets of a run that are measured: after the warm-up, in a fork the one it is about; and how long after each.

One reset is what all tokens decided at one instant in one market (`datasets.resets`).
"""

from __future__ import annotations

from functools import lru_cache

from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import MINUTE_NS
from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run

LONGEST_AFTER_NS = 240 * MINUTE_NS
"""The longest H: four hours."""


@lru_cache(maxsize=KEPT_RUNS)
def measured_resets(run: Run) -> tuple[MarketReset, ...]:
    """The resets of a run that want something, by market and time."""
    period = measured_period(run)
    return tuple(
        reset
        for reset in resets_of(run)
        if reset.sign and reset.decide_ns >= period.begin_ns and period.event_ns in (None, reset.decide_ns)
    )


def after_ns(reset: MarketReset, last_ns: int) -> int:
    """H [ns] of a reset whose last fill was at `last_ns`: four hours, or half the gap to the next of its tokens'."""
    if reset.next_ns is None:
        return LONGEST_AFTER_NS
    return max(0, min(LONGEST_AFTER_NS, (reset.next_ns - last_ns) // 2))
