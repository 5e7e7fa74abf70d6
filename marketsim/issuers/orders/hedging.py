"""Hedges: the perpetuals a fund trades because cash came in or goes out.

A creation buys L times the cash in every leg, a redemption sells it [FTX 360045965593], but never more than is held;
when the last units go, everything is sold. Rebalances count hedges under way as done (`books.committed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.fund.token import LegTerms
from marketsim.issuers.orders.parent import ParentOrder
from marketsim.issuers.primary_market.terms import hedge_lots
from marketsim.messages import Purpose

if TYPE_CHECKING:
    from marketsim.issuers.books.token_books import TokenBooks
    from marketsim.messages import Fill
    from marketsim.venues.view import View

FillHook = Callable[[str, Sequence["Fill"]], None]
"""Hears the fills of a hedge: market, fills."""


@dataclass(slots=True, kw_only=True)
class HedgeOrder(ParentOrder):
    """One leg's order of a hedge; its fills go to `on_fills` as they happen. Not a row of table `rebalances`."""

    side: Purpose
    on_fills: FillHook

    @property
    def purpose(self) -> Purpose:
        """Creation or redemption."""
        return self.side

    def book(self, fills: list[Fill], *, in_book: bool, cross_lots: int, mid: float | None) -> None:
        """Enter fills, and pass them on."""
        ParentOrder.book(self, fills, in_book=in_book, cross_lots=cross_lots, mid=mid)
        self.on_fills(self.market, fills)


def hedge_by_market(books: TokenBooks, cash_atoms: int) -> dict[str, int]:
    """Lots to trade by market for cash that came in (+) or goes out (-); markets without a lot to trade are left out.

    A fund without units left closes what it holds. Marks size the orders; hedges under way count as done.
    """
    held = books.committed(books.holding())
    wanted = {}
    for leg in held.legs:
        if not books.token.supply_lots:
            lots = -leg.position_lots
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


def hedge_orders(
    lots: Mapping[str, int],
    legs: Sequence[LegTerms],
    view: View,
    *,
    number: int,
    token: str,
    plan: ExecutionPlan,
    side: Purpose,
    now_ns: int,
    on_fills: FillHook,
) -> list[HedgeOrder]:
    """The parent orders of one hedge, all under one number."""
    return [
        HedgeOrder(
            id=number,
            token=token,
            market=leg.market,
            tick=float(leg.tick),
            plan=plan.opened(now_ns, place),
            trigger=None,
            price_source="mark",
            trigger_ticks=None,
            decided_ns=now_ns,
            leverage_before=None,
            equity_before_atoms=0,
            target_lots=lots[leg.market],
            arrival_mid=view.mid(leg.market),
            volume_before_lots=view.volume_before_lots(leg.market),
            side=side,
            on_fills=on_fills,
        )
        for place, leg in enumerate(legs)
        if leg.market in lots
    ]
