"""Mark price: what positions, NAV and margin are valued at."""

from __future__ import annotations

from typing import Literal

from marketsim.spec import Duration, Spec
from marketsim.units import NS_PER_SECOND


class MarkSpec(Spec):
    """The mark rule and its cadence; `window` is that of the moving average of mid - index in rule `median`."""

    rule: Literal["median", "index", "last", "mid"] = "median"
    every: Duration = NS_PER_SECOND
    window: Duration = 60 * NS_PER_SECOND
