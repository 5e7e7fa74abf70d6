"""The issuer's desk: the process that runs one token, deciding *when* it looks, charges, trades and writes down.

What to do is decided elsewhere (`policies`, `algorithms`, `fees`), what it came to is added up in `attribution` and
`parent`. Everything the desk remembers stands in objects, never in a generator's locals, so a world can be replayed to
any quiet instant. At one instant funding comes first (the venue's phase), then the management fee, then a reset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Any

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import Office
from marketsim.issuers.disclosure.publisher import Herald
from marketsim.issuers.disclosure.spec import SILENT
from marketsim.issuers.fees.absorption import Subsidy
from marketsim.issuers.fees.charging import Charging
from marketsim.issuers.fund.nav import Direction, Exact, PriceTrigger, cost_consistent_lots, wipe_out_trigger
from marketsim.issuers.fund.token import LegTerms, Token, TokenState
from marketsim.issuers.life_cycle.lifecycle import Lifecycle
from marketsim.issuers.orders.executor import Dealer
from marketsim.issuers.orders.hedging import HedgeOrder
from marketsim.issuers.orders.parent import ParentOrder, RebalanceRegister
from marketsim.issuers.orders.post_trade import Aftermath
from marketsim.issuers.orders.treatment import Flow, Treatment
from marketsim.issuers.policies.decision import Decision, PriceSource, RebalancingPolicy, Situation
from marketsim.issuers.policies.family import FundTerms
from marketsim.issuers.policies.looks import ContinuousLooks
from marketsim.issuers.primary_market.desk import Counter, open_counter
from marketsim.issuers.primary_market.nav_quote import NavQuote
from marketsim.issuers.token_spec import TokenSpec
from marketsim.messages import Fill, Purpose
from marketsim.streams import Stream
from marketsim.units import to_atoms

if TYPE_CHECKING:
    from marketsim.announcements import Board
    from marketsim.clock import Crossing, MarketEnvironment, ProcessGenerator
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View


@dataclass(slots=True)
class TokenDesk:
    """Runs one token: `start` its processes, tell it `account_changed`, take `snapshot`s, `finish` at the end.

    `counter` is its primary market, if it has one; `life` knows splits, suspension and delisting. start_ns: the run's
    start [ns since 1970]. warmup_ns: the desk acts from then on. off_book_fees: whether off-book fills pay the taker
    fee. cost_allowance: cost per notional that sizes of rebalances allow for.
    """

    token: Token
    env: MarketEnvironment
    view: View
    gateway: Gateway
    add_row: Callable[..., None]
    register: RebalanceRegister
    policy: RebalancingPolicy
    plan: ExecutionPlan
    spec: TokenSpec
    office: Office
    start_ns: int
    warmup_ns: int
    board: Board
    stream: Stream
    off_book_fees: bool = True
    cost_allowance: Exact = 0
    treatment: Treatment = field(default_factory=Treatment)
    books: TokenBooks = field(init=False)
    aftermath: Aftermath = field(init=False)
    dealer: Dealer = field(init=False)
    charging: Charging = field(init=False)
    subsidy: Subsidy = field(init=False)
    quote: NavQuote = field(init=False)
    life: Lifecycle = field(init=False)
    counter: Counter | None = field(init=False)
    herald: Herald = field(init=False)
    decided_ns: int = field(init=False)
    resets: int = 0
    reset_due_ns: int | None = None
    is_closing: bool = False
    looked_ns: int = -1
    is_beyond: bool = False
    working: list[ParentOrder] = field(default_factory=list)
    announced: TokenState = TokenState.TRADING
    announced_ns: int = -1
    _alarm: tuple[int, Any] = (-1, None)
    _change: Any = None

    def __post_init__(self) -> None:
        """Open the books, and find the first charge; resets that were due before the end of the warm-up are passed."""
        self.books = TokenBooks(self.token, self.view)
        self.aftermath = Aftermath(self.env, self.view, self.register)
        self.dealer = Dealer(
            self.env,
            self.view,
            self.gateway,
            self.books,
            self.aftermath,
            self.off_book_fees,
            is_fund=self.register.accounts.__contains__,
            take_stock=self.take_stock,
            announce=lambda: self._announce(TokenState.REBALANCING),
            add_row=self.add_row,
            treatment=self.treatment,
            make_good=lambda market, fills: self.subsidy.make_good(market, fills),
        )
        self.decided_ns = self.warmup_ns - 1
        flat_fee = self.spec.rebalance_fee
        self.charging = Charging(self, self.spec.management_fee, 0 if flat_fee is None else to_atoms(flat_fee.amount))
        self.subsidy = Subsidy(self)
        self.quote = NavQuote(self.spec.nav_quote, self.env, self.books)
        self.life = Lifecycle(self, self.spec.reverse_split, self.office.holdings, self.office.rounding_account)
        self.counter = None if self.spec.primary is None else open_counter(self, self.spec.primary)
        self.herald = Herald(self, self.spec.disclosure or SILENT, self.board, self.stream)

    @property
    def now_ns(self) -> int:
        """The present instant [ns from the start]."""
        return int(self.env.now)

    # -- what the simulation calls

    def start(self) -> None:
        """Begin: a token without supply never acts, unless it can be created."""
        if self.token.supply_lots or self.counter is not None:
            self.env.process(self._watch())
            self.env.process(self.charging.run())
        if not self.quote.is_live:
            self.env.process(self.quote.run())
        if self.counter is not None:
            self.counter.start()
        self.herald.start()
        self.tell_market()

    def account_changed(self) -> None:
        """Hear that the venue settled funding on the token's account, or took or closed its position."""
        self.take_stock()

    def begin_interval(self) -> None:
        """End the interval of the attribution now, so that what is recorded from here on begins here."""
        self.take_stock()
        self._cut(self.now_ns)

    def snapshot(self, t_ns: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The token's row of table `tokens` and its rows of `token_legs` now."""
        self.take_stock()
        row = self.books.token_row(t_ns, self._policy_triggers(), self.policy.aim(t_ns), self.quote.published())
        return row, self.books.leg_rows(t_ns)

    def finish(self, t_ns: int) -> None:
        """Close the books at the end of the run: rows of rebalances not yet written, the last attribution."""
        self.dealer.enter_fills()
        self.aftermath.finish(t_ns, self.books.holding().leverage)
        self._note_backlog(self.working)
        self._cut(t_ns)

    # -- when to look

    def _watch(self) -> ProcessGenerator:
        """Wait for the next reset or crossing, again and again."""
        if self.warmup_ns > self.now_ns:
            yield self.env.timeout(self.warmup_ns - self.now_ns)
            self.tell_market()
        while True:
            self.charging.charge_due()
            self.take_stock()
            if self.token.is_over:
                return
            self.life.look()
            decision = self._decide()
            if decision is None:
                yield from self._wait()
            else:
                yield from self._rebalance(decision)

    def _decide(self) -> Decision | None:
        """What is due, and was not decided before; else what the prices ask for, at most once an instant."""
        now = self.now_ns
        due_ns = self.due_ns()
        if due_ns is not None and now >= due_ns:
            self.decided_ns = now
            decision = self.policy.decide_due(self.situation()) if self.may_rebalance else None
            if decision is not None:
                self.reset_due_ns = due_ns
                return decision
            self._pass_reset()
        looks = self.policy.looks
        if not self.may_rebalance or looks is None or now == self.looked_ns or not looks.falls_on(now):
            return None
        self.looked_ns = now
        decision = self.policy.decide_watched(self.situation())
        if self.treatment.rebalance is Flow.WITHHELD:  # the bound stays crossed: one order for each crossing
            was_beyond, self.is_beyond = self.is_beyond, decision is not None
            return None if was_beyond else decision
        return decision

    @property
    def may_rebalance(self) -> bool:
        """Whether there is something to rebalance, and nobody told it to rest."""
        is_resting = self.is_closing or "rebalance" in self.token.suspended
        return self.token.supply_lots > 0 and not self.token.is_over and not is_resting

    def due_ns(self) -> int | None:
        """The first instant that is due and not decided yet; it may have passed during a long order."""
        return self.policy.next_due_ns(self.decided_ns + 1)

    def situation(self) -> Situation:
        """What the policy would see now."""
        return self.books.situation(self.policy.source, self.now_ns, self.charging.rebalance_fees_atoms())

    def _wait(self) -> ProcessGenerator:
        """Sleep until the next reset, look or crossing, or until the venue touched the account."""
        armed, look_ns = self._arm()
        times = [t_ns for t_ns in (self.due_ns(), look_ns) if t_ns is not None]
        events: list[Any] = [*armed]
        if times:
            events.append(self._alarm_at(min(times)))
        self._change = self.env.event()
        yield self.env.any_of([*events, self._change])
        for crossing in armed:
            crossing.cancel()

    def _arm(self) -> tuple[list[Crossing], int | None]:
        """Crossings to wait for; or, while a bound is crossed already and for baskets, the next instant to look.

        A polled bound is armed too: nothing can be found at a poll that no crossing announced, and a run has few
        crossings and many polls.
        """
        market = self.token.legs[0].market
        triggers = self._policy_triggers()
        price = self.books.price(market, self.policy.source)
        is_watched = self.policy.looks is not None or self.life.split_rule is not None
        is_basket = is_watched and len(self.token.legs) > 1
        if is_basket or any(trigger.is_reached(price) for trigger in triggers):
            return [], (self.policy.looks or ContinuousLooks()).next_ns(self.now_ns)
        armed = [self._crossing(market, self.policy.source, trigger) for trigger in triggers]
        on_mark = [self._wipe_out_trigger(), self.life.trigger()]
        return [*armed, *(self._crossing(market, "mark", trigger) for trigger in on_mark if trigger is not None)], None

    def _crossing(self, market: str, source: PriceSource, trigger: PriceTrigger) -> Crossing:
        if trigger.direction is Direction.ABOVE:
            return self.env.crossing(market, source=source, above=trigger.ticks)
        return self.env.crossing(market, source=source, below=trigger.ticks)

    def _policy_triggers(self) -> Sequence[PriceTrigger]:
        if not self.may_rebalance:
            return ()
        return self.policy.triggers(self.situation())

    def _wipe_out_trigger(self) -> PriceTrigger | None:
        if len(self.token.legs) > 1:
            return None
        held = self.books.holding()
        (leg,) = held.legs
        return wipe_out_trigger(held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)

    def wake(self) -> None:
        """Let a waiting watch look again: what it waits for has moved with the account."""
        if self._change is not None and not self._change.triggered:
            self._change.succeed()

    def _alarm_at(self, t_ns: int) -> Any:
        """An event at an instant; the same one while the instant stays, so that waiting leaves no litter."""
        if self._alarm[0] != t_ns or t_ns <= self.now_ns:
            self._alarm = (t_ns, self.env.timeout(max(t_ns - self.now_ns, 0)))
        return self._alarm[1]

    # -- what to keep

    def take_stock(self) -> None:
        """Enter what the venue did to the account, and end the token when nothing is left."""
        self.dealer.enter_fills()
        seen_atoms = self.books.funding_seen_atoms
        seized = self.books.take_stock(self.now_ns)
        self.dealer.seizures += bool(seized)
        received = self.books.funding_seen_atoms - seen_atoms
        self.subsidy.give_back_funding(received)
        if seized or received:
            self.wake()
        equity = self.books.equity_atoms()
        is_gone = equity <= self._rounding_atoms(seized)
        if is_gone and self.token.supply_lots and self.token.state is not TokenState.WIPED:
            detail = dumps({"equity_atoms": equity, "from": str(self.token.state)})
            self.token.state = TokenState.WIPED
            self.tell_market()
            self.wake()
            self.add_row("events", t_ns=self.now_ns, event="wiped", subject=self.token.id, detail=detail)

    def _rounding_atoms(self, seized: Mapping[str, int]) -> int:
        """What a bankrupt fund may be left with: the venue closes it at its bankruptcy price, rounded to a tick."""
        if not seized or any(leg.position_lots for leg in self.books.holding().legs):
            return 0
        return sum(abs(seized.get(leg.market, 0)) * leg.atoms_per_tick_lot for leg in self.token.legs)

    def _cut(self, t_ns: int) -> None:
        interval = self.books.cut(t_ns)
        if interval is not None:
            attribution, decay = interval
            self.add_row("attribution", **asdict(attribution))
            self.add_row("decay", **asdict(decay))

    def _announce(self, state: TokenState) -> None:
        """Write a change of state down; one that lasts no time is none, and an instant has one row at most."""
        if state is not self.announced and self.now_ns != self.announced_ns:
            detail = dumps({"from": str(self.announced), "to": str(state)})
            self.add_row("events", t_ns=self.now_ns, event="state", subject=self.token.id, detail=detail)
            self.announced, self.announced_ns = state, self.now_ns

    # -- how to trade

    def _rebalance(self, decision: Decision) -> ProcessGenerator:
        """Take the fees, work every leg's order at once, then remember the reset."""
        if self.treatment.rebalance is not Flow.WITHHELD:
            if decision.lots:
                self.charging.charge_rebalance()
            if decision.trigger.is_rewarded:
                self.subsidy.reward_keeper()
        held = self.books.committed(self.books.holding())
        lots = cost_consistent_lots(held, decision.lots, self.cost_allowance)
        legs = enumerate(self.token.legs)
        parents = [self._open_parent(decision, lots, leg, n) for n, leg in legs if lots.get(leg.market)]
        if self.treatment.rebalance is Flow.WITHHELD:
            self._withhold(parents)
            return
        self.token.state = TokenState.REBALANCING
        self.tell_market()
        self.working = parents
        self.herald.tell()
        if self.working:
            yield self.env.all_of([self.env.process(self.dealer.work(parent)) for parent in self.working])
        self.take_stock()
        self._note_backlog(self.working)
        self.working = []
        self._pass_reset()
        if self.token.is_over:
            return
        self.token.state = TokenState.TRADING
        self.rest()
        self.books.mark_reset(self.policy.source)
        self._cut(self.now_ns)

    def _withhold(self, parents: Sequence[ParentOrder]) -> None:
        """Write down orders that an arm holds back, as if the reset had been made; the position stays."""
        for parent in parents:
            parent.is_withheld = True
            self.aftermath.ended(parent, self.books.holding().leverage)
        self._pass_reset()
        self.books.mark_reset(self.policy.source)
        self._cut(self.now_ns)

    def _pass_reset(self) -> None:
        """Count a reset that is done or was skipped; what was announced of it comes down."""
        self.resets += 1
        self.reset_due_ns = None
        self.herald.tell()

    def rest(self) -> None:
        """Take up the state it has between rebalances, and say so; what waited for another may go on."""
        if self.token.state is not TokenState.REBALANCING and not self.token.is_over:
            self.token.state = self.token.resting_state
            self._announce(self.token.state)
            self.tell_market()
            self.wake()
            if self.counter is not None:
                self.counter.look_again()

    def tell_market(self) -> None:
        """Tell the token's own market, if it has one, whether it may trade and whether the fund deals."""
        market = self.office.market
        if market is not None:
            market.open_primary(self.counter is not None and self.counter.obstacle() is None)
            market.halt(self.token.is_splitting or self.token.is_over or "market" in self.token.suspended)

    def work_hedge(self, orders: Sequence[HedgeOrder]) -> ProcessGenerator:
        """Work the orders of one hedge; a rebalance meanwhile counts them as done."""
        self.books.hedges += orders
        yield self.env.all_of([self.env.process(self.dealer.work(order)) for order in orders])
        self.books.hedges = [hedge for hedge in self.books.hedges if not any(hedge is order for order in orders)]
        self.take_stock()

    def trade_off_book(self, market: str, lots: int, purpose: Purpose, parent: int) -> Fill:
        """Trade lots at the mark against `outside`."""
        fill = self.gateway.off_book(
            self.token.account,
            market,
            lots,
            price_ticks=self.view.mark_ticks(market),
            charge_fee=self.off_book_fees,
            purpose=purpose,
            parent=parent,
        )
        self.books.book_fills(market, [fill])
        return fill

    def _note_backlog(self, parents: Sequence[ParentOrder]) -> None:
        """Write down what orders of one rebalance could not trade, and why."""
        told = [parent.backlog() for parent in parents if parent.reason is not None]
        if told:
            detail = dumps({"orders": told})
            self.add_row("events", t_ns=self.now_ns, event="backlog", subject=self.token.id, detail=detail)

    def _open_parent(self, decision: Decision, lots: Mapping[str, int], leg: LegTerms, number: int) -> ParentOrder:
        held = self.books.holding()
        price = None if decision.trigger.is_scheduled else self.books.price(leg.market, self.policy.source)
        parent = ParentOrder(
            id=self.register.next_id(),
            token=self.token.id,
            market=leg.market,
            tick=float(leg.tick),
            plan=self.plan.opened(self.now_ns, number),
            trigger=decision.trigger,
            price_source=self.policy.source,
            trigger_ticks=None if price is None else Fraction(price),
            decided_ns=self.now_ns,
            leverage_before=held.leverage,
            equity_before_atoms=int(held.equity_atoms),
            target_lots=lots[leg.market],
            arrival_mid=self.view.mid(leg.market),
            volume_before_lots=self.view.volume_before_lots(leg.market),
        )
        self.aftermath.begin(parent)
        return parent


def open_desk(
    spec: TokenSpec,
    token: Token,
    *,
    env: MarketEnvironment,
    view: View,
    gateway: Gateway,
    add_row: Callable[..., None],
    register: RebalanceRegister,
    stream: Stream,
    office: Office,
    start_ns: int,
    warmup_ns: int,
    board: Board,
) -> TokenDesk:
    """The desk of a declared token whose account stands open at the venue.

    add_row: `journal.add`. register: the one all tokens share. stream: the token's own luck (`luck` says what it
    decides). start_ns: the run's start [ns since 1970]. board: where it is told what may be known of its resets.
    """
    register.accounts.add(token.account)
    targets, lots = tuple(leg.target for leg in token.legs), tuple(leg.lot for leg in token.legs)
    return TokenDesk(
        token,
        env,
        view,
        gateway,
        add_row,
        register,
        spec.rebalance.policy_for(FundTerms(targets, lots, start_ns, stream)),
        spec.execution.plan(stream),
        spec,
        office,
        start_ns,
        warmup_ns,
        board,
        stream,
        spec.execution.is_charged_off_book,
        Fraction(spec.execution.cost_allowance),
    )
