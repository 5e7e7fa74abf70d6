"""The terms behind one row of effects.parquet: of which pairs they are, and which of these count."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite

import numpy as np

from marketsim.analysis.measures.family import Measure, PairMeasure, Reset, Term
from marketsim.analysis.study_effects.arm_contrast import Contrast
from marketsim.analysis.study_effects.effect_row import EffectRow
from marketsim.analysis.study_effects.paired_runs import ArmTerms, CellPairs, PairKey
from marketsim.analysis.study_effects.replications import Replications

Terms = Mapping[PairKey, list[Term]]


@dataclass(frozen=True)
class RowTerms:
    """A row without its values, and the terms that these are made of, by pair.

    versus: None where the value is the arm's alone, which a measure of pairs has against the baseline. unpaired: of
    pairs without common random numbers. collapsed, runaway: pairs that are not among the survivors, or the steady.
    """

    row: EffectRow
    measure: Measure
    arm: Terms
    versus: Terms | None = None
    unpaired: Terms = field(default_factory=dict)
    collapsed: Collection[PairKey] = ()
    runaway: Collection[PairKey] = ()
    note: str = ""

    @cached_property
    def survivors(self) -> Contrast:
        """The contrast of the pairs in which no market collapsed; of all for a measure that keeps these."""
        return self._contrast(() if self.measure.keeps_collapsed else self.collapsed)

    @cached_property
    def every(self) -> Contrast:
        """The contrast of all pairs."""
        return self._contrast(())

    @cached_property
    def without_runaways(self) -> Contrast:
        """The contrast of the pairs in which no market collapsed and no push grew."""
        return self._contrast({*self.collapsed, *self.runaway})

    @property
    def dropped(self) -> int:
        """Resets and sides of the survivors that could not be read."""
        left = () if self.measure.keeps_collapsed else self.collapsed
        sides = [self.arm] if self.versus is None else [self.arm, self.versus]
        return sum(term.dropped for side in sides for key in side if key not in left for term in side[key])

    @cached_property
    def reset(self) -> Reset | None:
        """What the survivors' resets were on the mean, where the terms tell it."""
        known = [t.reset for key, terms in self.arm.items() if key not in self.collapsed for t in terms if t.reset]
        if not known:
            return None
        assets, order, move = np.mean([(each.assets, each.order, each.move) for each in known], axis=0)
        return Reset(float(assets), float(order), float(move), known[0].currency)

    def why_nothing(self) -> str:
        """Why there is no estimate: what a run lacks, or in which arm nothing happened."""
        if self.note:
            return self.note
        if not self.arm:
            return "no pair of runs is there to be compared"
        if self.versus is None or self.row.versus is None:
            return self.measure.if_nothing
        sides = ((self.row.arm, self.arm), (self.row.versus, self.versus))
        silent = [arm for arm, side in sides if not isfinite(Contrast(self.measure, self._together(side)).estimate)]
        return f"{self.measure.if_nothing} (arm {' and '.join(silent)})" if silent else self.measure.if_nothing

    def _contrast(self, without: Collection[PairKey]) -> Contrast:
        """The contrast of the replications in which both sides say something, without some of the pairs."""
        sides = [self._by_replication(side, without) for side in (self.arm, self.versus or {})]
        kept = [r for r in sides[0] if self.versus is None or r in sides[1]]
        arm, versus = (Replications(self.measure, [side.get(r, []) for r in kept]) for side in sides)
        unpaired = self._together(self.unpaired, without) if self.unpaired else None
        return Contrast(self.measure, arm, None if self.versus is None else versus, unpaired)

    def _together(self, side: Terms, without: Collection[PairKey] = ()) -> Replications:
        return Replications(self.measure, list(self._by_replication(side, without).values()))

    def _by_replication(self, side: Terms, without: Collection[PairKey]) -> dict[int, list[Term]]:
        """The terms of each replication, its days and forks put together; replications without any are left out."""
        found: dict[int, list[Term]] = {}
        for key, terms in side.items():
            if key not in without:
                found.setdefault(key.replication, []).extend(
                    term for term in terms if term.denominator or not term.dropped
                )
        together = {replication: self.measure.of_replication(terms) for replication, terms in found.items()}
        return {replication: terms for replication, terms in together.items() if terms}


def rows_of(
    pairs: CellPairs, measure: Measure, arm: str, versus: str | None, terms: Mapping[str, ArmTerms]
) -> Iterator[RowTerms]:
    """An arm alone, or against another, a row for each market."""
    of_pair = isinstance(measure, PairMeasure) and versus == pairs.baseline
    sides = [terms[arm], *([] if versus is None or of_pair else [terms[versus]])]
    runs = [pairs.arms[name] for name in dict.fromkeys((arm, versus or arm))]
    keys = [key for key in runs[0].runs if all(key in each.runs for each in runs)]
    failed, collapsed, runaway = (
        frozenset().union(*(getattr(each, name) for each in runs)) for name in ("failed", "collapsed", "runaway")
    )
    note = next((side.note for side in sides if side.note), "")
    markets = {term.market for side in sides for found in side.of_arm.values() for term in found} or {None}
    for market in sorted(markets, key=lambda name: name or ""):
        here = [{key: _in_market(side.of_arm.get(key, []), market) for key in keys} for side in sides]
        row = EffectRow(
            pairs.cell, market, measure.name, measure.unit, arm, versus, failed=len(failed),
            collapsed=len(collapsed), runaway=len(runaway), jump=pairs.jump,
        )  # fmt: skip
        apart = {key: _in_market(found, market) for key, found in sides[0].of_unpaired.items()} if of_pair else {}
        yield RowTerms(row, measure, here[0], here[1] if len(here) > 1 else None, apart, collapsed, runaway, note)


def _in_market(terms: list[Term], market: str | None) -> list[Term]:
    return [term for term in terms if term.market == market]
