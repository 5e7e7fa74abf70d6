"""The kernel's standard exponential: a table, + and x, no logarithm (algorithm in the room's docstring)."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["EXPONENTIAL_SEGMENTS", "LN2", "exponential_of_bits", "exponential_table"]

EXPONENTIAL_SEGMENTS = 2048  # 16 KiB: stays in the first-level cache beside the kernel's own records
_INDEX_BITS = 11
_CONTEXT = Context(prec=40)

LN2 = float(_CONTEXT.ln(Decimal(2)))


@cache
def exponential_table() -> npt.NDArray[np.float64]:
    """ln 2 - ln(1 + i / 2048) for i = 0 .. 2048, shape (2049,), rounded once from 40 decimal digits; read-only."""
    log_2 = _CONTEXT.ln(Decimal(2))
    log_segments = _CONTEXT.ln(Decimal(EXPONENTIAL_SEGMENTS))
    values = [
        float(_CONTEXT.subtract(_CONTEXT.add(log_2, log_segments), _CONTEXT.ln(Decimal(EXPONENTIAL_SEGMENTS + i))))
        for i in range(EXPONENTIAL_SEGMENTS)
    ]
    table = np.array([*values, 0.0], np.float64)
    table.flags.writeable = False
    return table


def exponential_of_bits(bits: int, table: npt.NDArray[np.float64]) -> float:
    """A standard exponential from one 64-bit word: the kernel's algorithm in plain Python.

    Mean 1 + 1.0e-8, at most 3.0e-8 above -ln(bits / 2**64). Checked in tests/streams/test_exponential.py.
    """
    word = bits if bits else 1
    leading_zeros = 64 - word.bit_length()
    mantissa = (word << (leading_zeros + 1)) & 0xFFFFFFFFFFFFFFFF
    segment = mantissa >> (64 - _INDEX_BITS)
    fraction = float((mantissa >> (32 - _INDEX_BITS)) & 0xFFFFFFFF) * 2.0**-32
    above, below = float(table[segment]), float(table[segment + 1])
    return leading_zeros * LN2 + (above - fraction * (above - below))
