"""Mark rule `median`: Binance's (docs/venues.md#mark-price)."""

import numpy as np

from marketsim.kernel.records import compiled


@compiled
def median(w, m):
    """Median of P1 (index carried by the last funding rate), P2 (index + average basis) and the last trade; before that the index."""
    index = np.float64(m.index_ticks)
    if m.last_ticks == 0:
        return index
    left = np.float64(m.funding_next_ns - w.now_ns) / np.float64(m.funding_every_ns)
    p1 = index * (1.0 + m.funding_rate * left)
    p2 = index + 0.5 * np.float64(m.basis_sum) / np.float64(max(m.basis_count, np.int64(1)))
    last = np.float64(m.last_ticks)
    low = min(p1, p2)
    high = max(p1, p2)
    return min(max(last, low), high)
