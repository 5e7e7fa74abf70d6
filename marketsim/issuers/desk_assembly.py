"""Assembly of a token's desk: the one place where the parts of an issuer are put together from a declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from marketsim.announcements import AnnouncementFeed
from marketsim.issuers.algorithms.child import ChildKind
from marketsim.issuers.algorithms.slicing import SinglePlan
from marketsim.issuers.books.reconciliation import Reconciliation
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.books.transfers import FundTransfers
from marketsim.issuers.context import AddRow, ChangeSignal, EventLog, LedgerAccounts, RunClock, TokenMarket
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.disclosure.outlook import ResetOutlook
from marketsim.issuers.disclosure.publisher import DisclosurePublisher
from marketsim.issuers.disclosure.spec import SILENT
from marketsim.issuers.fees.absorption import CostAbsorption
from marketsim.issuers.fees.charging import FeeCharging
from marketsim.issuers.fees.keeper_reward import KeeperPayments
from marketsim.issuers.fund.holdings import Holdings
from marketsim.issuers.fund.token import Token
from marketsim.issuers.life_cycle.delisting import Delisting
from marketsim.issuers.life_cycle.reverse_split import ReverseSplits
from marketsim.issuers.life_cycle.status import TokenStatus
from marketsim.issuers.orders.executor import ParentOrderExecutor
from marketsim.issuers.orders.hedging import Hedging
from marketsim.issuers.orders.off_book import OffBookTrading
from marketsim.issuers.orders.open_orders import OpenOrders
from marketsim.issuers.orders.post_trade import PostTradeTracker
from marketsim.issuers.orders.rebalance_order import RebalanceRegister
from marketsim.issuers.orders.treatment import Treatment
from marketsim.issuers.policies.family import FundTerms
from marketsim.issuers.primary_market.collateral import ClientCollateral
from marketsim.issuers.primary_market.dealing import Dealing
from marketsim.issuers.primary_market.delivery import Delivery
from marketsim.issuers.primary_market.desk import PrimaryMarketDesk
from marketsim.issuers.primary_market.issuance import UnitIssuance
from marketsim.issuers.primary_market.limits import PrimaryLimits
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.issuers.primary_market.pricing import PrimaryPricing
from marketsim.issuers.primary_market.requests import PrimaryRequests
from marketsim.issuers.primary_market.settlement import Settlement
from marketsim.issuers.resets.decisions import ResetDecisions
from marketsim.issuers.resets.interruption import ResetInterruption
from marketsim.issuers.resets.process import ResetProcess
from marketsim.issuers.resets.progress import ResetProgress
from marketsim.issuers.resets.rebalancer import Rebalancer
from marketsim.issuers.resets.reset_orders import ResetOrders
from marketsim.issuers.resets.watch import ResetWatch
from marketsim.issuers.token_spec import TokenSpec
from marketsim.units import to_atoms

if TYPE_CHECKING:
    from marketsim.streams import Stream
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all tokens of a run share.

    register: numbers their rebalances. feed: where it is announced what may be known of resets. collateral, who: means,
    and public id and cohort, of an account. next_hedge: a number for a new hedge.
    """

    clock: RunClock
    view: View
    gateway: Gateway
    add_row: AddRow
    register: RebalanceRegister
    feed: AnnouncementFeed
    collateral: ClientCollateral
    who: Callable[[int], tuple[int, str]]
    next_hedge: Callable[[], int]


@dataclass(frozen=True, slots=True)
class TokenContext:
    """What one token has of its own beside its account: its units, ledger accounts, random stream and own market.

    `random_draws` says what the stream decides. market: None without one.
    """

    holdings: Holdings
    accounts: LedgerAccounts
    stream: Stream
    market: TokenMarket | None = None


def open_desk(spec: TokenSpec, token: Token, run: RunContext, own: TokenContext) -> TokenDesk:
    """The desk of a declared token whose account stands open at the venue."""
    run.register.accounts.add(token.account)
    return _DeskAssembly(spec, token, run, own).desk()


