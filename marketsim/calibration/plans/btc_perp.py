"""The free parameters of `btc-perp`, and the facts that they are fitted to.

What is not free was argued from the rules of real venues and from what was measured one by one
(docs/calibration.md#decision-rules): order sizes, numbers of children, memories, classes of makers, leverage.
"""

from marketsim.calibration.plan import Parameter, Plan

BTC_PERP = Plan(
    world="base/btc-perp.yaml",
    market="BTC-PERP",
    kind="btc",
    window={
        "clock.start": "2024-01-01T11:00:00Z",
        "clock.duration": "3h20min",
        "clock.warmup": "20min",
        "record": "{trades: all, quotes: change, depth: {bps: [2, 10], every: 100ms}, marks: 1s}",
    },
    seeds=(101, 102),
    parameters={
        "impact": Parameter("traders.makers.view.impact", 0.1, 0.35, " bps"),
        "index_share": Parameter("traders.makers.view.index", 40, 70, "%", log=False),
        "first": Parameter("traders.makers.first", 0.1, 0.2, " bps"),
        "widening": Parameter("traders.makers.volatility_spread", 0.01, 0.04),
        "thinning": Parameter("traders.makers.quoting.thinning", 20, 70, "%", log=False),
        "parents_rate": Parameter("traders.parents.rate", 1.3, 2.7, "/h"),
        "gap": Parameter("traders.parents.children.gap.lognormal.median", 100, 400, "ms"),
        "informed": Parameter("traders.parents.informed", 15, 40, "%", log=False),
        "threshold": Parameter("traders.value.threshold.scale", 20, 50, " bps"),
    },
    weights={
        "spread": 1.0,
        "spread_return_correlation": 1.0,
        "hit_side_after_large_orders": 0.5,
        "hit_side_half_back": 0.5,
        "depth_volatility_rank_correlation": 0.5,
        "depth_variation": 0.5,
        "depth_over_daily_volume": 0.5,
        "sign_acf_10": 1.0,
        "sign_acf_100": 1.0,
        "fano_1s": 0.5,
        "fano_60s": 0.5,
        "response_1s_over_sigma": 1.0,
        "response_growth": 1.0,
        "volume_return_correlation_1min": 1.0,
        "kurtosis_day": 0.5,
        "order_size_tail": 0.5,
    },
    held_out=(
        "response_10s_over_sigma",
        "response_60s_over_sigma",
        "abs_return_acf_1min_day",
        "tail_index",
        "volume_return_correlation_5min",
        "depth_after_moves",
        "interest_over_daily_volume",
        "liquidated_calm",
        "funding_width",
    ),
)
