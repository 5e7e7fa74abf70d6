"""The fund's own fees, which are paid out of its NAV."""

from __future__ import annotations

from marketsim.spec import Duration, Rate, Spec, TimeOfDay
from marketsim.units import NS_PER_SECOND


class ManagementFeeSpec(Spec):
    """A share `rate` of equity per charge, every `every` counted from `at` (UTC)."""

    rate: Rate
    every: Duration = 86_400 * NS_PER_SECOND
    at: TimeOfDay = 0
