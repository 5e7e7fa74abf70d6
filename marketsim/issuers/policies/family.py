"""The family of rebalance policies: what a kind brings, and what it is asked for.

A policy of your own is one class in one file, derived from `PolicySpec` and registered with `@POLICIES.register`:

    policy              its word, a `Literal`; beside it the other fields, each number with its range
    rebalance_triggers  what sets a rebalance off: the words of column `trigger`; `()` for a rule that never rebalances
    sentence            what it does, for `show --sentences`
    policy_for          the policy of one token, a `decision.RebalancingPolicy`
    faults              what is wrong between its fields, or with them and the basket; none unless it says so
    keeper_reward       what the issuer pays who sets a rewarded trigger off; nothing unless it says so
    reasons, formula    why one order was due, and how its size came about, for `explain`; in general words unless it
                        says so
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from marketsim.issuers.policies.decision import RebalanceTrigger, RebalancingPolicy
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.kinds import Family
from marketsim.spec import Fault, Spec
from marketsim.units import Money, Size

if TYPE_CHECKING:
    from marketsim.streams import Stream


@dataclass(frozen=True, slots=True)
class FundTerms:
    """What a policy is made for: signed target leverage and lot size [units] of each leg of the basket, in its order.

    start_ns: the run's start [ns since 1970]. stream: the token's own random stream.
    """

    targets: tuple[Fraction, ...]
    lots: tuple[Fraction, ...]
    start_ns: int
    stream: Stream

    @property
    def target(self) -> Fraction:
        """Signed target leverage of the whole basket, net."""
        return sum(self.targets, Fraction(0))

    @property
    def gross(self) -> Fraction:
        """Target leverage of the whole basket without signs."""
        return sum((abs(target) for target in self.targets), Fraction(0))


@dataclass(frozen=True, slots=True)
class KeeperReward:
    """What the issuer pays who sets off a rewarded trigger, while the balance lasts (None: without end)."""

    amount: Money
    balance: Money | None


class PolicySpec(Spec):
    """When a token trades and to which leverage: what every rebalance policy declares and can be asked for."""

    rebalance_triggers: ClassVar[tuple[RebalanceTrigger, ...]]

    def faults(self, basket: Mapping[str, Decimal], lots: Mapping[str, Size]) -> Iterator[Fault]:
        """What is wrong between the fields, or with them and the token.

        basket: signed target leverage by market. lots: size of a lot of the markets that are declared right.
        """
        yield from ()

    def sentence(self, target: Decimal) -> str:
        """What it does with a token of this signed net target, as a whole sentence."""
        raise NotImplementedError

    def policy_for(self, terms: FundTerms) -> RebalancingPolicy:
        """The policy of one token."""
        raise NotImplementedError

    def reasons(self, facts: ResetFacts) -> Iterator[str]:
        """Why an order was due, as whole sentences with the numbers that its rule saw."""
        yield f"Its rule set off a rebalance of trigger {facts.trigger!r}."

    def formula(self, facts: ResetFacts) -> Iterator[str]:
        """How the size of an order came about: the formula, and the same with its numbers in place."""
        yield from facts.sized_at(facts.price, facts.equity, "mark price")

    @property
    def keeper_reward(self) -> KeeperReward | None:
        """What who sets off a rewarded trigger gets; None where there is nothing to get."""
        return None

    @property
    def ever_rebalances(self) -> bool:
        """Whether it ever does, so that what is charged by the rebalance is charged at all."""
        return bool(self.rebalance_triggers)

    @property
    def has_times(self) -> bool:
        """Whether it rebalances at times that are known before, whatever prices do."""
        return any(trigger.is_scheduled for trigger in self.rebalance_triggers)


POLICIES = Family(
    "rebalance policy",
    PolicySpec,
    key="policy",
    home="marketsim.issuers.policies",
    needs=("rebalance_triggers", "sentence", "policy_for"),
)


def trigger_words() -> tuple[str, ...]:
    """The words of column `trigger`: all that the policies there are may set a rebalance off by, each once."""
    return tuple(dict.fromkeys(trigger.word for kind in POLICIES.kinds.values() for trigger in kind.rebalance_triggers))


def scheduled_words() -> tuple[str, ...]:
    """Those of them that are a time, whatever prices do."""
    triggers = (trigger for kind in POLICIES.kinds.values() for trigger in kind.rebalance_triggers)
    return tuple(dict.fromkeys(trigger.word for trigger in triggers if trigger.is_scheduled))
