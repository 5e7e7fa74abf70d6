"""Borders of leverage and of the price's move: what policy `band`, an emergency and others act at, and their checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marketsim.issuers.fund.nav import (
    Direction,
    Exact,
    Holding,
    Leg,
    PriceTrigger,
    Rounding,
    fall_trigger,
    lower_trigger,
    rise_trigger,
    upper_trigger,
)
from marketsim.issuers.policies.decision import (
    Decision,
    Goal,
    RebalanceTrigger,
    Side,
    Situation,
    single_leg,
)
from marketsim.issuers.policies.reset_facts import ResetFacts
from marketsim.spec import Fault
from marketsim.units import format_duration, format_number, format_rate

Crossing = Literal["beyond", "at"]
"""Whether a rule acts strictly beyond its borders, or at the border itself already."""

_SLACK = 1e-9
"""How far a number of a table may lie from the exact one that a rule saw."""

Borders = tuple[Fraction | None, Fraction | None]
"""Lower and upper border of leverage, None where there is none."""

ByTarget = Mapping[Decimal, tuple[Decimal, Decimal]]
"""Borders [lower, upper] by a token's signed target."""


@dataclass(frozen=True, slots=True)
class Band:
    """A range of absolute leverage and of the price's move, and what happens once it is left.

    crossing: whether the borders themselves, of leverage and of the move, are still inside (`beyond`) or not (`at`).
    to: leverage goes to the target, to the edge that was crossed (rounded into the band; the target when only the move
    was exceeded), or a share of the way to the target.
    """

    trigger: RebalanceTrigger
    lower: Fraction | None
    upper: Fraction | None
    move: Fraction | None
    to: Literal["target", "edge"] | Fraction
    side: Side
    crossing: Crossing = "beyond"

    def decide(self, now: Situation) -> Decision | None:
        """Orders back into the band; None inside it, on the wrong side, or where not one lot would change hands."""
        border = self._crossed(now.watched)
        if border is None and not has_moved(now, self.move, or_at=self._is_at):
            return None
        if self.side == "losing" and not now.has_lost:
            return None
        held = now.left(now.held)
        goals = {leg.market: self._goal(held, leg, border) for leg in held.legs}
        lots = {leg.market: order for leg in held.legs if (order := goals[leg.market].lots(held, leg))}
        return Decision(self.trigger, lots, goals) if lots else None

    def triggers(self, now: Situation) -> tuple[PriceTrigger, ...]:
        """The first prices of a single leg at which the band is left."""
        leg = single_leg(now.held)
        if leg is None:
            return ()
        found = border_triggers(now.held.cash_atoms, leg, (self.lower, self.upper), or_at=self._is_at)
        if self.move is not None:
            reference = now.reset_ticks[leg.market]
            found += [rise_trigger(reference, self.move, or_at=self._is_at)]
            found += [fall_trigger(reference, self.move, or_at=self._is_at)]
        return tuple(trigger for trigger in found if trigger is not None and self._may_act(now, leg, trigger))

    @property
    def _is_at(self) -> bool:
        return self.crossing == "at"

    def _may_act(self, now: Situation, leg: Leg, trigger: PriceTrigger) -> bool:
        """False for a price from which on, however far it goes, the rule's side forbids a rebalance.

        Gains grow one way, leverage falls one way: what a token has not lost, or is not levered, at the first price
        beyond a border, it is not further on. Told by the mark alone; on another source every border is watched.
        """
        if self.side == "both" or now.held is not now.watched:
            return True
        there = Holding(now.held.cash_atoms, (replace(leg, price_ticks=trigger.ticks),))
        is_above, is_long = trigger.direction is Direction.ABOVE, leg.position_lots > 0
        if self.side == "losing":
            return is_above != is_long or there.equity_atoms < now.reset_equity_atoms
        lowers_leverage = is_above == (is_long and now.held.cash_atoms < 0)
        return not lowers_leverage or there.is_above(abs(leg.target))

    def _crossed(self, watched: Holding) -> Fraction | None:
        if self.upper is not None and watched.is_above(self.upper, or_at=self._is_at):
            return self.upper
        if self.lower is not None and watched.is_beneath(self.lower, or_at=self._is_at):
            return self.lower
        return None

    def _goal(self, held: Holding, leg: Leg, border: Fraction | None) -> Goal:
        wished, rounding = leg.target, Rounding.NEAREST
        if self.to == "edge" and border is not None:
            wished = leg.target * border / sum(abs(other.target) for other in held.legs)
            rounding = Rounding.SMALLER if border == self.upper else Rounding.LARGER
        elif isinstance(self.to, Fraction):
            present = held.leg_leverage(leg) or Fraction(0)
            wished = present + self.to * (leg.target - present)
        return Goal(wished, rounding, only_reduces=self.side == "delever")


