"""Mark rule `last`."""

import numpy as np

from marketsim.kernel.records import compiled


@compiled
def last(w, m):
    """The price of the last trade; the index until there is one."""
    return np.float64(m.last_ticks if m.last_ticks > 0 else m.index_ticks)
