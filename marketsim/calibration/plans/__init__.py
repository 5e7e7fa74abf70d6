"""What is calibrated, one file a world."""

from collections.abc import Mapping

from marketsim.calibration.plan import Plan

PLANS: Mapping[str, Plan] = {}
