"""What is calibrated, one file a world."""

from collections.abc import Mapping

from marketsim.calibration.plan import Plan
from marketsim.calibration.plans.alt_perp import ALT_PERP
from marketsim.calibration.plans.btc_perp import BTC_PERP
from marketsim.calibration.plans.btc_two_markets import BTC_TWO_MARKETS

PLANS: Mapping[str, Plan] = {"btc-perp": BTC_PERP, "alt-perp": ALT_PERP, "btc-two-markets": BTC_TWO_MARKETS}
