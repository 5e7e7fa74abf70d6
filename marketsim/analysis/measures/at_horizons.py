"""Measures that come once for each time after a reset: one class for each, made of what they have in common."""

from __future__ import annotations

from marketsim.analysis.measures.family import Measure


def at_time(common: type[Measure], group: str, time: str, window: str, about: str) -> type[Measure]:
    """The measure `<group>_<time>`: `common` read at a time, which is its `time`. window: that time in words."""
    attributes = {
        "__doc__": about, "__module__": common.__module__, "name": f"{group}_{time}", "time": time, "window": window
    }  # fmt: skip
    return type(f"{common.__name__}_{time}", (common,), attributes)
