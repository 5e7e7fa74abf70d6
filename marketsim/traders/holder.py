"""Holders: they keep a share of their wealth in a token that moves with its performance, price and their mood."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np

from marketsim.spec import (
    NONE_IN_WORDS,
    WORDS_FOR_NONE,
    Distribution,
    Duration,
    EventRate,
    Factor,
    Identifier,
    LeverageDistribution,
    Rate,
    Spec,
)
from marketsim.streams import draw
from marketsim.traders.group import GroupRule, GroupTerms, TraderGroupSpec
from marketsim.units import NS_PER_SECOND

_SHARE = Distribution("uniform", {"lo": Decimal("0.05"), "hi": Decimal("0.4")}, "1", "leverage")


class ImitationSpec(Spec):
    """Wants more by `weight` of what the mean share of its neighbours in `network` exceeds its own base share.

    A share is the part of somebody's wealth that is held in the group's token, at NAV: 0 for a neighbour who trades
    another token. Without neighbours nothing changes. wanted = (1 - weight) x base + weight x neighbours' mean + own
    reasons: the linear-in-means model (Manski 1993, RES 60; between people Friedkin & Johnsen 1990, J. Math. Sociology
    15), in which a reason that all have moves all 1 / (1 - weight) times as far (Glaeser, Sacerdote & Scheinkman 2003,
    JEEA 1). That fund managers of one city buy what the others there buy: Hong, Kubik & Stein 2005, JF 60.
    """

    network: Identifier
    weight: Rate


class HolderSpec(TraderGroupSpec):
    """Wants `share` of its wealth in the token of its market, more after a good `lookback`, less at a premium.

    chase: share gained per unit of past return; dislike: share lost per unit of premium over NAV; low_nav: share gained
    when NAV has halved; mood: width of a share drawn anew at every wake-up; change: smallest change worth an order,
    as a share of wealth; protection: how far its market orders reach; primary_share: of its orders that go to the
    fund; imitates: whose shares it looks at beside, and how much that counts.
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
    imitates: Annotated[ImitationSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None


def holder_rule(spec: HolderSpec, terms: GroupTerms) -> GroupRule:
    """The group as the kernel's holder rule takes it (demand by performance and price: RULES section 0 and D 19).

    Rows of neighbours are laid by `simulation.neighbours`, which alone knows who is in which network.
    """
    parameters = {
        "chase": float(spec.chase),
        "dislike": float(spec.dislike),
        "low_nav": float(spec.low_nav),
        "mood": float(spec.mood),
        "imitation": float(spec.imitates.weight) if spec.imitates is not None else 0.0,
        "change": float(spec.change),
        "protection": float(spec.protection),
        "primary_threshold": round(spec.primary_share * 65_536),
        "start_nav_ticks": terms.opening_ticks,
        "neighbours_from": None,
        "neighbours": None,
    }
    own = draw(spec.share, terms.draws("share"), np.arange(spec.count))
    steps = np.full(spec.count, max(1, spec.lookback // terms.mark_every_ns), np.int64)
    return GroupRule("holder", parameters, {"base_share": own, "lookback_steps": steps})