def crossing_reasons(band: Band, facts: ResetFacts) -> Iterator[str]:
    """What of a band was crossed when an order was decided, and in which direction the rule acts."""
    is_at, leverage = band.crossing == "at", facts.seen_leverage
    at = f"at the {facts.source} of {facts.money(facts.seen_price)}"
    if band.upper is not None and (leverage is None or leverage > float(band.upper) - _SLACK):
        seen = "The fund had no equity" if leverage is None else f"Leverage was {leverage:.4f}"
        yield f"{seen} {at}, {'at or ' if is_at else ''}above {float(band.upper):.4g}."
    if band.lower is not None and leverage is not None and leverage < float(band.lower) + _SLACK:
        yield f"Leverage was {leverage:.4f} {at}, {'at or ' if is_at else ''}below {float(band.lower):.4g}."
    if band.move is not None and abs(facts.move) > float(band.move) - _SLACK:
        more = "at least" if is_at else "more than"
        since = f"since the last reset at {facts.money(facts.reset_price)}"
        yield f"The price had moved by {facts.move:+.3%} {since}, {more} {float(band.move):.3g} of it."
    if band.side == "losing":
        worth = f"{facts.equity:,.2f} {facts.asset} against {facts.reset_equity:,.2f} {facts.asset}"
        yield f"The fund had lost since its last reset: it was worth {worth}."


def has_moved(now: Situation, move: Fraction | None, *, or_at: bool = False) -> bool:
    """Whether the watched price of any leg is more than a share away from that of the last reset; `or_at`: or just."""
    if move is None:
        return False
    moves = [abs(Fraction(leg.price_ticks) / now.reset_ticks[leg.market] - 1) for leg in now.watched.legs]
    return any(r > move or (or_at and r == move) for r in moves)


def border_triggers(cash_atoms: int, leg: Leg, borders: Borders, *, or_at: bool = False) -> list[PriceTrigger | None]:
    """First prices at which leverage is strictly beyond each border; `or_at`: or at it."""
    lower, upper = borders
    ledger = (cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)
    above = None if upper is None else upper_trigger(*ledger, upper, or_at=or_at)
    beneath = None if lower is None else lower_trigger(*ledger, lower, or_at=or_at)
    return [above, beneath]


def exact(value: Decimal | None) -> Fraction | None:
    """A declared number as a rational one."""
    return None if value is None else Fraction(value)


def borders_of(lower: Decimal | None, upper: Decimal | None, by_target: ByTarget | None, target: Exact) -> Borders:
    """The borders a declaration gives the token of a signed target; `lower` and `upper` come before `by_target`."""
    rows = {Fraction(key): row for key, row in (by_target or {}).items()}
    low, high = rows.get(Fraction(target), (None, None))
    return exact(lower if lower is not None else low), exact(upper if upper is not None else high)


def border_words(
    lower: Decimal | None,
    upper: Decimal | None,
    by_target: ByTarget | None,
    move: Decimal | None,
    crossing: Crossing,
    target: Decimal,
) -> str:
    """What a rule with these borders waits for: `leverage is below 2 or above 4 or the price has moved by ..`."""
    low, high = (by_target or {}).get(target, (None, None))
    low, high = low if lower is None else lower, high if upper is None else upper
    is_at = crossing == "at"
    sides = []
    if low is not None:
        sides.append(f"at most {format_number(low)}" if is_at else f"below {format_number(low)}")
    if high is not None:
        sides.append(f"at least {format_number(high)}" if is_at else f"above {format_number(high)}")
    causes = [f"leverage is {' or '.join(sides)}"] if sides else []
    if move is not None:
        causes.append(f"the price has moved by {'at least' if is_at else 'more than'} {format_rate(move)}")
    return " or ".join(causes)


def lower_faults(lower: Decimal | None, gross: Decimal) -> Iterator[Fault]:
    """A lower border lies below the gross target."""
    if lower is not None and lower >= gross > 0:
        allowed = f"below {format_number(gross)}, without sign"
        yield Fault(("lower",), "the lower border is not below the target", allowed)


def by_target_faults(rows: ByTarget | None, basket: Mapping[str, Decimal]) -> Iterator[Fault]:
    """A table of borders has a row for the token's one target, and each row lies around its target."""
    if rows is None:
        return
    keys = ("by_target",)
    for target, (lower, upper) in rows.items():
        if not 0 <= lower < abs(target) < upper:
            message = f"these borders do not lie around {format_number(abs(target))}"
            yield Fault(keys, message, "[lower, upper] around the target, without sign")
    if len(basket) > 1:
        yield Fault(keys, "a basket of several legs has no one target to look up", "lower and upper")
    for target in list(basket.values()) if len(basket) == 1 else ():
        if target not in rows:
            listed = ", ".join(format_number(known) for known in rows)
            message = f"there are no borders for a target of {format_number(target)}"
            yield Fault(keys, message, f"a target of {listed}")


def jitter_faults(jitter: int, poll: int) -> Iterator[Fault]:
    """Looks stay in their order: the jitter of one is at most the time between two."""
    if jitter > poll:
        message = "looks would overtake each other: the jitter is longer than the time between two looks"
        yield Fault(("jitter",), message, f"at most {format_duration(poll)}, or a longer poll")


def gross_of(basket: Mapping[str, Decimal]) -> Decimal:
    """Target leverage of a basket without signs."""
    return sum((abs(target) for target in basket.values()), Decimal(0))
