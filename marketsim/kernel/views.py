"""What makers of a market think it is worth: a price moved by every taker order, as much as orders have come to mean.

V *= 1 + impact x factor x (effect - discount x prediction). The effect of an order grows with a power of its value and has its
sign; the prediction is what the signs of past orders say of this one (normalised least mean squares over four exponential
memories); the factor grows with the volatility of V itself, never of the mid of an empty book; the impact is learnt from what
the price did after orders. Part of every move of the index and of the distance from the mid is taken in too.
Formulas and sources: docs/makers.md#rules. No logarithm and no power here: ratios, tables, square roots.
"""

import math

import numpy as np

from marketsim.kernel.codes import BUY, NO_ASK, NO_BID
from marketsim.kernel.draw import MASK, TWO_32
from marketsim.kernel.maker_layout import view_at
from marketsim.kernel.records import compiled, highest_bit, load_f8, store_f8

VIEW_MOVED = 1  # bits of `moved`
VIEW_ORDER = 2
VIEW_STEP = 4

EFFECTS_EACH = 16  # entries of the table of effects to a doubling of the order's value
MEMORY_0, MEMORY_1, MEMORY_2, MEMORY_3 = 0.25, 0.03, 0.004, 0.0005  # weight of the newest order in each memory
LARGEST_ERROR = 3.0  # of the prediction that one order may teach
LARGEST_SURPRISE = 60.0
LARGEST_LESSON = 20.0
LEAST_FACTOR, MOST_FACTOR = 0.6, 2.5
SQUARE_WEIGHT = 3e-4  # of one step in the mean square of surprises
MID_BAND = 0.001  # the mid is news while the spread is below this share of it
S1, S32, S60 = np.uint64(1), np.uint64(32), np.uint64(60)
S63 = np.int64(63)


@compiled
def effect_of(v, ticklots):
    """What an order of that value counts for, without sign: the table's value between its two nearest entries."""
    word = np.uint64(max(np.int64(1), np.int64(ticklots)))
    octave = highest_bit(word)
    rest = (word << np.uint64(S63 - octave)) << S1  # what follows the highest bit
    entry = octave * EFFECTS_EACH + np.int64(rest >> S60)
    between = np.float64(np.int64(((rest << np.uint64(4)) >> S32) & MASK)) * TWO_32
    low = load_f8(v.effects, entry)
    return low + between * (load_f8(v.effects, entry + 1) - low)


@compiled
def clipped(x, most):
    """The number, at most so far from zero."""
    return min(max(x, -most), most)


@compiled
def learn_from_order(w, m, side, ticklots):
    """A taker order of that value has traded: move the view by its news, then learn to predict the next one."""
    v = view_at(w.views, m.id)
    effect = effect_of(v, ticklots)
    signed = effect if side == BUY else -effect
    surprise = clipped(signed - v.discount * v.prediction, LARGEST_SURPRISE)
    v.value *= 1.0 + v.impact * v.factor * surprise
    v.surprise += v.factor * surprise
    rate = v.prediction_rate * clipped(signed - v.prediction, LARGEST_ERROR)
    rate /= 0.1 + (
        v.average_0 * v.average_0 + v.average_1 * v.average_1 + v.average_2 * v.average_2 + v.average_3 * v.average_3
    )
    v.weight_0 += rate * v.average_0
    v.weight_1 += rate * v.average_1
    v.weight_2 += rate * v.average_2
    v.weight_3 += rate * v.average_3
    v.average_0 += MEMORY_0 * (signed - v.average_0)
    v.average_1 += MEMORY_1 * (signed - v.average_1)
    v.average_2 += MEMORY_2 * (signed - v.average_2)
    v.average_3 += MEMORY_3 * (signed - v.average_3)
    v.prediction = (
        v.weight_0 * v.average_0 + v.weight_1 * v.average_1 + v.weight_2 * v.average_2 + v.weight_3 * v.average_3
    )
    v.order_ticklots = ticklots
    v.order_side = side
    v.moved |= VIEW_MOVED | VIEW_ORDER
    w.views_moved = 1


