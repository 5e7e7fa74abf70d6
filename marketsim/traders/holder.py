"""Holders: they keep a share of their wealth in a token that moves with its performance, price and their mood."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np

from marketsim.kernel.codes import K_HOLDER
from marketsim.spec import Distribution, Duration, EventRate, Factor, LeverageDistribution, Rate
from marketsim.streams import draw
from marketsim.traders.group import GroupRule, GroupTerms, TraderGroupSpec
from marketsim.units import NS_PER_SECOND

_SHARE = Distribution("uniform", {"lo": Decimal("0.05"), "hi": Decimal("0.4")}, "1", "leverage")


class HolderSpec(TraderGroupSpec):
    """Wants `share` of its wealth in the token of its market, more after a good `lookback`, less at a premium.

    chase: share gained per unit of past return; dislike: share lost per unit of premium over NAV; low_nav: share gained
    when NAV has halved; mood: width of a share drawn anew at every wake-up; change: smallest change worth an order,
    as a share of wealth; protection: how far its market orders reach; primary_share: of its orders that go to the
    fund.
    """

    kind: Literal["holder"]
    rate: EventRate = Fraction(4, 3_600)
    share: LeverageDistribution = _SHARE
    chase: Factor = Decimal(1)
    lookback: Duration = 3_600 * NS_PER_SECOND
    dislike: Factor = Decimal(2)
    low_nav: Factor = Decimal(0)
    mood: Rate = Decimal("0.2")
    change: Rate = Decimal("0.05")
    protection: Rate = Decimal("0.02")
    primary_share: Rate = Decimal(0)


def holder_rule(spec: HolderSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's holder rule takes it (demand by performance and price: RULES section 0 and D 19)."""
    fields = {
        "f0": float(spec.chase),
        "f1": float(spec.dislike),
        "f2": float(spec.protection),
        "f3": float(spec.change),
        "f4": float(spec.low_nav),
        "f5": float(spec.mood),
        "i0": round(spec.primary_share * 65_536),
        "i1": terms.opening_ticks,
    }
    own = draw(spec.share, terms.draws("share"), np.arange(spec.count))
    steps = np.full(spec.count, max(1, spec.lookback // terms.mark_every_ns), np.int64)
    return GroupRule(K_HOLDER, fields, f0=own, i0=steps)
