"""The orders ratio: what funds traded in a reset over what the baseline's move called for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from marketsim.analysis.measures.family import MEASURES, PairMeasure, RatioOfSums, Term, unread
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.reset_demand import demand_at
from marketsim.analysis.run_data.reset_moves import Move, move_before
from marketsim.datasets.resets import MarketReset
from marketsim.datasets.run import Run


@MEASURES.register
class OrdersRatio(RatioOfSums, PairMeasure):
    """What funds traded in resets over K r, what their targets called for after the baseline's move since the last.

    Both at the baseline's price at the decision. 1 where orders are sized once and all is filled; A_n where each of n
    children is sized anew and answers the push of those before it (docs/theory.md#each-child-sized-anew). It needs no
    lambda.
    """

    name, unit = "orders_ratio", "ratio"
    if_nothing = "no reset sent an order to a market after a move"
    window = "in the resets"
    no_effect = None

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """One term for each reset: its fills at the baseline's price, over K r, both to the side of its order."""
        return list(self._terms(arm, versus, resets or arm))

    def _terms(self, arm: Run, versus: Run, resets: Run) -> Iterator[Term]:
        period, lots = measured_period(resets), dict(resets.table("instruments").select("market", "lot").iter_rows())
        moves = {(r.market, r.decide_ns): move_before(r, resets, versus) for r in measured_resets(resets)}
        own = {(r.market, r.decide_ns): r.filled_lots for r in measured_resets(arm)}
        for reset in measured_resets(resets):
            day, move = period.day_of(reset.decide_ns), moves[reset.market, reset.decide_ns]
            wanted = _called_for(reset, resets, moves)
            if not wanted or move is None:
                yield unread(day, reset.market)
            else:
                filled = own.get((reset.market, reset.decide_ns), 0)
                traded = filled * lots[reset.market] * move.price * (1 + move.r)
                yield Term(day, reset.sign * traded, reset.sign * wanted, reset.market)


def _called_for(reset: MarketReset, run: Run, moves: Mapping[tuple[str, int], Move | None]) -> float | None:
    """K r of a reset's market: what the moves of all markets of its instant call for [currency]."""
    total = 0.0
    for (market, moved), k in demand_at(run, reset.decide_ns).items():
        if market == reset.market and k:
            move = moves.get((moved, reset.decide_ns))
            if move is None:
                return None
            total += k * move.r
    return total
