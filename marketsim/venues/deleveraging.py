"""Auto-deleveraging: who must close against a bankrupt position that nobody else can take, and in what order.

The last resort of a liquidation. Traders of the opposite side are ranked by profit and leverage (BitMEX's score); the
first in the queue close at the bankruptcy price of the liquidated account, without fee, until the position is gone;
when they run out the ledger cohort `outside` takes the rest at the same price, so that the books always close. The
price is a whole tick rounded in the bankrupt account's favour; the less than a tick a lot this leaves stays with it.
Longs and shorts are ranked apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from marketsim.venues.payoffs import Exact

OUTSIDE = -1
"""Stands for the ledger cohort `outside` in a plan: no trader's account has a negative number."""

LEVERAGE_WITHOUT_EQUITY = 10**9
"""Effective leverage of an account that owns nothing at mark: beyond any other's, and finite."""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """A trader who could be deleveraged: lots, and values signed as the position [atoms]; `equity_atoms` at mark."""

    account: int
    position_lots: int
    entry_value_atoms: int
    mark_value_atoms: int
    equity_atoms: int


def bitmex_score(mark_value: Exact, bankrupt_value: Exact, entry_value: Exact) -> Fraction:
    """BitMEX's priority, highest first: profit share times effective leverage; losers' is divided by it.

    `PNL% = (MV - AEV) / |AEV|`; `PNL% * leverage` if positive, else `PNL% / leverage`; `leverage = |MV| / (MV - BV)`,
    where MV - BV is the equity behind the position; values signed as the position. Without equity
    `LEVERAGE_WITHOUT_EQUITY`; without entry value 0.
    Source: https://www.bitmex.com/app/autoDeleveraging; RULES B.8.
    """
    marked, entered = Fraction(mark_value), Fraction(entry_value)
    equity = marked - Fraction(bankrupt_value)
    if entered == 0:
        return Fraction(0)
    profit = (marked - entered) / abs(entered)
    leverage = abs(marked) / equity if equity > 0 else Fraction(LEVERAGE_WITHOUT_EQUITY)
    return profit * leverage if profit > 0 else profit / leverage


def hyperliquid_index(mark: Exact, entry: Exact, notional: Exact, account_value: Exact) -> Fraction:
    """Hyperliquid's priority of a long, highest first: `(mark / entry) * (notional / account value)`.

    Source: https://docs.hyperodd.com/trading/adl; RULES B.8.
    """
    return Fraction(mark) / Fraction(entry) * Fraction(notional) / Fraction(account_value)


def ranked(counterparties: Iterable[Counterparty]) -> list[Counterparty]:
    """Queue counterparties: highest BitMEX score first, equal scores in order of account number."""

    def place(one: Counterparty) -> tuple[Fraction, int]:
        bankrupt_value = one.mark_value_atoms - one.equity_atoms
        return -bitmex_score(one.mark_value_atoms, bankrupt_value, one.entry_value_atoms), one.account

    return sorted(counterparties, key=place)


def deleveraging_plan(position_lots: int, queue: Sequence[Counterparty]) -> list[tuple[int, int]]:
    """Hand a bankrupt position down the queue: (account, lots signed as the position), the rest to `OUTSIDE`.

    Each counterparty takes at most what closes its own position; same-side entries are passed over. Source: RULES B.8.
    """
    side, left = (1 if position_lots > 0 else -1), abs(position_lots)
    plan = []
    opposite = [(one.account, -side * one.position_lots) for one in queue if side * one.position_lots < 0]
    for account, room in [*opposite, (OUTSIDE, left)]:
        lots = min(room, left)
        if lots > 0:
            plan.append((account, side * lots))
            left -= lots
    return plan
