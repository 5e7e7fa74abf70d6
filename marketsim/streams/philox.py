"""Keys of streams and the counter-based generator Philox4x32-10."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

__all__ = ["philox", "philox_blocks", "stream_key"]

_ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_KEY_STEP_0 = 0x9E3779B9  # golden ratio
_KEY_STEP_1 = 0xBB67AE85  # square root of 3, minus 1
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def stream_key(seed: int, replication: int, name: str) -> int:
    """The 64-bit key of a named stream of luck.

    First 8 bytes (big-endian) of SHA-256 over ``marketsim/1\\0seed\\0replication\\0name`` (decimal numbers, UTF-8).
    Raises ValueError for a NUL in the name, which could make two names one.
    """
    if "\0" in name:
        raise ValueError(f"name of a stream: was {name!r}, allowed is text without NUL")
    canonical = f"marketsim/1\0{int(seed)}\0{int(replication)}\0{name}"
    return int.from_bytes(hashlib.sha256(canonical.encode("utf-8")).digest()[:8], "big")


def philox(key: int, counters: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Philox4x32-10: the blocks of random words at these counters.

    `counters` (n, 4) and the result (n, 4) hold 32-bit words; `key` is a 64-bit integer, its low word first.
    Source: Salmon et al. 2011, SC'11, section 3.3 and table 2.
    """
    key_0, key_1 = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
    word_0, word_1, word_2, word_3 = (np.ascontiguousarray(counters[:, i]).astype(np.uint64) for i in range(4))
    for _ in range(_ROUNDS):
        product_0 = word_0 * _MULTIPLIER_0  # 32 x 32 bits: never leaves 64
        product_1 = word_2 * _MULTIPLIER_1
        word_0 = (product_1 >> _SHIFT) ^ word_1 ^ np.uint64(key_0)
        word_2 = (product_0 >> _SHIFT) ^ word_3 ^ np.uint64(key_1)
        word_1 = product_1 & _MASK
        word_3 = product_0 & _MASK
        key_0 = (key_0 + _KEY_STEP_0) & 0xFFFFFFFF
        key_1 = (key_1 + _KEY_STEP_1) & 0xFFFFFFFF
    return np.stack([word_0, word_1, word_2, word_3], axis=1).astype(np.uint32)


def philox_blocks(
    key: int, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The two 64-bit words (low, high) of each (entity, count, part); entity and count broadcast against each other.

    Raises ValueError for an entity or part outside 32 bits or a negative count: they would meet another's luck.
    """
    entities, counts = np.broadcast_arrays(np.asarray(entity), np.asarray(count))
    if not (np.issubdtype(entities.dtype, np.integer) and np.issubdtype(counts.dtype, np.integer)):
        raise ValueError(f"entity and count: were {entities.dtype} and {counts.dtype}, allowed are whole numbers")
    if entities.size and (int(entities.min()) < 0 or int(entities.max()) >= 2**32):
        raise ValueError(f"entity: was {entities.min()} to {entities.max()}, allowed is 0 to 2**32 - 1")
    if counts.size and int(counts.min()) < 0:
        raise ValueError(f"count: was {counts.min()}, allowed is 0 or more")
    if not 0 <= part < 2**32:
        raise ValueError(f"part: was {part}, allowed is 0 to 2**32 - 1")
    wide = counts.astype(np.uint64).ravel()
    counters = np.empty((wide.size, 4), np.uint32)
    counters[:, 0] = wide & _MASK
    counters[:, 1] = wide >> _SHIFT
    counters[:, 2] = entities.astype(np.uint64).ravel()
    counters[:, 3] = part
    words = philox(key, counters).astype(np.uint64)
    low = (words[:, 1] << _SHIFT) | words[:, 0]
    high = (words[:, 3] << _SHIFT) | words[:, 2]
    return low.reshape(counts.shape), high.reshape(counts.shape)
