"""What a token discloses of its resets, as a scenario declares it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from marketsim.ranges import CADENCE, NOISE
from marketsim.spec import Duration, Rate, Spec
from marketsim.units import NS_PER_SECOND, format_duration, format_rate


class DisclosureSpec(Spec):
    """What anybody may know of a reset: when it falls due (`schedule`) and its `size`, from `lead` before it on.

    A rule without a clock has a trigger price instead of an instant. noise: standard deviation of the logarithm of a
    `noisy` size over the true one. every: how often a size is announced anew until the order is done.
    """

    schedule: Literal["public", "hidden"] = "hidden"
    size: Literal["none", "noisy", "exact"] = "none"
    lead: Duration = 600 * NS_PER_SECOND
    noise: Annotated[Rate, NOISE] = Decimal("0.2")
    every: Annotated[Duration, CADENCE] = 60 * NS_PER_SECOND

    def sentence(self) -> str:
        """What anybody may know of a token's resets, in words."""
        noise = f"with an error of {format_rate(self.noise)}" if self.size == "noisy" else "exactly"
        size = f"the size of the next order, {noise}, every {format_duration(self.every)}"
        when = "when it falls due" if self.schedule == "public" else ""
        told = " and ".join(part for part in (when, "" if self.size == "none" else size) if part)
        if not told:
            return "Nothing is announced of its resets."
        lead = f", from {format_duration(self.lead)} before a reset on" if self.schedule == "public" else ""
        return f"Anybody may know {told}{lead}."


SILENT = DisclosureSpec()
"""The disclosure of a token that declares none."""
