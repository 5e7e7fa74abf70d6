"""NAV, exposure, leverage and rebalance sizes of a leveraged token: exact formulas without time.

Everything is an `int` or a `Fraction`; nothing here rounds except `rebalance_lots`, which says how. The ledger of a
fund is `equity = cash + sum(position x price)`, with cash in atoms, positions in lots, prices in ticks and
`atoms_per_tick_lot` atoms for one lot moving one tick. Sources: FTX, "How Do Leveraged Tokens Rebalance" (NAV, size of
a rebalance, triggers) [FTX]; Binance FAQ 360042957472 (NAV, real leverage) [BLVT]. What has no source beside it follows
from the ledger in one line. Checked in `tests/issuers/test_nav.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

Exact = int | Fraction


class Direction(StrEnum):
    """The way a price must go to reach a trigger."""

    ABOVE = "above"
    BELOW = "below"


class Rounding(StrEnum):
    """How a wished position becomes whole lots: to the nearest (ties to even), towards flat, or away from flat."""

    NEAREST = "nearest"
    SMALLER = "smaller"
    LARGER = "larger"


@dataclass(frozen=True, slots=True)
class PriceTrigger:
    """The first price [ticks] at which something becomes true: at or above it, or at or below it."""

    direction: Direction
    ticks: int

    def is_reached(self, price_ticks: Exact) -> bool:
        """Whether a price stands at the trigger or past it."""
        return price_ticks >= self.ticks if self.direction is Direction.ABOVE else price_ticks <= self.ticks


@dataclass(frozen=True, slots=True)
class Leg:
    """One perpetual behind a token: signed target leverage, position [lots] and the price it is valued at [ticks]."""

    market: str
    target: Fraction
    position_lots: int
    price_ticks: Exact
    atoms_per_tick_lot: int

    @property
    def notional_atoms(self) -> Exact:
        """Signed value of the position [atoms]."""
        return self.position_lots * self.price_ticks * self.atoms_per_tick_lot


@dataclass(frozen=True, slots=True)
class Holding:
    """All a token owns at one instant: a cash ledger [atoms] and its legs."""

    cash_atoms: int
    legs: tuple[Leg, ...]

    @property
    def equity_atoms(self) -> Exact:
        """The fund's equity [atoms]: cash plus every position at its price [FTX]."""
        return self.cash_atoms + sum(leg.notional_atoms for leg in self.legs)

    @property
    def exposure_atoms(self) -> Exact:
        """Gross notional of all legs [atoms], never negative."""
        gross: Exact = 0
        for leg in self.legs:
            gross += leg.notional_atoms if leg.position_lots > 0 else -leg.notional_atoms
        return gross

    @property
    def leverage(self) -> Fraction | None:
        """Real leverage, signed: net notional over equity [BLVT]. None when the equity is not positive."""
        equity = self.equity_atoms
        return Fraction(sum(leg.notional_atoms for leg in self.legs)) / equity if equity > 0 else None

    @property
    def gross_leverage(self) -> Fraction | None:
        """Absolute leverage that bands and emergencies watch: gross notional over equity.

        None without positive equity.
        """
        equity = self.equity_atoms
        return Fraction(self.exposure_atoms) / equity if equity > 0 else None

    def leg_leverage(self, leg: Leg) -> Fraction | None:
        """Signed leverage of one leg. None when the equity is not positive."""
        equity = self.equity_atoms
        return Fraction(leg.notional_atoms) / equity if equity > 0 else None

    def is_above(self, bound: Exact, *, or_at: bool = False) -> bool:
        """Whether absolute leverage is strictly beyond an upper bound, `or_at` it.

        A fund without equity is beyond every bound.
        """
        at_bound = bound * self.equity_atoms
        return self.exposure_atoms > at_bound or (or_at and self.exposure_atoms == at_bound)

    def is_beneath(self, bound: Exact, *, or_at: bool = False) -> bool:
        """Whether absolute leverage is strictly beneath a lower bound, `or_at` it; without equity beneath none."""
        at_bound = bound * self.equity_atoms
        is_there = self.exposure_atoms < at_bound or (or_at and self.exposure_atoms == at_bound)
        return self.equity_atoms > 0 and is_there


def nav_per_token(equity_atoms: Exact, supply: Exact) -> Fraction:
    """NAV of one token [atoms when supply is in tokens]: equity over tokens outstanding [FTX, BLVT]."""
    return Fraction(equity_atoms) / supply


def desired_units(leverage: Exact, value: Exact, price: Exact) -> Fraction:
    """Units of the underlying that a value should hold at a leverage: L NAV / P [FTX's `DP`]."""
    return Fraction(leverage * value) / price


def round_lots(wished: Exact, rounding: Rounding) -> int:
    """A wished signed position as whole lots: nearest with ties to even, towards flat, or away from flat."""
    if rounding is Rounding.NEAREST:
        return round(wished)
    towards_minus = floor if (rounding is Rounding.SMALLER) == (wished >= 0) else ceil
    return towards_minus(wished)


def position_for(
    leverage: Exact,
    equity_atoms: Exact,
    price_ticks: Exact,
    atoms_per_tick_lot: int,
    rounding: Rounding = Rounding.NEAREST,
) -> int:
    """Signed position [lots] that gives a leverage at a price, in whole lots.

    Raises `ValueError` without positive equity.
    """
    if equity_atoms <= 0:
        raise ValueError(f"a fund with equity {equity_atoms} has no leverage")
    return round_lots(desired_units(leverage, equity_atoms, price_ticks * atoms_per_tick_lot), rounding)


