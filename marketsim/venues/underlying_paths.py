"""The paths of one replication: each underlying's index and latent fundamental, its luck, and the listed jumps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from marketsim.streams import Stream
from marketsim.venues.correlation import mixes
from marketsim.venues.index.index_path import IndexPath, Innovations
from marketsim.venues.underlying import UnderlyingSpec

__all__ = ["Jumps", "UnderlyingPaths", "underlying_paths"]

Jumps = Mapping[str, Sequence[tuple[int, Decimal]]]
"""Listed jumps of each underlying: (instant [ns from the start], size as a fraction of the level, above -1)."""


@dataclass(frozen=True)
class UnderlyingPaths:
    """What one underlying does in one replication: its index, and its latent fundamental if it has one."""

    index: IndexPath
    latent: IndexPath | None = None


def underlying_paths(
    underlyings: Sequence[UnderlyingSpec],
    *,
    seed: int,
    replication: int,
    start_ns: int,
    duration_ns: int,
    root: Path,
    jumps: Jumps | None = None,
) -> dict[str, UnderlyingPaths]:
    """The paths of each underlying in one replication, by id.

    start_ns: the run's start [ns since 1970]; root: the folder the scenario's file paths begin at. A jump multiplies
    the level by 1 + size at the first step at or after its instant: that of the latent fundamental where there is one,
    whose index shows it as it shows any move, else that of the index. The underlyings have no faults, nor have their
    correlations. Raises UnitError for what a file has.
    """
    own = {underlying.id: Stream(seed, replication, f"index:{underlying.id}") for underlying in underlyings}
    mixed = mixes(underlyings)
    paths: dict[str, UnderlyingPaths] = {}
    for underlying in underlyings:
        name, index = underlying.id, underlying.index
        innovations = Innovations(own[name], [(weight, own[other]) for other, weight in mixed.get(name, ())])
        factors = _jump_factors((jumps or {}).get(name, ()), underlying.fundamental.every)
        moved = underlying.fundamental.prepare(start_ns=start_ns, duration_ns=duration_ns, root=root)
        path = moved.path(innovations, factors)
        if underlying.latent is None:
            paths[name] = UnderlyingPaths(path)
        elif index.shows_latent:
            paths[name] = UnderlyingPaths(index.shown(path), path)
        else:
            still = index.prepare(start_ns=start_ns, duration_ns=duration_ns, root=root)
            paths[name] = UnderlyingPaths(still.path(innovations, {}), path)
    return paths


def _jump_factors(jumps: Iterable[tuple[int, Decimal]], every_ns: int) -> dict[int, Fraction]:
    """Factor of each step with a jump; jumps of one step multiply."""
    factors: dict[int, Fraction] = {}
    for at_ns, size in jumps:
        step = -(-at_ns // every_ns)
        factors[step] = factors.get(step, Fraction(1)) * (1 + Fraction(size))
    return factors
