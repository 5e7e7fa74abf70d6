"""Margin: how large a position an account may hold, and at which equity it is taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from marketsim.ranges import ANY
from marketsim.spec import Factor, Fault, MoneyAmount, Rate, Spec, announced
from marketsim.units import ATOMS_PER_UNIT, RATE_ONE, Money, rate, rate_parts, to_atoms
from marketsim.venues.payoffs import Exact, equity_atoms, notional_atoms


class TierSpec(Spec):
    """One bracket of notional: the largest leverage in it, and the maintenance margin rate."""

    up_to: Annotated[MoneyAmount, ANY]
    max_leverage: Annotated[Factor, ANY]
    maintenance: Annotated[Rate, ANY]


def _rows(value: Any) -> Any:
    return () if value == "none" else value


def _text(rows: tuple[TierSpec, ...]) -> Any:
    return [row.model_dump(mode="json") for row in rows] or "none"


Tiers = Annotated[tuple[TierSpec, ...], BeforeValidator(_rows), PlainSerializer(_text, when_used="json")]
"""Brackets in rising order of `up_to`; empty (`none` in a file) = unlimited. A file may name a table of the presets."""


class MarginSpec(Spec):
    """The tier table and whether positions share one pool (`cross`)."""

    tiers: Tiers = ()
    mode: Annotated[Literal["cross"], announced({"isolated": "cross"})] = "cross"

    def faults(self) -> Iterator[Fault]:
        """Tiers that cannot be a margin table."""
        yield from (Fault(("tiers",), fault) for fault in tier_faults(self.tiers))


@dataclass(frozen=True, slots=True)
class MarginTier:
    """One row of a venue's margin table, in the market's integers: what holds for a whole position up to this notional.

    `cap_atoms` inclusive, None = no end; `max_leverage` None = no initial margin; `maintenance_parts` of 1e8 of the
    notional; `deduction_atoms` is the venue's `cum`, which makes the maintenance margin continuous.
    """

    cap_atoms: int | None
    max_leverage: Fraction | None
    maintenance_parts: int
    deduction_atoms: int

    @property
    def maintenance_rate(self) -> Fraction:
        """Maintenance margin rate as a fraction of the notional."""
        return Fraction(self.maintenance_parts, RATE_ONE)

    @property
    def deduction(self) -> Fraction:
        """The venue's `cum` [quote currency]."""
        return Fraction(self.deduction_atoms, ATOMS_PER_UNIT)


TierTable = tuple[MarginTier, ...]
"""Margin tiers, lowest first, rising, at least one."""

UNLIMITED: TierTable = (MarginTier(None, None, 0, 0),)
"""What no tiers mean: positions of any size without margin, taken away once the equity is negative."""


def _printed(rows: Sequence[tuple[int, int, str]], currency: str) -> tuple[TierSpec, ...]:
    """Take rows as venues print them: notional up to [quote], largest leverage, maintenance rate."""
    return tuple(
        TierSpec(up_to=Money(Decimal(cap), currency), max_leverage=Decimal(leverage), maintenance=rate(mmr))
        for cap, leverage, mmr in rows
    )


BINANCE_BTCUSDT_2024 = _printed(
    (
        (50_000, 125, "0.40%"),
        (600_000, 100, "0.50%"),
        (3_000_000, 75, "0.65%"),
        (12_000_000, 50, "1.0%"),
        (70_000_000, 25, "2.0%"),
        (100_000_000, 20, "2.5%"),
        (230_000_000, 10, "5%"),
        (480_000_000, 5, "10%"),
        (600_000_000, 4, "12.5%"),
        (800_000_000, 3, "15%"),
        (1_200_000_000, 2, "25%"),
        (1_800_000_000, 1, "50%"),
    ),
    "USDT",
)
"""Binance USDT-M BTCUSDT brackets of October 2024, by github.com/freqtrade/freqtrade@c9ae5e1
(docs/venues.md#margin-tiers)."""

