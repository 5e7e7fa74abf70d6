"""The figures of a study: effects against time, the registered outcome, crowding, hypotheses, sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from marketsim.datasets.integrity import file_sha256
from marketsim.datasets.study import Study
from marketsim.figures.crowding_curve import crowding_curve
from marketsim.figures.drawn import Drawn, Gathering
from marketsim.figures.effect_over_time import effect_over_time
from marketsim.figures.hypotheses import hypotheses, predicted_and_measured
from marketsim.figures.outcome import outcome
from marketsim.figures.picture import Picture
from marketsim.figures.response_surface import response_surface
from marketsim.figures.sensitivity import sensitivity
from marketsim.figures.study_source import StudySource

FIGURES: Mapping[str, Callable[[StudySource, str], Picture]] = {
    "effect_over_time": effect_over_time,
    "outcome": outcome,
    "response_surface": response_surface,
    "crowding_curve": crowding_curve,
    "hypotheses": hypotheses,
    "predicted_and_measured": predicted_and_measured,
    "sensitivity": sensitivity,
}
_TABLES = ("effects", "hypotheses", "loop_cells", "sensitivity", "design")
"""Tables that the figures are made of."""


def study_pictures(study: Study) -> Drawn:
    """What can be drawn of a study, and what not.

    Raises `DamagedResultError` where a table is not what was written.
    """
    source, gathering = StudySource(study), Gathering([])
    pictures = gathering.pictures((name, partial(maker, source, name)) for name, maker in FIGURES.items())
    files = [study.path / f"{name}.parquet" for name in _TABLES]
    hashes = [f"  {path.name} {file_sha256(path)}" for path in files if path.is_file()]
    said = [*source.provenance(), "\n".join(["SHA-256 of its tables:", *hashes])]
    return Drawn(pictures, gathering.left_out, said)
