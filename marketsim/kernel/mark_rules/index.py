"""Mark rule `index`."""

import numpy as np

from marketsim.kernel.records import compiled


@compiled
def index(w, m):
    """The index itself."""
    return np.float64(m.index_ticks)
