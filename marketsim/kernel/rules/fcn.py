"""FCN agents: fundamental, chart and noise each expect a return; a limit order at a margin from the price that comes of it.

Chiarella & Iori 2002, Quantitative Finance 2:346, as the platform PAMS has its FCNAgent (docs/bare-book.md#fcn-agents).
"""

import math

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import BUY, SELL
from marketsim.kernel.elementary import exponential_of, logarithm
from marketsim.kernel.records import compiled, load_f8, load_i8
from marketsim.kernel.rule import group_parameters, reads_parameters, rule
from marketsim.kernel.sending import lots_of, past_mid, place_for, steps_known, words

PARAMETERS = group_parameters(
    ("size_ticklots", "f8"),  # of every order, as a notional
    ("fundamental_table", "i8"),  # of each trader: share of its weights that is on the fundamental x window / reversion
    ("chart_table", "i8"),  # share of its weights that is on the chart
    ("noise_table", "i8"),  # share of its weights that is on noise x its scale over the window
    ("margin_table", "i8"),  # fraction of the expected price
    ("window_table", "i8"),  # how far it looks back and ahead, which is how long its orders rest [ns]
    ("steps_table", "i8"),  # the same in mark steps
    ("normal_table", "i8"),  # 4,096 quantiles of the standard normal law
)
FLOATS = ("fundamental_table", "chart_table", "noise_table", "margin_table", "normal_table")
TABLES = {**dict.fromkeys(FLOATS, "f8"), **dict.fromkeys(("window_table", "steps_table"), "i8")}
HIGHEST = 1_099_511_627_776.0  # ticks, 2^40: no order may have a higher price
parameters_of = reads_parameters(PARAMETERS)


@compiled
def market_price(m):
    """The last price; before the first trade the mid, and the index while a side is empty."""
    return np.float64(m.last_ticks) if m.last_ticks > 0 else 0.5 * np.float64(twice_mid(m))


@compiled
def chart_return(m, wanted):
    """Log return of the mid over `wanted` mark steps; over those there are in the beginning, stretched to as many."""
    steps = steps_known(m, wanted)
    if steps < 1:
        return 0.0
    return logarithm(np.float64(twice_mid(m)) / past_mid(m, steps)) * np.float64(wanted) / np.float64(steps)


@rule(PARAMETERS, tables=TABLES)
def fcn(w, g, m, trader, index, wakeup, delay):
    """Expect a price at the end of the window; bid below it where it is above the market's, offer above it where it is below."""
    p = parameters_of(g)
    r0, _, _, _ = words(g, index, wakeup)
    price = market_price(m)
    expected = load_f8(p.fundamental_table, index) * logarithm(np.float64(m.index_ticks) / price)
    expected += load_f8(p.noise_table, index) * load_f8(p.normal_table, r0 >> 20)
    chart = load_f8(p.chart_table, index)
    if chart > 0.0:
        expected += chart * chart_return(m, np.int64(load_i8(p.steps_table, index)))
    future = min(price * exponential_of(expected), HIGHEST)
    margin = load_f8(p.margin_table, index)
    size = lots_of(p.size_ticklots, m.index_ticks)
    life_ns = np.int64(load_i8(p.window_table, index))
    position = np.int64(trader.position)
    if future > price:
        place_for(w, m, position, np.int64(BUY), np.int64(math.floor(future * (1.0 - margin))), size, life_ns)
    elif future < price:
        place_for(w, m, position, np.int64(SELL), np.int64(math.ceil(future * (1.0 + margin))), size, life_ns)