TIER_TABLES = {"binance_btcusdt_2024": BINANCE_BTCUSDT_2024}
"""Margin tables by the name a scenario may give in `margin.tiers` or `account.tiers`."""


def next_deduction(floor: Exact, rate: Exact, rate_below: Exact, deduction_below: Exact) -> Fraction:
    """Deduction that makes a tier start where the one below ended: `floor * (mmr - mmr_below) + cum_below`.

    Source: https://www.binance.com/en/support/faq/ceccfcfb4e3a45e3b48b0b1bb1a8ae46; Hyperliquid margin-tiers;
    docs/venues.md#margin-tiers.
    """
    return Fraction(floor) * (Fraction(rate) - Fraction(rate_below)) + Fraction(deduction_below)


def tier_faults(rows: Sequence[TierSpec]) -> tuple[str, ...]:
    """Say why these tiers cannot be a margin table; empty when they can, as no tiers at all (unlimited) can.

    Caps must rise, rates must not fall and stay below 100%, leverage must be above 0 and at least leave the
    maintenance margin covered, and a deduction must be whole atoms: the closed forms of this file rest on it.
    """
    faults = []
    cap, maintenance, deduction = Decimal(0), Decimal(0), Fraction(0)
    for number, row in enumerate(rows, start=1):
        deduction = next_deduction(to_atoms(cap), Fraction(row.maintenance), Fraction(maintenance), deduction)
        if row.up_to.amount <= cap:
            faults.append(f"tier {number} ends at {row.up_to.amount}; it must end above {cap}")
        if not maintenance <= row.maintenance < 1:
            faults.append(f"tier {number} has maintenance {row.maintenance}; it must be {maintenance} or more, below 1")
        if row.max_leverage <= 0 or row.max_leverage * row.maintenance > 1:
            faults.append(
                f"tier {number} allows leverage {row.max_leverage} at maintenance {row.maintenance}; "
                "an account opened with it would be below maintenance at once"
            )
        if deduction.denominator != 1:
            faults.append(f"tier {number} would deduct {float(deduction)} atoms; take a rounder notional or rate")
        cap, maintenance = row.up_to.amount, row.maintenance
    return tuple(faults)


def tier_table(rows: Sequence[TierSpec]) -> TierTable:
    """Turn declared tiers, free of `tier_faults`, into integers with their deductions; none means `UNLIMITED`."""
    tiers: list[MarginTier] = []
    floor, below = 0, MarginTier(0, None, 0, 0)
    for row in rows:
        parts = rate_parts(row.maintenance)
        deduction = next_deduction(floor, Fraction(parts, RATE_ONE), below.maintenance_rate, below.deduction_atoms)
        floor = to_atoms(row.up_to.amount)
        below = MarginTier(floor, Fraction(row.max_leverage), parts, int(deduction))
        tiers.append(below)
    return tuple(tiers) or UNLIMITED


def tier_at(notional_atoms: int, tiers: TierTable) -> MarginTier:
    """Find the tier of a notional [atoms], caps inclusive; beyond the last cap the last tier's rates go on."""
    for tier in tiers:
        if tier.cap_atoms is None or notional_atoms <= tier.cap_atoms:
            return tier
    return tiers[-1]


def maintenance_margin(notional: Exact, mmr: Exact, deduction: Exact = 0) -> Fraction:
    """Maintenance margin of a position in one tier [quote]: `notional * mmr - cum` (docs/venues.md#margin-tiers)."""
    return Fraction(notional) * Fraction(mmr) - Fraction(deduction)


def maintenance_margin_atoms(notional_atoms: int, tiers: TierTable) -> int:
    """Equity below which a position of this notional is liquidated [atoms]: `floor(notional * mmr) - cum` of its tier.

    Rates are parts of 1e8. As rates rise and `cum` leaves no jump, it is also the largest such value over all tiers.
    Source: docs/venues.md#margin-tiers (Binance).
    """
    tier = tier_at(notional_atoms, tiers)
    return notional_atoms * tier.maintenance_parts // RATE_ONE - tier.deduction_atoms


