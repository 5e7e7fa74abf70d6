"""Accounts and positions: cash, fills, fees, the flow matrix. Every function moves money, none makes or loses any."""

import numpy as np

from marketsim.kernel.codes import ACC_NO_MARGIN, ACC_OUTSIDE, E_FEE, E_INSURANCE, PERPETUAL, RATE_ONE, SPOT
from marketsim.kernel.layout import account_at, cohort_at, market_at, position_at, spot_of, stake_at
from marketsim.kernel.records import compiled, load_i8, store_i8


@compiled
def share(amount, rate):
    """floor(amount x rate / 1e8), exactly, without leaving int64 (amount split at 1e8)."""
    return (amount // RATE_ONE) * rate + ((amount % RATE_ONE) * rate) // RATE_ONE


@compiled
def share_of(amount, part, whole):
    """floor(amount x part / whole), exactly, without leaving int64 while part x whole stays inside it."""
    return (amount // whole) * part + ((amount % whole) * part) // whole


@compiled
def record_flow(w, entry, from_cohort, to_cohort, atoms):
    """Add to the ledger: `atoms` of kind `entry` went from one cohort to another."""
    i = (entry * w.n_cohorts + from_cohort) * w.n_cohorts + to_cohort
    store_i8(w.flows, i, load_i8(w.flows, i) + atoms)


@compiled
def pay(w, entry, payer, receiver, atoms):
    """Move `atoms` (may be negative) from one account to another and into the ledger."""
    p = account_at(w.accounts, payer)
    r = account_at(w.accounts, receiver)
    p.cash_atoms -= atoms
    r.cash_atoms += atoms
    if p.cohort != r.cohort:
        record_flow(w, entry, np.int64(p.cohort), np.int64(r.cohort), atoms)


@compiled
def close_debt(w, m, account):
    """An account that holds nothing owes nothing: what it lost beyond its money is the insurance fund's."""
    a = account_at(w.accounts, account)
    if a.cash_atoms >= 0 or a.bits & ACC_NO_MARGIN:
        return
    i = np.int64(a.first_position)
    while i >= 0:
        p = position_at(w.positions, i)
        if p.lots != 0 and market_at(w.markets, p.market).kind == PERPETUAL:
            return
        i = np.int64(p.sibling)
    pay(w, E_INSURANCE, np.int64(m.insurance_account), account, -a.cash_atoms)


@compiled
def position_of(w, account, market):
    """Return the account's position record in `market`, or -1."""
    i = np.int64(account_at(w.accounts, account).first_position)
    while i >= 0 and position_at(w.positions, i).market != market:
        i = np.int64(position_at(w.positions, i).sibling)
    return i


@compiled
def accrue(w, m, p):
    """Charge a holding with its share of the fund's management fee and funding up to now (a record, no money moves)."""
    s = stake_at(w.stakes, np.int64(spot_of(p).stake))
    held = np.float64(p.lots)
    s.management_atoms += held * (m.management_per_lot - s.management_seen)
    s.funding_atoms += held * (m.funding_per_lot - s.funding_seen)
    s.management_seen = m.management_per_lot
    s.funding_seen = m.funding_per_lot


@compiled
def record_stake(w, m, p, lots, notional_atoms, fee_atoms):
    """Write a fill of signed lots into the holder's record."""
    if m.kind != SPOT or spot_of(p).stake < 0:
        return
    s = stake_at(w.stakes, np.int64(spot_of(p).stake))
    if lots > 0:
        s.bought_atoms += notional_atoms
    else:
        s.sold_atoms += notional_atoms
    s.fees_atoms += fee_atoms


@compiled
def change_position(w, m, flags, p, lots, price):
    """Add signed `lots` at `price` to position `p`; keep entry value and open interest."""
    old = np.int64(p.lots)
    new = old + lots
    if m.kind == SPOT and spot_of(p).stake >= 0:
        accrue(w, m, p)
    if old == 0 or (old > 0) == (lots > 0):
        p.entry_ticklots += abs(lots) * price
    elif (old > 0) == (new > 0) and new != 0:
        p.entry_ticklots -= share_of(p.entry_ticklots, abs(lots), abs(old))
    else:
        p.entry_ticklots = abs(new) * price
    p.lots = new
    if m.kind == PERPETUAL and not flags & ACC_OUTSIDE:
        m.open_interest += max(new, np.int64(0)) - max(old, np.int64(0))


@compiled
def trade_cash(w, m, entry, buyer, seller, lots, price):
    """Move the cash of `lots` at `price` from buyer to seller account."""
    pay(w, entry, buyer, seller, lots * price * m.atoms)


@compiled
def fee_rate(w, m, cohort, taker):
    """Fee rate [1e-8] of a cohort in a market: its own, else the market's."""
    c = cohort_at(w.cohorts, cohort)
    if c.own_fees:
        return np.int64(c.taker_fee if taker else c.maker_fee)
    return np.int64(m.taker_fee if taker else m.maker_fee)


@compiled
def dearest_rate(w, m, cohort):
    """The dearer of a cohort's two fee rates in a market, at least 0 [1e-8]: a bid may take or rest."""
    return max(np.int64(0), fee_rate(w, m, cohort, True), fee_rate(w, m, cohort, False))


@compiled
def charge_fee(w, m, account, notional_atoms, rate):
    """Charge floor(notional x rate) to an account, for the venue; return it."""
    fee = share(notional_atoms, rate)
    if fee != 0:
        a = account_at(w.accounts, account)
        v = account_at(w.accounts, m.venue_account)
        a.cash_atoms -= fee
        a.fees_atoms += fee
        v.cash_atoms += fee
        record_flow(w, E_FEE, np.int64(a.cohort), np.int64(v.cohort), fee)
    return fee
