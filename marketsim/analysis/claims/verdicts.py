"""The verdict on a claim about leveraged tokens, computed from a run or a study of a scenario that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from marketsim.analysis.claims.family import (
    CLAIMS,
    Claim,
    Evaluation,
    NotRecordedError,
    Outcome,
    RunClaim,
    StudyClaim,
    undecided,
)
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError, UsageError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run or a study says about a claim: the outcome, a sentence with its condition, and figures by name.

    claim: in the words of the scenario's title. word: which claim it was judged as.
    """

    claim: str
    word: str
    outcome: Outcome
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


@cache
def all_claims() -> Mapping[str, Claim]:
    """Every claim by its word, those of plugins among them."""
    return {name: kind() for name, kind in CLAIMS.kinds.items()}


def listing() -> list[tuple[str, str, str]]:
    """Word, origin and question of each claim, the rows of `marketsim list claims`."""
    found = []
    for claim in all_claims().values():
        plugin = CLAIMS.plugin_of(type(claim))
        origin = type(claim).__module__ if plugin is None else f"{plugin.package} {plugin.version}"
        of_what = "a study" if isinstance(claim, StudyClaim) else "a run"
        found.append((claim.name, origin, f"{claim.about} [{of_what}]"))
    return found


def verdict(path: str | Path | Run | Study, claim: str | None = None) -> Verdict:
    """The verdict of a run directory, or a study, on the claim its scenario names, or on another.

    Raises `ResultError` for one that names none, or that failed, `UsageError` for a claim there is not.
    """
    source = _opened(path)
    scenario = source.scenario if isinstance(source, Study) else source.resolved
    word = claim or scenario.get("claim")
    if word is None:
        raise ResultError(
            f"{source.path} names no claim; `claim:` in its scenario does, one of {', '.join(all_claims())}"
        )
    if word not in all_claims():
        raise UsageError(f"there is no claim {word!r}; there are {', '.join(all_claims())}")
    judged, title = all_claims()[word], str(scenario.get("title") or scenario["name"])
    if isinstance(source, Run) and source.manifest["status"] != "ok":
        raise ResultError(f"{source.path} cannot support a claim: its status is {source.manifest['status']!r}")
    if isinstance(judged, RunClaim) and isinstance(source, Run):
        return Verdict(title, word, *_judged(judged, source))
    if isinstance(judged, StudyClaim) and isinstance(source, Study):
        return Verdict(title, word, *judged.judge(source))
    needed = "one run" if isinstance(judged, RunClaim) else "a study (`marketsim sweep`): one path is no distribution"
    return Verdict(title, word, *undecided(f"it takes {needed}"))


def verdicts(folder: str | Path) -> dict[str, Verdict]:
    """Verdicts on all runs and studies of claims below a folder, by scenario's name and id (`name/id`).

    The runs of a study are part of it and not judged by themselves.
    """
    return {"/".join(path.parts[-2:]): verdict(path) for path in _claimed(Path(folder))}


def _judged(claim: RunClaim, run: Run) -> Evaluation:
    """What a run says about a claim; undecided where it did not record what that takes."""
    try:
        return claim.judge(run)
    except NotRecordedError as missing:
        return undecided(str(missing))


def _opened(path: str | Path | Run | Study) -> Run | Study:
    if isinstance(path, (Run, Study)):
        return path
    return Study(path) if (Path(path) / "study.json").is_file() else Run(path)


def _claimed(folder: Path) -> Iterator[Path]:
    """Directories of runs and studies below a folder whose scenario names a claim."""
    studies = [path.parent for path in sorted(folder.rglob("study.json"))]
    for path in studies:
        if Study(path).scenario.get("claim") is not None:
            yield path
    for manifest in sorted(folder.rglob("manifest.json")):
        path = manifest.parent
        if not any(study in path.parents for study in studies):
            declared = json.loads((path / "resolved.json").read_text(encoding="utf-8"))
            if declared.get("claim") is not None:
                yield path
