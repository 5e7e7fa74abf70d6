"""What arrives: the earliest message, handed to the book or, where it is a step of a parent order, to its trader."""

import numpy as np

from marketsim.kernel.codes import BUY, F_CANCEL, F_ENGINE, F_REQUOTE, F_SIDE, F_STEP, SELL
from marketsim.kernel.decisions import go_on
from marketsim.kernel.layout import heap_at, market_at, message_at, position_at, step_of
from marketsim.kernel.liquidation import receive_engine_order
from marketsim.kernel.matching import cancel_message
from marketsim.kernel.messages import KEY_MASK, deliver, heap_pop
from marketsim.kernel.quoting import receive_quotes
from marketsim.kernel.records import compiled


@compiled
def brings_liquidation(w):
    """True if the earliest message is an order of a liquidation engine for an account that waits for it."""
    return message_at(w.messages, heap_at(w.heap, 0).key & KEY_MASK).bits & F_ENGINE != 0


@compiled
def receive_message(w):
    """Let the earliest message reach its book."""
    k = heap_pop(w)
    message = message_at(w.messages, k)
    flags = np.int64(message.bits)
    if flags & F_STEP:
        go_on(w, step_of(message))
        message.next = w.free_message
        w.free_message = k
        return
    position = np.int64(message.position)
    price = np.int64(message.price_ticks)
    size = np.int64(message.size_lots)
    order_id = np.int64(message.order_id)
    slot = np.int64(message.slot)
    purpose = np.int64(message.purpose)
    parent = np.int64(message.parent)
    order = np.int64(message.order)
    message.next = w.free_message
    w.free_message = k
    m = market_at(w.markets, position_at(w.positions, position).market)
    w.touched = m.id
    if flags & F_REQUOTE:
        receive_quotes(w, m, order, flags)
        return
    if flags & F_CANCEL:
        cancel_message(w, order, order_id, np.int64(position_at(w.positions, position).account))
        return
    side = SELL if flags & F_SIDE else BUY
    if flags & F_ENGINE:
        receive_engine_order(w, m, position, side, price, size, order_id)
        return
    deliver(w, m, position, side, price, size, flags, slot, purpose, parent, order_id)
