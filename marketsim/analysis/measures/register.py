"""The register of measures: all there are, those that a study asks for, and what `list measures` says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from marketsim.analysis.measures import impact_per_usdt
from marketsim.analysis.measures.crowding_number import crowding_number_at
from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure
from marketsim.analysis.measures.impact_gap import impact_gap_at
from marketsim.analysis.measures.impact_per_move import impact_per_move_at
from marketsim.analysis.measures.multiplier import multiplier_at, multiplier_cumulative_at
from marketsim.analysis.measures.multiplier_predicted import multiplier_predicted_at
from marketsim.analysis.measures.reset_gaps import TAUS
from marketsim.scenario.study.measured import DEFAULT_OUTCOME, REVERSAL_GAP, TRANSFERS
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.scenario.study.study import StudySpec

_AFTER_RESETS: Mapping[str, Callable[[str], type[Measure]]] = {
    "impact_gap": impact_gap_at, "impact_per_move": impact_per_move_at,
}  # fmt: skip
_AT_HORIZONS: Mapping[str, Callable[[str], type[Measure]]] = {
    "multiplier": multiplier_at,
    "multiplier_cumulative": multiplier_cumulative_at,
    "multiplier_predicted": multiplier_predicted_at,
    "crowding_number": crowding_number_at,
    "impact_per_usdt_buy": impact_per_usdt.impact_per_usdt_buy_at,
    "impact_per_usdt_sell": impact_per_usdt.impact_per_usdt_sell_at,
}
_BROUGHT: Mapping[str, tuple[str, ...]] = {
    "impact_per_usdt": ("impact_per_usdt_buy", "impact_per_usdt_sell"),
    "crowding_number": ("crowding_number", "impact_per_usdt_buy", "impact_per_usdt_sell", "impact_exponent"),
    "multiplier": (
        "multiplier", "multiplier_predicted", "crowding_number", "impact_per_usdt_buy", "impact_per_usdt_sell",
        "impact_exponent", "orders_ratio",
    ),
    "multiplier_cumulative": ("multiplier_cumulative", "crowding_number"),
}  # fmt: skip
"""What a word for several measures brings with it: a multiplier stands beside Lambda and its prediction alone."""


@cache
def all_measures() -> Mapping[str, Measure]:
    """Every measure by its name, those of plugins among them."""
    return {name: kind() for name, kind in MEASURES.kinds.items()}


def measures_asked_for(spec: StudySpec, measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """The measures that a study's words stand for, in their order, at the horizons of its probes.

    measures: all there are. A single multiplier brings Lambda and the prediction at its horizon.
    """
    found: dict[str, Measure] = {}
    for word in spec.words:
        for name in _alone(word) if word in measures else _names(word, spec):
            if name in measures:
                found.setdefault(name, measures[name])
            elif (made := _made(name, spec)) is not None:
                found.setdefault(name, made)
    return found


def _names(word: str, spec: StudySpec) -> list[str]:
    """The names of the measures that one word stands for."""
    if word == REVERSAL_GAP:
        return [DEFAULT_OUTCOME]
    if word == TRANSFERS:
        return []
    if word in _AFTER_RESETS:
        return [f"{word}_{time}" for time in TAUS]
    horizons = (spec.probe or ProbeSpec()).words
    if word in _BROUGHT or word in _AT_HORIZONS:
        parts = _BROUGHT.get(word, (word,))
        return [f"{part}_{time}" if part in _AT_HORIZONS else part for part in parts for time in horizons]
    return [word]


def _alone(name: str) -> list[str]:
    """A measure, and what stands beside it at its horizon."""
    group, _, time = name.rpartition("_")
    beside = ("multiplier_predicted", "crowding_number") if group == "multiplier" else ()
    return [name, *(f"{part}_{time}" for part in beside)]


def _made(name: str, spec: StudySpec) -> Measure | None:
    """A measure at a horizon that only this study has; None for what is none."""
    group, _, time = name.rpartition("_")
    known = group in _AT_HORIZONS and time in (spec.probe or ProbeSpec()).words
    return _AT_HORIZONS[group](time)() if known else None


def listing() -> list[tuple[str, str, str]]:
    """Name, origin (module, or distribution of a plugin) and subject of each measure, with its unit."""
    return [(measure.name, _origin(measure), _subject(measure)) for measure in all_measures().values()]


def _origin(measure: Measure) -> str:
    plugin = MEASURES.plugin_of(type(measure))
    return type(measure).__module__ if plugin is None else f"{plugin.package} {plugin.version}"


def _subject(measure: Measure) -> str:
    of_what = "pair of runs" if isinstance(measure, PairMeasure) else "single run"
    return f"{measure.about.rstrip('.')} [{measure.unit}; {of_what}]"
