"""Deleveraging rule `bitmex`: by profit and effective leverage (docs/venues.md#deleveraging)."""

import numpy as np

from marketsim.kernel.margin import equity_atoms
from marketsim.kernel.records import compiled


@compiled
def bitmex(w, m, p):
    """Profit share x effective leverage for winners, profit share / leverage for losers."""
    lots = np.float64(p.lots)
    mark_value = lots * np.float64(m.mark_ticks)
    entry_value = np.float64(p.entry_ticklots) if p.lots > 0 else -np.float64(p.entry_ticklots)
    if entry_value == 0.0:
        return 0.0
    profit = (mark_value - entry_value) / abs(entry_value)
    equity = np.float64(equity_atoms(w, np.int64(p.account))) / np.float64(m.atoms)
    leverage = abs(mark_value) / equity if equity > 0.0 else 1e9
    return profit * leverage if profit > 0.0 else profit / leverage
