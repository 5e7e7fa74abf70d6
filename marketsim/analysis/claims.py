"""Verdicts on what is said of leveraged tokens: each computed from the tables of one run of scenarios/claims.

A claim is the title of its scenario; its verdict says whether the run bears it out, in a sentence with the figures and
the condition they hold under. Nothing here knows what the answer should be: the outcome follows from the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketsim.analysis import fund_judges, judges, market_judges
from marketsim.analysis.readings import Judged, Outcome
from marketsim.datasets.run import Run
from marketsim.errors import ResultError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a claim: the outcome, the sentence with its condition, and the figures by name."""

    claim: str
    outcome: Outcome
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


Judge = Callable[[Run], Judged]


def verdict(run_directory: str | Path) -> Verdict:
    """The verdict on the claim whose scenario made a run.

    Raises `ResultError` for a run of any other scenario, or one that failed.
    """
    run = Run(run_directory)
    judge = JUDGES.get(run.manifest["name"])
    if judge is None:
        raise ResultError(f"{run.path} is a run of {run.manifest['name']!r}, which is none of {', '.join(JUDGES)}")
    if run.manifest["status"] != "ok":
        raise ResultError(f"{run.path} cannot bear out a claim: its status is {run.manifest['status']!r}")
    resolved = json.loads((run.path / "resolved.json").read_text(encoding="utf-8"))
    return Verdict(resolved["title"], *judge(run))


def verdicts(folder: str | Path) -> dict[str, Verdict]:
    """Verdicts on all runs of claims below a folder, by the scenario's name and run directory (`name/run id`)."""
    found = {}
    for path in sorted(Path(folder).rglob("manifest.json")):
        if json.loads(path.read_text(encoding="utf-8"))["name"] in JUDGES:
            found["/".join(path.parent.parts[-2:])] = verdict(path.parent)
    return found


JUDGES: dict[str, Judge] = {
    "claim-multiple": judges.multiple,
    "claim-basket": fund_judges.basket,
    "claim-spot": market_judges.spot,
    "claim-redemption": market_judges.redemption,
    "claim-premium": judges.premium,
    "claim-costs": judges.costs,
    "claim-gap": judges.gap,
    "claim-target": fund_judges.target,
    "claim-exposure": judges.exposure,
    "claim-violent": judges.violent,
    "claim-choppy": judges.choppy,
    "claim-flat": judges.flat,
    "claim-split": market_judges.split,
    "claim-perp": market_judges.perp,
}
"""The judge of each claim, by the name of its scenario, in the order of the source's sentences."""
