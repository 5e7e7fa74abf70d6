"""One stylised fact: its value with an interval, the reference range beside it with its source, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.stylised_facts.blocks import Blocks, interval_of_items, interval_of_sums
from marketsim.errors import ResultError

Kind = Literal["btc", "alt"]
"""Which column of reference ranges: of a large market such as BTC's, or of a thinner one."""
Verdict = Literal["inside", "outside", "not measurable", "of the index", "no reference"]

NO_INTERVAL = "one number, no interval"
NOTHING_VARIES = "nothing varies in what was recorded"


class NotMeasurableError(ResultError):
    """What was recorded does not show this fact; the text says why, and what would."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, the ends of its 95 % interval where a sound one exists, how it was made, and what to know besides."""

    value: float
    lo: float | None = None
    hi: float | None = None
    interval: str = NO_INTERVAL
    note: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range; an end is None where it is open. `low`, `high` are of it."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value lies in it, its ends included."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def meets(self, lo: float, hi: float) -> bool:
        """Whether an interval reaches into it."""
        return (self.low is None or hi >= self.low) and (self.high is None or lo <= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"> {self.low:g}" if self.low is not None else f"< {self.high:g}" if self.high is not None else ""
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a fact is and what real markets show: its group, its words, its unit, two ranges (None: none), their source.

    is_of_the_index: whether a perpetual around an index that no trade moves only shows the index's own (the row then
    has no verdict). cont: its number among the eleven of Cont 2001, 0 of none.
    """

    group: str
    words: str
    unit: str
    btc: Range | None
    alt: Range | None
    source: str
    is_of_the_index: bool = False
    cont: int = 0

    def range_of(self, kind: Kind) -> Range | None:
        """The range of one kind of market."""
        return self.btc if kind == "btc" else self.alt


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the table; value, lo, hi in `unit`; `note` says why a row has no value, and what to know of one."""

    id: str
    group: str
    fact: str
    unit: str
    value: float | None
    lo: float | None
    hi: float | None
    interval: str
    low: float | None
    high: float | None
    reference: str
    source: str
    verdict: Verdict
    note: str

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def judged(name: str, of: Reference, kind: Kind, found: Estimate | NotMeasurableError, *, is_the_index: bool) -> Fact:
    """The row of a fact that was measured or could not be."""
    wanted = of.range_of(kind)
    low, high = (wanted.low, wanted.high) if wanted is not None else (None, None)
    named = f"{of.words} (Cont {of.cont})" if of.cont else of.words
    said = "" if wanted is None else str(wanted)
    if isinstance(found, NotMeasurableError):
        return Fact(
            name, of.group, named, of.unit, None, None, None, "", low, high, said, of.source, "not measurable",
            str(found),
        )  # fmt: skip
    verdict: Verdict = "no reference"
    note = found.note
    if wanted is not None:
        verdict = "inside" if wanted.holds(found.value) else "outside"
        if verdict == "outside" and found.lo is not None and found.hi is not None and wanted.meets(found.lo, found.hi):
            note = "; ".join(filter(None, (note, "its interval reaches the range")))
    if of.is_of_the_index and is_the_index:
        verdict = "of the index"
    return Fact(
        name, of.group, named, of.unit, found.value, found.lo, found.hi, found.interval, low, high, said, of.source,
        verdict, note,
    )  # fmt: skip


def from_sums(
    sums: Floats | None, whole: Floats, statistic: Callable[[Floats], Floats], blocks: Blocks | None, note: str = ""
) -> Estimate:
    """An estimate that is a function of sums, with the interval of their blocks (blocks, k) where there are any."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(whole[None, :])[0])
        ends = None if blocks is None or sums is None else interval_of_sums(sums, statistic)
    if not np.isfinite(value):
        raise NotMeasurableError(NOTHING_VARIES)
    if ends is None or blocks is None:
        return Estimate(value, note=note)
    return Estimate(value, *ends, blocks.words, note)


def from_items(
    times: Integers, statistic: Callable[[Integers], float], blocks: Blocks | None, note: str = ""
) -> Estimate:
    """An estimate of items at instants (n,), with the interval of the blocks they fall into where there are any.

    statistic: takes the places of some of the items.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        value = statistic(np.arange(len(times)))
        if not np.isfinite(value):
            raise NotMeasurableError(NOTHING_VARIES)
        ends = None if blocks is None else interval_of_items(blocks.of(times), statistic)
    if ends is None or blocks is None:
        return Estimate(value, note=note)
    return Estimate(value, *ends, blocks.words, note)
