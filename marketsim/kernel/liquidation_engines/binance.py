"""Liquidation engine `binance`: one order a tier (docs/venues.md#liquidation-engines)."""

import numpy as np

from marketsim.kernel.codes import ACC_NO_TIERS
from marketsim.kernel.layout import tier_at
from marketsim.kernel.margin import tier_of
from marketsim.kernel.records import compiled


@compiled
def binance(w, m, bits, lots):
    """Lots to close so that the position falls one tier; all of it in the lowest tier, or where there are none."""
    size = abs(lots)
    if bits & ACC_NO_TIERS:
        return np.int64(size)
    per_lot = m.mark_ticks * m.atoms
    k = tier_of(m, size * per_lot)
    if k == 0:
        return np.int64(size)
    return np.int64(min(size, size - tier_at(m.tiers, k).floor_atoms // per_lot))
