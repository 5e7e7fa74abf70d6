"""Policy `none`: the position drifts."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from marketsim.issuers.policies.decision import RebalanceTrigger, RebalancingPolicy
from marketsim.issuers.policies.family import POLICIES, FundTerms, PolicySpec


@POLICIES.register
class NoRebalanceSpec(PolicySpec):
    """Never."""

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]] = ()

    policy: Literal["none"]

    def sentence(self, target: Decimal) -> str:
        """That it never does."""
        return "It never rebalances."

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy that lets the position drift."""
        return RebalancingPolicy()
