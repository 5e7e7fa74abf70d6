"""What is to be calibrated: a world's free parameters, the facts they are fitted to, the window that is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marketsim.analysis.stylised_facts.fact import Kind


@dataclass(frozen=True)
class Parameter:
    """A free parameter: a scenario path, and the ends between which it is looked for, in `unit`.

    log: whether points are spread evenly over its logarithm. more: other paths that get the same value, times a factor.
    """

    path: str
    low: float
    high: float
    unit: str = ""
    log: bool = True
    more: Mapping[str, float] = field(default_factory=dict)

    def settings(self, value: float) -> dict[str, str]:
        """The overrides that set it, by path, with four figures and its unit."""
        every = {self.path: 1.0, **self.more}
        return {path: f"{value * factor:.4g}{self.unit}" for path, factor in every.items()}


@dataclass(frozen=True)
class Plan:
    """A world to be calibrated.

    world: a scenario file, by its own path or below `scenarios`. window: overrides of it that make one trial, its clock
    and what it records. seeds: of a trial's runs, the same for all. parameters: the free ones, by name. weights: of
    facts that are fitted, by id. held_out: facts that are only looked at afterwards. kind: which reference ranges.
    """

    world: str
    market: str
    kind: Kind
    window: Mapping[str, Any]
    seeds: tuple[int, ...]
    parameters: Mapping[str, Parameter]
    weights: Mapping[str, float]
    held_out: tuple[str, ...]

    def settings(self, point: Mapping[str, float]) -> dict[str, Any]:
        """All overrides of the world at one point, parameter values by name."""
        found: dict[str, Any] = dict(self.window)
        for name, value in point.items():
            found |= self.parameters[name].settings(value)
        return found
