"""The volatility of the market against that of the counterfactual."""

from __future__ import annotations

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.measures.family import MEASURES, PairMeasure, RootOfRatio, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import MINUTE_NS, mids_of
from marketsim.analysis.run_data.recording import underlying_markets
from marketsim.datasets.run import Run

RETURN_NS = 5 * MINUTE_NS
"""Realised variance is of 5-minute returns: finer ones measure the spread (Liu, Patton and Sheppard 2015)."""


@MEASURES.register
class Volatility(RootOfRatio, PairMeasure):
    """Volatility relative to the counterfactual: sqrt(sum RV_f / sum RV_c), RV of 5-minute returns of the mid.

    RV is realised variance, the sum of squared returns (docs/contract.md#measures), over all markets of
    underlyings.
    """

    name, unit = "volatility", "ratio"
    if_nothing = "the mid never moved in the counterfactual"
    no_effect = 1.0

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each market and UTC day: both runs' realised variances."""
        period, terms = measured_period(arm), []
        ends = np.arange(period.begin_ns, period.end_ns + 1, RETURN_NS)
        days = np.array([period.day_of(int(t) - 1) for t in ends[1:]])
        for market in underlying_markets(arm):
            f, c = (_squared_returns(run, market, ends, self.name) for run in (arm, versus))
            known = np.isfinite(f) & np.isfinite(c)
            for day in np.unique(days[known]):
                chosen = known & (days == day)
                terms.append(Term(int(day), float(f[chosen].sum()), float(c[chosen].sum()), market))
        return terms


def _squared_returns(run: Run, market: str, ends: Integers, what_for: str) -> Floats:
    mids = mids_of(run).require(what_for, RETURN_NS // 5)
    squared: Floats = np.diff(np.log(mids.at(market, ends))) ** 2
    return squared
