"""Reverse splits and merges as they happen: when one is due, and what is exchanged, paid and halted.

A split happens at once and halts trading for its `halt`. The arithmetic is in `unit_conversion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.context import EventLog, RunClock
from marketsim.issuers.fund.holdings import Holdings, check_supply
from marketsim.issuers.fund.nav import PriceTrigger, value_trigger
from marketsim.issuers.life_cycle.ports import PrimaryPort
from marketsim.issuers.life_cycle.status import TokenStatus
from marketsim.issuers.life_cycle.unit_conversion import ReverseSplitSpec, UnitConversion, convert_units
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.units import ATOMS_PER_UNIT, to_atoms


@dataclass(slots=True)
class ReverseSplits:
    """Splits one token, by its own rule or when told to.

    rule: None, where it splits only when told to. rounding_account: in the token's venue and currency.
    """

    rule: ReverseSplitSpec | None
    clock: RunClock
    status: TokenStatus
    log: EventLog
    holdings: Holdings
    transfers: FundTransfers
    quote: NavQuote
    primary: PrimaryPort | None
    rounding_account: int

    # -- when

    @property
    def floor_nav(self) -> Fraction | None:
        """NAV beneath which a split is due [atoms per token]."""
        return None if self.rule is None else Fraction(to_atoms(self.rule.below.amount))

    def trigger(self) -> PriceTrigger | None:
        """First price at which a split is due; None without such a rule, for a basket, and while requests wait."""
        books, lowest = self.transfers.books, self.floor_nav
        token, held = books.token, books.holding()
        if lowest is None or len(held.legs) > 1 or books.claims or not token.supply_lots or token.is_splitting:
            return None
        (leg,) = held.legs
        return value_trigger(held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot, lowest * token.supply)

    def split_if_due(self) -> None:
        """Split if NAV has fallen beneath the floor."""
        token, rule, lowest = self.transfers.books.token, self.rule, self.floor_nav
        if rule is None or lowest is None or not token.supply_lots or token.is_closing or token.is_splitting:
            return
        if 0 < self.transfers.books.nav() < lowest:
            self.split(rule.ratio, "reverse_split", rule.halt, is_exact=rule.fractions == "exact")

    # -- how

    def split(self, ratio: int, event: Literal["reverse_split", "merge"], halt_ns: int, *, is_exact: bool) -> None:
        """Make one token of `ratio`, now; trading is halted for halt_ns. is_exact: the lot becomes smaller instead."""
        books, market = self.transfers.books, self.status.market
        token = books.token
        if token.is_over or not token.supply_lots:
            return
        if self.primary is not None:
            self.primary.deliver_all()
        if market is not None:
            market.clear()
        before, supply, paid_atoms = books.nav(), token.supply, 0
        if is_exact:
            token.lots_per_token *= ratio
        else:
            conversion = convert_units(self.holdings.holders(), ratio, before / token.lots_per_token)
            self._exchange(conversion)
            paid_atoms = conversion.paid_atoms
        self._rescale(ratio, is_exact=is_exact)
        self.log.write(
            event,
            {
                "ratio": ratio,
                "nav_before": float(before / ATOMS_PER_UNIT),
                "nav_after": float(books.nav() / ATOMS_PER_UNIT),
                "supply_before": float(supply),
                "supply_after": float(token.supply),
                "cash_in_lieu_atoms": paid_atoms,
            },
        )
        self._halt(halt_ns)

    def _rescale(self, ratio: int, *, is_exact: bool) -> None:
        """Count everything that is remembered by token in new tokens."""
        token = self.transfers.books.token
        token.declared_nav *= ratio
        token.reset_nav *= ratio
        self.quote.rescale(Fraction(ratio))
        if self.status.market is not None:
            self.status.market.rescale(ratio)
        if self.primary is not None:
            self.primary.rescale(ratio, is_exact=is_exact)

    def _exchange(self, conversion: UnitConversion) -> None:
        """Take old units in, and pay what they leave beyond whole lots."""
        token = self.transfers.books.token
        for account, lots in self.holdings.holders().items():
            self.holdings.destroy(account, lots - conversion.lots[account])
        for account, atoms in conversion.cash_atoms.items():
            self.transfers.move_cash(token.account, account, atoms, "redemption")
        self.transfers.move_cash(token.account, self.rounding_account, conversion.rounding_atoms, "rounding")
        token.supply_lots = conversion.supply_lots
        check_supply(token.id, token.supply_lots, self.holdings)

    def _halt(self, halt_ns: int) -> None:
        if halt_ns:
            self.status.set_splitting(True)
            self.clock.env.timeout(halt_ns).callbacks.append(lambda _: self.status.set_splitting(False))
