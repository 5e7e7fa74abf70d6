"""Worked examples that venues publish, typed in with their page: our formulas must give the venue's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest

from marketsim.venues import contract, funding, insurance, margin, payoffs
from marketsim.venues.deleveraging import bitmex, hyperliquid
from marketsim.venues.marks import median
from marketsim.venues.marks import prices as marks

Q = Fraction
HOUR_NS = 3_600 * 10**9
FREQTRADE = "github.com/freqtrade/freqtrade tests/exchange/test_exchange.py (third party)"
BYBIT_FUNDING = "https://help.bybit.com/hc/en-us/articles/360039261114-What-is-funding-rate-and-predicted-rate-"
BYBIT_ISOLATED = (
    "https://testnet.bybit.com/ar-SA/help-center/article/"
    "Liquidation-Price-Calculation-under-Isolated-Mode-Unified-Trading-Account"
)
DERIBIT = "https://support.deribit.com/hc/en-us/articles/31424939178397-Funding-Specifications"
FLIPSTER = "https://support.flipster.io/hc/en-us/articles/7352962731663-Margin-Trading-Explained"
FUND = "https://doc.sat.is/product-docs/trading/liquidation/system-gain-and-losses"
FTX = "https://help.ftx.com/hc/en-us/articles/360027668712-Liquidations"
HL_FUNDING = (
    "https://hyperliquid-co.gitbook.io/community-docs/technology-breakdown/hyperliquid-l1/dex/clearinghouse/funding"
)
HL_TIERS = "https://hyperliquid.gitbook.io/hyperliquid-docs/trading/margin-tiers"
HL_AT_20, HL_AT_40 = margin.half_of_maximum_rate(20), margin.half_of_maximum_rate(40)
VIP0 = "https://www.binance.bh/en-BH/square/post/29016484637809"
BITMEX_ADL = "https://bitmex.com/app/autoDeleveraging"
MEDIAN = "Binance rule Median(Price 1, Price 2, contract price)"


@dataclass(frozen=True)
class Published:
    """One number of one published example: `computed` by us, `expected` by the page, within `tolerance`."""

    example: str
    source: str
    computed: Callable[[], Fraction]
    expected: Fraction
    tolerance: Fraction


def case(
    example: str, source: str, computed: Callable[[], Fraction], expected: str, tolerance: str = "1e-9"
) -> Published:
    return Published(example, source, computed, Q(expected), Q(tolerance))


def fund_after(*fills: str) -> Fraction:
    return sum((insurance.fund_change(Q(fill), 99, 1) for fill in fills), Q(0))


def leverage_of(notional: int, equity: int) -> Fraction:
    leverage = margin.effective_leverage(notional, equity)
    assert leverage is not None
    return leverage


def flipster_margin_left(mark: int) -> Fraction:
    return 300 + payoffs.linear_profit(Q("0.1"), 30_000, mark)


EXAMPLES = [
    case("B09 a fund gains what a fill beats bankruptcy by", FUND, lambda: fund_after("99.25"), "0.25"),
    case("B09 and loses it on a worse fill", FUND, lambda: fund_after("99.25", "98.75"), "0"),
    case("B10 a fund gains 60", "https://blog.btcmex.com/insurance-fund/",
         lambda: insurance.fund_change(3_060, 3_000, 1), "60"),
    case("B11 interest", BYBIT_FUNDING,
         lambda: funding.bitmex_interest(Q("0.0006"), Q("0.0003"), 3), "0.0001", "1e-12"),
    case("B13 inverse position value", BYBIT_ISOLATED, lambda: payoffs.inverse_value(60_000, 50_000), "1.2"),
    case("B13 inverse initial margin", BYBIT_ISOLATED, lambda: payoffs.inverse_value(60_000, 50_000) / 10, "0.12"),
    case("B13 inverse maintenance margin", BYBIT_ISOLATED,
         lambda: margin.maintenance_margin(payoffs.inverse_value(60_000, 50_000), Q("0.005")), "0.006"),
    case("B13 inverse short dies", BYBIT_ISOLATED,
         lambda: margin.inverse_isolated_price(-60_000, 50_000, 10, Q("0.005")), "55248.6188", "0.01"),
    case("B13 inverse long dies", BYBIT_ISOLATED,
         lambda: margin.inverse_isolated_price(60_000, 50_000, 10, Q("0.005")), "45662.1005", "0.01"),
    case("B14 isolated bankruptcy", "https://mobie.io/faq/what-is-bybits-bankruptcy-price-how-can-i-calculate-it",
         lambda: margin.bankruptcy_price(10_000, 1, Q(10_000, 50)), "9800"),
    case("B16 cross bankruptcy", "https://wuyelx.com/6291.html (copy of Bybit's ADL page)",
         lambda: margin.bankruptcy_price(500, 100, 1_000 + 100), "489"),
    case("B18 COIN-M deduction", "https://www.binance.com/es/support/faq/ceccfcfb4e3a45e3b48b0b1bb1a8ae46",
         lambda: margin.next_deduction(50, Q("0.05"), Q("0.025"), Q("0.56")), "1.81"),
    case("B24 isolated long dies", FREQTRADE,
         lambda: margin.tier_liquidation_price(2, 1, 10, Q("0.01"), Q("0.01")), "8.070707070707071"),
    case("B25 isolated short dies", FREQTRADE,
         lambda: margin.tier_liquidation_price(2, -1, 10, Q("0.01"), Q("0.01")), "11.89108910891089"),
    case("B26 isolated long with closing fee dies", FREQTRADE,
         lambda: margin.isolated_price_with_closing_fee(2, 1, 10, Q("0.01"), Q("0.0006")), "8.085708510208207"),
    case("B27 isolated short with closing fee dies", FREQTRADE,
         lambda: margin.isolated_price_with_closing_fee(2, -1, 10, Q("0.01"), Q("0.0006")), "11.87413417771621"),
    case("B28 impact notional", "Binance FAQ text (copy: khajehabdollahansari.com)",
         lambda: funding.impact_notional(200, 20), "4000"),
    case("B29 taker fee", VIP0, lambda: Q(contract.trading_fee_atoms(10_000 * 10**8, 50_000), 10**8), "5"),
    case("B29 maker fee", VIP0, lambda: Q(contract.trading_fee_atoms(10_000 * 10**8, 20_000), 10**8), "2"),
    case("B30 four-hour rate", "Binance notice 2025-09-16 (square post 29758484976186)",
         lambda: funding.interval_rate(funding.damped_rate(Q("0.0008"), Q("0.0001"), Q("0.0005")), 4),
         "0.00015", "1e-12"),
    case("B32 within the damper the interest is due", "Bybit, BitMEX rule",
         lambda: funding.funding_rate(Q("0.0003"), Q("0.0001"), Q("0.0005"), Q("0.003")), "0.0001", "1e-12"),
    case("B35 Kraken before the cap", "https://support.kraken.com/hc/en-us/articles/360022835911",
         lambda: funding.kraken_rate(7_000, 7_500, 1), "0.002975", "3e-6"),
    case("B35 Kraken at the cap", "https://support.kraken.com/hc/en-us/articles/360022835911",
         lambda: funding.kraken_rate(7_000, 7_500, Q("0.0025")), "0.0025", "3e-6"),
    case("B48 Deribit inside the damper", DERIBIT, lambda: funding.deribit_rate(Q("0.0002")), "0", "1e-12"),
    case("B48 Deribit above it", DERIBIT, lambda: funding.deribit_rate(Q("0.0005")), "0.00025", "1e-12"),
    case("B48 Deribit below it", DERIBIT, lambda: funding.deribit_rate(Q("-0.0004")), "-0.00015", "1e-12"),
    case("B54 auto-close at half", FTX, lambda: margin.auto_close_fraction(Q("0.04")), "0.02", "1e-12"),
    case("B54 auto-close six points under", FTX, lambda: margin.auto_close_fraction(Q("0.2")), "0.14", "1e-12"),
    case("B56 initial margin", FLIPSTER, lambda: Q("0.1") * 30_000 * Q("0.1"), "300"),
    case("B56 maintenance margin", FLIPSTER, lambda: margin.maintenance_margin(Q("0.1") * 30_000, Q("0.01")), "30"),
    case("B56 margin left after a rise", FLIPSTER, lambda: flipster_margin_left(36_000), "900"),
    case("B56 margin left after a fall", FLIPSTER, lambda: flipster_margin_left(28_000), "100"),
    case("B56 margin left after a crash", FLIPSTER, lambda: flipster_margin_left(26_000), "-100"),
    case("B59 margin by slices", "https://whitebit.com/et/trading-data/collateral-brackets",
         lambda: margin.bracket_margin(200_000, [(50_000, 100), (150_000, 10)]), "15500"),
    case("B60 half of the maximum", HL_TIERS, lambda: margin.half_of_maximum_rate(20), "0.025", "1e-12"),
    case("B61 deduction of BTC's second tier", HL_TIERS,
         lambda: margin.next_deduction(150_000_000, HL_AT_20, HL_AT_40, 0), "1875000", "0.001"),
    case("B61 maintenance margin of 200 million", HL_TIERS,
         lambda: margin.maintenance_margin(200_000_000, HL_AT_20, 1_875_000), "3125000", "0.001"),
    case("B62 interest per hour", HL_FUNDING, lambda: funding.interval_rate(Q("0.0001"), 1), "0.0000125", "1e-12"),
    case("B62 interest per year", HL_FUNDING,
         lambda: funding.compounded_yearly(Q("0.0000125"), 24 * 365), "0.116", "0.0005"),
    case("B63 price 1", MEDIAN, lambda: marks.first_price(10_000, Q("0.0001"), 4 * HOUR_NS, 8 * HOUR_NS), "10000.5"),
    case("B63 price 2", MEDIAN, lambda: marks.second_price(10_000, 6), "10006"),
    case("B63 mark", MEDIAN, lambda: median.median_price(Q("10000.5"), 10_006, 10_010), "10006"),
    case("B64 weighted premium", "Bybit, Binance rule sum(i P_i) / sum(i)",
         lambda: funding.average_premium([Q("0.0001"), Q("0.0002"), Q("0.0003")]), "0.000233333333", "1e-12"),
    case("B65 premium index", "BitMEX, Bybit, Gate, dYdX",
         lambda: funding.premium_index(10_010, 10_020, 10_000), "0.001", "1e-12"),
    case("B66 Hyperliquid's queue", "https://docs.hyperodd.com/trading/adl",
         lambda: hyperliquid.hyperliquid_index(110, 100, 11_000, 2_200), "5.5", "1e-12"),
    case("B67 BitMEX's effective leverage", BITMEX_ADL,
         lambda: leverage_of(11_000, 11_000 - 8_800), "5", "1e-12"),
    case("B67 BitMEX's score", BITMEX_ADL, lambda: bitmex.bitmex_score(11_000, 8_800, 10_000), "0.5", "1e-12"),
    case("B68 an hour of Deribit funding", "Deribit rule rate x size x time / 8 h",
         lambda: funding.continuous_payment(Q("0.00025"), 100_000, 60), "3.125", "1e-12"),
    case("B69 BitMEX's fair price", "https://www.bitmex.com/app/fairPriceMarking",
         lambda: marks.first_price(10_000, Q("0.0001"), 2 * HOUR_NS, 8 * HOUR_NS), "10000.25"),
]  # fmt: skip


@pytest.mark.parametrize("published", EXAMPLES, ids=lambda published: published.example)
def test_our_formula_gives_the_published_number(published: Published) -> None:
    computed = published.computed()
    assert abs(computed - published.expected) <= published.tolerance, published.source


@pytest.mark.parametrize(("mark", "liquidated"), [(36_000, False), (28_000, False), (26_000, True)])
def test_flipster_liquidates_only_when_margin_left_is_below_maintenance(mark: int, liquidated: bool) -> None:
    """B56: 0.1 BTC long from 30,000 with 300 USDT of margin and 30 USDT of maintenance."""
    assert (flipster_margin_left(mark) < 30) is liquidated
