"""What a claim is: the word that a scenario names it with, and how a run, or a study, is judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError
from marketsim.kinds import Family

Outcome = Literal["confirmed", "refuted", "conditional", "as declared", "undecided"]
"""conditional: it holds under a condition, which the sentence names. as declared: it says what an issuer's rule is, and
the run followed the rule that was declared. undecided: the run has not what it takes to tell."""


class NotRecordedError(ResultError):
    """A run has not what a claim is judged by; its text says what is missing."""


class Evaluation(NamedTuple):
    """What is found: the outcome, a sentence with the condition it holds under, and the figures by name."""

    outcome: Outcome
    sentence: str
    figures: Mapping[str, float]


class Claim(ABC):
    """A statement about leveraged tokens that a scenario can put to the test; its docstring is the question asked."""

    name: ClassVar[str]

    @property
    def about(self) -> str:
        """The question: the first line of its docstring."""
        return (type(self).__doc__ or "").strip().split("\n")[0]


CLAIMS = Family(
    "claim",
    Claim,
    key="",
    home="marketsim.analysis.claims",
    needs=("name",),
)


class RunClaim(Claim):
    """A claim that one run can tell about."""

    @abstractmethod
    def judge(self, run: Run) -> Evaluation:
        """What a run says about it; `undecided`, or a `NotRecordedError`, where it lacks what the question needs."""


class StudyClaim(Claim):
    """A claim about most cases, which takes a study: paths are its replications, horizons its cells."""

    @abstractmethod
    def judge(self, study: Study) -> Evaluation:
        """What a study says about it; `undecided` where it lacks what the question needs."""


def undecided(why: str) -> Evaluation:
    """That a run cannot tell, and what it lacks."""
    return Evaluation("undecided", f"It cannot be told: {why}.", {})
