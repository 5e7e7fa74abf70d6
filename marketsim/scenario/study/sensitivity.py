"""The key `study.sensitivity`: which of the varied values matter for a measure, and by which method that is told."""

from __future__ import annotations

from typing import Annotated, Literal

from marketsim.kinds import WordOf
from marketsim.ranges import Range
from marketsim.spec import Count, Identifier, Spec

SAMPLES_RANGE = Range("2 to 1,048,576", least=2, most=2**20)


class SensitivitySpec(Spec):
    """Sensitivity of one measure to every path of `over`, which has to be varied over its whole range at once.

    method: `sobol`, the shares of the outcome's variance that a value explains alone and together with the others
    (samples x (axes + 2) cells); `morris`, the mean effect of moving it by 2/3 of its range (samples x (axes + 1)
    cells). samples: base points, a power of two, or trajectories. measure: absent = the registered outcome. arm: whose
    outcome; absent = the first arm that the measure compares with the baseline, else the first arm.
    """

    method: Literal["sobol", "morris"]
    samples: Annotated[Count, SAMPLES_RANGE]
    measure: Annotated[str, WordOf("measure")] | None = None
    arm: Identifier | None = None
