"""The compiled draws of the kernel and the streams here are one generator, word for word."""

import importlib

import numpy as np
import pytest

from marketsim.streams import Stream, exponential_of_bits, exponential_table, philox_blocks

_KERNEL = importlib.import_module("marketsim.kernel.draw")
_TABLE = exponential_table()
_TABLE_ADDRESS = importlib.import_module("marketsim.kernel.records").place(_TABLE)
_KEY = Stream(3, 0, "clock:noise").key
_SIGNED_KEY = int(np.uint64(_KEY).astype(np.int64))  # the kernel's records hold signed integers
_COUNTERS = [(0, 0, 0), (1_000_000_001, 5 + (9 << 32), 2), (2**32 - 1, 2**40, 2**32 - 1)]
_COUNTERS += [(9, count, 1) for count in range(2000)]


def _words(entity: int, count: int, part: int) -> tuple[int, int, int, int]:
    return tuple(int(word) for word in _KERNEL.philox(_SIGNED_KEY, count, entity, part))


def test_kernel_and_streams_draw_the_same_words() -> None:
    for entity, count, part in _COUNTERS:
        low, high = philox_blocks(_KEY, entity, count, part)
        words = _words(entity, count, part)
        assert words[1] << 32 | words[0] == int(low)
        assert words[3] << 32 | words[2] == int(high)


def test_kernel_and_streams_draw_the_same_exponentials() -> None:
    for entity, count, part in _COUNTERS:
        words = _words(entity, count, part)
        bits = words[1] << 32 | words[0]
        assert float(_KERNEL.exponential(words[0], words[1], _TABLE_ADDRESS)) == exponential_of_bits(bits, _TABLE)


@pytest.mark.parametrize("n", [1, 2, 1000, 2**31])
def test_kernel_and_streams_draw_the_same_whole_numbers(n: int) -> None:
    for entity, count, part in _COUNTERS[:300]:
        words = _words(entity, count, part)
        drawn = Stream(3, 0, "clock:noise").integers(n, entity, count, part)
        assert int(_KERNEL.below(words[0], words[1], n)) == int(drawn)
