"""Levered retail traders: small margin, high leverage, mostly with the last move, out at a target or a stop."""

import numpy as np

from marketsim.kernel.layout import account_at, position_at
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, move_to, past_return, words

PARAMETERS = group_parameters(
    ("margin_ticklots", "f8"),  # put at risk at once
    ("target", "f8"),  # profit at which it closes, as a multiple of margin
    ("stop", "f8"),  # loss at which it closes, as a multiple of margin
    ("protection", "f8"),  # fraction of the price that an order may reach behind the best
    ("chase_threshold", "i8"),  # of 65,536: below it a trader goes with the last move
    ("long_bias", "i8"),  # of 65,536: added to the probability of buying, whichever way the last move went
    ("lookback_steps", "i8"),  # mark steps of the last move
)
OWN = own_numbers(("leverage", "f8"))
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@rule(PARAMETERS, OWN)
def retail(w, g, m, trader, index, wakeup, delay):
    """Open a levered position with or against the last move; hold it to a profit target or a stop."""
    p = parameters_of(g)
    record = np.int64(trader.position)
    position = position_at(w.positions, record)
    if position.lots != 0:
        value = np.float64(position.lots) * np.float64(m.mark_ticks)
        paid = np.float64(position.entry_ticklots) if position.lots > 0 else -np.float64(position.entry_ticklots)
        profit = (value - paid) / p.margin_ticklots
        if profit >= p.target or profit <= -p.stop:
            move_to(w, m, record, delay, np.int64(0), p.protection)
        return
    equity = np.float64(account_at(w.accounts, trader.account).cash_atoms) / np.float64(m.atoms)
    if equity < 0.5 * p.margin_ticklots:
        return
    r0, _, _, _ = words(g, index, wakeup)
    rising = past_return(m, np.int64(p.lookback_steps)) > 0.0
    draw = np.int64(r0 & 0xFFFF)
    buys = draw < p.chase_threshold + p.long_bias if rising else draw >= p.chase_threshold - p.long_bias
    size = lots_of(min(equity, p.margin_ticklots) * own_of(trader).leverage, m.index_ticks)
    move_to(w, m, record, delay, size if buys else -size, p.protection)
