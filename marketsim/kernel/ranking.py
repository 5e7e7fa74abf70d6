"""Who is deleveraged next: a market's positions ranked once an instant, and looked at again only where something moved.

Both sides of a market are pairing heaps (Fredman, Sedgewick, Sleator and Tarjan 1986, Algorithmica 1:111-129) whose nodes
stand beside the positions: adding is O(1), taking the first O(log n) amortised, where a scan of all positions for each
counterpart would be O(n). The order is total (score, then the lower record), so the heap's shape decides nothing.
Traders come by their rule's rank; after them, by record, those who wait in a liquidation queue themselves and other
ledger accounts; the fund and `outside` stand in no heap and come last. A ranking is good for one instant: marks are the
same throughout its liquidations. Whatever else changes a position or its account files it anew, and `margin.note_moved`
remembers it.
"""

import numpy as np

from marketsim.kernel import deleveraging_rules
from marketsim.kernel.accounts import position_of
from marketsim.kernel.codes import ACC_LEDGER, S_QUEUED, STOP_NO_MARKET_RULE
from marketsim.kernel.dispatch import by_code, functions_of
from marketsim.kernel.layout import account_at, place_at, position_at
from marketsim.kernel.records import compiled

AFTER_ALL_RANKED = -np.inf


@compiled
def no_rank(w, m, p):
    """A market whose deleveraging code stands for nothing stops the run."""
    w.stop = STOP_NO_MARKET_RULE
    w.stop_argument = m.id
    return 0.0


rank = by_code(
    "m.deleveraging_rule",
    deleveraging_rules.CODES,
    functions_of("marketsim.kernel.deleveraging_rules", deleveraging_rules.CODES),
    no_rank,
    "w, m, p",
)


@compiled
def comes_first(w, i, j):
    """True if position record `i` is deleveraged before `j`: the higher score, the lower record among equals."""
    mine = place_at(w.places, i).score
    other = place_at(w.places, j).score
    return mine > other or mine == other and i < j


@compiled
def meld(w, i, j):
    """Make one heap of two, each given by its first (-1: empty); return the first of it."""
    if i < 0:
        return j
    if j < 0:
        return i
    if comes_first(w, j, i):
        first, second = j, i
    else:
        first, second = i, j
    parent = place_at(w.places, first)
    child = place_at(w.places, second)
    child.before = first
    child.next = parent.child
    if parent.child >= 0:
        place_at(w.places, parent.child).before = second
    parent.child = second
    return first


@compiled
def meld_row(w, i):
    """Make one heap of a row of siblings that begins with `i`: in pairs from the left, then all from the right."""
    pairs = np.int64(-1)
    while i >= 0:
        a = place_at(w.places, i)
        j = np.int64(a.next)
        a.next = -1
        following = np.int64(-1)
        if j >= 0:
            b = place_at(w.places, j)
            following = np.int64(b.next)
            b.next = -1
        pair = meld(w, i, j)
        place_at(w.places, pair).next = pairs
        pairs = pair
        i = following
    first = np.int64(-1)
    while pairs >= 0:
        a = place_at(w.places, pairs)
        following = np.int64(a.next)
        a.next = -1
        first = meld(w, first, pairs)
        pairs = following
    if first >= 0:
        place_at(w.places, first).before = -1
    return first


@compiled
def take_out(w, m, i):
    """Take position record `i` out of the heap that it is in, if any."""
    place = place_at(w.places, i)
    if place.side == 0:
        return
    rest = meld_row(w, np.int64(place.child))
    root = np.int64(m.first_long if place.side > 0 else m.first_short)
    if root != i:
        before = place_at(w.places, place.before)
        if before.child == i:
            before.child = place.next
        else:
            before.next = place.next
        if place.next >= 0:
            place_at(w.places, place.next).before = place.before
        rest = meld(w, root, rest)
    if place.side > 0:
        m.first_long = rest
    else:
        m.first_short = rest
    place.side = 0


@compiled
def put_in(w, m, i):
    """Rank position record `i` as it stands now; nobody who is flat, nor the market's fund or `outside`."""
    p = position_at(w.positions, i)
    if p.lots == 0 or p.account == m.insurance_account or p.account == m.outside_account:
        return
    a = account_at(w.accounts, p.account)
    place = place_at(w.places, i)
    waits = a.state == S_QUEUED or a.bits & ACC_LEDGER != 0
    place.score = AFTER_ALL_RANKED if waits else rank(w, m, p)
    place.child = -1
    place.next = -1
    place.before = -1
    if p.lots > 0:
        place.side = 1
        m.first_long = meld(w, np.int64(m.first_long), i)
    else:
        place.side = -1
        m.first_short = meld(w, np.int64(m.first_short), i)


@compiled
def rank_all(w, m):
    """Rank every position of the market as it stands at this instant."""
    m.ranked_ns = w.now_ns
    m.first_long = -1
    m.first_short = -1
    m.moved = -1
    for i in range(w.n_positions):
        if position_at(w.positions, i).market == m.id:
            place = place_at(w.places, i)
            place.side = 0
            place.is_moved = 0
            put_in(w, m, np.int64(i))


@compiled
def rank_moved(w, m):
    """Rank anew what moved since the market was last looked at."""
    i = np.int64(m.moved)
    m.moved = -1
    while i >= 0:
        place = place_at(w.places, i)
        place.is_moved = 0
        take_out(w, m, i)
        put_in(w, m, i)
        i = np.int64(place.next_moved)


@compiled
def next_in_line(w, m, wanted_sign):
    """Position record to be deleveraged next among those of `wanted_sign`: by rank, then who waits, the fund, `outside`."""
    if m.ranked_ns != w.now_ns:
        rank_all(w, m)
    rank_moved(w, m)
    first = np.int64(m.first_long if wanted_sign > 0 else m.first_short)
    while first >= 0 and position_at(w.positions, first).lots * wanted_sign <= 0:
        take_out(w, m, first)  # closed since; nothing files a flat position
        first = np.int64(m.first_long if wanted_sign > 0 else m.first_short)
    if first >= 0:
        return first
    fund = position_of(w, np.int64(m.insurance_account), m.id)
    if fund >= 0 and position_at(w.positions, fund).lots * wanted_sign > 0:
        return fund
    return position_of(w, np.int64(m.outside_account), m.id)