class _DeskAssembly:
    """Makes the parts of one token's desk, each once, when another part first needs it."""

    def __init__(self, spec: TokenSpec, token: Token, run: RunContext, own: TokenContext) -> None:
        self.spec, self.token, self.run, self.own = spec, token, run, own
        self.env, self.view, self.gateway = run.clock.env, run.view, run.gateway
        self.log = EventLog(token.id, run.clock, run.add_row)
        self.change = ChangeSignal(self.env)
        self.books = TokenBooks(token, run.view)
        self.transfers = FundTransfers(run.gateway, self.books)
        self.plan = spec.execution.plan(own.stream)
        targets, lots = tuple(leg.target for leg in token.legs), tuple(leg.lot for leg in token.legs)
        self.policy = spec.rebalance.policy_for(FundTerms(targets, lots, run.clock.start_ns, own.stream))
        self.cost_allowance = Fraction(spec.execution.cost_allowance)

    def desk(self) -> TokenDesk:
        """The desk, with all its parts."""
        return TokenDesk(
            self.books,
            self.own.holdings,
            self.quote,
            self.primary,
            self.status,
            self.splits,
            self.delisting,
            ResetProcess(self.run.clock, self.decisions, self.watch, self.rebalancer, self.splits),
            self.publisher,
        )

    # -- the account

    @cached_property
    def status(self) -> TokenStatus:
        """Says what may be done with the token."""
        primary = self.spec.primary
        return TokenStatus(
            self.token,
            self.run.clock,
            self.log,
            self.change,
            self.own.market,
            has_primary=primary is not None,
            rebalance_closes_primary=primary is None or primary.suspend_while_rebalancing,
        )

    @cached_property
    def absorption(self) -> CostAbsorption:
        """Pays what the issuer bears in the fund's place."""
        return CostAbsorption(
            self.books,
            self.gateway,
            self.own.accounts.issuer,
            absorbs_funding=self.spec.funding == "absorb",
            absorbs_costs=self.spec.costs == "absorb",
        )

    @cached_property
    def reconciliation(self) -> Reconciliation:
        """Keeps the books in step with the account."""
        return Reconciliation(
            self.books,
            self.run.clock,
            self.change,
            self.run.add_row,
            enter_fills=self.open_orders.enter_fills,
            return_funding=self.absorption.return_funding,
            wipe_out=self.status.wipe_out,
        )

    @cached_property
    def charging(self) -> FeeCharging:
        """Takes the issuer's fees."""
        flat = self.spec.rebalance_fee
        return FeeCharging(
            self.run.clock,
            self.books,
            self.own.holdings,
            self.gateway,
            self.change,
            self.own.accounts.issuer,
            self.spec.management_fee,
            0 if flat is None else to_atoms(flat.amount),
        )

    # -- orders

    @cached_property
    def tracker(self) -> PostTradeTracker:
        """Measures rebalances after their fills."""
        return PostTradeTracker(self.env, self.view, self.run.register)

    @cached_property
    def open_orders(self) -> OpenOrders:
        """Enters the fills of children in the market."""
        is_fund = self.run.register.accounts.__contains__
        return OpenOrders(self.view, self.books, self.tracker, is_fund, self.absorption.absorb_costs)

    @cached_property
    def off_book(self) -> OffBookTrading:
        """Trades beside the book."""
        charges_fee = self.spec.execution.is_charged_off_book
        return OffBookTrading(self.token.account, self.view, self.gateway, charges_fee)

    @cached_property
    def executor(self) -> ParentOrderExecutor:
        """Works parent orders."""
        return ParentOrderExecutor(
            self.env,
            self.view,
            self.gateway,
            self.books,
            self.open_orders,
            self.off_book,
            self.reconciliation,
            self.tracker,
            Treatment(),
            self.status.log_rebalance,
            self.run.add_row,
            ChangeSignal(self.env),
        )

    @cached_property
    def hedging(self) -> Hedging:
        """Works hedges."""
        return Hedging(self.env, self.books, self.executor, self.off_book, self.reconciliation, self.run.next_hedge)

    # -- the primary market

    @cached_property
    def quote(self) -> NavQuote:
        """Quotes NAV."""
        return NavQuote(self.spec.nav_quote, self.env, self.books)

    @cached_property
    def primary(self) -> PrimaryMarketDesk | None:
        """Creates and redeems units, if anybody may."""
        spec, clock, accounts = self.spec.primary, self.run.clock, self.own.accounts
        if spec is None:
            return None
        pricing = PrimaryPricing(spec, self.books, self.quote)
        requests = PrimaryRequests(clock, self.token, self.quote, self.run.who, self.run.add_row)
        issuance = UnitIssuance(self.books, self.own.holdings, self.change, self.policy.source, self.own.market)
        delivery = Delivery(self.env, self.transfers, self.own.holdings, requests, accounts.issuer, spec.settle_after)
        plan = SinglePlan(ChildKind.OFF_BOOK) if spec.hedge == "off_book" else self.plan
        desk = PrimaryMarketDesk(
            self.token,
            spec,
            clock,
            self.status.primary_obstacle,
            PrimaryLimits(spec, self.token, clock, self.view),
            requests,
            Dealing(spec, pricing, self.run.collateral, self.transfers, issuance, delivery),
            Settlement(spec, pricing, self.transfers, issuance, delivery, self.hedging, plan, self.change),
        )
        self.status.on_resumed.append(desk.serve_waiting)
        return desk

    # -- the life cycle

    @cached_property
    def splits(self) -> ReverseSplits:
        """Splits the token."""
        return ReverseSplits(
            self.spec.reverse_split,
            self.run.clock,
            self.status,
            self.log,
            self.own.holdings,
            self.transfers,
            self.quote,
            self.primary,
            self.own.accounts.rounding,
        )

    @cached_property
    def delisting(self) -> Delisting:
        """Ends the token at NAV."""
        return Delisting(
            self.status,
            self.own.holdings,
            self.transfers,
            self.hedging,
            self.plan,
            self.primary,
            self.own.accounts.rounding,
        )

    # -- resets

    @cached_property
    def decisions(self) -> ResetDecisions:
        """Asks the policy."""
        return ResetDecisions(
            self.policy,
            self.books,
            self.run.clock,
            self.executor.treatment,
            self.charging.rebalance_fees_atoms,
        )

    @cached_property
    def progress(self) -> ResetProgress:
        """Remembers the reset under way."""
        return ResetProgress()

    @cached_property
    def publisher(self) -> DisclosurePublisher:
        """Announces resets."""
        outlook = ResetOutlook(self.decisions, self.progress, self.cost_allowance)
        return DisclosurePublisher(
            self.token,
            self.run.clock,
            self.spec.disclosure or SILENT,
            self.run.feed,
            self.own.stream,
            self.log,
            outlook,
        )

    @cached_property
    def watch(self) -> ResetWatch:
        """Waits for the next reset."""
        return ResetWatch(self.run.clock, self.decisions, self.splits, self.change)

    @cached_property
    def rebalancer(self) -> Rebalancer:
        """Carries resets out."""
        orders = ResetOrders(
            self.run.clock,
            self.books,
            self.tracker,
            self.plan,
            self.policy.source,
            self.cost_allowance,
            self.spec.execution.resizes,
        )
        return Rebalancer(
            self.status,
            self.charging,
            self._keeper_reward(),
            orders,
            self.executor,
            self.reconciliation,
            self.progress,
            self._interruption(),
            self.publisher.publish,
            self.log,
        )

    def _interruption(self) -> ResetInterruption:
        """Ends orders for what is urgent, where the policy knows anything that is."""
        is_urgent = any(trigger.is_urgent for trigger in self.spec.rebalance.rebalance_triggers)
        may_happen = is_urgent and self.policy.looks is not None
        return ResetInterruption(may_happen, self.decisions, self.watch, self.executor, self.progress)

    def _keeper_reward(self) -> KeeperPayments:
        """Pays whoever sets a rewarded rebalance off, where the policy declares a reward."""
        reward = self.spec.rebalance.keeper_reward
        if reward is None:
            return KeeperPayments(self.gateway, self.own.accounts, self.log)
        balance_atoms = None if reward.balance is None else to_atoms(reward.balance.amount)
        return KeeperPayments(self.gateway, self.own.accounts, self.log, to_atoms(reward.amount.amount), balance_atoms)
