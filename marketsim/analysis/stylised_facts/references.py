"""What real markets show, fact by fact: the range of a large perpetual such as BTC's, of a thinner one, the source.

Ranges are of docs/facts.md#reference-data. A large market here is a venue on which the tick does not bind.
"""

from __future__ import annotations

from marketsim.analysis.stylised_facts.fact import Range, Reference

Ends = tuple[float | None, float | None]
"""The ends of a range; None is open."""

VOLATILITY, FLOW, SPREAD, RESPONSE, VOLUME, DERIVATIVES = (
    "returns", "order flow", "spread and depth", "response and costs", "volume", "interest, funding, liquidations",
)  # fmt: skip

_TICKS = "Binance BTC, ETH 2023-24; Hyperliquid 2025"
_BOOKS = "books of Binance, Hyperliquid, Aster 2023-25"
_BARS = "Binance, Bybit 1 min bars 2021-25"
_CONT = "Cont 2001"
_DONIER = "Donier, Bonart 2015: a million orders, BTC"


def _of(
    group: str,
    words: str,
    unit: str,
    btc: Ends | None,
    alt: Ends | None,
    source: str,
    *,
    of_the_index: bool = False,
    cont: int = 0,
) -> Reference:
    large, thin = (None if each is None else Range(*each) for each in (btc, alt))
    return Reference(group, words, unit, large, thin, source, of_the_index, cont)


def _index(
    words: str,
    unit: str,
    btc: Ends | None,
    alt: Ends | None,
    source: str,
    cont: int = 0,
) -> Reference:
    """A fact of returns, which an index that no trade moves makes."""
    return _of(VOLATILITY, words, unit, btc, alt, source, of_the_index=True, cont=cont)


def _acf(
    lag: int, day: tuple[float, float], month: tuple[tuple[float, float], tuple[float, float | None]]
) -> dict[str, Reference]:
    """The rows of the autocorrelation of abs returns at one lag: of a day, adjusted, of a month."""
    name = f"autocorrelation of abs 1 min returns, {lag} min"
    return {
        f"abs_return_acf_{lag}min_day": _index(f"{name}, inside a day", "", (day[0], None), (day[1], None), _BARS, 6),
        f"abs_return_acf_{lag}min_day_adjusted": _index(f"{name}, over the daily pattern", "", None, None, "-", 6),
        f"abs_return_acf_{lag}min_month": _index(f"{name}, a month", "", *month, _BARS, 6),
    }


