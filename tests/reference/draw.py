"""Philox4x32-10 and the table-driven exponential, in plain integers and rational numbers.

Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (SC'11), section 3.
"""

from decimal import Context, Decimal
from functools import cache

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
WORD = 2**32


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Ten rounds: two products, whose halves change places and mix with the other words and the key."""
    a, b, c, d = counter
    for number in range(10):
        k0, k1 = ((word + number * step) % WORD for word, step in zip(key, KEY_STEPS, strict=True))
        first, second = MULTIPLIERS[0] * a, MULTIPLIERS[1] * c
        a, b, c, d = second // WORD ^ b ^ k0, second % WORD, first // WORD ^ d ^ k1, first % WORD
    return a, b, c, d


def words(key: int, count: int, entity: int, part: int) -> tuple[int, int, int, int]:
    """Four words of the kernel's counter: the count takes two words, entity and part one each."""
    return philox4x32((count % WORD, count // WORD, entity, part), (key % WORD, key // WORD))


@cache
def _log(segment: int) -> float:
    """ln 2 - ln(1 + i / 2048), rounded once."""
    exact = Context(prec=40)
    return float(exact.subtract(exact.ln(Decimal(2)), exact.ln(1 + Decimal(segment) / 2048))) if segment < 2048 else 0.0


def exponential(low: int, high: int) -> float:
    """-ln of a 64-bit uniform: leading zeros count halvings, a table of 2048 chords does the rest."""
    word = max(1, high * WORD + low)
    zeros = 64 - word.bit_length()
    rest = (word << (zeros + 1)) % 2**64  # the bits behind the leading one
    segment, fraction = rest >> 53, (rest >> 21) % WORD
    above, below = _log(segment), _log(segment + 1)
    return zeros * _log(0) + (above - fraction / WORD * (above - below))


def below(low: int, high: int, n: int) -> int:
    """Whole number in [0, n): the integer part of the 64-bit uniform times n."""
    return (high * WORD + low) * n // 2**64