@compiled
def follow_index(w, m):
    """Take a part of a move of the index; the first index is where the view begins."""
    v = view_at(w.views, m.id)
    if v.index_ticks == 0:
        v.value = np.float64(m.index_ticks)
    elif v.index_ticks != m.index_ticks:
        v.value *= 1.0 + v.index_share * np.float64(m.index_ticks - v.index_ticks) / np.float64(v.index_ticks)
    v.index_ticks = m.index_ticks
    v.moved |= VIEW_MOVED
    w.views_moved = 1


@compiled
def step_view(w, m):
    """Once a step: go part of the way to the mid and to the index, learn what orders meant, take the return into the volatilities."""
    v = view_at(w.views, m.id)
    if w.now_ns < v.next_ns:
        return
    v.next_ns += v.step_ns
    if m.best_bid != NO_BID and m.best_ask != NO_ASK:
        twice = np.float64(m.best_bid + m.best_ask)
        if np.float64(m.best_ask - m.best_bid) * 2.0 < MID_BAND * twice:
            v.value += v.mid_share * (0.5 * twice - v.value)
    if v.index_ticks > 0:
        v.value += v.anchor_share * (np.float64(v.index_ticks) - v.value)
    learn_from_marks(v)
    take_return(v)
    take_day(v, np.int64(w.now_ns))
    place = v.steps % v.horizon
    store_f8(v.surprises, place, v.surprise)
    store_f8(v.values, place, v.value)
    v.surprise = 0.0
    v.steps += 1
    v.moved |= VIEW_MOVED | VIEW_STEP
    w.views_moved = 1


@compiled
def learn_from_marks(v):
    """Orders that the price went on from mean more than was thought, those that it came back from less.

    The lesson is the slope of the price's later move on the surprise of `horizon` steps ago, in units of the impact, less a
    shade: part of what follows is orders that were to be expected.
    """
    square = v.surprise * v.surprise
    v.mean_square += max(SQUARE_WEIGHT, 1.0 / np.float64(v.steps + 1)) * (square - v.mean_square)
    if v.learning == 0.0 or v.steps < v.horizon or v.mean_square <= 0.0:
        return
    place = v.steps % v.horizon  # what stands there is `horizon` steps old
    then = load_f8(v.surprises, place)
    value = load_f8(v.values, place)
    later = (v.value - value) / value
    lesson = (then * later / v.impact - v.shade * then * then) / v.mean_square
    v.impact *= 1.0 + v.learning * clipped(lesson, LARGEST_LESSON)
    v.impact = min(max(v.impact, v.least_impact), v.most_impact)


@compiled
def take_return(v):
    """Take the return over the last `return_steps` steps into the variances, and work out the factor of the impact."""
    steps = min(v.return_steps, np.int64(v.steps))
    if steps > 0:
        before = load_f8(v.values, (v.steps - steps) % v.horizon)
        change = (v.value - before) / before
        v.square = change * change / (np.float64(steps) * np.float64(v.step_ns) * 1e-9)
        v.minute += v.minute_weight * (v.square - v.minute)
        v.half_hour += v.half_hour_weight * (v.square - v.half_hour)
        v.hour += v.hour_weight * (v.square - v.hour)
    ratio = math.sqrt(0.5 * (v.minute + v.half_hour)) / v.usual
    v.factor = min(max(1.0 + v.feedback * (ratio - 1.0), LEAST_FACTOR), MOST_FACTOR)


@compiled
def take_day(v, now_ns):
    """The mean volatility of the day so far; a new day begins with the mean of the one before, worth `prior_steps`."""
    if now_ns >= v.day_ends_ns:
        v.day_sum = v.day_sum / v.day_steps * v.prior_steps
        v.day_steps = v.prior_steps
        v.day_ends_ns += 86_400_000_000_000
    v.day_sum += math.sqrt(v.minute)
    v.day_steps += 1.0


@compiled
def usual_today(v):
    """Mean volatility of the day so far, per root of a second."""
    return v.day_sum / v.day_steps
