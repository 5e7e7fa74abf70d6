"""The part of a run that is measured: from the end of its warm-up, or from its fork, to its end, split by UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from marketsim.analysis.run_data.recording import KEPT_RUNS
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY, duration_ns, instant_ns


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """Start of the clock [ns since 1970], and the first and last instant that are measured [ns since that start].

    event_ns: the event that a forked run is about (docs/contract.md#forks-and-probes); None for a whole run.
    """

    start_ns: int
    begin_ns: int
    end_ns: int
    event_ns: int | None = None

    def day_of(self, t_ns: int) -> int:
        """Number of the UTC day an instant falls on; the run's first day is 0."""
        return (self.start_ns + t_ns) // NS_PER_DAY - self.start_ns // NS_PER_DAY

    def days(self) -> list[tuple[int, int, int]]:
        """Each UTC day of the period as (number, begin, end) [ns]; the first and last may be partial days."""
        midnight = NS_PER_DAY - self.start_ns % NS_PER_DAY
        cuts = [self.begin_ns, *range(midnight, self.end_ns, NS_PER_DAY), self.end_ns]
        cuts = [cut for cut in cuts if cut >= self.begin_ns]
        return [(self.day_of(a), a, b) for a, b in pairwise(cuts) if a < b]


@lru_cache(maxsize=KEPT_RUNS)
def measured_period(run: Run) -> MeasuredPeriod:
    """The measured period of a run; a failed run is measured as far as it got, a fork from where it begins."""
    clock, fork = run.resolved["clock"], run.manifest.get("fork")
    start_ns, begin_ns = instant_ns(clock["start"]), duration_ns(clock["warmup"])
    if fork is None:
        return MeasuredPeriod(start_ns, begin_ns, min(duration_ns(clock["duration"]), run.manifest["simulated_ns"]))
    end_ns = min(fork["until_ns"], fork["from_ns"] + run.manifest["simulated_ns"])
    return MeasuredPeriod(start_ns, max(begin_ns, fork["from_ns"]), end_ns, fork["at_ns"])
