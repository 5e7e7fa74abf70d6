"""What a run or a study says of the claim that its scenario puts to the test: the outcome, and the sentence."""

from __future__ import annotations

from marketsim.analysis.claims.verdicts import verdict
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import DamagedResultError, ResultError
from marketsim.report import markup
from marketsim.report.markup import Markup


def claim_paragraph(source: Run | Study) -> Markup:
    """The verdict as a paragraph, or why there is none; call it where the scenario names a claim."""
    try:
        found = verdict(source)
    except DamagedResultError:
        raise
    except ResultError as error:
        return markup.paragraph(Markup("<strong>Claim: undecided.</strong> "), f"{error}.", kind="lead")
    return markup.paragraph(Markup(f"<strong>Claim: {found.outcome}.</strong> "), found.sentence, kind="lead")
