"""The table of facts: of a run or a file, every row measured or with the reason why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.stylised_facts.clustering import CLUSTERING
from marketsim.analysis.stylised_facts.cont import CONT
from marketsim.analysis.stylised_facts.depth import DEPTH
from marketsim.analysis.stylised_facts.derivatives import DERIVATIVES
from marketsim.analysis.stylised_facts.fact import NOTHING_VARIES, Estimate, Fact, Kind, NotMeasurableError, judged
from marketsim.analysis.stylised_facts.hit_side import HIT_SIDE
from marketsim.analysis.stylised_facts.order_flow import ORDER_FLOW
from marketsim.analysis.stylised_facts.references import REFERENCES
from marketsim.analysis.stylised_facts.response import RESPONSE
from marketsim.analysis.stylised_facts.spread import SPREAD
from marketsim.analysis.stylised_facts.tails import (
    kurtosis_of_a_day,
    kurtosis_of_a_month,
    tail_index_of_orders,
    tail_index_of_returns,
)
from marketsim.analysis.stylised_facts.tape import DAY_NS, MINUTE_NS, Tape
from marketsim.analysis.stylised_facts.volumes import VOLUMES
from marketsim.units import format_duration

MEASURES: Mapping[str, Callable[[Tape], Estimate]] = {
    "kurtosis_day": kurtosis_of_a_day,
    "kurtosis_month": kurtosis_of_a_month,
    "tail_index": tail_index_of_returns,
    "order_size_tail": tail_index_of_orders,
    **CLUSTERING, **CONT, **ORDER_FLOW, **SPREAD, **HIT_SIDE, **DEPTH, **RESPONSE, **VOLUMES, **DERIVATIVES,
}  # fmt: skip
"""How each fact is measured, by the name it has in `REFERENCES`."""

LARGE_MARKETS = ("BTC", "XBT", "ETH")


@dataclass(frozen=True)
class FactsTable:
    """The facts of one market's record, beside the ranges of one kind of market."""

    title: str
    market: str
    kind: Kind
    why: str
    days: float
    rows: tuple[Fact, ...]

    def frame(self) -> pl.DataFrame:
        """One row a fact, with the columns of `Fact`."""
        kinds = {"value": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "low": pl.Float64, "high": pl.Float64}
        schema = {name: kinds.get(name, pl.String) for name in Fact.__slots__}
        return pl.DataFrame([row.as_dict() for row in self.rows], schema=schema)

    def as_dict(self) -> dict[str, Any]:
        """The table as plain values."""
        said = {"title": self.title, "market": self.market, "as": self.kind, "why": self.why, "days": self.days}
        return {**said, "facts": [row.as_dict() for row in self.rows]}

    def row(self, name: str) -> Fact:
        """A fact by its id; raises `KeyError`."""
        return {row.id: row for row in self.rows}[name]

    def count(self, verdict: str) -> int:
        """How many rows have a verdict."""
        return sum(row.verdict == verdict for row in self.rows)

    @property
    def sentence(self) -> str:
        """What was measured, against what, and how it came out."""
        length = format_duration(round(self.days * DAY_NS / 10**9) * 10**9)
        return (
            f"{self.title}, {length}, beside a market like {self.kind.upper()}'s ({self.why}): "
            f"{self.count('inside')} rows inside their range, {self.count('outside')} outside, "
            f"{self.count('of the index')} of the index, {self.count('not measurable')} not measurable."
        )


def facts_of(tape: Tape, kind: Kind | None = None) -> FactsTable:
    """Measure every fact of a market's record; kind: which reference ranges, None: by the underlying."""
    chosen, why = (kind, "as asked") if kind is not None else _by_underlying(tape)
    return FactsTable(tape.title, tape.market, chosen, why, tape.days, tuple(_rows(tape, chosen)))


def _by_underlying(tape: Tape) -> tuple[Kind, str]:
    if not tape.underlying:
        return "btc", "the file does not say what is traded"
    is_large = any(tape.underlying.upper().startswith(name) for name in LARGE_MARKETS)
    return ("btc" if is_large else "alt"), f"by what is traded, {tape.underlying}"


def _rows(tape: Tape, kind: Kind) -> Iterator[Fact]:
    for name, reference in REFERENCES.items():
        found: Estimate | NotMeasurableError
        try:
            found = _measured(tape, name)
        except NotMeasurableError as reason:
            found = reason
        yield judged(name, reference, kind, found, is_the_index=tape.is_of_index)


def _measured(tape: Tape, name: str) -> Estimate:
    """One fact; raises `NotMeasurableError` where it has no value."""
    if tape.end_ns - tape.begin_ns < MINUTE_NS:
        raise NotMeasurableError("less than a minute was measured")
    with np.errstate(invalid="ignore", divide="ignore"):  # a series that never moves divides by nothing
        found = MEASURES[name](tape)
    if not np.isfinite(found.value):
        raise NotMeasurableError(NOTHING_VARIES)
    return found
