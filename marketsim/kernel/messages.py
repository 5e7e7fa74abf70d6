"""Messages on their way to a venue: a heap of arrivals by (time, rank, sequence), and the delivery of orders to the books.

Traders' messages have no rank: those of one instant go by sequence. An engine of liquidation, a fund, an agent or a desk has
a rank drawn for each instant (`drawn_rank`), negative or positive, and so comes before or after the traders' messages
of that very nanosecond, and before or after the others who have one; its own messages keep their sequence.
"""

import numpy as np

from marketsim.kernel.codes import F_CANCEL, F_CONTINUE, F_SIDE, SELL
from marketsim.kernel.draw import philox
from marketsim.kernel.layout import heap_at, message_at
from marketsim.kernel.matching import submit
from marketsim.kernel.records import compiled

KEY_SHIFT = 22  # a heap key is sequence << 22 | message record, or
KEY_MASK = (1 << 22) - 1
RANK_SHIFT = 44  # rank << 44 | (sequence modulo 2^22) << 22 | message record
RANK_BITS = 19


@compiled
def heap_before(a_t, a_key, b):
    """Tell whether (time, key) comes before a heap entry."""
    return a_t < b.t_ns or a_t == b.t_ns and a_key < b.key


@compiled
def heap_push(w, t_ns, key):
    """Add a message to the heap of arrivals (ordered by time, then key)."""
    i = np.int64(w.heap_size)
    w.heap_size += 1
    while i > 0:
        parent = (i - 1) >> 1
        above = heap_at(w.heap, parent)
        if not heap_before(t_ns, key, above):
            break
        here = heap_at(w.heap, i)
        here.t_ns = above.t_ns
        here.key = above.key
        i = parent
    here = heap_at(w.heap, i)
    here.t_ns = t_ns
    here.key = key


@compiled
def heap_pop(w):
    """Take the earliest arrival; return its message number."""
    top = heap_at(w.heap, 0)
    message = top.key & KEY_MASK
    w.heap_size -= 1
    n = np.int64(w.heap_size)
    last = heap_at(w.heap, n)
    t_ns = np.int64(last.t_ns)
    key = np.int64(last.key)
    i = np.int64(0)
    while 2 * i + 1 < n:
        child = 2 * i + 1
        if child + 1 < n:
            right = heap_at(w.heap, child + 1)
            if heap_before(right.t_ns, right.key, heap_at(w.heap, child)):
                child += 1
        lower = heap_at(w.heap, child)
        if heap_before(t_ns, key, lower):
            break
        here = heap_at(w.heap, i)
        here.t_ns = lower.t_ns
        here.key = lower.key
        i = child
    here = heap_at(w.heap, i)
    here.t_ns = t_ns
    here.key = key
    return np.int64(message)


@compiled
def drawn_rank(key, t_ns, sender):
    """Where a sender's messages stand among those that arrive at `t_ns`: odd, from -(2^18 - 1) to 2^18 - 1."""
    word, _, _, _ = philox(np.int64(key), t_ns, sender, 0)
    return (word >> (32 - RANK_BITS) | 1) - (1 << (RANK_BITS - 1))


@compiled
def send_message(w, t_ns, position, flags, price, size, slot, purpose, parent, order_id, order):
    """Put a trader's message on its way; it arrives at `t_ns`."""
    send_ranked(w, np.int64(0), t_ns, position, flags, price, size, slot, purpose, parent, order_id, order)


@compiled
def send_ranked(w, rank, t_ns, position, flags, price, size, slot, purpose, parent, order_id, order):
    """Put a message with a rank among those of its instant (0: none) on its way."""
    k = np.int64(w.free_message)
    message = message_at(w.messages, k)
    w.free_message = message.next
    message.price_ticks = price
    message.size_lots = size
    message.order_id = order_id
    message.position = position
    message.bits = flags
    message.purpose = purpose
    message.slot = slot
    message.parent = parent
    message.order = order
    w.message_seq += 1
    key = (w.message_seq << KEY_SHIFT) | k
    if rank != 0:
        key = (rank << RANK_SHIFT) | ((w.message_seq & KEY_MASK) << KEY_SHIFT) | k
    heap_push(w, t_ns, key)


@compiled
def deliver(w, m, position, side, price, size, flags, slot, purpose, parent, order_id):
    """Submit; what a bound on fills left over goes back to the head of this instant."""
    filled = submit(w, m, position, side, price, size, flags & ~(F_SIDE | F_CANCEL), slot, purpose, parent, order_id)
    if w.limited:
        back = flags | F_CONTINUE | (F_SIDE if side == SELL else 0)
        send_message(w, np.int64(w.now_ns), position, back, price, size - filled, slot, purpose, parent, order_id, np.int64(-1))
