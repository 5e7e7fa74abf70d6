"""Shards: a study cut into parts that several machines make, each the whole of some replications."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from marketsim.errors import UsageError
from marketsim.experiments.design import PlannedRun


@dataclass(frozen=True)
class Shard:
    """The I-th of N parts of a study: whole units of (cell, replication), so that arms stay together."""

    number: int = 0
    of: int = 1

    @classmethod
    def read(cls, text: str) -> Shard:
        """A shard from `I/N`; raises `UsageError` for anything else than 0 <= I < N."""
        number, slash, of = text.partition("/")
        if not (slash and number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
            raise UsageError(f"a shard is I/N; was {text!r}; allowed: 0/N to (N-1)/N")
        if not int(number) < int(of):
            raise UsageError(f"there is no such shard; was {text!r}; allowed: 0/{of} to {max(int(of) - 1, 0)}/{of}")
        return cls(int(number), int(of))

    def part(self, runs: Iterable[PlannedRun]) -> list[PlannedRun]:
        """The runs of this shard, in their order."""
        units: dict[tuple[int, int], int] = {}
        return [
            run for run in runs if units.setdefault((run.cell, run.replication), len(units)) % self.of == self.number
        ]

    def share_of(self, units: int) -> int:
        """How many of so many units (cell, replication) are in this shard."""
        return len(range(self.number, units, self.of))
