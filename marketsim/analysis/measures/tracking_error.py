"""The tracking error of tokens: how far their daily returns miss the multiple of the index that they promise."""

from __future__ import annotations

from marketsim.analysis.measures.family import MEASURES, RootOfRatio, RunMeasure, Term
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.recording import TEN_MINUTES_NS, require_cadence
from marketsim.analysis.run_data.token_navs import index_prices_as_of, navs_as_of, units_after_splits
from marketsim.datasets.run import Run


@MEASURES.register
class TrackingError(RootOfRatio, RunMeasure):
    """Root mean square, over tokens and UTC days, of the NAV's return less target leverage x the index's return.

    A basket promises the sum of target x return over its legs. Splits and merges are taken out of NAV.
    """

    name, unit = "tracking_error", "bps"
    if_nothing = "no token had a NAV above zero at the start of a day"
    scale = 1e4

    def terms(self, run: Run) -> list[Term]:
        """One term for each token and UTC day; none for a token with nothing left when the day began."""
        for table in ("tokens", "marks"):
            require_cadence(run, table, self.name, TEN_MINUTES_NS)
        days = measured_period(run).days()
        cuts = sorted({cut for _, begin, end in days for cut in (begin, end)})
        navs, index = navs_as_of(run, cuts), index_prices_as_of(run, cuts)
        targets = _target_leverages(run)
        found = []
        for day, begin, end in days:
            for token, basket in targets.items():
                before, after = navs.get((token, begin)), navs.get((token, end))
                if before is None or after is None or before <= 0.0:
                    continue
                earned = after / before * units_after_splits(run, token, begin, end) - 1.0
                promised = sum(L * (index[m, end] / index[m, begin] - 1.0) for m, L in basket)
                found.append(Term(day, (earned - promised) ** 2, 1.0))
        return found


def _target_leverages(run: Run) -> dict[str, list[tuple[str, float]]]:
    """The legs of each token: market, signed target leverage."""
    legs = run.table("token_legs").unique(["token", "market"], keep="first", maintain_order=True)
    targets: dict[str, list[tuple[str, float]]] = {}
    for token, market, target in legs.select("token", "market", "target_leverage").iter_rows():
        targets.setdefault(token, []).append((market, target))
    return targets
