"""Whether an order may stand: its size and price, a halt, margin, and what a spot market asks beyond."""

import numpy as np

from marketsim.kernel.codes import (
    ACC_NO_MARGIN,
    BUY,
    F_CONTINUE,
    F_MARKET,
    F_NO_MARGIN,
    R_BAND,
    R_FUNDS,
    R_HALTED,
    R_HOLDING,
    R_LIQUIDATION,
    R_MARGIN,
    R_NONE,
    R_PRICE,
    R_SIZE,
    S_QUEUED,
    SPOT,
)
from marketsim.kernel.layout import account_at
from marketsim.kernel.margin import can_afford, can_pay
from marketsim.kernel.records import compiled

MAX_PRICE = 1 << 40
MAX_LOTS = 1 << 40  # of one order


@compiled
def spot_admission(w, m, p, side, price, reference, size, flags):
    """What a spot market asks of an order beyond the common: a price near the index, room below the holding cap, cover.

    price: its limit; reference: what it is valued at.
    """
    if m.price_band > 0.0 and not flags & F_MARKET:
        away = abs(np.float64(price) - np.float64(m.index_ticks))
        if away > m.price_band * np.float64(m.index_ticks):
            return R_BAND
    if side == BUY and m.holding_cap > 0 and p.lots + p.open_buy + size > m.holding_cap:
        if not account_at(w.accounts, p.account).bits & ACC_NO_MARGIN:
            return R_HOLDING
    if not can_pay(w, m, p, 1 if side == BUY else -1, size, reference):
        return R_FUNDS
    return R_NONE


@compiled
def admission(w, m, p, side, price, size, flags):
    """Reason why an order cannot stand, or R_NONE."""
    if size <= 0 or size > MAX_LOTS:
        return R_SIZE
    if price < 1 or price > MAX_PRICE:
        return R_PRICE
    if m.halted:
        return R_HALTED
    if flags & F_NO_MARGIN:
        return R_NONE
    if account_at(w.accounts, p.account).state == S_QUEUED:
        return R_LIQUIDATION
    if flags & F_CONTINUE and m.kind != SPOT:
        return R_NONE  # the whole order was admitted; in a spot market its cover is needed, and may be gone
    # A buy is valued at its limit, a sell at the mark if that is higher, a market order at the mark.
    reference = np.int64(m.mark_ticks)
    if not flags & F_MARKET and (side == BUY or price > reference):
        reference = price
    if m.kind == SPOT:
        return spot_admission(w, m, p, side, price, reference, size, flags)
    if not can_afford(w, m, p, 1 if side == BUY else -1, size, reference):
        return R_MARGIN
    return R_NONE
