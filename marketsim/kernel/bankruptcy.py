"""Bankruptcy: at which price an account is worth nothing, and who takes over there what the book has not taken.

The insurance fund first (docs/venues.md#insurance-funds); what it cannot bear is closed against the best-ranked opposite
positions, then against the fund's own, in the last resort against `outside` (docs/venues.md#deleveraging). So a
liquidation always ends, and money never leaves the accounts.
"""

import numpy as np

from marketsim.kernel.accounts import change_position, close_debt, pay, position_of, trade_cash
from marketsim.kernel.codes import (
    ACC_WATCHED,
    E_DELEVERAGING,
    E_INSURANCE,
    E_ROUNDING,
    MAX_FILLS,
    N_LIQUIDATION,
    R_NONE,
)
from marketsim.kernel.layout import account_at, deleveraging_log_at, position_at
from marketsim.kernel.logs import post_notice
from marketsim.kernel.margin import equity_atoms, file_account
from marketsim.kernel.ranking import next_in_line
from marketsim.kernel.records import compiled

NO_TAKEOVER = -4_611_686_018_427_387_904


@compiled
def bankruptcy_price(w, m, victim, p):
    """Price at which the account's equity is zero, other positions at their marks [ticks, a fraction]."""
    per_tick = np.float64(p.lots) * np.float64(m.atoms)
    return np.float64(m.mark_ticks) - np.float64(equity_atoms(w, victim)) / per_tick


@compiled
def bankruptcy_ticks(w, m, victim, p):
    """Bankruptcy price rounded so that the account is left with no debt, at least one tick."""
    cushion = equity_atoms(w, victim) // (abs(np.int64(p.lots)) * m.atoms)
    ticks = m.mark_ticks - cushion if p.lots > 0 else m.mark_ticks + cushion
    return max(np.int64(1), min(ticks, np.int64(1) << 40))


@compiled
def take_over(w, m, victim, position):
    """Let the insurance fund take a bankrupt position at its bankruptcy price; return what it gained at the mark, or NO_TAKEOVER.

    The fund must keep its equity above zero and its notional within its equity (Binance: at most 100 % of the fund).
    """
    fund = np.int64(m.insurance_account)
    p = position_at(w.positions, position)
    if fund_position(w, m) < 0:
        return NO_TAKEOVER
    held = position_at(w.positions, fund_position(w, m))
    lots = np.int64(p.lots)
    price = bankruptcy_ticks(w, m, victim, p)
    gain = lots * (m.mark_ticks - price) * m.atoms
    equity = equity_atoms(w, fund) + gain
    if equity <= 0 or abs(held.lots + lots) * m.mark_ticks * m.atoms > equity:
        return NO_TAKEOVER
    if lots > 0:
        trade_cash(w, m, E_INSURANCE, fund, victim, lots, price)
    else:
        trade_cash(w, m, E_INSURANCE, victim, fund, -lots, price)
    change_position(w, m, np.int64(account_at(w.accounts, victim).bits), p, -lots, price)
    change_position(w, m, np.int64(account_at(w.accounts, fund).bits), held, lots, price)
    return gain


@compiled
def fund_position(w, m):
    """Record of the insurance fund's position in the market, or -1."""
    return position_of(w, np.int64(m.insurance_account), m.id)


@compiled
def deleverage(w, m, victim, position):
    """Close the rest of a bankrupt position against the best-ranked opposite ones at the bankruptcy price; return the lots.

    At most MAX_FILLS counterparts a pass. The price is rounded in the victim's favour, so that it ends without debt;
    less than a tick a lot stays with it, but where `outside` had to close the last of it nothing does.
    """
    p = position_at(w.positions, position)
    a = account_at(w.accounts, victim)
    sign = np.int64(1) if p.lots > 0 else np.int64(-1)
    price = bankruptcy_ticks(w, m, victim, p)
    closed = np.int64(0)
    rank = np.int64(0)
    other = np.int64(-1)
    while p.lots != 0 and rank < MAX_FILLS:
        i = next_in_line(w, m, -sign)
        q = position_at(w.positions, i)
        other = np.int64(q.account)
        b = account_at(w.accounts, other)
        lots = min(abs(np.int64(p.lots)), abs(np.int64(q.lots)))
        if sign > 0:
            trade_cash(w, m, E_DELEVERAGING, other, victim, lots, price)
        else:
            trade_cash(w, m, E_DELEVERAGING, victim, other, lots, price)
        change_position(w, m, np.int64(a.bits), p, -sign * lots, price)
        change_position(w, m, np.int64(b.bits), q, sign * lots, price)
        file_account(w, other)
        close_debt(w, m, other)
        closed += lots
        row = deleveraging_log_at(w.deleveraging_log, w.deleveragings_n)
        row.t_ns = w.now_ns
        row.market = m.id
        row.account = other
        row.size_lots = sign * lots
        row.price_ticks = price
        row.rank = rank
        row.cascade = m.cascade
        w.deleveragings_n += 1
        w.deleveraging_count += 1
        rank += 1
        if b.bits & ACC_WATCHED:
            post_notice(w, N_LIQUIDATION, other, np.int64(m.id), np.int64(-1), sign * lots, price, np.int64(0), np.int64(0), R_NONE, victim)  # fmt: skip
    if p.lots == 0 and other == m.outside_account:
        leave_nothing(w, m, victim)
    return closed


@compiled
def leave_nothing(w, m, victim):
    """Bring an account that `outside` closed to an equity of exactly 0: what a tick leaves is `rounding`'s.

    Where the bankruptcy price lies beyond every price, `outside` bears what one tick does not.
    """
    left = equity_atoms(w, victim)
    if left >= 0:
        pay(w, E_ROUNDING, victim, np.int64(m.rounding_account), left)
    else:
        pay(w, E_DELEVERAGING, np.int64(m.outside_account), victim, -left)
