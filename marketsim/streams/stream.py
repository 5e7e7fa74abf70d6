"""A named stream of luck: draws by entity and count."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from marketsim.streams.elementary import log_
from marketsim.streams.normal import normal_quantile
from marketsim.streams.philox import philox_blocks, stream_key

__all__ = ["Stream"]

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """The luck of one named purpose in one replication, e.g. ``Stream(seed, 0, "index:BTC")``.

    Every draw is a function of (seed, replication, name, entity, count, part) alone. `entity` (who) and `count` (which
    decision) are whole numbers or arrays that broadcast against each other and give the shape of the result; `part`
    tells apart several draws of one decision.
    """

    seed: int
    replication: int
    name: str
    key: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", stream_key(self.seed, self.replication, self.name))

    def bits(self, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0) -> npt.NDArray[np.uint64]:
        """64 random bits (the low word of the block)."""
        return philox_blocks(self.key, entity, count, part)[0]

    def uniform(self, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0) -> Float64Array:
        """Uniform strictly inside (0, 1), on 2**52 mid-points symmetric about 1/2."""
        top = (self.bits(entity, count, part) >> np.uint64(12)).astype(np.float64)
        return np.asarray((top + 0.5) * 2.0**-52, np.float64)

    def normal(self, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0) -> Float64Array:
        """Standard normal, by inversion (AS 241), so one decision takes one draw."""
        return normal_quantile(self.uniform(entity, count, part))

    def exponential(self, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0) -> Float64Array:
        """Exponential of mean 1, as -ln u (the kernel's waiting times use the table instead)."""
        return np.asarray(-log_(self.uniform(entity, count, part)), np.float64)

    def integers(self, below: int, entity: npt.ArrayLike, count: npt.ArrayLike, part: int = 0) -> npt.NDArray[np.int64]:
        """Whole numbers 0 .. below - 1, each with probability 1/below up to 2**-32 of itself; 1 <= below <= 2**32.

        The high half of bits x below (Lemire 2019, "Fast random integer generation in an interval", without rejection).
        """
        if not 1 <= below <= 2**32:
            raise ValueError(f"below: was {below}, allowed is 1 to 2**32")
        bits, factor, shift = self.bits(entity, count, part), np.uint64(below), np.uint64(32)
        carried = ((bits & np.uint64(0xFFFFFFFF)) * factor) >> shift
        return np.asarray(((bits >> shift) * factor + carried) >> shift, np.int64)
