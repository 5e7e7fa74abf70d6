"""Two runs side by side: what set them apart, where they part, and what differs in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marketsim.analysis.headline import headline
from marketsim.analysis.mids import Floats, mids_of
from marketsim.analysis.parting import Parting, first_parting, same_content
from marketsim.analysis.span import own_markets, resolved_of, span_of
from marketsim.analysis.windows import MINUTE_NS
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES

RETURNS_AT_A_TIME = 60
HALF = 0.5
IDENTITY = ("scenario_sha256", "identity_sha256", "seed", "replication", "arm", "intervention", "fork")
"""Fields of the manifest that say what ran; those an earlier version did not write are equal where both lack them."""
NOT_PART_OF_THE_WORLD = ("study", "seed", "name", "title", "references")


@dataclass(frozen=True, slots=True)
class PairCorrelation:
    """Correlation of two runs' 1-minute returns of a market's mid: of all, and when that of an hour fell below 1/2.

    fell_ns is the end of the first window of 60 returns whose correlation is below one half; None where there is none.
    """

    market: str
    overall: float | None
    fell_ns: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found. identity: field -> (a, b) where they differ; scenario: path -> (a, b) where they differ.

    tables: name -> whether the content is the same. figures: name -> (a, b, b - a).
    """

    a: str
    b: str
    identity: dict[str, tuple[Any, Any]]
    scenario: dict[str, tuple[Any, Any]]
    tables: dict[str, bool]
    parting: Parting | None
    correlations: tuple[PairCorrelation, ...]
    figures: dict[str, tuple[float | None, float | None, float | None]]

    @property
    def share_luck(self) -> bool:
        """Whether seed and replication are the same, so that all exogenous draws are."""
        return not {"seed", "replication"} & self.identity.keys()

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**asdict(self), "share_luck": self.share_luck}


def compare(a: str | Path | Run, b: str | Path | Run) -> Comparison:
    """Compare two run directories; differences are b less a. Raises as `Run` does where a path holds no run."""
    first, second = (one if isinstance(one, Run) else Run(one) for one in (a, b))
    return Comparison(
        str(first.path),
        str(second.path),
        _identity(first, second),
        dict(differing_values(_world(first), _world(second))),
        {table: same_content(first, second, table) for table in TABLES},
        first_parting(first, second),
        pair_correlations(first, second),
        _figures(first, second),
    )


def _identity(a: Run, b: Run) -> dict[str, tuple[Any, Any]]:
    both = {key: (a.manifest.get(key), b.manifest.get(key)) for key in IDENTITY}
    both["code"] = (a.manifest["versions"].get("marketsim"), b.manifest["versions"].get("marketsim"))
    both["status"] = (a.manifest["status"], b.manifest["status"])
    return {key: pair for key, pair in both.items() if pair[0] != pair[1]}


def _world(run: Run) -> dict[str, Any]:
    return {key: value for key, value in resolved_of(run).items() if key not in NOT_PART_OF_THE_WORLD}


def differing_values(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Paths at which two resolved values differ, with both; things in lists are named by their id; None: not there."""
    if a == b:
        return
    left, right = _members(a), _members(b)
    if left is None or right is None:
        yield path, (a, b)
        return
    for key in list(dict.fromkeys([*left, *right])):
        yield from differing_values(left.get(key), right.get(key), f"{path}.{key}" if path else str(key))


def _members(value: Any) -> dict[str, Any] | None:
    """What is inside a map, or a list of things with ids; None for anything that is compared as a whole."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(each, dict) and "id" in each for each in value):
        return {str(each["id"]): each for each in value}
    return None


def _shared_markets(a: Run, b: Run) -> list[str]:
    others = own_markets(b)
    return [market for market in own_markets(a) if market in others]


def pair_correlations(a: Run, b: Run) -> tuple[PairCorrelation, ...]:
    """The correlation of two runs' tapes in each market they share."""
    return tuple(pair_correlation(a, b, market) for market in _shared_markets(a, b))


def pair_correlation(a: Run, b: Run, market: str) -> PairCorrelation:
    """Correlation of the 1-minute log returns of a market's mid in two runs, behind both warm-ups.

    Two still mids correlate fully where they are the same; a market that moves in one run only has no correlation with
    it (0). overall is None where mids are coarser than a minute or there are none.
    """
    begin, end = max(span_of(a).begin_ns, span_of(b).begin_ns), min(span_of(a).end_ns, span_of(b).end_ns)
    minutes = np.arange(begin, end + 1, MINUTE_NS)
    mids = [mids_of(run) for run in (a, b)]
    if not all(each.is_as_fine_as(MINUTE_NS) for each in mids):
        return PairCorrelation(market, None, None)
    x, y = (np.diff(np.log(each.at(market, minutes))) for each in mids)
    known = np.isfinite(x) & np.isfinite(y)
    x, y, ends = x[known], y[known], minutes[1:][known]
    if len(x) < 2:
        return PairCorrelation(market, None, None)
    for last in range(RETURNS_AT_A_TIME, len(x) + 1):
        window = slice(last - RETURNS_AT_A_TIME, last)
        if correlation(x[window], y[window]) < HALF:
            return PairCorrelation(market, correlation(x, y), int(ends[last - 1]))
    return PairCorrelation(market, correlation(x, y), None)


def correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; of series without variance 1 where they are the same, else 0."""
    if np.array_equal(x, y):
        return 1.0
    dx, dy = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((dx @ dx) * (dy @ dy)))
    return float(dx @ dy) / spread if spread > 0.0 else 0.0


def _figures(a: Run, b: Run) -> dict[str, tuple[float | None, float | None, float | None]]:
    left, right = headline(a), headline(b)
    found = {}
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        found[name] = (one, other, None if one is None or other is None else other - one)
    return found
