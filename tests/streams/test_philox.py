import hashlib

import numpy as np
import pytest

from marketsim.streams import philox, philox_blocks, stream_key


# Random123 1.14, tests/kat_vectors, lines "philox4x32 10" (D. E. Shaw Research)
@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_published_answers(counter: str, key: str, answer: str) -> None:
    words = [int(word, 16) for word in key.split()]
    block = philox(words[1] << 32 | words[0], np.array([[int(word, 16) for word in counter.split()]], np.uint32))
    assert block.dtype == np.uint32
    assert " ".join(f"{word:08x}" for word in block[0]) == answer


def test_many_counters_at_once_give_the_same_blocks_as_one_by_one() -> None:
    counters = np.arange(40, dtype=np.uint32).reshape(10, 4) * np.uint32(2654435761)
    together = philox(12345678901234567890, counters)
    assert all(np.array_equal(together[i], philox(12345678901234567890, counters[i : i + 1])[0]) for i in range(10))


def test_count_fills_words_0_and_1_entity_word_2_and_part_word_3() -> None:
    low, high = philox_blocks(77, 1_000_000_001, 5 + (9 << 32), part=3)
    words = [int(word) for word in philox(77, np.array([[5, 9, 1_000_000_001, 3]], np.uint32))[0]]
    assert int(low) == words[1] << 32 | words[0]
    assert int(high) == words[3] << 32 | words[2]


def test_entities_and_counts_broadcast() -> None:
    low, _ = philox_blocks(77, np.arange(3)[:, None], np.arange(4)[None, :])
    assert low.shape == (3, 4)
    assert int(low[2, 3]) == int(philox_blocks(77, 2, 3)[0])


@pytest.mark.parametrize(
    ("entity", "count", "part"),
    [(-1, 0, 0), (2**32, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, 2**32), (0.5, 0, 0), (0, 0.5, 0)],
)
def test_a_draw_outside_its_words_is_refused(entity: float, count: float, part: int) -> None:
    with pytest.raises(ValueError, match="allowed"):
        philox_blocks(1, entity, count, part)


def test_stream_key_is_the_head_of_the_documented_hash() -> None:
    digest = hashlib.sha256(b"marketsim/1\x0020240101\x003\x00index:BTC").hexdigest()
    assert stream_key(20240101, 3, "index:BTC") == int(digest[:16], 16)


def test_stream_keys_are_frozen() -> None:
    assert stream_key(20240101, 0, "index:BTC") == 729200730823967412
    assert stream_key(20240101, 0, "clock:noise") == 5138060588496534601


def test_seed_replication_and_name_each_change_the_key() -> None:
    keys = {stream_key(s, r, n) for s in (1, 2, 12) for r in (0, 1, 2) for n in ("a", "b", "2a")}
    assert len(keys) == 27


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        stream_key(1, 0, "a\0b")
