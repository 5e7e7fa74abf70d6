"""Luck: every random number of a world, as a pure function of who draws and for which decision.

Lives here: stream keys, the counter-based generator (Philox4x32-10), uniform, normal, exponential and integer draws,
the distributions of the scenario language, the quantile tables handed to the kernel, and the elementary functions these
need. Not here: anything that remembers how many draws were taken (the kernel's counters, `kernel/draws`), paths of an
index (`venues/index`), the clock.

A value depends on (root seed, replication, name of the stream, entity, count, part) and on nothing else: no state, no
order of calls. So a group, a token or a worker more moves nobody else's luck. Only integers and + - x / and square root
on float64 are used; the exp, log and power of NumPy and `math`, and BLAS, differ in the last bit between C libraries
and processors; ours do not, so paths are bit-identical everywhere.

The conventions below are shared with the compiled kernel, which computes the same values.

**Key.** `stream_key(seed, replication, name)`: the first 8 bytes, big-endian, of SHA-256 over the UTF-8 bytes of
``marketsim/1 <NUL> seed in decimal <NUL> replication in decimal <NUL> name``.

**Block.** One call of Philox4x32-10 gives a block of four 32-bit words w0 w1 w2 w3:

- counter word 0 = count & 0xffffffff, word 1 = count >> 32, word 2 = entity, word 3 = part (number of the sub-stream of
  one decision);
- key word 0 = key & 0xffffffff, key word 1 = key >> 32;
- ten rounds of (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)) with M0 =
  0xD2511F53, M1 = 0xCD9E8D57; between rounds k0 += 0x9E3779B9, k1 += 0xBB67AE85, modulo 2**32.
- A block holds two 64-bit words: ``low = w1 << 32 | w0`` and ``high = w3 << 32 | w2``. Draws of `Stream` use `low`.

**Uniform.** ``u = ((low >> 12) + 0.5) * 2**-52``: 52 bits at mid-points, exact in float64, strictly inside (0, 1),
symmetric about 1/2. (With 53 bits the half would be lost to rounding, and the largest value would be 1.)

**Integer** in [0, n): ``(bits * n) >> 64``, the high half of the 128-bit product, n <= 2**32.

**Standard exponential of the kernel**, from one 64-bit word by a table: `EXPONENTIAL_SEGMENTS` = 2048 segments of the
mantissa, and ``table[i] = ln 2 - ln(1 + i / 2048)``, i = 0 .. 2048 (`exponential_table()`, float64, table[2048] = 0).
For a word `bits` (0 is read as 1):

1. g = number of leading zero bits; shift the word left by g + 1 (modulo 2**64), which drops the leading one; call the
   rest m.
2. i = m >> 53 (11 bits); f = (m >> 21) & 0xffffffff (the next 32 bits) times 2**-32, as float64.
3. E = g * LN2 + (table[i] - f * (table[i] - table[i + 1])), in this order, without a fused multiply-add.

It is -ln u for u = bits / 2**64, the mantissa's logarithm read off by linear interpolation: at most 3.0e-8 above the
true value; 0 < E < 44.4; its mean is 1 + 1.0e-8. `exponential_of_bits` is the same in plain Python.

**What is left after x half-lives**, 2^-x, by a table: ``table[i] = 2^-(i / 128)``, i = 0 .. 4095 (`halving_table()`):

1. 0 from x = 32 on; else i = floor(128 x) and z = (x - i / 128) * LN2.
2. ``table[i] * (1 - z * (1 - z * (1/2 - z * 1/6)))``, relative error at most z^4 / 24 < 4e-11; `left_by_table` is the
   same in plain Python.

Sources: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11 (generator, constants;
vectors of Random123 in the tests); Wichura 1988, AS 241, Applied Statistics 37, 477-484 (normal quantile); von Neumann
1951 for the split of an exponential into a geometric number of ln 2 and a remainder.
"""

from marketsim.streams.distributions import (
    draw,
    lower_end,
    mean,
    quantile,
    quantile_table,
    relative_noise,
    tail_quantile_table,
    upper_end,
)
from marketsim.streams.elementary import exp_, log_, power_
from marketsim.streams.exponential import EXPONENTIAL_SEGMENTS, LN2, exponential_of_bits, exponential_table
from marketsim.streams.halving import HALVING_STEPS, halving_table, left_by_table
from marketsim.streams.normal import normal_quantile
from marketsim.streams.philox import philox, philox_blocks, stream_key
from marketsim.streams.stream import Stream

__all__ = [
    "EXPONENTIAL_SEGMENTS",
    "HALVING_STEPS",
    "LN2",
    "Stream",
    "draw",
    "exp_",
    "exponential_of_bits",
    "exponential_table",
    "halving_table",
    "left_by_table",
    "log_",
    "lower_end",
    "mean",
    "normal_quantile",
    "philox",
    "philox_blocks",
    "power_",
    "quantile",
    "quantile_table",
    "relative_noise",
    "stream_key",
    "tail_quantile_table",
    "upper_end",
]