def initial_margin_atoms(notional_atoms: int, tiers: TierTable) -> int:
    """Equity needed to open a position of this notional [atoms]: `notional / max leverage` of its tier, rounded up.

    Source: docs/venues.md#margin-tiers (`IM = notional / leverage`), at the highest leverage the tier allows.
    """
    leverage = tier_at(notional_atoms, tiers).max_leverage
    return 0 if leverage is None else ceil(notional_atoms / leverage)


def is_below_maintenance(
    cash_atoms: int, position_lots: int, mark_ticks: int, atoms_per_tick_lot: int, tiers: TierTable
) -> bool:
    """Tell whether a cross account with one position must be liquidated: equity at mark < maintenance margin."""
    notional = notional_atoms(position_lots, mark_ticks, atoms_per_tick_lot)
    equity = equity_atoms(cash_atoms, position_lots, mark_ticks, atoms_per_tick_lot)
    return equity < maintenance_margin_atoms(notional, tiers)


def margin_ratio(maintenance: Exact, equity: Exact) -> Fraction | None:
    """Share of the equity that the maintenance margin claims; above 1 the account is liquidated; None without equity.

    Source: https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93 (margin ratio = MM / margin
    balance).
    """
    return Fraction(maintenance) / Fraction(equity) if equity > 0 else None


def effective_leverage(notional: Exact, equity: Exact) -> Fraction | None:
    """Times the equity is at work: `notional / equity` (docs/products.md#nav-and-leverage); None without equity."""
    return Fraction(notional) / Fraction(equity) if equity > 0 else None


def tier_liquidation_price(
    wallet: Exact,
    size: Exact,
    entry: Exact,
    mmr: Exact,
    deduction: Exact,
    other_maintenance: Exact = 0,
    other_profit: Exact = 0,
) -> Fraction:
    """Price at which equity equals maintenance margin, were the position in this tier (may be negative for a long).

    `LP = (WB - TMM + UPNL + cum - q * E) / (|q| * mmr - q)` with signed size q [coins]; isolated: `wallet` is the
    position's own and TMM = UPNL = 0. Source: https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93;
    docs/venues.md#liquidation-price.
    """
    q = Fraction(size)
    cushion = Fraction(wallet) - other_maintenance + other_profit + deduction - q * Fraction(entry)
    return cushion / (abs(q) * Fraction(mmr) - q)


def liquidation_price(
    wallet: Exact,
    size: Exact,
    entry: Exact,
    tiers: TierTable,
    other_maintenance: Exact = 0,
    other_profit: Exact = 0,
) -> Fraction | None:
    """Price at which equity equals maintenance margin, the tier being the one of the notional at that price.

    Money in quote currency, signed `size` in coins; None when a long survives any price above zero or `size` is 0. The
    maintenance margin is the largest over the tiers, so a long dies at the highest of the tiers' prices, a short at
    the lowest.
    Source: docs/venues.md#liquidation-price ("re-evaluate tier at LP").
    """
    if size == 0:
        return None
    prices = [
        tier_liquidation_price(
            wallet, size, entry, tier.maintenance_rate, tier.deduction, other_maintenance, other_profit
        )
        for tier in tiers
    ]
    price = max(prices) if size > 0 else min(prices)
    return price if price > 0 else None


