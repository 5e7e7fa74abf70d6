"""What a measure is: its name and unit, the terms it reads from runs, and the value of terms put together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import ClassVar

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.datasets.run import Run
from marketsim.kinds import Family

WHOLE_RUN = -1
"""The `day` of a term that belongs to no single day."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What a reset was, for the sentence of an effect: the funds' assets, the order, the move since the last reset.

    assets, order: in `currency`, absolute. move: absolute simple return.
    """

    assets: float
    order: float
    move: float
    currency: str


@dataclass(frozen=True, slots=True)
class Term:
    """Sums of one rebalance window, one UTC day (`day` is its number) or one run (`WHOLE_RUN`).

    numerator: a number, or an array over a grid of instants, the same for all terms of a measure. market: effects have
    a row for each; None is all markets together. dropped: resets or sides that could not be read; such a term has
    denominator 0 (`unread`), unless a bound stands for it. exchanged: for measures of pairs whose value for two runs
    that differ by chance alone is not `no_effect`: the number that changes its sign where the runs are exchanged, which
    is what the test then flips.
    reset: what the term's reset was.
    """

    day: int
    numerator: float | Floats
    denominator: float
    market: str | None = None
    dropped: int = 0
    exchanged: float | None = None
    reset: Reset | None = None


def unread(day: int, market: str | None = None) -> Term:
    """A reset, or a side, that could not be read: it is counted and enters no value."""
    return Term(day, 0.0, 0.0, market, dropped=1)


class Measure(ABC):
    """What one can ask of runs, in the words of `study.measures`.

    name: its word. unit: unit of its values. if_nothing: why there is no value where the terms do not give one. window:
    when it looks, in words that end a sentence. verb: what the value does to a market ("pushed"), where the sentence of
    an effect can say so. is_of_sums: whether the value depends on the sums of numerators and denominators alone; then
    the terms of a replication are summed once. keeps_collapsed: whether collapsed runs are part of it; every other
    measure is of the survivors.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    if_nothing: ClassVar[str]
    window: ClassVar[str] = "over the whole run"
    verb: ClassVar[str] = ""
    is_of_sums: ClassVar[bool] = False
    is_mean: ClassVar[bool] = False
    keeps_collapsed: ClassVar[bool] = False

    @abstractmethod
    def value(self, terms: Sequence[Term]) -> float | None:
        """The value of any number of terms put together; None where they do not give one."""

    def of_replication(self, terms: Sequence[Term]) -> list[Term]:
        """The terms of one replication, its days and forks, as they enter the value of several replications.

        Of measures of sums they are summed; none where there is nothing to sum.
        """
        if not self.is_of_sums:
            return list(terms)
        denominator = sum(term.denominator for term in terms)
        if not denominator:
            return []
        numerator = sum(term.numerator for term in terms)
        return [Term(WHOLE_RUN, numerator, denominator, exchanged=_sum_exchanged(terms))]

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
    """A measure of an arm and the arm it is compared with, which have common random numbers.

    It says what the arm has that the other has not: a difference is arm - versus, a ratio arm / versus. no_effect: its
    value where the two do not differ; None where no value says so.
    """

    no_effect: ClassVar[float | None] = 0.0

    @abstractmethod
    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        """The terms of one pair; raises `ResultError` where a run did not record what it needs.

        resets: the run whose resets are read; None is the arm itself, another is given for an arm that sends no orders.
        """


class RatioOfSums(Measure):
    """A measure whose value is the sum of numerators over the sum of denominators, times `scale`."""

    scale: ClassVar[float] = 1.0
    is_of_sums = True

    def value(self, terms: Sequence[Term]) -> float | None:
        """The ratio; None where the denominators sum to zero."""
        ratio = ratio_of_sums(terms)
        return None if ratio is None else self.scale * ratio

    def of_sums(self, numerators: Floats, denominators: Floats) -> Floats:
        """The value of sums, one by one; NaN where it does not exist."""
        return self.scale * _divided(numerators, denominators)


class MeanOfReplications(RatioOfSums):
    """A measure whose value is the plain mean over replications of each one's ratio of sums, times `scale`.

    For ratios whose denominators are weights of a replication's resets: each replication then counts alike.
    """

    is_mean = True

    def of_replication(self, terms: Sequence[Term]) -> list[Term]:
        """One term over 1: the replication's own ratio."""
        ratio = ratio_of_sums(terms)
        return [] if ratio is None else [Term(WHOLE_RUN, ratio, 1.0)]


class RootOfRatio(Measure):
    """A measure whose value is the square root of a ratio of sums, times `scale`."""

    scale: ClassVar[float] = 1.0
    is_of_sums = True

    def value(self, terms: Sequence[Term]) -> float | None:
        """The root; None where the denominators sum to zero."""
        ratio = ratio_of_sums(terms)
        return None if ratio is None else self.scale * sqrt(ratio)

    def of_sums(self, numerators: Floats, denominators: Floats) -> Floats:
        """The value of sums, one by one; NaN where it does not exist."""
        with np.errstate(invalid="ignore"):
            return self.scale * np.sqrt(_divided(numerators, denominators))


def ratio_of_sums(terms: Sequence[Term]) -> float | None:
    """Sum of numerators over sum of denominators; None where the latter is zero. Numerators are single numbers."""
    denominator = sum(term.denominator for term in terms)
    return float(sum(term.numerator for term in terms)) / denominator if denominator else None


def _divided(numerators: Floats, denominators: Floats) -> Floats:
    ratio: Floats = np.divide(numerators, denominators, out=np.full(len(numerators), nan), where=denominators != 0.0)
    return ratio


def _sum_exchanged(terms: Sequence[Term]) -> float | None:
    """The sum of what changes its sign; None where a term does not tell it."""
    known = [term.exchanged for term in terms if term.exchanged is not None]
    return sum(known) if known and len(known) == len(terms) else None
