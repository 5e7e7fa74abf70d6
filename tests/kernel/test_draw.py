"""The kernel's luck is the plain twin's luck, word for word."""

import numpy as np
import pytest

from marketsim.kernel import draw
from marketsim.kernel.records import place
from marketsim.streams import exponential_table
from tests.reference import draw as plain

TABLE = exponential_table()
ADDRESS = place(TABLE)
COUNTERS = [(0, 0, 0), (2**33 + 5, 7, 1), (2**40, 2**32 - 1, 2**32 - 1), *((count, 3, 0) for count in range(500))]


def test_the_plain_generator_gives_the_published_words() -> None:
    # Random123's known answers for philox4x32-10: zeros, ones, and the digits of pi
    assert plain.philox4x32((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = 2**32 - 1
    assert plain.philox4x32((ones,) * 4, (ones,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    counter, key = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    assert plain.philox4x32(counter, key) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


@pytest.mark.parametrize("key", [0, 1, 2**63 + 12_345, 2**64 - 1])
def test_kernel_and_twin_draw_the_same_words_exponentials_and_whole_numbers(key: int) -> None:
    for count, entity, part in COUNTERS:
        words = plain.words(key, count, entity, part)
        drawn = draw.philox(np.uint64(key), np.int64(count), np.int64(entity), np.int64(part))
        assert tuple(int(word) for word in drawn) == words
        assert float(draw.exponential(drawn[0], drawn[1], ADDRESS)) == plain.exponential(*words[:2])
        for n in (1, 3, 1_000, 2**31):
            assert int(draw.below(drawn[2], drawn[3], np.int64(n))) == plain.below(*words[2:], n)
