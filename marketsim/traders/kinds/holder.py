"""Holders: they keep a share of their wealth in a token that moves with its performance, price and their mood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

import numpy as np

from marketsim.ranges import ANY, BELOW_ONE, SHARE, ZERO_OR_MORE
from marketsim.spec import (
    NONE_IN_WORDS,
    WORDS_FOR_NONE,
    Distribution,
    Duration,
    EventRate,
    Factor,
    Fault,
    Identifier,
    LeverageDistribution,
    Rate,
    Spec,
    distribution_words,
)
from marketsim.streams import draw
from marketsim.traders.group import TRADERS, MarketSort, Surroundings, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import NS_PER_SECOND, format_duration, format_rate

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
    weight: Annotated[Rate, BELOW_ONE]


@TRADERS.register
class HolderSpec(TraderGroupSpec):
    """Wants `share` of its wealth in the token of its market, more after a good `lookback`, less at a premium.

    chase: share gained per unit of past return; dislike: share lost per unit of premium over NAV; low_nav: share gained
    when NAV has halved; mood: width of a share drawn anew at every wake-up; change: smallest change worth an order,
    as a share of wealth; protection: how far its market orders reach; primary_share: of its orders that go to the
    fund; imitates: whose shares it looks at beside, and how much that counts.
    """

    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("token",)
    references: ClassVar[Mapping[tuple[str, ...], str]] = {
        **TraderGroupSpec.references,
        ("imitates", "network"): "networks",
    }

    kind: Literal["holder"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(4, 3_600)
    share: LeverageDistribution = _SHARE
    chase: Annotated[Factor, ANY] = Decimal(1)
    lookback: Annotated[Duration, ZERO_OR_MORE] = 3_600 * NS_PER_SECOND
    dislike: Annotated[Factor, ANY] = Decimal(2)
    low_nav: Annotated[Factor, ANY] = Decimal(0)
    mood: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.2")
    change: Annotated[Rate, ZERO_OR_MORE] = Decimal("0.05")
    protection: Annotated[Rate, SHARE] = Decimal("0.02")
    primary_share: Annotated[Rate, SHARE] = Decimal(0)
    imitates: Annotated[ImitationSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None

    def network(self) -> str | None:
        """The network along whose links they look at each other's shares."""
        return None if self.imitates is None else self.imitates.network

    def longest_lookback_ns(self) -> int:
        """How far back it may look [ns]."""
        return self.lookback

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the token and networks there are."""
        yield from super().faults(around)
        network = self.network()
        if network is not None and network in around.members and self.id not in around.members[network]:
            within = [name for name, members in around.members.items() if self.id in members]
            message, allowed = f"{self.id} is not in the network {network}", ", ".join(within)
            yield Fault(("imitates", "network"), message, allowed or "a network with this group")

    def sentence(self) -> str:
        """What each of them does, in words."""
        way = "more" if self.chase > 0 else "less"
        leaning = [f"{way} after a rise over {format_duration(self.lookback)}"] if self.chase else []
        leaning += [f"{'less' if self.dislike > 0 else 'more'} at a premium"] if self.dislike else []
        text = (
            f"They keep a share of their wealth in {self.market} ({distribution_words(self.share)})"
            f"{', ' + ' and '.join(leaning) if leaning else ''}, and trade when it is off by "
            f"{format_rate(self.change)} of their wealth."
        )
        if self.imitates is not None:
            weight, where = format_rate(self.imitates.weight), self.imitates.network
            text += f" The share of wealth they want goes {weight} of the way to what their neighbours in {where} hold."
        return text

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's holder rule takes it: by performance, price and mood (docs/calibration.md#holders).

        Rows of neighbours are laid by `simulation.wiring.neighbours`, which alone knows who is in which network.
        """
        parameters = {
            "chase": float(self.chase),
            "dislike": float(self.dislike),
            "protection": float(self.protection),
            "change": float(self.change),
            "low_nav": float(self.low_nav),
            "mood": float(self.mood),
            "imitation": float(self.imitates.weight) if self.imitates is not None else 0.0,
            "primary_threshold": round(self.primary_share * 65_536),
            "start_nav_ticks": terms.opening_ticks,
            "neighbours_from": None,
            "neighbours": None,
        }
        own = draw(self.share, terms.draws("share"), np.arange(self.count))
        steps = np.full(self.count, max(1, self.lookback // terms.mark_every_ns), np.int64)
        return GroupRule("holder", parameters, {"base_share": own, "lookback_steps": steps})
