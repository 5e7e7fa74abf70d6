"""Impact of metaorders by antithetic pairs: two runs of one seed whose only difference is the sign of every order.

One order a run: an earlier one leaves value traders with positions that soften an opposite order for hours. With M+
the mid of the run in which the order buys and M- that of the run in which it sells, its impact is ln(M+ / M-) / 2.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marketsim as ms
from marketsim.clock import Phase

S = 10**9
START_S = 5_400
OVER_S = 300
SLICE_S = 10
AFTER_S = (0, 60, 300, 600, 900, 1_500, 3_180)
"""Times after the end of an order at which its impact is read."""

Floats = NDArray[np.float64]


class Metaorder(ms.Agent):
    """Sends one order in equal market slices; what a slice could not fill is added to the next."""

    def __init__(self, model: ms.MarketModel, lots: int) -> None:
        self.lots = lots
        self.filled = 0
        super().__init__(model, capital="10 GUSDT", name="metaorder")

    def process(self) -> Generator[Any, Any, None]:
        slices = OVER_S // SLICE_S
        market = self.model.scenario.markets[0].id
        for i in range(slices):
            yield self.env.at((START_S + i * SLICE_S) * S)
            wanted = abs(self.lots) * (i + 1) // slices - self.filled
            order = self.send_lots(market, wanted if self.lots > 0 else -wanted, type="market")
            yield order.done
            self.filled += abs(order.filled_lots)


@dataclass(frozen=True)
class Pairs:
    """Impacts of one size: rows are pairs, columns the times `AFTER_S`, shape (pairs, times) [log price]."""

    size_share: float
    impact: Floats
    filled_share: float

    def mean_bp(self) -> Floats:
        """Mean impact at each time [bp]."""
        return np.asarray(self.impact.mean(axis=0) * 1e4)

    def error_bp(self) -> Floats:
        """Standard error of that mean, over pairs [bp]."""
        return np.asarray(self.impact.std(axis=0, ddof=1) / np.sqrt(len(self.impact)) * 1e4)


def run_side(scenario: str, seed: int, lots: int, changes: Mapping[str, str]) -> tuple[Floats, float]:
    """Log mids of one run at `AFTER_S`, shape (times,), and the share of the order that was filled."""
    end_s = START_S + OVER_S + AFTER_S[-1] + 1
    short = {"record.trades": "none", "clock.duration": f"{end_s}s"}
    model = ms.MarketModel(scenario, seed=seed, set={**short, **changes})
    try:
        agent = Metaorder(model, lots)
        seen = []
        for after in AFTER_S:
            model.env.run(model.env.at((START_S + OVER_S + after) * S - 1, Phase.RECORD))
            seen.append(model.view.mid(model.scenario.markets[0].id) or np.nan)
        return np.log(np.array(seen)), agent.filled / max(1, abs(lots))
    finally:
        model.close()


def measure(
    scenario: str, seeds: Sequence[int], share: float, daily_lots: float, changes: Mapping[str, str] | None = None
) -> Pairs:
    """Antithetic pairs of orders of `share` of the daily volume, one pair a seed."""
    lots = round(share * daily_lots)
    impacts, filled = [], []
    for seed in seeds:
        plus, bought = run_side(scenario, seed, lots, changes or {})
        minus, sold = run_side(scenario, seed, -lots, changes or {})
        impacts.append(0.5 * (plus - minus))
        filled += [bought, sold]
    return Pairs(share, np.array(impacts), float(np.mean(filled)))


def exponent(shares: Floats, impacts: Floats) -> float:
    """Slope of log impact on log size."""
    return float(np.polyfit(np.log(shares), np.log(impacts), 1)[0])


def y_ratio(impact_bp: float, share: float, daily_volatility_bp: float) -> float:
    """Y of the square-root law: impact / (daily volatility x sqrt(Q / V)) (Torre 1997; Toth et al. 2011, PRX 1)."""
    return impact_bp / (daily_volatility_bp * float(np.sqrt(share)))
