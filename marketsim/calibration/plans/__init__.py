"""What is calibrated, one file a world."""

from collections.abc import Mapping

from marketsim.calibration.plan import Plan
from marketsim.calibration.plans.btc_perp import BTC_PERP

PLANS: Mapping[str, Plan] = {"btc-perp": BTC_PERP}
