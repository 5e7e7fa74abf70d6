"""What a study can detect, told before it runs: from a pilot, the smallest effect that would be found."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from scipy.stats import norm

from marketsim.analysis.contrast import Contrast, contrast_of
from marketsim.analysis.effects import measures_of
from marketsim.analysis.pairs import Measure, gather, pairs_of
from marketsim.datasets.study import Study

LEVEL, POWER = 0.05, 0.80


def smallest_effect(sd_paired: float, pairs: int, level: float = LEVEL, power: float = POWER) -> float:
    """The effect that a two-sided test at `level` finds with probability `power` in so many pairs.

    (z_(1 - level/2) + z_power) sd / sqrt(R), 2.80 sd / sqrt(R) at 5 % and 80 % (Cohen 1988, section 2.4, with the
    normal for the t distribution, which is a little hopeful below twenty pairs).
    """
    return float((norm.ppf(1 - level / 2) + norm.ppf(power)) * sd_paired / sqrt(pairs))


def pairs_needed(sd_paired: float, effect: float, level: float = LEVEL, power: float = POWER) -> int:
    """Pairs in which an effect of this size is found with probability `power`."""
    exact = ((norm.ppf(1 - level / 2) + norm.ppf(power)) * sd_paired / effect) ** 2
    return max(2, -int(-exact // 1))


def paired_sd(sd_arm: float, sd_versus: float, correlation: float) -> float:
    """Standard deviation of the difference of two outcomes that are correlated over pairs.

    sqrt(a^2 + v^2 - 2 rho a v): what shared luck takes out of a comparison.
    """
    return sqrt(max(0.0, sd_arm**2 + sd_versus**2 - 2 * correlation * sd_arm * sd_versus))


def estimate_power(
    study: Study, measures: Mapping[str, Measure], replications: int | None = None
) -> list[dict[str, Any]]:
    """What a study of so many replications can detect of its primary outcome, and of all its measures without one.

    The pilot is whatever pairs of `study` are finished, which may be those of a small study made for this. One dict
    per measure, cell and arm: `measure cell arm unit pilot_pairs clusters estimate sd_paired pair_correlation
    variance_ratio pairs smallest_effect`; sd_paired is of one pair, None where the pilot does not tell it (`note` says
    why). replications: as the study declares where None; in a study of forks each brings as many pairs as it did in
    the pilot.
    """
    wanted = measures_of(study, measures)
    if study.spec.primary in wanted:
        wanted = {study.spec.primary: wanted[study.spec.primary]}
    found = []
    for pairs in pairs_of(study, wanted):
        if pairs.arm == pairs.versus or not pairs.runs:
            continue
        for name, gathered in gather(pairs, wanted).items():
            told = _told(contrast_of(wanted[name], gathered), len(pairs.keys(name)))
            forks = len(pairs.runs) / len({replication for replication, _ in pairs.runs})
            planned = round((replications or study.spec.replications) * forks)
            if told["sd_paired"] is not None:
                told |= {"pairs": planned, "smallest_effect": smallest_effect(told["sd_paired"], planned)}
            who = {"measure": name, "unit": wanted[name].unit, "cell": pairs.cell, "arm": pairs.arm}
            found.append({**who, **told, **({"note": gathered.note} if gathered.note else {})})
    return found


def _told(contrast: Contrast | None, pilot_pairs: int) -> dict[str, Any]:
    """What a pilot tells: the standard deviation of one pair from the jackknife variance of all of them together."""
    told: dict[str, Any] = {"pilot_pairs": pilot_pairs, "clusters": contrast and contrast.unit, "sd_paired": None}
    variance = None if contrast is None else contrast.variance
    if contrast is None or variance is None:
        return {**told, "note": "the pilot has too few pairs in which something happened; two replications or more"}
    ratio, correlation = contrast.variance_ratio, contrast.pair_correlation
    told |= {"estimate": contrast.estimate, "sd_paired": sqrt(variance * pilot_pairs)}
    return {**told, "variance_ratio": ratio, "pair_correlation": correlation}
