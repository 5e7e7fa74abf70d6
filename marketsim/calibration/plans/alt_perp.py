"""The free parameters of `alt-perp`, and the facts that they are fitted to.

What is not free was argued in proportion to `btc-perp`, or measured one by one: sizes and numbers of orders,
leverage of holders, rates of value traders, the cap on liquidation (docs/base-worlds.md#a-thin-altcoin).
"""

from marketsim.calibration.plan import Parameter, Plan

ALT_PERP = Plan(
    world="base/alt-perp.yaml",
    market="ALT-PERP",
    kind="alt",
    window={"record": "{trades: all, quotes: change, depth: {bps: [2, 10], every: 10s}, marks: 10s}"},
    seeds=(101, 102, 103),
    parameters={
        "impact": Parameter("traders.makers.view.impact", 0.7, 1.6, " bps"),
        "feedback": Parameter("traders.makers.view.feedback", 0.7, 1.2, log=False),
        "first": Parameter("traders.makers.first", 0.4, 1.1, " bps"),
        "widening": Parameter("traders.makers.volatility_spread", 0.04, 0.16),
        "thinning": Parameter("traders.makers.quoting.thinning", 10, 90, "%", log=False),
        "parents_rate": Parameter("traders.parents.rate", 0.8, 2, "/h"),
        "gap": Parameter("traders.parents.children.gap.lognormal.median", 2, 8, "s"),
        "informed": Parameter("traders.parents.informed", 15, 50, "%", log=False),
        "threshold": Parameter("traders.value.threshold.scale", 50, 120, " bps"),
    },
    weights={
        "spread": 0.5,
        "spread_return_correlation": 0.5,
        "depth_after_moves": 1.0,
        "depth_variation": 0.5,
        "depth_volatility_rank_correlation": 0.5,
        "sign_acf_10": 0.5,
        "fano_1s": 0.5,
        "fano_60s": 0.5,
        "response_1s_over_sigma": 1.0,
        "response_10s_over_sigma": 0.5,
        "response_growth": 0.5,
        "volume_return_correlation_1min": 1.0,
        "volume_return_correlation_5min": 1.0,
        "kurtosis_day": 1.0,
        "tail_index": 1.0,
        "abs_return_acf_1min_day": 0.5,
        "hourly_volume_day": 0.5,
        "liquidated_calm": 0.25,
    },
    held_out=(
        "sign_acf_100",
        "response_60s_over_sigma",
        "abs_return_acf_10min_day",
        "abs_return_acf_60min_day",
        "linear_autocorrelation",
        "depth_over_daily_volume",
        "order_size_tail",
        "interest_over_daily_volume",
        "funding",
        "funding_width",
    ),
)
