"""The free parameters of `btc-two-markets`, and the facts of its perpetual that they are fitted to.

The crowds are those of `btc-perp`; what is free is what the latent fundamental and the second market change. The spot
market's makers are as far from the perpetual's as its flow is thinner, in proportion; facts of the spot market are only
looked at afterwards (docs/base-worlds.md#two-markets).
"""

from marketsim.calibration.plan import Parameter, Plan

BTC_TWO_MARKETS = Plan(
    world="base/btc-two-markets.yaml",
    market="BTC-PERP",
    kind="btc",
    window={
        "clock.start": "2024-01-01T11:00:00Z",
        "clock.duration": "3h20min",
        "clock.warmup": "20min",
        "record": "{trades: all, quotes: change, depth: {bps: [2, 10], every: 10s}, marks: 10s}",
    },
    seeds=(101, 102),
    parameters={
        "impact": Parameter(
            "traders.makers.view.impact", 0.15, 0.4, " bps", more={"traders.spot-makers.view.impact": 1.6}
        ),
        "first": Parameter("traders.makers.first", 0.09, 0.22, " bps", more={"traders.spot-makers.first": 1.25}),
        "widening": Parameter(
            "traders.makers.volatility_spread", 0.01, 0.05, more={"traders.spot-makers.volatility_spread": 1.0}
        ),
        "noise_rate": Parameter("traders.noise.rate", 7, 18, "/h", more={"traders.spot-noise.rate": 1.0}),
        "parents_rate": Parameter("traders.parents.rate", 1.4, 3, "/h", more={"traders.spot-parents.rate": 1.0}),
        "gap": Parameter(
            "traders.parents.children.gap.lognormal.median", 50, 160, "ms",
            more={"traders.spot-parents.children.gap.lognormal.median": 1.0},
        ),
        "informed": Parameter(
            "traders.parents.informed", 10, 40, "%", log=False, more={"traders.spot-parents.informed": 1.0}
        ),
        "threshold": Parameter(
            "traders.value.threshold.scale", 25, 70, " bps", more={"traders.spot-value.threshold.scale": 1.0}
        ),
        "profit": Parameter("traders.basis.profit", 0.4, 2.5, " bps"),
    },
    weights={
        "spread": 1.0,
        "spread_return_correlation": 1.0,
        "depth_over_daily_volume": 0.5,
        "sign_acf_10": 1.5,
        "sign_acf_100": 0.5,
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
        "volume_return_correlation_5min",
        "tail_index",
        "abs_return_acf_1min_day",
        "depth_after_moves",
        "depth_variation",
        "hourly_volume_day",
        "interest_over_daily_volume",
        "liquidated_calm",
        "funding_width",
    ),
)  # fmt: skip
