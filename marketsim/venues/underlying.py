"""Underlyings: the coins whose prices come from outside, each with an index."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from marketsim.spec import Factor, Identifier, Spec
from marketsim.venues.index.family import INDICES, IndexSpec


class UnderlyingSpec(Spec):
    """A coin and its index price; `correlation` maps other underlyings' ids to the correlation of increments."""

    id: Identifier
    index: Annotated[IndexSpec, INDICES]
    correlation: dict[str, Factor] = Field(default_factory=dict)
