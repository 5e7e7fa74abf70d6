"""What of a run is measured: from the end of its warm-up, or its fork, to its last instant, day by day of UTC."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.units import NS_PER_DAY, duration_ns, instant_ns

KEPT_RUNS = 8  # a pair and those of a neighbouring cell: what is read once serves every measure


@dataclass(frozen=True, slots=True)
class Span:
    """Start of the clock [ns since 1970], and first and last instant that are measured [ns from that start].

    event_ns: what a forked run is about (CONTRACT section 6: `fork`); None of a whole run.
    """

    start_ns: int
    begin_ns: int
    end_ns: int
    event_ns: int | None = None

    def day_of(self, t_ns: int) -> int:
        """Number of the UTC day an instant lies in; the run's first day is 0."""
        return (self.start_ns + t_ns) // NS_PER_DAY - self.start_ns // NS_PER_DAY

    def days(self) -> list[tuple[int, int, int]]:
        """Each UTC day of what is measured as (number, begin, end) [ns], cut to it."""
        midnight = NS_PER_DAY - self.start_ns % NS_PER_DAY
        cuts = [self.begin_ns, *range(midnight, self.end_ns, NS_PER_DAY), self.end_ns]
        cuts = [cut for cut in cuts if cut >= self.begin_ns]
        return [(self.day_of(a), a, b) for a, b in pairwise(cuts) if a < b]


@lru_cache(maxsize=KEPT_RUNS)
def resolved_of(run: Run) -> dict[str, Any]:
    """The resolved scenario of a run, as it is stored."""
    return dict(json.loads((run.path / "resolved.json").read_text(encoding="utf-8")))


@lru_cache(maxsize=KEPT_RUNS)
def span_of(run: Run) -> Span:
    """What of a run is measured; a run that failed is measured as far as it came, a fork from where it begins."""
    clock, fork = resolved_of(run)["clock"], run.manifest.get("fork")
    start_ns, begin_ns = instant_ns(clock["start"]), duration_ns(clock["warmup"])
    if fork is None:
        return Span(start_ns, begin_ns, min(duration_ns(clock["duration"]), run.manifest["simulated_ns"]))
    end_ns = min(fork["until_ns"], fork["from_ns"] + run.manifest["simulated_ns"])
    return Span(start_ns, max(begin_ns, fork["from_ns"]), end_ns, fork["at_ns"])


def cadence_ns(run: Run, table: str) -> int | None:
    """How often a table was written [ns]; 0 at every change, None not at all."""
    told = resolved_of(run)["record"][table]
    return None if told in (None, "none") else 0 if told == "change" else duration_ns(told)


def require_cadence(run: Run, table: str, what_for: str, coarsest_ns: int) -> None:
    """Raise `ResultError` where a table was not written at least every `coarsest_ns`."""
    every = cadence_ns(run, table)
    if every is None or every > coarsest_ns:
        was = resolved_of(run)["record"][table] or "none"
        raise ResultError(
            f"{run.path}: {what_for} needs table {table} at least every {coarsest_ns // 10**9} s; record.{table} was "
            f"{was}; set it and run again"
        )


def require_trades(run: Run, what_for: str) -> None:
    """Raise `ResultError` where trades were not recorded."""
    if resolved_of(run)["record"]["trades"] != "all":
        raise ResultError(f"{run.path}: {what_for} needs every trade; record.trades was none; set it to all")


def own_markets(run: Run) -> list[str]:
    """The markets that are no token's own: where tokens hold their legs, and what is hedged there."""
    tokens = {token["id"] for token in resolved_of(run).get("tokens", [])}
    return [market for market in run.table("instruments")["market"].to_list() if market not in tokens]
