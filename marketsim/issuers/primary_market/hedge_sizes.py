"""Hedge sizes: the perpetuals a fund trades for cash that comes in or goes out.

A creation buys L times the cash in every leg, a redemption sells it [FTX 360045965593], but never more than is held;
when the last units go, everything is sold that is not the hedge of a creation still without units. Rebalances count
hedges under way as done (`books.committed`).
"""

from __future__ import annotations

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.primary_market.terms import hedge_lots


def hedge_by_market(books: TokenBooks, cash_atoms: int) -> dict[str, int]:
    """Lots to trade by market for cash that came in (+) or goes out (-); markets without a lot to trade are left out.

    Where the last units go, what their holders had is closed. Marks size the orders; hedges under way count as done.
    """
    held = books.committed(books.holding())
    wanted = {}
    for leg in held.legs:
        if cash_atoms < 0 and not books.token.supply_lots:
            lots = sum(claim.hedge_lots(leg.market) for claim in books.claims) - leg.position_lots
        else:
            lots = hedge_lots(leg.target, cash_atoms, leg.price_ticks, leg.atoms_per_tick_lot)
            if cash_atoms < 0:
                lots = _towards_flat(lots, leg.position_lots)
        if lots:
            wanted[leg.market] = lots
    return wanted


def _towards_flat(lots: int, position_lots: int) -> int:
    """An order cut so that it closes a position at most; none where it would enlarge it."""
    if position_lots >= 0:
        return max(min(lots, 0), -position_lots)
    return min(max(lots, 0), -position_lots)
