"""Curves of the multiplier over Lambda without a free number, and how far cells lie from each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from marketsim.analysis.arrays import Floats
from marketsim.analysis.crowding.loop_theory import multiplier_in_children
from marketsim.analysis.inference.one_curve import LOWEST_WEIGHT

Curve = Callable[[float], float]
STUDIED_CHILDREN = 12


def _fixed_point(crowding: float) -> float:
    return 1 / (1 - crowding) if crowding < 1 else float("inf")


def _square_root(crowding: float) -> float:
    return float(((crowding + np.sqrt(crowding**2 + 4)) / 2) ** 2)


CURVES: Mapping[str, Mapping[str, Curve]] = {
    "once": {
        "1 + Lambda": lambda crowding: 1 + crowding,
        "1 / (1 - Lambda)": _fixed_point,
        "e^Lambda": lambda crowding: float(np.exp(crowding)),
    },
    "children": {
        "1 + Lambda": lambda crowding: 1 + crowding,
        "1 + Lambda A_12": lambda crowding: multiplier_in_children(crowding, STUDIED_CHILDREN),
        "1 / (1 - Lambda)": _fixed_point,
        "e^Lambda": lambda crowding: float(np.exp(crowding)),
        "square root, worked out": _square_root,
    },
}
"""By what the funds do (docs/theory.md#what-a-study-can-and-cannot-show)."""


def misfit(x: Floats, y: Floats, variances: Floats, curve: Curve) -> float:
    """Mean of (y - curve(x))^2 / variance over the cells."""
    expected = np.array([curve(float(each)) for each in x])
    return float(np.mean((y - expected) ** 2 / np.maximum(variances, LOWEST_WEIGHT)))
