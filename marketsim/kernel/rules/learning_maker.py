"""Market makers that learn from the flow: their clock makes them look without a reason; all else is `kernel.quoting`."""

import numpy as np

from marketsim.kernel.maker_layout import maker_at, view_at
from marketsim.kernel.quoting import OWN, PARAMETERS, TABLES, look, parameters_of
from marketsim.kernel.rule import rule


@rule(PARAMETERS, OWN, tables=TABLES)
def learning_maker(w, g, m, trader, index, wakeup, delay):
    """Look again; the quotes follow after the maker's own latency."""
    k = np.int64(g.first_maker + index)
    w.sent += 1
    look(w, view_at(w.views, m.id), parameters_of(g), k, maker_at(w.makers, k))
