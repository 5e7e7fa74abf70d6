"""Trend followers and contrarians: a position with, or against, the return over an own look-back."""

import numpy as np

from marketsim.kernel.layout import position_at
from marketsim.kernel.records import load_f8
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, move_to, past_return, words

PARAMETERS = group_parameters(
    ("direction", "f8"),  # +1 with the move, -1 against it
    ("exit_share", "f8"),  # of the entry threshold: a return inside it closes
    ("size_ticklots", "f8"),  # of a position, as a notional
    ("size_table", "i8"),  # 4,096 quantiles [tick-lots] of which each entry draws one; 0: all have one size
    ("protection", "f8"),  # fraction of the price that an order may reach behind the best
)
OWN = own_numbers(
    ("entry", "f8"),  # return beyond which it enters
    ("lookback_steps", "i8"),  # mark steps
)
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@rule(PARAMETERS, OWN, tables={"size_table": "f8"}, may_lack=("size_table",))
def trend(w, g, m, trader, index, wakeup, delay):
    """Follow the return over an own look-back: long above, short below, flat inside."""
    p = parameters_of(g)
    own = own_of(trader)
    position = np.int64(trader.position)
    change = past_return(m, np.int64(own.lookback_steps))
    ticklots = np.float64(p.size_ticklots)
    if p.size_table != 0:
        r0, _, _, _ = words(g, index, wakeup)
        ticklots = load_f8(p.size_table, r0 >> 20)
    size = lots_of(ticklots, m.index_ticks)
    held = np.int64(position_at(w.positions, position).lots)
    if change > own.entry:
        target = size if p.direction > 0.0 else -size
    elif change < -own.entry:
        target = -size if p.direction > 0.0 else size
    elif abs(change) < own.entry * p.exit_share:
        target = np.int64(0)
    else:
        return
    # A position in the wanted direction is kept as it is; only a change of mind trades.
    if target != 0 and (target > 0) == (held > 0) and held != 0:
        return
    if target != held:
        move_to(w, m, position, delay, target, p.protection)
