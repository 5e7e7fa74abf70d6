"""What a measure is: its name and unit, the terms it reads from runs, and the value of terms put together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from marketsim.analysis.arrays import Floats
from marketsim.datasets.run import Run
from marketsim.kinds import Family

WHOLE_RUN = -1
"""The `day` of a term that belongs to no single day."""


@dataclass(frozen=True, slots=True)
class Term:
    """Sums of one rebalance window, one UTC day (`day` is its number) or one run (`WHOLE_RUN`).

    The numerator is a number, or an array over a grid of instants, the same for all terms of a measure.
    """

    day: int
    numerator: float | Floats
    denominator: float


class Measure(ABC):
    """What one can ask of runs, in the words of `study.measures`.

    name: its word. unit: unit of its values. if_nothing: why there is no value where the terms do not give one.
    is_of_sums: whether the value depends on the sums of numerators and denominators alone; then each cluster is summed
    once before it is resampled. keeps_collapsed: whether runs in which a market was destroyed are part of it; every
    other measure is of the survivors.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    if_nothing: ClassVar[str]
    is_of_sums: ClassVar[bool] = False
    keeps_collapsed: ClassVar[bool] = False

    @abstractmethod
    def value(self, terms: Sequence[Term]) -> float | None:
        """The value of any number of terms put together; None where they do not give one."""

    @property
    def about(self) -> str:
        """What it measures: the first line of its docstring."""
        return (type(self).__doc__ or "").strip().split("\n")[0]


MEASURES = Family(
    "measure",
    Measure,  # type: ignore[type-abstract]
    key="",
    home="marketsim.analysis.measures",
    needs=("name", "unit", "if_nothing"),
)


class RunMeasure(Measure):
    """A measure of single runs; its effect is the arm's value less the value of the arm it is compared with."""

    @abstractmethod
    def terms(self, run: Run) -> list[Term]:
        """The terms of one run; raises `ResultError` where the run did not record what it needs."""


class PairMeasure(Measure):
    """A measure of a run and its counterfactual, which have common random numbers.

    no_effect: its value where the two do not differ; None where no value says so.
    """

    no_effect: ClassVar[float | None] = 0.0

    @abstractmethod
    def terms(self, factual: Run, counterfactual: Run) -> list[Term]:
        """The terms of one pair; raises `ResultError` where a run did not record what it needs."""


class RatioOfSums(Measure):
    """A measure whose value is the sum of numerators over the sum of denominators, times `scale`."""

    scale: ClassVar[float] = 1.0
    is_of_sums = True

    def value(self, terms: Sequence[Term]) -> float | None:
        """The ratio; None where the denominators sum to zero."""
        ratio = ratio_of_sums(terms)
        return None if ratio is None else self.scale * ratio


class RootOfRatio(Measure):
    """A measure whose value is the square root of a ratio of sums, times `scale`."""

    scale: ClassVar[float] = 1.0
    is_of_sums = True

    def value(self, terms: Sequence[Term]) -> float | None:
        """The root; None where the denominators sum to zero."""
        ratio = ratio_of_sums(terms)
        return None if ratio is None else self.scale * sqrt(ratio)


def ratio_of_sums(terms: Sequence[Term]) -> float | None:
    """Sum of numerators over sum of denominators; None where the latter is zero. Numerators are single numbers."""
    denominator = sum(term.denominator for term in terms)
    return float(sum(term.numerator for term in terms)) / denominator if denominator else None
