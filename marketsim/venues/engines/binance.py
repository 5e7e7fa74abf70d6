"""Liquidation engine `binance`: "smart liquidation", one order a tier.

It goes in this order, and no further than needed. All of the account's orders are cancelled. One IOC order, limited at
the bankruptcy price, cuts the position a tier down (in the lowest tier: closes it) and pays the liquidation fee out of
what equity is left. An account that filled it and is still below maintenance is cut again. Else the insurance fund
takes the rest over (docs/venues.md#liquidation-engines).
"""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.venues.engines.family import LIQUIDATION_ENGINES, LiquidationEngine
from marketsim.venues.engines.liquidation_facts import LiquidationFacts
from marketsim.venues.margin import TierTable


@LIQUIDATION_ENGINES.register
class BinanceEngine(LiquidationEngine):
    """Cuts a position to the cap of the next lower tier, one immediate-or-cancel order after the other."""

    name = "binance"

    @staticmethod
    def order_lots(position_lots: int, mark_ticks: int, atoms_per_tick_lot: int, tiers: TierTable) -> int:
        """Size of the IOC order; see `liquidation_order_lots`."""
        return liquidation_order_lots(position_lots, mark_ticks, atoms_per_tick_lot, tiers)

    @staticmethod
    def sentence() -> str:
        """See `LiquidationEngine`."""
        return "is cut tier by tier with immediate-or-cancel orders at its bankruptcy price"

    @classmethod
    def reasons(cls, facts: LiquidationFacts) -> Iterator[str]:
        """The tier that the position was cut to, the price its orders were limited at, and who took what was left."""
        order = cls.order_lots(facts.position_lots, facts.mark_ticks, facts.atoms_per_tick_lot, facts.tiers)
        lies = f"A notional of {facts.money(facts.notional_atoms)}"
        if facts.is_slice:
            yield f"It is closed in slices, and this order was one: {facts.size(-facts.position_lots)}."
        elif order == -facts.position_lots:
            yield f"{lies} lay in the lowest tier, so all of it was to go: {facts.size(order)}."
        else:
            number = facts.tiers.index(facts.tier) + 1
            yield f"{lies} lay in tier {number}, so it was cut to the cap of the tier below: {facts.size(order)}."
        yield f"The orders were immediate-or-cancel, limited at the bankruptcy price {facts.bankruptcy:,.8g}."
        yield _NEXT_SLICE if facts.is_slice and facts.stage == "partial" else _ENDS[facts.stage]


_NEXT_SLICE = "What was left of the position waited for the next step, unless the account met its margin by then."
_ENDS = {
    "partial": "They brought the account back above maintenance, or closed it.",
    "takeover": "What they could not trade the insurance fund took over at the bankruptcy price.",
    "deleveraged": "What they could not trade and the insurance fund could not bear went to the other side's accounts.",
}


def liquidation_order_lots(position_lots: int, mark_ticks: int, atoms_per_tick_lot: int, tiers: TierTable) -> int:
    """Size of the IOC order of a liquidation, signed as an order [lots, - sells a long].

    The position is cut to the cap of the next lower tier at mark; in the lowest tier all of it goes. An account that
    filled the whole order and is still below maintenance is cut again, so it takes at most one order per tier.
    Source: docs/venues.md#liquidation-engines (Binance "smart liquidation": one large IOC, stop if compliant; BitMEX:
    sized to fall one tier).
    """
    side, held = (1 if position_lots > 0 else -1), abs(position_lots)
    lot_atoms = mark_ticks * atoms_per_tick_lot
    below = [tier.cap_atoms for tier in tiers[:-1] if tier.cap_atoms is not None and tier.cap_atoms < held * lot_atoms]
    kept = below[-1] // lot_atoms if below else 0
    return side * (kept - held)
