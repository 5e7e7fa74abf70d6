"""Mark rule `mid`."""

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.records import compiled


@compiled
def mid(w, m):
    """The middle of the best bid and ask."""
    return np.float64(twice_mid(m)) * 0.5
