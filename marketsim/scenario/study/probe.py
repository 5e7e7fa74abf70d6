"""Probes: pairs of orders by which the impact of a reset's orders is measured."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import model_validator

from marketsim.ranges import ZERO_OR_MORE, Range
from marketsim.scenario.study.horizon import NEXT, Horizon, horizon_word
from marketsim.spec import Factor, Spec, refusal
from marketsim.units import NS_PER_SECOND

PROBE_SIZE = Range("above 0, at most 100", above=0, most=100)
MINUTE_NS = 60 * NS_PER_SECOND


class ProbeSpec(Spec):
    """How the impact of orders is measured: pairs of orders +Q and -Q at each reset's own instant, from one state.

    They are sent in the baseline arm, in the children and at the times of the factual reset. sizes: multiples of what
    the orders of that instant were together. horizons: when the mid is looked at, from the reset's last fill.
    """

    announced_keys: ClassVar[Mapping[str, str]] = {
        "count": "probes at every reset's own instant",
        "over": "the times of the reset's own orders",
        "slices": "the children of the reset's own orders",
    }

    sizes: Annotated[tuple[Factor, ...], PROBE_SIZE] = (Decimal("0.5"), Decimal(1), Decimal(2))
    horizons: Annotated[tuple[Horizon, ...], ZERO_OR_MORE] = (0, 2 * MINUTE_NS, 30 * MINUTE_NS, NEXT)

    @model_validator(mode="after")
    def _complete(self) -> ProbeSpec:
        for key, values in (("sizes", self.sizes), ("horizons", self.horizons)):
            if not values or len(set(values)) < len(values):
                raise refusal("a probe has at least one of these, and none twice", "such as [0.5, 1, 2]", "", (key,))
        if 1 not in self.sizes:
            raise refusal("the size of the orders themselves is missing", "1 among the sizes", "", ("sizes",))
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """The horizons as the names of measures end in them."""
        return tuple(map(horizon_word, self.horizons))
