"""Names that tell nothing, and which runs are for training: both drawn from a secret that goes with the answers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

HELD_OUT = 0.25
TRAIN, TEST_SEED, TEST_WORLD = "train", "test_seed", "test_world"
"""Splits: replications that training has not seen of worlds it has, and worlds it has not seen at all."""


def new_secret() -> str:
    """A secret that nobody can guess [hex]."""
    return secrets.token_hex(32)


@dataclass(frozen=True)
class Disguise:
    """Opaque names and splits from a secret; the same secret gives the same ones."""

    secret: str

    def name(self, run_id: str) -> str:
        """The name of a run, 16 hexadecimal digits."""
        return self._digest("run", run_id)[:16]

    def held_out(self, of: str, among: Sequence[int]) -> frozenset[int]:
        """A quarter of the numbers, at least one, none where there is but one."""
        distinct = sorted(set(among), key=lambda number: self._digest(of, str(number)))
        count = max(round(len(distinct) * HELD_OUT), 1) if len(distinct) > 1 else 0
        return frozenset(distinct[:count])

    def splits(self, cells: Sequence[int], replications: Sequence[int]) -> list[str]:
        """The split of each run (n,) by its cell and replication."""
        worlds, draws = self.held_out("cell", cells), self.held_out("replication", replications)
        return [
            TEST_WORLD if cell in worlds else TEST_SEED if replication in draws else TRAIN
            for cell, replication in zip(cells, replications, strict=True)
        ]

    def _digest(self, of: str, what: str) -> str:
        return hashlib.sha256(f"{self.secret}/{of}/{what}".encode()).hexdigest()
