"""Luck in the kernel: Philox4x32-10 words that belong to (key, count, entity, part) alone, and table-driven draws from them.

Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (SC'11); `marketsim.streams` is
the twin and holds the published test vectors. Only integers, tables, + and x: bit-equal on every machine.
"""

import numpy as np

from marketsim.kernel.records import compiled, highest_bit, load_f8

MASK = np.uint64(0xFFFFFFFF)
S32 = np.uint64(32)
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@compiled
def philox(key, count, entity, part):
    """Return four words of 32 bits (as int64) for the counter (count, entity, part) under `key`."""
    k = np.uint64(key)
    k0 = k & MASK
    k1 = k >> S32
    n = np.uint64(count)
    c0 = n & MASK
    c1 = n >> S32
    c2 = np.uint64(entity)
    c3 = np.uint64(part)
    for _ in range(10):
        p0 = M0 * c0
        p1 = M1 * c2
        c0 = (p1 >> S32) ^ c1 ^ k0
        c1 = p1 & MASK
        c2 = (p0 >> S32) ^ c3 ^ k1
        c3 = p0 & MASK
        k0 = (k0 + W0) & MASK
        k1 = (k1 + W1) & MASK
    return np.int64(c0), np.int64(c1), np.int64(c2), np.int64(c3)


LN2 = 0.6931471805599453
TWO_32 = 2.0**-32
SEGMENT_BITS = np.uint64(53)
FRACTION_BITS = np.uint64(21)
ONE = np.uint64(1)


@compiled
def exponential(low, high, table):
    """Standard exponential from two 32-bit words, by the table of `streams.exponential_table` (algorithm stated there)."""
    word = (np.uint64(high) << S32) | np.uint64(low)
    if word == np.uint64(0):
        word = ONE
    zeros = np.int64(63) - highest_bit(word)
    mantissa = (word << np.uint64(zeros)) << ONE
    segment = np.int64(mantissa >> SEGMENT_BITS)
    fraction = np.float64(np.int64((mantissa >> FRACTION_BITS) & MASK)) * TWO_32
    above = load_f8(table, segment)
    below = load_f8(table, segment + 1)
    return np.float64(zeros) * LN2 + (above - fraction * (above - below))


@compiled
def below(low, high, n):
    """Whole number in [0, n), n <= 2**31: the high half of word x n."""
    return ((high * n) + ((low * n) >> 32)) >> 32


TAIL_SEGMENTS = 128  # of each halving of what is left above


@compiled
def tail_segment(word):
    """Number of the segment of a tail table that a word of 32 bits falls in (`streams.tail_quantile_table`)."""
    bits = np.uint64(max(word, np.int64(1)))
    halvings = np.int64(31) - highest_bit(bits)
    fraction = (bits << np.uint64(halvings + 1)) & MASK
    return halvings * TAIL_SEGMENTS + np.int64(fraction >> np.uint64(25))
