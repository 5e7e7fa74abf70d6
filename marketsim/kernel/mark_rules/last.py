"""Mark rule `last`."""

import numpy as np

from marketsim.kernel.records import compiled


@compiled
def last(w, m):
    """The price of the last trade."""
    return np.float64(m.last_ticks)
