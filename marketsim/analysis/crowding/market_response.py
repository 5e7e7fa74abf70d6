"""What others trade after a move: liquidations in its direction, and traders who lean against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json import loads

from marketsim.analysis.crowding.probe_impact import Push


@dataclass(frozen=True)
class MarketResponse:
    """What others trade per unit of return [currency]: by liquidation in the move's direction (G), or against it (C).

    r = r0 / (1 - lambda (K + G - C)) (docs/theory.md#liquidations-and-contrarians); lambda from live probes includes
    both already.
    """

    liquidation_density: float | None
    contrarian_liquidity: float | None


def market_response(
    pairs: Sequence[tuple[Push, Push, float]], *, leaning: Iterable[str], money_per_lot: float
) -> MarketResponse:
    """G and C of a market from pairs of probes: least squares of what was traded on the move x.

    pairs: a probe that bought, the one that sold from the same state, and the price of the last reset. leaning: cohorts
    that count in C (traders who are neither makers, who take the other side of anything, nor funds); what liquidations
    traded for them is taken out of it. money_per_lot: at a typical price [currency].
    """
    names, total, by_liquidation, by_others = set(leaning), 0.0, 0.0, 0.0
    for bought, sold, price in pairs:
        x = (bought.change - sold.change) / 2 / price
        total += x * x
        by_liquidation += x * (bought.liquidated - sold.liquidated) / 2
        by_others += x * (_lots(bought, names) - _lots(sold, names)) / 2 * money_per_lot
    if not total:
        return MarketResponse(None, None)
    density = by_liquidation / total
    return MarketResponse(density, density - by_others / total)


def _lots(push: Push, cohorts: set[str]) -> int:
    """Net lots that some cohorts bought since a probe."""
    return sum(lots for name, lots in loads(push.net_change).items() if name in cohorts)
