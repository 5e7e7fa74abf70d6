"""Records of makers that learn, and of the views they quote by; `layout` has all others."""

import numpy as np

from marketsim.kernel.records import accessor

VIEW = np.dtype(
    [
        ("value", "f8"),  # what the market is worth by it [ticks]
        ("moved", "i8"),  # bits: what its makers have to look at (`views`)
        ("index_ticks", "i8"),  # the index that it followed last
        ("index_share", "f8"),  # of a move of the index that it makes too
        ("mid_share", "f8"),  # of its distance from the mid that it goes in one step
        ("anchor_share", "f8"),  # of its distance from the index that it goes in one step
        ("step_ns", "i8"),
        ("next_ns", "i8"),
        ("steps", "i8"),
        # the last taker order
        ("order_ticklots", "f8"),
        ("order_side", "i8"),
        # what orders mean
        ("impact", "f8"),  # of an order of effect 1, a fraction of the price
        ("least_impact", "f8"),
        ("most_impact", "f8"),
        ("effects", "i8"),  # address: effects of order values, 16 to a doubling
        ("discount", "f8"),  # share of the prediction that is no news
        ("prediction", "f8"),
        ("prediction_rate", "f8"),
        ("average_0", "f8"),  # of past effects, with sign, each of a longer memory
        ("average_1", "f8"),
        ("average_2", "f8"),
        ("average_3", "f8"),
        ("weight_0", "f8"),  # in the prediction
        ("weight_1", "f8"),
        ("weight_2", "f8"),
        ("weight_3", "f8"),
        # learning from mark-outs
        ("surprise", "f8"),  # of this step's orders, weighed with the volatility
        ("mean_square", "f8"),
        ("horizon", "i8"),  # of a mark-out [steps]
        ("surprises", "i8"),  # addresses: rings of the last `horizon` steps
        ("values", "i8"),
        ("learning", "f8"),
        ("shade", "f8"),
        # volatility: variances of the price per second, of the view alone
        ("return_steps", "i8"),
        ("square", "f8"),  # of the last return, per second
        ("minute", "f8"),
        ("half_hour", "f8"),
        ("hour", "f8"),
        ("minute_weight", "f8"),
        ("half_hour_weight", "f8"),
        ("hour_weight", "f8"),
        ("usual", "f8"),  # volatility per root of a second that the impact is stated for
        ("feedback", "f8"),
        ("factor", "f8"),  # of the impact at the present volatility
        ("day_ends_ns", "i8"),
        ("day_sum", "f8"),  # of the volatility, by step
        ("day_steps", "f8"),
        ("prior_steps", "f8"),  # that the mean of the day before is worth
    ]
)
"""What all makers of a market know: a price learnt from its taker orders; record by record beside MARKET."""
VIEW_ADDRESSES = "effects surprises values".split()

MAKER = np.dtype(
    [
        ("group", "i8"),
        ("index", "i8"),
        ("position", "i8"),
        ("market", "i8"),
        ("latency_factor", "f8"),  # times what is drawn for its group
        ("size_factor", "f8"),  # times its group's
        ("above", "f8"),  # volatility, over the day's mean, at which it leaves; 0: never
        ("back", "f8"),
        ("weight", "f8"),  # of one step in its own memory of volatility
        # what it is about
        ("quoted", "f8"),  # the view that its quotes stand for [ticks]
        ("trigger", "f8"),  # how far the view may go from there [ticks]
        ("seen", "f8"),  # the view at which the quotes that are on the way were decided
        ("seen_off", "i8"),  # bits: what it wanted no quotes of then
        ("is_pending", "i8"),
        ("is_stirred", "i8"),  # something happened while quotes were on the way
        ("retry_ns", "i8"),  # when it looks again because a quote would have traded
        ("looks", "i8"),
        ("rests", "i8"),
        ("bid_rests_ns", "i8"),  # until when that side rests
        ("ask_rests_ns", "i8"),
        ("is_away", "i8"),
        ("absences", "i8"),
        ("away_until_ns", "i8"),
        ("variance", "f8"),  # by its own memory, per second
        ("drift", "f8"),  # logarithm of what it makes its sizes larger by
        # what it lost to takers lately, older trades counting less
        ("lots", "i8"),  # position and cash of trades when it looked last
        ("cash_atoms", "i8"),
        ("bought_lots", "f8"),
        ("paid_ticklots", "f8"),
        ("traded_ticklots", "f8"),
    ]
)
"""A market maker that learns: what it has of its own, and what it is about."""

view_at = accessor(VIEW)
maker_at = accessor(MAKER)