def liquidation_trigger_ticks(
    cash_atoms: int, position_lots: int, atoms_per_tick_lot: int, tiers: TierTable
) -> int | None:
    """First whole mark at which a cross account with one position falls below maintenance [ticks]; None when none does.

    A long's is the largest tick with equity < maintenance margin, a short's the smallest, never below 1. Exact: with n
    the notional, equity < floor(n m) - cum needs n (1 - m) <= -(cash + cum + 1) for a long, n (1 + m) >= cash + cum +
    1 for a short, in any tier (the maintenance margin is the largest over the tiers). Derived from
    docs/venues.md#liquidation-price; the kernel's twin.
    """
    if position_lots == 0:
        return None
    lot_atoms = abs(position_lots) * atoms_per_tick_lot
    if position_lots > 0:
        highest = max(
            -(cash_atoms + tier.deduction_atoms + 1) * RATE_ONE // ((RATE_ONE - tier.maintenance_parts) * lot_atoms)
            for tier in tiers
        )
        return highest if highest >= 1 else None
    lowest = min(
        -(-(cash_atoms + tier.deduction_atoms + 1) * RATE_ONE // ((RATE_ONE + tier.maintenance_parts) * lot_atoms))
        for tier in tiers
    )
    return max(lowest, 1)


def bankruptcy_price_ticks(cash_atoms: int, position_lots: int, atoms_per_tick_lot: int) -> Fraction | None:
    """Price at which a cross account with one position is worth nothing: `-cash / q` [ticks, exact]; None without one.

    Zero or less for a long that no price ruins, and for a short that every price ruins. Source:
    docs/venues.md#liquidation-price.
    """
    return Fraction(-cash_atoms, position_lots * atoms_per_tick_lot) if position_lots else None


def bankruptcy_price(entry: Exact, size: Exact, margin: Exact) -> Fraction:
    """Price at which a linear position has lost its `margin` [quote]: `E - margin / q`, with signed q [coins].

    Source: Bybit help (isolated), Bybit ADL page (cross: position margin + wallet); docs/venues.md#liquidation-price.
    """
    return Fraction(entry) - Fraction(margin) / Fraction(size)


def isolated_price_with_closing_fee(margin: Exact, size: Exact, entry: Exact, mmr: Exact, taker: Exact) -> Fraction:
    """Liquidation price of an isolated position whose closing fee is reserved: `(E - M / q) / (1 - side (mmr + fee))`.

    Source: OKX, Gate by freqtrade tests/exchange/test_exchange.py; docs/venues.md#liquidation-price.
    """
    charge = Fraction(mmr) + Fraction(taker)
    return bankruptcy_price(entry, size, margin) / (1 - charge if size > 0 else 1 + charge)


def inverse_isolated_price(
    contracts: Exact, entry: Exact, leverage: Exact, mmr: Exact, deduction: Exact = 0
) -> Fraction:
    """Liquidation price of isolated inverse `contracts` (signed): `N / [PV + side (IM - MM)]`, PV = N / E in coins.

    Source: Bybit help, Liquidation Price Calculation under Isolated Mode; docs/venues.md#liquidation-price.
    """
    value = Fraction(contracts) / Fraction(entry)
    cushion = abs(value) / Fraction(leverage) - maintenance_margin(abs(value), mmr, deduction)
    return Fraction(contracts) / (value + cushion)


def auto_close_fraction(maintenance_fraction: Exact) -> Fraction:
    """FTX's margin fraction at which backstop providers take an account over: `max(MMF / 2, MMF - 6%)`.

    Source: https://help.ftx.com/hc/en-us/articles/360027668712-Liquidations; docs/venues.md#margin-tiers.
    """
    return max(Fraction(maintenance_fraction) / 2, Fraction(maintenance_fraction) - Fraction(6, 100))


def half_of_maximum_rate(max_leverage: Exact) -> Fraction:
    """Hyperliquid's maintenance rate, half the initial one: `0.5 / max leverage` (docs/venues.md#margin-tiers)."""
    return Fraction(1, 2) / Fraction(max_leverage)


def bracket_margin(amount: Exact, brackets: Sequence[tuple[Exact, Exact]]) -> Fraction:
    """Initial margin by marginal slices (width, leverage), as tax brackets: `sum(slice / leverage)`.

    Source: https://whitebit.com/et/trading-data/collateral-brackets; Binance charges the whole notional at one tier
    (docs/venues.md#easily-confused).
    """
    margin, rest = Fraction(0), Fraction(amount)
    for width, leverage in brackets:
        part = min(rest, Fraction(width))
        margin += part / Fraction(leverage)
        rest -= part
    return margin
