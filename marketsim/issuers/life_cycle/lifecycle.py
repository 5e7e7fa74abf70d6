"""What befalls a token besides its trading: reverse splits and merges, suspension, delisting.

A split happens at once and holds trading back for its `halt`. A delisted token first ends what it has under way, then
closes its position, off the book or in it, and pays every holder his part of what there is (Binance 2024, RULES A.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from json import dumps
from math import floor
from typing import TYPE_CHECKING, Any, Literal

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.fund.holdings import Holdings, check_supply
from marketsim.issuers.fund.nav import PriceTrigger, value_trigger
from marketsim.issuers.fund.token import TokenState
from marketsim.issuers.life_cycle.unit_conversion import Exchange, ReverseSplitSpec, exchange
from marketsim.issuers.orders.hedging import hedge_orders
from marketsim.messages import Purpose
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND, to_atoms

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.issuers.desk import TokenDesk

Part = Literal["primary", "market", "rebalance"]


@dataclass(slots=True)
class Lifecycle:
    """Changes of one token; rounding_account: of the ledger cohort, in the token's venue and currency."""

    desk: TokenDesk
    split_rule: ReverseSplitSpec | None
    holdings: Holdings
    rounding_account: int

    # -- reverse split

    @property
    def floor_nav(self) -> Fraction | None:
        """NAV beneath which a split is due [atoms per token]."""
        return None if self.split_rule is None else Fraction(to_atoms(self.split_rule.below.amount))

    def trigger(self) -> PriceTrigger | None:
        """First price at which a split is due; None without such a rule, for a basket, and while requests wait."""
        desk, lowest = self.desk, self.floor_nav
        held = desk.books.holding()
        if (
            lowest is None
            or len(held.legs) > 1
            or desk.books.claims
            or not desk.token.supply_lots
            or desk.token.is_splitting
        ):
            return None
        (leg,) = held.legs
        return value_trigger(held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot, lowest * desk.token.supply)

    def look(self) -> None:
        """Split if NAV has fallen beneath the floor, again and again if need be."""
        token, rule, lowest = self.desk.token, self.split_rule, self.floor_nav
        if rule is None or lowest is None or not token.supply_lots or self.desk.is_closing or token.is_splitting:
            return
        if 0 < self.desk.books.nav() < lowest:
            self.split(rule.ratio, "reverse_split", rule.halt, is_exact=rule.fractions == "exact")

    def split(self, ratio: int, event: Literal["reverse_split", "merge"], halt_ns: int, *, is_exact: bool) -> None:
        """Make one token of `ratio`, now; trading rests for halt_ns."""
        token, desk = self.desk.token, self.desk
        if token.is_over or not token.supply_lots:
            return
        if desk.counter is not None:
            desk.counter.settlement.hand_out_all()
        market = desk.office.market
        if market is not None:
            market.clear()
        before, supply = desk.books.nav(), token.supply
        paid = 0
        if is_exact:
            token.lots_per_token *= ratio
        else:
            swap = exchange(self.holdings.holders(), ratio, before / token.lots_per_token)
            self._exchange(swap)
            paid = swap.paid_atoms
        token.declared_nav *= ratio
        token.reset_nav *= ratio
        desk.quote.rescale(Fraction(ratio))
        if market is not None:
            market.rescale(ratio)
        if desk.counter is not None:
            desk.counter.rescale(ratio, is_exact=is_exact)
        self._note(
            event,
            {
                "ratio": ratio,
                "nav_before": float(before / ATOMS_PER_UNIT),
                "nav_after": float(desk.books.nav() / ATOMS_PER_UNIT),
                "supply_before": float(supply),
                "supply_after": float(token.supply),
                "cash_in_lieu_atoms": paid,
            },
        )
        self._halt(halt_ns)

    def _exchange(self, swap: Exchange) -> None:
        """Take old units in, and pay what they leave beyond whole lots."""
        token, desk = self.desk.token, self.desk
        for account, lots in self.holdings.holders().items():
            self.holdings.destroy(account, lots - swap.lots[account])
        for account, atoms in swap.cash_atoms.items():
            desk.gateway.transfer(token.account, account, atoms, "redemption")
        desk.gateway.transfer(token.account, self.rounding_account, swap.rounding_atoms, "rounding")
        desk.books.ledger.primary(-swap.paid_atoms)
        token.supply_lots = swap.supply_lots
        check_supply(token.id, token.supply_lots, self.holdings)

    def _halt(self, halt_ns: int) -> None:
        token = self.desk.token
        if halt_ns:
            token.is_splitting = True
            self.desk.rest()
            self.desk.env.timeout(halt_ns).callbacks.append(lambda _: self._reopen())

    def _reopen(self) -> None:
        self.desk.token.is_splitting = False
        self.desk.rest()

    # -- suspension

    def suspend(self, what: Iterable[Part]) -> None:
        """Let parts of the token rest until they are resumed."""
        self.desk.token.suspended |= set(what)
        self._note("suspended", {"what": sorted(what)})
        self.desk.rest()

    def resume(self, what: Iterable[Part]) -> None:
        """Let parts go on."""
        self.desk.token.suspended -= set(what)
        self._note("resumed", {"what": sorted(what)})
        self.desk.rest()

    # -- the end

    def delist(self, plan: ExecutionPlan) -> ProcessGenerator:
        """End the token at NAV: close its position by a plan, what that leaves at the mark, and pay its holders."""
        desk, token = self.desk, self.desk.token
        if token.is_over or desk.is_closing:
            return
        desk.is_closing = True
        desk.tell_market()
        if desk.counter is not None:
            desk.counter.close("delisted")
        while token.state is TokenState.REBALANCING or desk.books.claims or desk.books.hedges:
            yield desk.env.timeout(NS_PER_SECOND)
        if desk.counter is not None:
            desk.counter.settlement.hand_out_all()
        yield from self._close(plan)
        if not token.is_over:
            if desk.office.market is not None:
                desk.office.market.clear()
            self._pay_holders()

    def _close(self, plan: ExecutionPlan) -> ProcessGenerator:
        desk, token = self.desk, self.desk.token
        held = {leg.market: -leg.position_lots for leg in desk.books.holding().legs if leg.position_lots}
        orders = hedge_orders(
            held, token.legs, desk.view, number=desk.office.next_hedge(), token=token.id, plan=plan,
            side=Purpose.REDEMPTION, now_ns=desk.now_ns, on_fills=lambda market, fills: None,
        )  # fmt: skip
        yield from desk.work_hedge(orders)
        for leg in desk.books.holding().legs:
            if leg.position_lots and not token.is_over:
                desk.trade_off_book(leg.market, -leg.position_lots, Purpose.REDEMPTION, -1)

    def _pay_holders(self) -> None:
        """Pay each holder his part, rounded down; what is left over is nobody's."""
        desk, token = self.desk, self.desk.token
        equity = desk.view.cash_atoms(token.account)
        value = Fraction(equity, token.supply_lots) if token.supply_lots else Fraction(0)
        token.final_nav = value * token.lots_per_token
        paid = 0
        for account, lots in self.holdings.holders().items():
            atoms = floor(lots * value)
            desk.gateway.transfer(token.account, account, atoms, "redemption")
            self.holdings.destroy(account, lots)
            paid += atoms
        desk.gateway.transfer(token.account, self.rounding_account, equity - paid, "rounding")
        desk.books.ledger.primary(-equity)
        token.supply_lots = 0
        token.state = TokenState.DELISTED
        desk.tell_market()
        self._note("delisted", {"nav": float(token.final_nav / ATOMS_PER_UNIT), "paid_atoms": paid})
        desk.wake()

    def _note(self, event: str, detail: dict[str, Any]) -> None:
        desk = self.desk
        desk.add_row("events", t_ns=desk.now_ns, event=event, subject=desk.token.id, detail=dumps(detail))
