"""Holders: a share of own wealth in a token, moved by its return, its premium, its NAV, a mood, and neighbours."""

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import BUY, F_IOC, SELL
from marketsim.kernel.draw import TWO_32
from marketsim.kernel.layout import position_at
from marketsim.kernel.margin import equity_atoms
from marketsim.kernel.records import compiled, load_i4
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import behind, lots_of, past_return, place, request, words

PARAMETERS = group_parameters(
    ("chase", "f8"),  # share gained per unit of past return
    ("dislike", "f8"),  # share lost per unit of premium over NAV
    ("low_nav", "f8"),  # share gained when NAV has halved
    ("mood", "f8"),  # width of a share drawn at every wake-up
    ("imitation", "f8"),  # weight of the neighbours
    ("change", "f8"),  # smallest change worth an order, as a share of wealth
    ("protection", "f8"),  # fraction of the price that an order may reach behind the best
    ("primary_threshold", "i8"),  # of 65,536: below it an order goes to the fund
    ("start_nav_ticks", "i8"),
    ("neighbours_from", "i8"),  # where each trader's row of neighbours starts, and where the last one ends
    ("neighbours", "i8"),  # position records, -1 for one who is left out
)
OWN = own_numbers(
    ("base_share", "f8"),  # of wealth
    ("lookback_steps", "i8"),  # mark steps
)
NETWORK = ("neighbours_from", "neighbours")
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@compiled
def held_share(w, m, position):
    """Share of the wealth behind a position record that is held in token `m`, at NAV; 0 for one in another market or none."""
    if position < 0:
        return 0.0
    p = position_at(w.positions, position)
    if p.market != m.id:
        return 0.0
    held = np.float64(p.lots) * np.float64(m.index_ticks)
    wealth = np.float64(equity_atoms(w, np.int64(p.account))) / np.float64(m.atoms) + held
    return held / wealth if wealth > 0.0 else 0.0


@compiled
def neighbours_lead(w, p, m, index, base):
    """How far the mean share of trader `index`'s neighbours is above its own base share; 0 for one without neighbours."""
    first = np.int64(load_i4(p.neighbours_from, index))
    after = np.int64(load_i4(p.neighbours_from, index + 1))
    if after == first:
        return 0.0
    total = 0.0
    for k in range(first, after):
        total += held_share(w, m, np.int64(load_i4(p.neighbours, k)))
    return total / np.float64(after - first) - base


@rule(PARAMETERS, OWN, tables=dict.fromkeys(NETWORK, "i4"), may_lack=NETWORK)
def holder(w, g, m, trader, index, wakeup, delay):
    """Hold a share of own wealth in the token that follows its past return, premium, NAV level, a mood of the moment, and neighbours."""
    p = parameters_of(g)
    own = own_of(trader)
    position = position_at(w.positions, trader.position)
    nav = np.float64(m.index_ticks)
    price = 0.5 * np.float64(twice_mid(m))
    cash = np.float64(equity_atoms(w, np.int64(trader.account))) / np.float64(m.atoms)
    wealth = cash + np.float64(position.lots) * nav
    if wealth <= 0.0:
        return
    r0, r1, _, _ = words(g, index, wakeup)
    start = np.float64(p.start_nav_ticks)
    share = own.base_share + p.chase * past_return(m, np.int64(own.lookback_steps)) - p.dislike * (price - nav) / nav
    share += p.low_nav * 2.0 * (start - nav) / (start + nav) + p.mood * (np.float64(r0) * TWO_32 - 0.5)
    if p.neighbours_from != 0:
        share += p.imitation * neighbours_lead(w, p, m, index, own.base_share)
    target = min(max(share, 0.0), 1.0) * wealth
    change = target - np.float64(position.lots) * nav
    if abs(change) < p.change * wealth:
        return
    side = BUY if change > 0.0 else SELL
    lots = lots_of(abs(change), max(np.int64(price), np.int64(1)))
    if side == SELL:
        lots = min(lots, np.int64(position.lots - position.open_sell))
        if lots <= 0:
            return
    limit = behind(m, side, p.protection)
    if m.primary_open and ((r1 & 0xFFFF) < p.primary_threshold or limit == 0 or m.halted):
        request(w, m, np.int64(trader.account), lots if side == BUY else -lots)
        return
    place(w, m, np.int64(trader.position), delay, side, limit, lots, F_IOC, np.int64(-1))
