"""Funding: what longs pay shorts (or get) so that the perp stays near its index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from marketsim.ranges import ABOVE_ZERO, ANY, CADENCE, CHARGE, SIGNED_CHARGE, WITHIN_A_DAY
from marketsim.spec import NONE_IN_WORDS, OMITTED_AT_DEFAULT, QUOTE, Duration, Fault, MoneyAmount, Rate, Spec
from marketsim.units import NS_PER_SECOND, Money, format_duration
from marketsim.venues.funding_tape import FundingTapeSpec
from marketsim.venues.payoffs import Exact


class FundingSpec(Spec):
    """Settled every `every` from 00:00 UTC + `offset`; `interest`, `damper`, `cap` are per settlement, never scaled.

    tape: a venue's record, whose instants and rates hold in place of all that.
    """

    every: Annotated[Duration, WITHIN_A_DAY] = 8 * 3_600 * NS_PER_SECOND
    offset: Annotated[Duration, ANY] = 0
    interest: Annotated[Rate, SIGNED_CHARGE] = Decimal("0.0001")
    damper: Annotated[Rate, CHARGE] = Decimal("0.0005")
    cap: Annotated[Rate, CHARGE] = Decimal("0.0030")
    sample: Annotated[Duration, CADENCE] = 5 * NS_PER_SECOND
    average: Literal["linear", "equal"] = "linear"
    impact_notional: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(25_000), QUOTE)
    tape: Annotated[FundingTapeSpec | None, NONE_IN_WORDS, OMITTED_AT_DEFAULT] = None

    def faults(self) -> Iterator[Fault]:
        """Samples or an offset that do not fit the interval."""
        every = format_duration(self.every)
        if self.sample > self.every:
            yield Fault(("sample",), "no sample falls into an interval", f"at most {every}")
        if self.offset >= self.every:
            yield Fault(("offset",), "the offset is not within the interval", f"below {every}")


def impact_price(levels: Iterable[tuple[int, int]], impact_tick_lots: Exact) -> Fraction | None:
    """Average price at which the impact notional fills, best level first; None when the side is too thin.

    `levels` are (price [ticks], size [lots]) of one side; `impact_tick_lots` is the impact notional in ticks x lots,
    that is its atoms / atoms_per_tick_lot. The last level is taken in part: `IMN / (sum of lots + rest / price)`
    [ticks].
    Source: BitMEX fairPriceMarking; https://www.binance.com/en/support/faq/360033525031; docs/venues.md#funding.
    """
    remaining, lots = Fraction(impact_tick_lots), Fraction(0)
    for price_ticks, size_lots in levels:
        worth = price_ticks * size_lots
        if worth >= remaining:
            return Fraction(impact_tick_lots) / (lots + remaining / price_ticks)
        remaining -= worth
        lots += size_lots
    return None


def impact_notional(margin: Exact, max_leverage: Exact) -> Fraction:
    """Notional that a margin [quote] opens at the highest leverage: `200 USDT / IMR` (docs/venues.md#funding)."""
    return Fraction(margin) * Fraction(max_leverage)


def premium_index(impact_bid: Exact | None, impact_ask: Exact | None, index: Exact) -> Fraction:
    """How far the book stands off the index: `[max(0, IB - I) - max(0, I - IA)] / I`.

    A side that is None (empty or thin) contributes 0 (docs/contract.md#meaning-of-a-world). Positive when buyers pay
    up. Source: BitMEX, Bybit, Gate, dYdX, Binance; docs/venues.md#funding.
    """
    above = max(Fraction(0), Fraction(impact_bid) - index) if impact_bid is not None else Fraction(0)
    below = max(Fraction(0), index - Fraction(impact_ask)) if impact_ask is not None else Fraction(0)
    return (above - below) / Fraction(index)


def average_premium(samples: Sequence[Exact], average: str = "linear") -> Fraction:
    """Average an interval's premium samples, oldest first; 0 when there is none.

    `linear` weighs them 1..n (Bybit, Binance: `sum(i * P_i) / sum(i)`); `equal` alike (BitMEX, dYdX, Hyperliquid).
    Source: https://help.bybit.com/hc/en-us/articles/360039261114; docs/venues.md#funding.
    """
    total = sum((Fraction(sample) for sample in samples), Fraction(0))
    weighted = sum((number * Fraction(sample) for number, sample in enumerate(samples, start=1)), Fraction(0))
    return premium_of_sums(total, weighted, len(samples), average)


def premium_of_sums(total: Exact, weighted: Exact, count: int, average: str = "linear") -> Fraction:
    """Average premium from two running sums over `count` samples, of `P_i` and of `i * P_i`; 0 for none."""
    if count == 0:
        return Fraction(0)
    return {"linear": Fraction(weighted) / (count * (count + 1) // 2), "equal": Fraction(total) / count}[average]


def clamp(value: Exact, low: Exact, high: Exact) -> Fraction:
    """Hold a value between two bounds."""
    return max(Fraction(low), min(Fraction(high), Fraction(value)))


def damped_rate(premium: Exact, interest: Exact, damper: Exact) -> Fraction:
    """Rate before the cap: `P + clamp(I - P, -damper, +damper)`, the interest itself while P is that near.

    All per settlement. Source: BitMEX, Bybit, Binance (https://www.binance.com/en/support/faq/360033525031);
    docs/venues.md#funding.
    """
    return Fraction(premium) + clamp(Fraction(interest) - Fraction(premium), -Fraction(damper), damper)


def funding_rate(premium: Exact, interest: Exact, damper: Exact, cap: Exact) -> Fraction:
    """Rate a settlement charges, + when longs pay: the damped rate held within +- cap (docs/venues.md#funding).

    Every argument is per settlement; none is scaled by the interval.
    """
    return clamp(damped_rate(premium, interest, damper), -Fraction(cap), cap)


def interval_rate(rate: Exact, interval_hours: Exact) -> Fraction:
    """Share of an eight-hour rate that a shorter interval charges: `F / (8 / N)`, Binance since 2025-09-18.

    Source: Binance notice of 2025-09-16 on the funding formula, docs/venues.md#funding. A scenario's rate is
    per settlement and is not scaled.
    """
    return Fraction(rate) * Fraction(interval_hours) / 8


def atoms_per_lot(rate: Exact, mark_ticks: int, atoms_per_tick_lot: int) -> int:
    """Whole atoms each long lot pays (- receives) at a settlement: `rate * mark`, an exact half to the even atom.

    Fixed once per settlement and multiplied by lots, so that payments over all accounts sum to zero without residue
    (docs/contract.md#meaning-of-a-world). Half to even treats the payer and the receiver alike: -rate gives exactly
    minus the atoms.
    """
    return round(Fraction(rate) * mark_ticks * atoms_per_tick_lot)


def payment_atoms(position_lots: int, atoms_per_lot: int) -> int:
    """What a position pays at a settlement [atoms, - receives]: longs pay shorts when the rate is positive."""
    return position_lots * atoms_per_lot


def bitmex_interest(quote_rate: Exact, base_rate: Exact, settlements_per_day: int = 3) -> Fraction:
    """Interest per settlement from two daily lending rates: `(Q - B) / n`.

    Source: https://help.bybit.com/hc/en-us/articles/360039261114; docs/venues.md#funding.
    """
    return (Fraction(quote_rate) - Fraction(base_rate)) / settlements_per_day


def compounded_yearly(rate: Exact, settlements_per_year: int) -> Fraction:
    """Yearly growth of paying a rate at every settlement: `(1 + r)^n - 1` (Hyperliquid quotes its interest so)."""
    return (1 + Fraction(rate)) ** settlements_per_year - 1


def kraken_rate(index: Exact, perp: Exact, cap: Exact) -> Fraction:
    """Kraken's hourly rate: the premium over the index / 24, held within +- cap.

    Source: https://support.kraken.com/hc/en-us/articles/360022835911; the page also says / 8; / 24 is its example's.
    """
    return clamp((Fraction(perp) - index) / Fraction(index) / 24, -Fraction(cap), cap)


def deribit_rate(premium: Exact, damper: Exact = Fraction(25, 100_000)) -> Fraction:
    """Deribit's eight-hour rate: `max(damper, P) + min(-damper, P)`, zero while the premium is within the damper.

    Source: https://support.deribit.com/hc/en-us/articles/31424939178397-Funding-Specifications.
    """
    return max(Fraction(damper), Fraction(premium)) + min(-Fraction(damper), Fraction(premium))


def continuous_payment(rate_per_8h: Exact, value: Exact, minutes: Exact) -> Fraction:
    """What `value` pays while an eight-hour rate stands for `minutes`: `rate * value * time / 8 h` (Deribit)."""
    return Fraction(rate_per_8h) * Fraction(value) * Fraction(minutes) / 480
