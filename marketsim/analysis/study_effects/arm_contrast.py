"""One measure of one arm against another over replications: its value, interval, test, and what pairing was worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.inference.intervals import (
    ENOUGH,
    Interval,
    effective_number,
    jackknife_variance,
    paired_proportions_interval,
    proportion_interval,
    t_interval,
)
from marketsim.analysis.inference.p_values import sign_flip_p
from marketsim.analysis.measures.family import Measure, PairMeasure, RatioOfSums, RootOfRatio
from marketsim.analysis.study_effects.replications import Replications


@dataclass(frozen=True)
class Contrast:
    """The value of an arm less that of `versus`, or of the arm alone where `versus` is None, over replications.

    arm, versus: the same replications of both. unpaired: terms of runs without common random numbers, for measures of
    pairs whose value stands alone.
    """

    measure: Measure
    arm: Replications
    versus: Replications | None = None
    unpaired: Replications | None = None

    @property
    def n(self) -> int:
        """How many replications it rests on."""
        return len(self.arm)

    @property
    def estimate(self) -> float:
        """The value of all replications; NaN where they do not give one."""
        return float(self._of(np.ones((1, self.n)))[0]) if self.n else float("nan")

    @cached_property
    def left_out(self) -> Floats:
        """The value (n,) without one replication each."""
        return self._of(np.ones((self.n, self.n)) - np.eye(self.n))

    def interval(self) -> Interval:
        """The interval of the estimate (`analysis.inference.intervals`)."""
        if (happened := self._happened) is not None:
            if self.versus is None:
                return proportion_interval(int(happened[0].sum()), self.n)
            arm, versus = happened
            return paired_proportions_interval(int((arm > versus).sum()), int((versus > arm).sum()), self.n)
        return t_interval(self.estimate, self.left_out, effective=self._effective)

    def p(self, rng: np.random.Generator) -> float | None:
        """The two-sided p-value of no effect, by sign flips; None for a level, or where no value says "no effect"."""
        if self.versus is not None:
            both = Replications(self.measure, [*self.arm.terms, *self.versus.terms])
            return sign_flip_p(lambda signs: self._swapped(both, signs), self.n, rng)
        flips = self.tested
        return None if flips is None else sign_flip_p(lambda signs: signs @ flips / self.n, self.n, rng)

    @cached_property
    def tested(self) -> Floats | None:
        """What each replication of a measure of pairs adds to the test (n,): numbers symmetric about 0 if no effect.

        Numerator - no_effect x denominator, so that they sum to 0 where the value is `no_effect`; or what the measure
        says changes its sign where the runs are exchanged.
        """
        measure = self.measure
        if not isinstance(measure, PairMeasure) or measure.no_effect is None:
            return None
        if self._exchanged is not None:
            return self._exchanged
        if isinstance(measure, (RatioOfSums, RootOfRatio)):
            power = 2 if isinstance(measure, RootOfRatio) else 1
            none = (measure.no_effect / measure.scale) ** power
            return self.arm.numerators - none * self.arm.denominators
        return self.scatter

    @cached_property
    def scatter(self) -> Floats:
        """What each replication says of the effect (n,), its mean the effect; NaN where the jackknife has no value.

        Of a mean the differences themselves, of a ratio the jackknife's pseudo-values (Tukey 1958) less `no_effect`; of
        a measure that says what changes its sign, that, as large on the mean as the effect.
        """
        none = (self.measure.no_effect or 0.0) if self.versus is None and isinstance(self.measure, PairMeasure) else 0.0
        effect, exchanged = self.estimate - none, self._exchanged
        if exchanged is not None and exchanged.mean() != 0.0:
            alike: Floats = exchanged * (effect / exchanged.mean())
            return alike
        return self.n * effect - (self.n - 1) * (self.left_out - none)

    @property
    def variance_ratio(self) -> float | None:
        """How many independent runs one pair is worth: variance without over variance with common random numbers.

        None below ten replications, where it is not known to a factor of several.
        """
        if self.n < ENOUGH:
            return None
        paired, unpaired = jackknife_variance(self.left_out), self._variance_unpaired
        return unpaired / paired if paired > 0 and unpaired is not None and np.isfinite(unpaired) else None

    @property
    def pair_correlation(self) -> float | None:
        """Correlation of the value between the arms, over replications; None for fewer than three, or no spread."""
        if self.versus is None:
            return None
        values = np.array([self.arm.by_replication, self.versus.by_replication])
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1] < 3 or (values.std(axis=1) == 0.0).any():
            return None
        return float(np.corrcoef(values)[0, 1])

    def _of(self, weights: Floats) -> Floats:
        found = self.arm.of(weights)
        return found if self.versus is None else found - self.versus.of(weights)

    def _swapped(self, both: Replications, signs: Floats) -> Floats:
        """The difference (k,) with the arms of the replications whose sign (k, n) is -1 exchanged."""
        stays = (signs > 0).astype(np.float64)
        return both.of(np.hstack([stays, 1 - stays])) - both.of(np.hstack([1 - stays, stays]))

    @property
    def _variance_unpaired(self) -> float | None:
        """The variance without common random numbers: of both arms, or of pairs of unrelated runs."""
        if self.versus is not None:
            return sum(jackknife_variance(Contrast(self.measure, side).left_out) for side in (self.arm, self.versus))
        return None if self.unpaired is None else jackknife_variance(Contrast(self.measure, self.unpaired).left_out)

    @cached_property
    def _exchanged(self) -> Floats | None:
        """What changes its sign where the runs of a replication are exchanged (n,), where the measure says it."""
        if self.versus is not None or not all(len(terms) == 1 for terms in self.arm.terms):
            return None
        told = [term.exchanged for (term,) in self.arm.terms]
        return None if None in told else np.array(told, np.float64)

    @property
    def _sides(self) -> list[Replications]:
        return [self.arm] if self.versus is None else [self.arm, self.versus]

    @property
    def _effective(self) -> float | None:
        """How many replications the denominators are worth; None for a mean, whose denominators are all the same."""
        if not all(len(terms) == 1 for side in self._sides for terms in side.terms):
            return float(self.n)
        is_mean = isinstance(self.measure, RatioOfSums) and all(
            np.ptp(side.denominators) == 0.0 for side in self._sides
        )
        return None if is_mean else min(effective_number(side.denominators) for side in self._sides)

    @property
    def _happened(self) -> list[Floats] | None:
        """0 or 1 for each replication (n,) and side, where each says only whether something happened; else None."""
        if not isinstance(self.measure, RatioOfSums) or self.measure.unit != "share":
            return None
        is_so = all(
            (side.denominators == 1.0).all() and np.isin(side.numerators, (0.0, 1.0)).all() for side in self._sides
        )
        return [side.numerators for side in self._sides] if is_so and self.n else None
