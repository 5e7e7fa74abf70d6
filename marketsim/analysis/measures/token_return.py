"""What holding a token returned."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, WHOLE_RUN, RatioOfSums, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence
from marketsim.analysis.run_data.token_navs import navs_as_of, units_after_splits
from marketsim.datasets.run import Run


@MEASURES.register
class TokenReturn(RatioOfSums, RunMeasure):
    """Mean return of one unit of a token, at NAV, from the end of the warm-up to the end of the run."""

    name, unit = "token_return", "share"
    if_nothing = "no token had a NAV above zero"

    def terms(self, run: Run) -> list[Term]:
        """One term for each token: its return, splits and merges taken out."""
        require_cadence(run, "tokens", self.name, TEN_MINUTES_NS)
        begin, end = measured_period(run).begin_ns, measured_period(run).end_ns
        navs = navs_as_of(run, (begin, end))
        return [
            Term(WHOLE_RUN, navs[token, end] / navs[token, begin] * units_after_splits(run, token, begin, end) - 1, 1.0)
            for token in sorted({token for token, _ in navs})
            if navs.get((token, begin), 0.0) > 0.0
        ]
