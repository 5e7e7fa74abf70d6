"""Execution `market`: all at once, as one market order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from marketsim.issuers.algorithms.child import ChildKind, ExecutionPlan
from marketsim.issuers.algorithms.family import EXECUTIONS, ExecutionSpec
from marketsim.issuers.algorithms.slicing import SinglePlan

if TYPE_CHECKING:
    from marketsim.streams import Stream


@EXECUTIONS.register
class MarketExecutionSpec(ExecutionSpec):
    """One market order."""

    algorithm: Literal["market"]

    def sentence(self) -> str:
        """What it sends."""
        return "It sends one market order."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """Everything at once."""
        return SinglePlan(ChildKind.MARKET)
