"""Metaorders: parent orders of many sizes, worked in market orders whose signs carry the memory of the flow."""

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import BUY, F_IOC, F_SIDE, SELL
from marketsim.kernel.draw import exponential, tail_segment
from marketsim.kernel.records import compiled, load_f8, load_i4
from marketsim.kernel.rule import group_parameters, reads_parameters, rule
from marketsim.kernel.sending import behind, lots_of, place_child, send_step, step_latency, step_words, words

PARAMETERS = group_parameters(
    ("buy_threshold", "i8"),  # of 65,536: a parent whose draw is below it buys,
    ("informed_threshold", "i8"),  # below this one it follows what it knows instead
    ("stop_past", "f8"),  # an informed parent ends once the mid is so far past the latent fundamental (fraction)
    ("shortest_gap_ns", "i8"),
    ("protection", "f8"),  # fraction of the price that a child may reach behind the best
    ("number_table", "i8"),  # 4,096 quantiles of the number of children, by segments of the tail
    ("slowing_table", "i8"),  # what the gap of a parent of so many is multiplied with
    ("gap_table", "i8"),  # 4,096 quantiles of a parent's mean gap between children [ns]
    ("size_table", "i8"),  # 4,096 quantiles of a child's size [tick-lots]
    ("error_table", "i8"),  # 4,096 quantiles of what an informed one takes for the distance (fraction)
)
TABLES = {"number_table": "i4", **dict.fromkeys(("slowing_table", "gap_table", "size_table", "error_table"), "f8")}
parameters_of = reads_parameters(PARAMETERS)


@compiled
def latent_distance(m):
    """How far the latent fundamental lies above the mid, as a fraction of the mid."""
    mid = 0.5 * np.float64(twice_mid(m))
    return (np.float64(m.latent_ticks) - mid) / mid


@compiled
def send_child(w, g, m, trader, index, delay, side, gap_ns, left, informed, parent, wakeup, number):
    """Send child `number` of a parent and set the time of the next; one that knows better by now ends its parent."""
    p = parameters_of(g)
    if informed:
        distance = latent_distance(m)
        past = -distance if side == BUY else distance
        if past > p.stop_past:
            return
    position = np.int64(trader.position)
    r0, r1, r2, _ = step_words(g, index, wakeup, number)
    size = lots_of(load_f8(p.size_table, r0 >> 20), m.index_ticks)
    place_child(w, m, position, delay, side, behind(m, side, p.protection), size, F_IOC, np.int64(-1), parent)
    if left > 1:
        gap = np.int64(exponential(r1, r2, w.exponential) * np.float64(gap_ns))
        send_step(w, position, w.now_ns + gap + 1, side, gap_ns, left - 1, informed, parent, wakeup, number + 1)


@compiled
def next_child(w, g, m, trader, index, step):
    """Take the step that a parent's child is."""
    side = SELL if step.bits & F_SIDE else BUY
    wakeup = np.int64(step.wakeup)
    number = np.int64(step.number)
    delay = step_latency(g, index, wakeup, number)
    send_child(w, g, m, trader, index, delay, side, np.int64(step.gap_ns), np.int64(step.left), np.int64(step.informed), np.int64(step.parent), wakeup, number)  # fmt: skip


@rule(PARAMETERS, tables=TABLES, goes_on=next_child)
def metaorder(w, g, m, trader, index, wakeup, delay):
    """Begin a parent: how many children, how fast, on which side; the first goes out at once, the rest by their own clock."""
    p = parameters_of(g)
    r0, r1, r2, r3 = words(g, index, wakeup)
    informed = np.int64((r2 >> 16) < p.informed_threshold)
    if informed:
        buys = latent_distance(m) + load_f8(p.error_table, r3 >> 20) > 0.0
    else:
        buys = (r2 & 0xFFFF) < p.buy_threshold
    segment = tail_segment(r0)
    gap = load_f8(p.gap_table, r1 >> 20) * load_f8(p.slowing_table, segment)
    gap_ns = max(np.int64(gap), np.int64(p.shortest_gap_ns))
    left = np.int64(load_i4(p.number_table, segment))
    parent = (wakeup - 1) * g.count + index
    send_child(w, g, m, trader, index, delay, BUY if buys else SELL, gap_ns, left, informed, parent, wakeup, np.int64(0))
