"""Two runs compared: in which inputs they differ, the first row in which they diverge, and the figures at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from marketsim.analysis.comparison.first_divergence import Divergence, first_divergence, same_content
from marketsim.analysis.comparison.headline_figures import headline_figures
from marketsim.analysis.comparison.return_correlation import ReturnCorrelation, return_correlations
from marketsim.datasets.integrity import check_run
from marketsim.datasets.run import Run
from marketsim.datasets.tables import TABLES

IDENTITY = ("scenario_sha256", "identity_sha256", "seed", "replication", "arm", "intervention", "fork")
"""Fields of the manifest that say what ran; those an earlier version did not write are equal where both lack them."""
NOT_PART_OF_THE_WORLD = ("study", "seed", "name", "title", "references")

Differing = tuple[object, object]
"""A value in run a and in run b; None where there is none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found.

    identity: fields of the manifests that differ, with both values. scenario: paths of the resolved scenarios that
    differ, with both values. tables: by name, whether the content is equal. figures: by name, (a, b, b - a).
    """

    a: str
    b: str
    identity: dict[str, Differing]
    scenario: dict[str, Differing]
    tables: dict[str, bool]
    divergence: Divergence | None
    correlations: tuple[ReturnCorrelation, ...]
    figures: dict[str, tuple[float | None, float | None, float | None]]

    @property
    def has_common_random_numbers(self) -> bool:
        """Whether seed and replication are the same, so that all exogenous draws are."""
        return not {"seed", "replication"} & self.identity.keys()

    def as_dict(self) -> dict[str, object]:
        """As plain values, for JSON; the divergence is called `parting`, common random numbers `share_luck`."""
        plain = asdict(self)
        parting = plain.pop("divergence")
        return {**plain, "parting": parting, "share_luck": self.has_common_random_numbers}


def compare(a: str | Path | Run, b: str | Path | Run) -> Comparison:
    """Compare two run directories; differences are b less a. Raises as `Run` does where a path holds no run.

    Whether they part is read from the hashes in their manifests, so first every file is compared with these: raises
    `DamagedResultError` where one is not what was written.
    """
    first, second = (one if isinstance(one, Run) else Run(one) for one in (a, b))
    for run in (first, second):
        check_run(run.path)
    return Comparison(
        str(first.path),
        str(second.path),
        _identity(first, second),
        dict(differing_values(_world(first), _world(second))),
        {table: same_content(first, second, table) for table in TABLES},
        first_divergence(first, second),
        return_correlations(first, second),
        _figures(first, second),
    )


def _identity(a: Run, b: Run) -> dict[str, Differing]:
    both: dict[str, Differing] = {key: (a.manifest.get(key), b.manifest.get(key)) for key in IDENTITY}
    code_a, code_b = (run.manifest.get("versions", {}).get("marketsim") for run in (a, b))
    both["code"] = (code_a, code_b)
    both["status"] = (a.manifest["status"], b.manifest["status"])
    return {key: pair for key, pair in both.items() if pair[0] != pair[1]}


def _world(run: Run) -> dict[str, object]:
    return {key: value for key, value in run.resolved.items() if key not in NOT_PART_OF_THE_WORLD}


def differing_values(a: object, b: object, path: str = "") -> Iterator[tuple[str, Differing]]:
    """Paths at which two resolved values differ, with both; items of lists are named by their id."""
    if a == b:
        return
    left, right = _members(a), _members(b)
    if left is None or right is None:
        yield path, (a, b)
        return
    for key in list(dict.fromkeys([*left, *right])):
        yield from differing_values(left.get(key), right.get(key), f"{path}.{key}" if path else str(key))


def _members(value: object) -> Mapping[str, object] | None:
    """What is inside a map, or a list of things with ids; None for anything that is compared as a whole."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(each, dict) and "id" in each for each in value):
        return {str(each["id"]): each for each in value}
    return None


def _figures(a: Run, b: Run) -> dict[str, tuple[float | None, float | None, float | None]]:
    left, right = headline_figures(a), headline_figures(b)
    found = {}
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        found[name] = (one, other, None if one is None or other is None else other - one)
    return found
