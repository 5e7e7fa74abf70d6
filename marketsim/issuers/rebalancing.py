"""Rebalancing policies: when a token trades, and to which leverage. Leverages in bands and emergencies are absolute."""

from __future__ import annotations

from typing import Annotated, Literal

from marketsim.spec import NONE_IN_WORDS, WORDS_FOR_NONE, Duration, Leverage, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_SECOND

Side = Literal["delever", "both", "losing"]
"""Which rebalances are made: only those that lower leverage, all, or only those after a loss."""


class NoRebalanceSpec(Spec):
    """Never."""

    policy: Literal["none"]


class EmergencySpec(Spec):
    """A rebalance between the daily ones, when leverage is strictly beyond `leverage`."""

    leverage: Leverage
    side: Side


class DailySpec(Spec):
    """Every day at `at` (UTC) + a random part of `jitter`; not while leverage is within `skip_if`."""

    policy: Literal["daily"]
    at: TimeOfDay
    jitter: Duration = 0
    emergency: Annotated[EmergencySpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    skip_if: tuple[Leverage, Leverage] | None = None


class BandSpec(Spec):
    """When leverage is strictly beyond `lower` or `upper`, or the price has moved by `move` since the last reset.

    to: back to the `target`, to the `edge` of the band, or a share of the way to the target.
    """

    policy: Literal["band"]
    lower: Leverage | None = None
    upper: Leverage | None = None
    move: Rate | None = None
    to: Literal["target", "edge"] | Rate = "target"
    side: Side = "both"
    source: Literal["mark", "index", "last", "mid"] = "mark"
    poll: Duration = NS_PER_SECOND


RebalanceSpec = NoRebalanceSpec | DailySpec | BandSpec
