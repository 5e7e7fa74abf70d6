"""Market makers: a ladder of quotes on both sides of a fair value learnt from the index, the perp and the inventory."""

import math

import numpy as np

from marketsim.kernel.codes import BUY, F_SLIDE, FREE_SLOT, NO_ASK, NO_BID
from marketsim.kernel.layout import order_at, position_at
from marketsim.kernel.records import load_f8, load_i4
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters, rule
from marketsim.kernel.sending import lots_of, place, withdraw

PARAMETERS = group_parameters(
    ("levels", "i8"),
    ("may_cross", "i8"),  # 1 if a quote may take what it would cross
    ("memory_weight", "f8"),  # of the perp's own averaged deviation from the index
    ("skew_per_ticklot", "f8"),  # fraction of the price that fair value moves per tick-lot of inventory
    ("hysteresis", "f8"),  # share of its distance that a quote may be off before it is replaced
    ("refill", "f8"),  # share of its size that must be left
    ("max_inventory_ticklots", "f8"),  # beyond it no quote that adds
    ("distance_table", "i8"),  # fraction of the price, shape (makers, levels)
    ("size_table", "i8"),  # tick-lots, shape (levels,)
)
OWN = own_numbers(("base_lots", "i8"))  # the position that inventory counts from
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@rule(PARAMETERS, OWN, tables={"distance_table": "f8", "size_table": "f8"})
def market_maker(w, g, m, trader, index, wakeup, delay):
    """Requote a ladder around fair value: index carried by the perp's own memory, leaning against inventory. Cancels go first."""
    p = parameters_of(g)
    position = np.int64(trader.position)
    levels = np.int64(p.levels)
    price = np.float64(m.index_ticks)
    inventory = np.float64(position_at(w.positions, position).lots - own_of(trader).base_lots) * price
    fair = price * (1.0 + (p.memory_weight * m.memory - p.skew_per_ticklot * inventory))
    for side in range(2):
        for level in range(levels):
            slot = trader.slots + side * levels + level
            i = np.int64(load_i4(w.slots, slot))
            if i < 0:
                continue
            order = order_at(w.orders, i)
            distance = price * load_f8(p.distance_table, index * levels + level)
            wanted = fair - distance if side == BUY else fair + distance
            slack = max(1.0, distance * p.hysteresis)
            stays = abs(np.float64(order.price_ticks) - wanted) <= slack
            if not stays or np.float64(order.remaining_lots) < p.refill * np.float64(order.size_lots):
                withdraw(w, position, delay, i)
    for side in range(2):
        if (inventory if side == BUY else -inventory) >= p.max_inventory_ticklots:
            continue
        for level in range(levels):
            slot = trader.slots + side * levels + level
            if load_i4(w.slots, slot) != FREE_SLOT:
                continue
            distance = price * load_f8(p.distance_table, index * levels + level)
            size = lots_of(load_f8(p.size_table, level), m.index_ticks)
            if side == BUY:
                wanted_ticks = np.int64(math.floor(fair - distance))
                if m.best_ask != NO_ASK and p.may_cross == 0:
                    wanted_ticks = min(wanted_ticks, m.best_ask - 1)
            else:
                wanted_ticks = np.int64(math.ceil(fair + distance))
                if m.best_bid != NO_BID and p.may_cross == 0:
                    wanted_ticks = max(wanted_ticks, m.best_bid + 1)
            place(w, m, position, delay, side, wanted_ticks, size, np.int64(F_SLIDE if p.may_cross == 0 else 0), slot)
