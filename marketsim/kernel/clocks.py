"""When a group of traders wakes: by a Poisson clock, with hours of the day, excited by its own past wake-ups.

A group's wake-ups have the intensity b h(t) + sum over its wake-ups at s <= t of sum_j a_j 2^-((t - s) / half-life_j): b the
baseline, h the weight of the hour (Hawkes 1971, Biometrika 58). All draws are the group's own and nothing else enters, so
arms that change the market share every wake-up. Between wake-ups the intensity falls, so its value now is a bound: candidates
come at the bound's rate and one is taken with probability intensity / bound (thinning; Lewis & Shedler 1979, Ogata 1981, IEEE
Trans. Inf. Theory 27). Where an hour begins the bound is taken anew and the rest of the same exponential is used up at it.
"""

import numpy as np

from marketsim.kernel.draw import LN2, TWO_32, below, exponential, philox
from marketsim.kernel.layout import ACCOUNT, POSITION, TRADER, excitation_at
from marketsim.kernel.margin import NEVER
from marketsim.kernel.records import compiled, load_f8, prefetch

TRADER_BYTES, ACCOUNT_BYTES, POSITION_BYTES = TRADER.itemsize, ACCOUNT.itemsize, POSITION.itemsize

HOURS = 24
HOUR_NS = 3_600_000_000_000
FADED = 32.0  # half-lives after which nothing is left; 2^-32 of an excitation is no wake-up in any run
STEPS = 128.0  # of the table in one half-life
STEP = 0.0078125
SIXTH = 0.16666666666666666


@compiled
def left_after(half_lives, table):
    """What is left after so many half-lives, by the table of `streams.halving_table` (algorithm stated there)."""
    if half_lives >= FADED:
        return 0.0
    i = np.int64(half_lives * STEPS)
    z = (half_lives - np.float64(i) * STEP) * LN2
    return load_f8(table, i) * (1.0 - z * (1.0 - z * (0.5 - z * SIXTH)))


@compiled
def intensity(w, g):
    """Wake-ups per ns that a group is due at the instant to which its excitations have been faded."""
    rate = g.baseline_per_ns * g.hour_weight
    for j in range(g.first_excitation, g.first_excitation + g.n_excitations):
        rate += excitation_at(w.excitations, j).per_ns
    return rate


@compiled
def fade(w, g, ns):
    """Let the excitations of a group fade for so long."""
    for j in range(g.first_excitation, g.first_excitation + g.n_excitations):
        e = excitation_at(w.excitations, j)
        e.per_ns *= left_after(np.float64(ns) * e.half_lives_per_ns, w.halvings)


@compiled
def excite(w, g):
    """Let a wake-up of the group raise the intensity of those to come."""
    for j in range(g.first_excitation, g.first_excitation + g.n_excitations):
        e = excitation_at(w.excitations, j)
        e.per_ns += e.jump_per_ns


@compiled
def pass_gap(w, g, mass):
    """Go on from `next_wake_ns` until the bound has brought together `mass`; return the bound of the hour in which that is."""
    bound = intensity(w, g)
    while mass > bound * np.float64(g.hour_ends_ns - g.next_wake_ns):
        if g.next_wake_ns >= NEVER:
            return bound
        hour_ns = g.hour_ends_ns - g.next_wake_ns
        mass -= bound * np.float64(hour_ns)
        fade(w, g, hour_ns)
        g.next_wake_ns += hour_ns
        g.hour = (g.hour + 1) % HOURS
        g.hour_weight = load_f8(g.hour_weights, g.hour)
        g.hour_ends_ns += HOUR_NS
        bound = intensity(w, g)
    gap_ns = np.int64(mass / bound)
    fade(w, g, gap_ns)
    g.next_wake_ns += gap_ns
    return bound


@compiled
def thinned_wake(w, g):
    """Go on to the group's next wake-up, candidate by candidate, each a count of its draws; return who wakes."""
    if g.wake_count > 0:
        excite(w, g)
    while True:
        g.wake_count += 1
        r0, r1, r2, r3 = philox(g.key, g.wake_count, 0, 0)
        bound = pass_gap(w, g, exponential(r0, r1, w.exponential))
        if g.n_excitations == 0 or np.float64(r2) * TWO_32 * bound < intensity(w, g):
            return below(np.int64(0), r3, g.count)


@compiled
def schedule_wake(w, g):
    """Draw the group's next wake-up: when, and who. The draw belongs to (group, count) alone."""
    if g.mean_gap_ns <= 0.0 or g.count == 0:
        g.next_wake_ns = NEVER
        return
    if g.is_thinned:
        g.next_trader = thinned_wake(w, g)
    else:
        g.wake_count += 1
        r0, r1, r2, r3 = philox(g.key, g.wake_count, 0, 0)
        g.next_wake_ns += np.int64(exponential(r0, r1, w.exponential) * g.mean_gap_ns)
        g.next_trader = below(r2, r3, g.count)
    # Its lines are asked for now and used one event later: memory works while the present event is handled.
    trader = g.first_trader + g.next_trader
    prefetch(w.traders, trader, TRADER_BYTES)
    prefetch(w.traders + TRADER_BYTES - 1, trader, TRADER_BYTES)  # a record may reach into the next line
    prefetch(w.accounts, trader, ACCOUNT_BYTES)
    prefetch(w.positions, trader, POSITION_BYTES)
