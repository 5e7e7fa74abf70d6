"""Forks: arms that run from one state of the world."""

from __future__ import annotations

from typing import Annotated, Literal

from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE
from marketsim.spec import Duration, EventTime, Spec


class ForkSpec(Spec):
    """Arms run from one state of the world, taken just before each event.

    at: each instant at which the factual run decides a rebalance, or listed instants. before: how long before it the
    world is taken. horizon: how long it runs from the event on.
    """

    at: Annotated[Literal["rebalances"] | tuple[EventTime, ...], ZERO_OR_MORE] = "rebalances"
    before: Annotated[Duration, ZERO_OR_MORE] = 0
    horizon: Annotated[Duration, ABOVE_ZERO] = 4 * 3_600 * 10**9
