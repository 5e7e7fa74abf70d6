"""Levered traders of their own opinion: small margin, high leverage, in with or against the last move, out at a price or in time."""

import numpy as np

from marketsim.kernel.accounts import pay
from marketsim.kernel.codes import E_TOP_UP
from marketsim.kernel.layout import account_at, position_at
from marketsim.kernel.margin import equity_atoms, file_account, requirement_atoms
from marketsim.kernel.records import compiled, load_f8
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, move_to, past_return, words

PARAMETERS = group_parameters(
    ("target", "f8"),  # profit at which it closes, as a multiple of margin; infinite without one
    ("stop", "f8"),  # loss at which it closes, as a multiple of margin; infinite without one
    ("protection", "f8"),  # fraction of the price that an order may reach behind the best
    ("chase_threshold", "i8"),  # of 65,536: below it a trader goes with the last move
    ("long_bias", "i8"),  # of 65,536: added to the probability of buying, whichever way the last move went
    ("lookback_steps", "i8"),  # mark steps of the last move
    ("close_threshold", "i8"),  # of 2^32: a wake-up with a position and a draw below it closes,
    ("open_threshold", "i8"),  # one without a position opens
    ("call_ratio", "f8"),  # margin ratio at which it answers a margin call, 0: never
    ("top_ups", "i8"),  # how often it does so with money; then it closes
    ("reopens", "i8"),  # 1: it brings new money when its margin is lost
    ("margin_table", "i8"),  # of each trader: put at risk at once [tick-lots]
)
OWN = own_numbers(
    ("leverage", "f8"),
    ("topped_up", "i8"),  # times since it opened
)
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@compiled
def bring_in(w, m, account, atoms):
    """Bring money into the account from outside the venue, and look at its margin again."""
    pay(w, E_TOP_UP, np.int64(m.outside_account), account, atoms)
    file_account(w, account)


@compiled
def answers_call(w, m, p, own, account, notional_ticklots):
    """Answer a margin call, if there is one, with what brings the leverage back to its own; return False for one that must close."""
    equity = equity_atoms(w, account)
    if np.float64(requirement_atoms(w, account)) < p.call_ratio * np.float64(equity):
        return True
    due = np.int64(notional_ticklots / own.leverage) * m.atoms - equity
    if own.topped_up >= p.top_ups or due <= 0:
        return False
    own.topped_up += 1
    bring_in(w, m, account, due)
    return True


@rule(PARAMETERS, OWN, tables={"margin_table": "f8"})
def retail(w, g, m, trader, index, wakeup, delay):
    """Open a levered position with or against the last move; hold it to a profit target or a stop, to a margin call, or for a time."""
    p = parameters_of(g)
    own = own_of(trader)
    record = np.int64(trader.position)
    account = np.int64(trader.account)
    position = position_at(w.positions, record)
    margin = load_f8(p.margin_table, index)
    r0, r1, r2, _ = words(g, index, wakeup)
    if position.lots != 0:
        value = np.float64(position.lots) * np.float64(m.mark_ticks)
        paid = np.float64(position.entry_ticklots) if position.lots > 0 else -np.float64(position.entry_ticklots)
        profit = (value - paid) / margin
        closes = profit >= p.target or profit <= -p.stop or r1 < p.close_threshold
        if not closes and p.call_ratio > 0.0:
            closes = not answers_call(w, m, p, own, account, abs(value))
        if closes:
            move_to(w, m, record, delay, np.int64(0), p.protection)
        return
    own.topped_up = 0
    if r2 >= p.open_threshold:
        return
    equity = np.float64(account_at(w.accounts, account).cash_atoms) / np.float64(m.atoms)
    if equity < 0.5 * margin:
        if p.reopens == 0:
            return
        bring_in(w, m, account, np.int64((margin - equity) * np.float64(m.atoms)))
        equity = margin
    rising = past_return(m, np.int64(p.lookback_steps)) > 0.0
    draw = np.int64(r0 & 0xFFFF)
    buys = draw < p.chase_threshold + p.long_bias if rising else draw >= p.chase_threshold - p.long_bias
    size = lots_of(min(equity, margin) * own.leverage, m.index_ticks)
    move_to(w, m, record, delay, size if buys else -size, p.protection)