def rebalance_lots(
    leverage: Exact,
    equity_atoms: Exact,
    position_lots: int,
    price_ticks: Exact,
    atoms_per_tick_lot: int,
    rounding: Rounding = Rounding.NEAREST,
) -> int:
    """Signed order [lots] that brings a position to a leverage: N (L NAV / P - q / N) [FTX].

    The wished *position* is rounded to lots, then the present one is taken off, so that rounding never piles up over
    resets.
    """
    return position_for(leverage, equity_atoms, price_ticks, atoms_per_tick_lot, rounding) - position_lots


def cost_consistent_lots(held: Holding, lots: Mapping[str, int], cost: Exact) -> dict[str, int]:
    """Orders [signed lots by market] resized so that leverages come out as meant after a cost per notional traded.

    With D the notional all orders trade after allowance, the equity that is left is E - c D, so an order a that meant
    leverage L becomes a - L c D, with D = sum |a| / (1 + c sum L sgn a). For one leg: (L E - q P) / (1 + L c sgn a).
    Derived from the ledger; orders are rounded to lots, and none changes its side.
    """
    legs = {leg.market: leg for leg in held.legs if lots.get(leg.market)}
    if not cost or not legs or held.equity_atoms <= 0:
        return dict(lots)
    worth = {market: leg.price_ticks * leg.atoms_per_tick_lot for market, leg in legs.items()}
    meant = {m: Fraction((leg.position_lots + lots[m]) * worth[m]) / held.equity_atoms for m, leg in legs.items()}
    signed = sum(meant[market] if lots[market] > 0 else -meant[market] for market in legs)
    traded = sum(abs(lots[market]) * worth[market] for market in legs) / (1 + cost * signed)
    resized = {market: round(lots[market] - meant[market] * cost * traded / worth[market]) for market in legs}
    return {**lots, **{m: order if order * lots[m] > 0 else 0 for m, order in resized.items()}}


def upper_trigger(
    cash_atoms: int, position_lots: int, atoms_per_tick_lot: int, bound: Exact, *, or_at: bool = False
) -> PriceTrigger | None:
    """First price at which absolute leverage is strictly beyond an upper bound, `or_at` it, by the fund's own ledger.

    |q| k P > U (C + q k P), solved in integers; a price that leaves no equity counts as beyond. None where no positive
    price does it, or where the price does not matter (no position, or leverage constant in the price).
    """
    slope = atoms_per_tick_lot * (abs(position_lots) - bound * position_lots)
    return _first_price(slope, bound * cash_atoms, or_at=or_at)


def lower_trigger(
    cash_atoms: int, position_lots: int, atoms_per_tick_lot: int, bound: Exact, *, or_at: bool = False
) -> PriceTrigger | None:
    """First price at which absolute leverage is strictly beneath a lower bound, `or_at` it, by the fund's own ledger.

    |q| k P < l (C + q k P), solved in integers. None where no positive price does it, or where the price does not
    matter.
    """
    slope = atoms_per_tick_lot * (abs(position_lots) - bound * position_lots)
    return _first_price(-slope, -bound * cash_atoms, or_at=or_at)


def _first_price(slope: Exact, constant: Exact, *, or_at: bool = False) -> PriceTrigger | None:
    """First price P [ticks >= 1] with slope x P > constant, strictly; `or_at`: or equal to it."""
    if slope == 0:
        return None
    edge = Fraction(constant) / slope
    return _first_above(edge, or_at=or_at) if slope > 0 else _first_below(edge, or_at=or_at)


def _first_above(edge: Exact, *, or_at: bool) -> PriceTrigger:
    return PriceTrigger(Direction.ABOVE, max(ceil(edge) if or_at else floor(edge) + 1, 1))


def _first_below(edge: Exact, *, or_at: bool) -> PriceTrigger | None:
    ticks = floor(edge) if or_at else ceil(edge) - 1
    return PriceTrigger(Direction.BELOW, ticks) if ticks >= 1 else None


def rise_trigger(reference_ticks: Exact, move: Exact, *, or_at: bool = False) -> PriceTrigger:
    """First price strictly more than a share `move` above a reference price, `or_at` that share."""
    return _first_above(reference_ticks * (1 + move), or_at=or_at)


def fall_trigger(reference_ticks: Exact, move: Exact, *, or_at: bool = False) -> PriceTrigger | None:
    """First price strictly more than a share `move` below a reference price, `or_at` it; None where there is none."""
    return _first_below(reference_ticks * (1 - move), or_at=or_at)


def wipe_out_trigger(cash_atoms: int, position_lots: int, atoms_per_tick_lot: int) -> PriceTrigger | None:
    """First price at which a fund has no equity left: C + q k P <= 0. None where no positive price does it."""
    if position_lots == 0:
        return None
    edge = Fraction(-cash_atoms, position_lots * atoms_per_tick_lot)
    if position_lots < 0:
        return PriceTrigger(Direction.ABOVE, max(ceil(edge), 1))
    return PriceTrigger(Direction.BELOW, floor(edge)) if floor(edge) >= 1 else None


def value_trigger(
    cash_atoms: int, position_lots: int, atoms_per_tick_lot: int, lowest_atoms: Exact
) -> PriceTrigger | None:
    """First price at which a fund is worth strictly less than a sum: C + q k P < V. None where no price does it."""
    return _first_price(-position_lots * atoms_per_tick_lot, cash_atoms - lowest_atoms)


def real(value: Fraction | None) -> float | None:
    """An exact ratio as a column's number."""
    return None if value is None else float(value)
