"""The verdict on a claim about leveraged tokens, computed from the tables of one run of its scenario.

A claim is the title of its scenario in scenarios/claims; its verdict says whether the run supports it, in a sentence
with the figures and the condition they hold under.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketsim.analysis.claims import fund_claims, holder_claims, token_claims
from marketsim.analysis.claims.evaluation import Evaluation, Outcome
from marketsim.datasets.run import Run
from marketsim.errors import ResultError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says about a claim: the outcome, a sentence with its condition, and the figures by name."""

    claim: str
    outcome: Outcome
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


Evaluator = Callable[[Run], Evaluation]


def verdict(run_directory: str | Path) -> Verdict:
    """The verdict on the claim whose scenario made a run.

    Raises `ResultError` for a run of any other scenario, or one that failed.
    """
    run = Run(run_directory)
    evaluate = EVALUATORS.get(run.manifest["name"])
    if evaluate is None:
        raise ResultError(f"{run.path} is a run of {run.manifest['name']!r}, which is none of {', '.join(EVALUATORS)}")
    if run.manifest["status"] != "ok":
        raise ResultError(f"{run.path} cannot support a claim: its status is {run.manifest['status']!r}")
    return Verdict(run.resolved["title"], *evaluate(run))


def verdicts(folder: str | Path) -> dict[str, Verdict]:
    """Verdicts on all runs of claims below a folder, by the scenario's name and run directory (`name/run id`)."""
    found = {}
    for path in sorted(Path(folder).rglob("manifest.json")):
        if json.loads(path.read_text(encoding="utf-8"))["name"] in EVALUATORS:
            found["/".join(path.parent.parts[-2:])] = verdict(path.parent)
    return found


EVALUATORS: dict[str, Evaluator] = {
    "claim-multiple": token_claims.multiple,
    "claim-basket": fund_claims.basket,
    "claim-spot": holder_claims.spot,
    "claim-redemption": holder_claims.redemption,
    "claim-premium": token_claims.premium,
    "claim-costs": token_claims.costs,
    "claim-gap": token_claims.gap,
    "claim-target": fund_claims.target,
    "claim-exposure": token_claims.exposure,
    "claim-violent": token_claims.violent,
    "claim-choppy": token_claims.choppy,
    "claim-flat": token_claims.flat,
    "claim-split": holder_claims.split,
    "claim-perp": holder_claims.perp,
}
"""The evaluator of each claim, by the name of its scenario, in the order of the source's sentences."""