REFERENCES: dict[str, Reference] = {
    "kurtosis_day": _index("kurtosis of 1 min returns, a day", "", (4, None), (4, None), _BARS, 2),
    "kurtosis_month": _index("kurtosis of 1 min returns, a month", "", (9, 100), (9, 100), _BARS, 2),
    "tail_index": _index("tail index of abs 1 min returns, top 5 %", "", (2.4, 3.2), (2.8, 3.5), _BARS, 2),
    **_acf(1, (0.12, 0.10), ((0.30, 0.45), (0.20, 0.30))),
    **_acf(10, (0.08, 0.06), ((0.20, 0.30), (0.15, None))),
    **_acf(60, (0.04, 0.04), ((0.15, 0.25), (0.12, None))),
    "linear_autocorrelation": _of(
        VOLATILITY, "autocorrelation of 1 min returns, mean of 5-30 min", "", (-0.05, 0.05), (-0.05, 0.05), _CONT,
        cont=1,
    ),
    "skewness": _index("skewness of 1 min returns", "", None, None, "none in currencies: Cont 2001", 3),
    "aggregational_gaussianity": _index("kurtosis at 1 min less that at 30 min", "", (0, None), (0, None), _CONT, 4),
    "intermittency": _index("bursts: variation of 10 min variance over shuffled", "", (1, None), (1, None), _CONT, 5),
    "conditional_kurtosis": _index("kurtosis after a GARCH(1,1)", "", (3, None), (3, None), _CONT, 7),
    "abs_return_acf_exponent": _index("decay exponent of abs returns, 1-60 min", "", (0.2, 0.4), (0.2, 0.4), _CONT, 8),
    "leverage_effect": _index("return with abs returns 1-10 min later", "", None, None, "weak in crypto: Cont 2001", 9),
    "time_scale_asymmetry": _index("coarse leads fine volatility", "", (0, None), (0, None), "Mueller 1997", 11),
    "sign_acf_10": _of(FLOW, "sign autocorrelation of orders, lag 10", "", (0.05, 0.20), (0, 0.12), _TICKS),
    "sign_acf_100": _of(FLOW, "sign autocorrelation of orders, lag 100", "", (0, 0.06), (-0.02, 0.02), _TICKS),
    "sign_exponent": _of(
        FLOW, "decay exponent of signs, lags 10-1000", "", (0.4, 0.8), None, "BTC fills 2024; Gould 2015 (FX)"
    ),
    "fano_1s": _of(FLOW, "Fano factor of orders inside hours, 1 s", "", (3.5, 25), (1.1, 5), _TICKS),
    "fano_60s": _of(FLOW, "Fano factor of orders inside hours, 60 s", "", (20, 100), (5, 55), _TICKS),
    "branching": _of(
        FLOW, "branching ratio, from the Fano factor of 60 s", "", (0.75, 0.90), (0.5, 0.85),
        "Hardiman, Bouchaud 2014 on the same data",
    ),
    "order_size_tail": _of(FLOW, "tail index of order sizes, top 5 %", "", (1.0, 1.6), (0.7, 1.7), _TICKS),
    "spread": _of(
        SPREAD, "spread, time-weighted", "bps", (0.1, 0.5), (0.5, 7), "Hyperliquid 2025 (Binance: .02-.04, its tick)"
    ),
    "spread_at_one_tick": _of(SPREAD, "share of time at one tick", "", None, None, "> .9 where the tick binds"),
    "spread_return_correlation": _of(SPREAD, "spread with abs return, 1 min", "", (0.2, None), (0, None), _TICKS),
    "spread_return_rank_correlation": _of(SPREAD, "spread with abs return, 1 min, ranks", "", None, None, "-"),
    "hit_side_after_large_orders": _of(
        SPREAD, "hit side within 2 bp after a top 1 % order", "", (0.35, 0.85), (0.35, 0.85), "Binance 2023-24"
    ),
    "hit_side_half_back": _of(SPREAD, "half of that loss back", "s", (0.2, 10), (0.2, 10), "Binance 2023-24"),
    "depth_after_moves": _of(
        SPREAD, "depth in 10 bp, after / before a top 5 % minute", "", (0.85, 1.02), (0.70, 0.95), _BOOKS
    ),
    "depth_in_crash": _of(
        SPREAD, "depth in 10 bp in a crash / before it", "", (None, 0.3), (None, 0.2), "Kaiko, FTI on 10 Oct 2025"
    ),
    "depth_volatility_rank_correlation": _of(
        SPREAD, "depth with volatility of 10 min before, ranks", "", (-0.6, -0.1), (-0.6, -0.1), _BOOKS
    ),
    "depth_variation": _of(
        SPREAD, "variation of minutes' depth in 10 bp, a day", "", (0.10, 0.40), (0.15, 0.60), f"{_BOOKS}; Amberdata"
    ),
    "depth_over_daily_volume": _of(
        SPREAD, "one side of 10 bp / daily volume", "%", (0.03, 0.5), (0.05, 0.5), "Binance .03-.06, Hyperliquid .46"
    ),
    "response_1s_over_sigma": _of(
        RESPONSE, "response after 1 s / volatility of 1 s", "", (0.2, 0.4), (0.3, 0.9), _TICKS
    ),
    "response_growth": _of(RESPONSE, "response after 10 s / after 1 s", "", (1, 2), (1, 2), _TICKS),
    "response_10s_over_sigma": _of(
        RESPONSE, "response after 10 s / volatility of 10 s", "", (0.05, 0.25), (0.05, 0.25), _TICKS
    ),
    "response_60s_over_sigma": _of(
        RESPONSE, "response after 60 s / volatility of 60 s", "", (0.02, 0.12), (0.02, 0.12), _TICKS
    ),
    "effective_spread": _of(RESPONSE, "effective spread, by notional", "bps", None, None, "-"),
    "realised_spread": _of(RESPONSE, "realised spread after 60 s, by notional", "bps", None, None, "-"),
    "price_impact": _of(RESPONSE, "price impact after 60 s, by notional", "bps", None, None, "-"),
    "kyle_lambda": _of(RESPONSE, "Kyle's lambda, 1 min", "bps per million", None, None, "Kyle 1985"),
    "impact_exponent": _of(RESPONSE, "impact exponent of orders over 300 s", "", (0.4, 0.6), (0.4, 0.6), _DONIER),
    "impact_prefactor": _of(RESPONSE, "impact / (volatility x root of size), Y", "", (0.5, 1.5), (0.5, 1.5), _DONIER),
    "impact_left": _of(RESPONSE, "what is left of an order's impact", "", None, None, f"2/3, then 0: {_DONIER}"),
    "volume_return_correlation_1min": _of(
        VOLUME, "volume with abs return, 1 min", "", (0.4, 0.7), (0.2, 0.6), f"{_BARS} (thin: > .15)", cont=10
    ),
    "volume_return_correlation_5min": _of(
        VOLUME, "volume with abs return, 5 min", "", (0.35, 0.65), (0.2, 0.6), f"{_BARS} (thin: > .15)",
        of_the_index=True, cont=10,
    ),
    "hourly_volume_day": _of(VOLUME, "hourly volume max / min, a day", "", (4, 11), (4, 10), _BARS),
    "hourly_volume_profile": _of(VOLUME, "hourly volume max / min, UTC profile", "", (2, 4.5), (2, 3.5), _BARS),
    "interest_over_daily_volume": _of(
        DERIVATIVES, "open interest / daily volume", "", (0.3, 1.4), (0.5, 4), "Binance Nov 2025; Hyperliquid 2026"
    ),
    "funding": _of(
        DERIVATIVES, "funding per 8 h, calm days", "bps", (-0.5, 1.5), (-3, 3), "six venues 2020-23; Hyperliquid 2026"
    ),
    "funding_width": _of(
        DERIVATIVES, "funding per 8 h, 5 % to 95 %: width", "bps", (0.01, None), (0.01, None), "six venues 2020-23"
    ),
    "funding_at_interest": _of(
        DERIVATIVES, "settlements exactly at the interest rate", "%", (30, 55), None, "six venues 2020-23"
    ),
    "funding_below_zero": _of(DERIVATIVES, "settlements below zero", "%", (5, 20), None, "six venues 2020-23"),
    "liquidated_calm": _of(
        DERIVATIVES, "liquidated a day / open interest, calm", "%", (0.1, 0.5), (0.3, 2), "Glassnode, Fasanara 2025"
    ),
    "liquidated_crash": _of(
        DERIVATIVES, "liquidated in a crash / open interest", "%", (2, None), (2, None), "10 Oct 2025: floor"
    ),
}  # fmt: skip
"""In the order of the table."""
