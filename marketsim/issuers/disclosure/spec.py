"""What a token discloses of its resets, as a scenario declares it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from marketsim.spec import Duration, Rate, Spec
from marketsim.units import NS_PER_SECOND


class DisclosureSpec(Spec):
    """What anybody may know of a reset: when it falls due (`schedule`) and its `size`, from `lead` before it on.

    A rule without a clock has a trigger price instead of an instant. noise: standard deviation of the logarithm of a
    `noisy` size over the true one. every: how often a size is announced anew until the order is done.
    """

    schedule: Literal["public", "hidden"] = "hidden"
    size: Literal["none", "noisy", "exact"] = "none"
    lead: Duration = 600 * NS_PER_SECOND
    noise: Rate = Decimal("0.2")
    every: Duration = 60 * NS_PER_SECOND


SILENT = DisclosureSpec()
"""The disclosure of a token that declares none."""
