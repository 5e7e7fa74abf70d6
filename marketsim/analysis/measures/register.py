"""The register of measures: all there are, and the rows of `marketsim list measures`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from marketsim.analysis.measures.family import MEASURES, Measure, PairMeasure


@cache
def all_measures() -> Mapping[str, Measure]:
    """Every measure by its name, those of plugins among them."""
    return {name: kind() for name, kind in MEASURES.kinds.items()}


def listing() -> list[tuple[str, str, str]]:
    """Name, origin (module, or distribution of a plugin) and subject of each measure, with its unit."""
    return [(measure.name, _origin(measure), _subject(measure)) for measure in all_measures().values()]


def _origin(measure: Measure) -> str:
    plugin = MEASURES.plugin_of(type(measure))
    return type(measure).__module__ if plugin is None else f"{plugin.package} {plugin.version}"


def _subject(measure: Measure) -> str:
    of_what = "pair of runs" if isinstance(measure, PairMeasure) else "single run"
    return f"{measure.about.rstrip('.')} [{measure.unit}; {of_what}]"
