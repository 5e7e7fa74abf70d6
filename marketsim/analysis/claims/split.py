"""Claim `split`: after a long fall a reverse split makes few tokens of many."""

from __future__ import annotations

import json
from math import prod

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim, undecided
from marketsim.analysis.claims.readings import declared_tokens, nav_of
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT

_SAME_WORTH = 1e-9


@CLAIMS.register
class SplitClaim(RunClaim):
    """Does a reverse split follow a fall, as its issuer declares it, and leave fewer tokens of the same value?"""

    name = "split"

    def judge(self, run: Run) -> Evaluation:
        """As declared where it was made by the declared ratio and changed nobody's worth; of the first token split."""
        rules = {
            token: spec["reverse_split"]
            for token, spec in declared_tokens(run).items()
            if spec["reverse_split"] not in (None, "none")
        }
        if not rules:
            return undecided("no issuer declares a reverse split")
        splits = run.table("events").filter(event="reverse_split").sort("t_ns")
        if splits.is_empty():
            return undecided("no NAV fell to where a split is declared")
        subject = splits["subject"][0]
        details = [json.loads(text) for text in splits.filter(subject=subject)["detail"].to_list()]
        figures = {"splits": float(splits.height), **_figures(details, nav_of(run, subject))}
        ratio = float(rules[subject]["ratio"])
        holds = all(abs(_made(told) * ratio - 1) < _SAME_WORTH and abs(_change(told)) < _SAME_WORTH for told in details)
        did = "The run did what the issuer of" if holds else "This is not what the issuer of"
        sentence = (
            f"{did} {subject} declares, and another may declare none: after a change of NAV of "
            f"{figures['fall_before']:+.0%}, {1 / figures['tokens_made_of_one']:.0f} tokens became one, and the value "
            f"of holdings, cash for fractions included, changed by "
            f"{figures['change_of_worth']:.1%}. It makes the price readable and restores nothing: in the end "
            f"{-figures['loss_since_start']:.0%} of a holding was lost."
        )
        return Evaluation("as declared" if holds else "refuted", sentence, figures)


def _figures(details: list[dict[str, float]], nav: dict[int, float]) -> dict[str, float]:
    """The first split of a token, and what became of a holding over all of them."""
    first = details[0]
    kept = prod(map(_made, details))
    return {
        "fall_before": first["nav_before"] / nav[min(nav)] - 1,
        "tokens_made_of_one": _made(first),
        "change_of_worth": _change(first),
        "loss_since_start": nav[max(nav)] * kept / nav[min(nav)] - 1,
    }


def _made(told: dict[str, float]) -> float:
    """How many new tokens a split made of an old one, by their NAV: fractions are paid in cash."""
    return told["nav_before"] / told["nav_after"]


def _change(told: dict[str, float]) -> float:
    """What a split added to the worth of all tokens, with the cash paid for fractions, as a share of it."""
    before, after = (told[f"supply_{when}"] * told[f"nav_{when}"] for when in ("before", "after"))
    return (after + told["cash_in_lieu_atoms"] / ATOMS_PER_UNIT) / before - 1
