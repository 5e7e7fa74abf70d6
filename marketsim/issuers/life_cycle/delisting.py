"""Delisting: a token ends what it has under way, closes its position, and pays every holder a share of what there is.

Holders are paid at NAV, as at Binance in 2024 (docs/products.md#end-of-a-token).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from marketsim.issuers.algorithms.child import ChildKind, ExecutionPlan
from marketsim.issuers.algorithms.slicing import SinglePlan
from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.fund.token import TokenState
from marketsim.issuers.life_cycle.ports import PrimaryPort
from marketsim.issuers.life_cycle.status import TokenStatus
from marketsim.issuers.orders.hedging import Hedging
from marketsim.messages import Purpose
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator


@dataclass(slots=True)
class Delisting:
    """Ends one token at NAV.

    plan: the token's execution. rounding_account: in the token's venue and currency.
    """

    status: TokenStatus
    holdings: Holdings
    transfers: FundTransfers
    hedging: Hedging
    plan: ExecutionPlan
    primary: PrimaryPort | None
    rounding_account: int

    def delist(self, *, is_off_book: bool) -> ProcessGenerator:
        """Close the position, off the book at the mark or by the token's execution, and pay the holders."""
        books = self.transfers.books
        token = books.token
        if token.is_over or token.is_closing:
            return
        self.status.begin_closing()
        if self.primary is not None:
            self.primary.close("delisted")
        while token.state is TokenState.REBALANCING or books.claims or books.hedges:
            yield self.hedging.env.timeout(NS_PER_SECOND)
        if self.primary is not None:
            self.primary.deliver_all()
        yield from self._close(SinglePlan(ChildKind.OFF_BOOK) if is_off_book else self.plan)
        if not token.is_over:
            if self.status.market is not None:
                self.status.market.clear()
            self._pay_holders()

    def _close(self, plan: ExecutionPlan) -> ProcessGenerator:
        """Close the position by a plan, and at the mark what that leaves."""
        held = self.transfers.books.holding()
        lots = {leg.market: -leg.position_lots for leg in held.legs if leg.position_lots}
        number = self.hedging.next_number()
        yield from self.hedging.work(lots, Purpose.REDEMPTION, number, plan, lambda market, fills: None)
        self.hedging.close_off_book()

    def _pay_holders(self) -> None:
        """Pay each holder its share, rounded down; what is left over goes to `rounding`."""
        books = self.transfers.books
        token = books.token
        equity_atoms = books.view.cash_atoms(token.account)
        lot_value = Fraction(equity_atoms, token.supply_lots) if token.supply_lots else Fraction(0)
        token.final_nav = lot_value * token.lots_per_token if token.supply_lots else token.declared_nav
        paid_atoms = 0
        for account, lots in self.holdings.holders().items():
            atoms = floor(lots * lot_value)
            self.transfers.move_cash(token.account, account, atoms, "redemption")
            self.holdings.destroy(account, lots)
            paid_atoms += atoms
        self.transfers.move_cash(token.account, self.rounding_account, equity_atoms - paid_atoms, "rounding")
        token.supply_lots = 0
        nav = float(token.final_nav / ATOMS_PER_UNIT)
        self.status.end_delisted({"nav": nav, "paid_atoms": paid_atoms})
