"""The deleveraging rules: what each has to say and to do, the key of a market that chooses one, and the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from marketsim.kernel import deleveraging_rules
from marketsim.kinds import Family
from marketsim.spec import Spec
from marketsim.venues.kernel_twin import KernelTwin

OUTSIDE = -1
"""Stands for the ledger cohort `outside` in a plan: no trader's account has a negative number."""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """A trader who could be deleveraged: lots, and values signed as the position [atoms]; `equity_atoms` at mark."""

    account: int
    position_lots: int
    entry_value_atoms: int
    mark_value_atoms: int
    equity_atoms: int


class DeleveragingRule(KernelTwin):
    """What every deleveraging rule has: its word, which the kernel knows too, and the order in which it closes."""

    kernel_folder = "kernel/deleveraging_rules"
    kernel_codes = deleveraging_rules.CODES

    @staticmethod
    def priority(one: Counterparty) -> Fraction:
        """How early somebody is closed, the highest first."""
        raise NotImplementedError

    @staticmethod
    def sentence() -> str:
        """Who is closed first, as the rest of "Deleveraging closes ..."."""
        raise NotImplementedError


DELEVERAGING_RULES = Family(
    "deleveraging rule",
    DeleveragingRule,
    key="",
    home="marketsim.venues.deleveraging",
    needs=("priority", "sentence"),
    is_open=False,
    announced=dict.fromkeys(
        ("binance", "okx", "hyperliquid", "dydx", "pro_rata", "capped_pro_rata", "socialised"), "bitmex"
    ),
)
"""The deleveraging rules; the kernel has them, so no plugin may add to them."""


class DeleveragingSpec(Spec):
    """Who is closed against a bankrupt position that nobody else can take."""

    rule: Annotated[str, DELEVERAGING_RULES] = "bitmex"


def ranked(counterparties: Iterable[Counterparty], rule: str = "bitmex") -> list[Counterparty]:
    """Queue counterparties by the word of a rule, equal ones in order of account number."""
    priority = DELEVERAGING_RULES.kinds[rule].priority
    return sorted(counterparties, key=lambda one: (-priority(one), one.account))


def deleveraging_plan(position_lots: int, queue: Sequence[Counterparty]) -> list[tuple[int, int]]:
    """Hand a bankrupt position down the queue: (account, lots signed as the position), the rest to `OUTSIDE`.

    Each counterparty takes at most what closes its own position; same-side entries are passed over. Source:
    docs/venues.md#deleveraging.
    """
    side, left = (1 if position_lots > 0 else -1), abs(position_lots)
    plan = []
    opposite = [(one.account, -side * one.position_lots) for one in queue if side * one.position_lots < 0]
    for account, room in [*opposite, (OUTSIDE, left)]:
        lots = min(room, left)
        if lots > 0:
            plan.append((account, side * lots))
            left -= lots
    return plan
