"""Random draws of a token: which entity of its own stream decides what.

A draw is keyed by what it decides (the UTC day, the number of a look, the instant of a decision), so that a token, an
arm or an order more changes no other draw (common random numbers).
"""

DAILY_JITTER = 0
"""By UTC day of the run: how much later the daily reset comes."""

HIDDEN_TARGET = 1
"""By number of the look: the hidden target."""

LOOK_GAP = 2
"""By number of the look: the time since the one before."""

LOOK_JITTER = 3
"""By number of the look: how much later in its interval it comes."""

DISCLOSED_SIZE = 4
"""By instant at which a reset falls due, and part by number of the leg: how far an announced size is off."""

SLICE_TIME = 16
"""Plus the number of the leg, by instant of the decision and number of the slice: when the slice is sent."""
