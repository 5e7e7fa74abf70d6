"""The issuer's desk: the process that runs one token, deciding *when* it looks, charges, trades and writes down.

What to do is decided elsewhere (`rebalancing`, `execution`, `fees`), what it came to is added up in `attribution` and
`parent`. Everything the desk remembers stands in objects, never in a generator's locals, so a world can be replayed to
any quiet instant. At one instant funding comes first (the venue's phase), then the management fee, then a reset.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from json import dumps
from typing import TYPE_CHECKING, Any

from marketsim.issuers.aftermath import Aftermath
from marketsim.issuers.books import TokenBooks
from marketsim.issuers.execution import Child, ChildKind, ExecutionPlan, OffBookSpec, plan_of
from marketsim.issuers.fees import NS_PER_DAY, ManagementFeeSpec, management_fee_atoms, next_charge_ns
from marketsim.issuers.nav import Direction, PriceTrigger, wipe_out_trigger
from marketsim.issuers.parent import ParentOrder, RebalanceRegister
from marketsim.issuers.rebalancing import DailySpec, Decision, Occasion, PriceSource, RebalancingPolicy, policy_of
from marketsim.issuers.token import LegTerms, Token, TokenSpec, TokenState
from marketsim.streams import Stream
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.clock import Crossing, MarketEnvironment
    from marketsim.messages import Fill
    from marketsim.venues.gateway import Gateway
    from marketsim.venues.view import View

Turning = Generator[Any, Any, None]
"""A process in the making: it yields events of the clock and is turned by it."""

LOOK_NS = NS_PER_SECOND
"""How long a continuous watch waits before looking again at a bound that is still crossed (the cadence of marks)."""


@dataclass(slots=True)
class TokenDesk:
    """Runs one token: `start` its processes, tell it `account_changed`, take `snapshot`s, `finish` at the end.

    start_ns: the run's start [ns since 1970]. warmup_ns: the desk acts from then on. off_book_fees: whether off-book
    fills pay the taker fee.
    """

    token: Token
    env: MarketEnvironment
    view: View
    gateway: Gateway
    add_row: Callable[..., None]
    register: RebalanceRegister
    policy: RebalancingPolicy
    plan: ExecutionPlan
    fee: ManagementFeeSpec | None
    start_ns: int
    warmup_ns: int
    off_book_fees: bool = True
    books: TokenBooks = field(init=False)
    aftermath: Aftermath = field(init=False)
    scheduled_ns: int | None = field(init=False)
    fee_due_ns: int | None = None
    looked_ns: int = -1
    in_flight: int = 0
    seizures: int = 0
    announced: TokenState = TokenState.TRADING
    announced_ns: int = -1
    _alarm: tuple[int, Any] = (-1, None)
    _change: Any = None

    def __post_init__(self) -> None:
        """Open the books, and find the first reset and the first charge."""
        self.books = TokenBooks(self.token, self.view)
        self.aftermath = Aftermath(self.env, self.view, self.register)
        self.scheduled_ns = self._next_reset_ns(self.warmup_ns)
        if self.fee is not None:
            self.fee_due_ns = next_charge_ns(max(self.warmup_ns - 1, 0), self.start_ns, self.fee)

    @property
    def now_ns(self) -> int:
        """The present instant [ns from the start]."""
        return int(self.env.now)

    # -- what the simulation calls

    def start(self) -> None:
        """Begin: a token without supply never acts."""
        if self.token.supply_lots:
            self.env.process(self._watch())
            self.env.process(self._charge())

    def account_changed(self) -> None:
        """Hear that the venue settled funding on the token's account, or took or closed its position."""
        self._take_stock()

    def snapshot(self, t_ns: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The token's row of table `tokens` and its rows of `token_legs` now."""
        self._take_stock()
        return self.books.token_row(t_ns, self._policy_triggers()), self.books.leg_rows(t_ns)

    def finish(self, t_ns: int) -> None:
        """Close the books at the end of the run: rows of rebalances not yet written, the last attribution."""
        self.aftermath.finish(t_ns, self.books.holding().leverage)
        self._cut(t_ns)

    # -- when to look

    def _watch(self) -> Turning:
        """Wait for the next reset or crossing, again and again."""
        if self.warmup_ns > self.now_ns:
            yield self.env.timeout(self.warmup_ns - self.now_ns)
        while True:
            self._charge_due_fees()
            self._take_stock()
            if self.token.state is TokenState.WIPED:
                return
            decision = self._decide()
            if decision is None:
                yield from self._wait()
            else:
                yield from self._rebalance(decision)

    def _decide(self) -> Decision | None:
        now = self.now_ns
        if self.scheduled_ns is not None and now >= self.scheduled_ns:
            self.scheduled_ns = self._next_reset_ns(now + 1)
            decision = self.policy.decide_scheduled(self.books.situation(self.policy.source))
            if decision is not None:
                return decision
        poll_ns = self.policy.poll_ns
        if poll_ns is None or now == self.looked_ns or (poll_ns and now % poll_ns):
            return None
        self.looked_ns = now
        return self.policy.decide_watched(self.books.situation(self.policy.source))

    def _next_reset_ns(self, from_ns: int) -> int | None:
        """First scheduled reset at or after an instant; a reset's jitter may carry it into the next day."""
        day = max((from_ns + self.start_ns % NS_PER_DAY) // NS_PER_DAY - 1, 0)
        while (at_ns := self.policy.scheduled_ns(day)) is not None and at_ns < from_ns:
            day += 1
        return at_ns

    def _wait(self) -> Turning:
        """Sleep until the next reset, look or crossing, or until the venue touched the account."""
        armed, look_ns = self._arm()
        times = [t_ns for t_ns in (self.scheduled_ns, look_ns) if t_ns is not None]
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
        is_basket = self.policy.poll_ns is not None and len(self.token.legs) > 1
        if is_basket or any(trigger.is_reached(price) for trigger in triggers):
            return [], _next_multiple(self.now_ns, self.policy.poll_ns or LOOK_NS)
        armed = [self._crossing(market, self.policy.source, trigger) for trigger in triggers]
        wiped = self._wipe_out_trigger()
        return ([*armed, self._crossing(market, "mark", wiped)] if wiped else armed), None

    def _crossing(self, market: str, source: PriceSource, trigger: PriceTrigger) -> Crossing:
        if trigger.direction is Direction.ABOVE:
            return self.env.crossing(market, source=source, above=trigger.ticks)
        return self.env.crossing(market, source=source, below=trigger.ticks)

    def _policy_triggers(self) -> Sequence[PriceTrigger]:
        if not self.token.supply_lots or self.token.state is TokenState.WIPED:
            return ()
        return self.policy.triggers(self.books.situation(self.policy.source))

    def _wipe_out_trigger(self) -> PriceTrigger | None:
        if len(self.token.legs) > 1:
            return None
        held = self.books.holding()
        (leg,) = held.legs
        return wipe_out_trigger(held.cash_atoms, leg.position_lots, leg.atoms_per_tick_lot)

    def _wake(self) -> None:
        """Let a waiting watch look again: what it waits for has moved with the account."""
        if self._change is not None and not self._change.triggered:
            self._change.succeed()

    def _alarm_at(self, t_ns: int) -> Any:
        """An event at an instant; the same one while the instant stays, so that waiting leaves no litter."""
        if self._alarm[0] != t_ns or t_ns <= self.now_ns:
            self._alarm = (t_ns, self.env.timeout(max(t_ns - self.now_ns, 0)))
        return self._alarm[1]

    # -- what to keep

    def _take_stock(self) -> None:
        """Enter what the venue did to the account, and end the token when nothing is left."""
        if self.in_flight:
            return
        seen_atoms = self.books.funding_seen_atoms
        was_seized = bool(self.books.take_stock(self.now_ns))
        self.seizures += was_seized
        if was_seized or self.books.funding_seen_atoms != seen_atoms:
            self._wake()
        equity = self.books.equity_atoms()
        if equity <= 0 and self.token.supply_lots and self.token.state is not TokenState.WIPED:
            detail = dumps({"equity_atoms": equity, "from": str(self.token.state)})
            self.token.state = TokenState.WIPED
            self._wake()
            self.add_row("events", t_ns=self.now_ns, event="wiped", subject=self.token.id, detail=detail)

    def _charge(self) -> Turning:
        while self.fee_due_ns is not None and self.token.state is not TokenState.WIPED:
            yield self.env.timeout(self.fee_due_ns - self.now_ns)
            self._charge_due_fees()

    def _charge_due_fees(self) -> None:
        """Charge what is due by now; a reset at the same instant calls this first, whichever process comes first."""
        while self.fee is not None and self.fee_due_ns is not None and self.fee_due_ns <= self.now_ns:
            self.fee_due_ns = next_charge_ns(self.fee_due_ns, self.start_ns, self.fee)
            if self.token.state is TokenState.WIPED:
                return
            atoms = management_fee_atoms(self.books.equity_atoms(), self.fee.rate)
            if atoms:
                self.gateway.pay(self.token.account, f"issuer:{self.token.issuer}", atoms, "management_fee")
                self.books.ledger.management_fee(atoms)
                self._wake()

    def _cut(self, t_ns: int) -> None:
        interval = self.books.cut(t_ns)
        if interval is not None:
            self.add_row("attribution", **asdict(interval))

    def _announce(self, state: TokenState) -> None:
        """Write a change of state down; one that lasts no time is none, and an instant has one row at most."""
        if state is not self.announced and self.now_ns != self.announced_ns:
            detail = dumps({"from": str(self.announced), "to": str(state)})
            self.add_row("events", t_ns=self.now_ns, event="state", subject=self.token.id, detail=detail)
            self.announced, self.announced_ns = state, self.now_ns

    # -- how to trade

    def _rebalance(self, decision: Decision) -> Turning:
        """Work every leg's order at once, then remember the reset."""
        self.token.state = TokenState.REBALANCING
        parents = [self._open_parent(decision, leg) for leg in self.token.legs if leg.market in decision.lots]
        if parents:
            yield self.env.all_of([self.env.process(self._work(parent)) for parent in parents])
        self._take_stock()
        if self.token.state is TokenState.WIPED:
            return
        self.token.state = TokenState.TRADING
        self._announce(TokenState.TRADING)
        self.books.mark_reset(self.policy.source)
        self._cut(self.now_ns)

    def _open_parent(self, decision: Decision, leg: LegTerms) -> ParentOrder:
        held = self.books.holding()
        timed = decision.occasion is Occasion.SCHEDULED
        parent = ParentOrder(
            id=self.register.next_id(),
            token=self.token.id,
            market=leg.market,
            tick=float(leg.tick),
            plan=self.plan,
            occasion=decision.occasion,
            price_source=self.policy.source,
            trigger_ticks=None if timed else Fraction(self.books.price(leg.market, self.policy.source)),
            decided_ns=self.now_ns,
            leverage_before=held.leverage,
            equity_before_atoms=int(held.equity_atoms),
            target_lots=decision.lots[leg.market],
            arrival_mid=self.view.mid(leg.market),
            volume_before_lots=self.view.volume_before_lots(leg.market),
        )
        self.aftermath.begin(parent)
        return parent

    def _work(self, parent: ParentOrder) -> Turning:
        """Send children as they fall due, until all is done, nothing more is to be had, or the venue stepped in."""
        leg = next(leg for leg in self.token.legs if leg.market == parent.market)
        seizures = self.seizures
        while (due_ns := parent.next_due_ns()) is not None:
            if due_ns > self.now_ns:
                self._announce(TokenState.REBALANCING)
                yield self.env.timeout(due_ns - self.now_ns)
                self._take_stock()
            if self.seizures != seizures or self.token.state is TokenState.WIPED:
                break
            price = Fraction(self.books.price(parent.market, "mid"))
            child = parent.plan.child(parent.number, parent.remaining_lots, price, leg.atoms_per_tick_lot)
            parent.number += 1
            if child.lots:
                yield from self._send(parent, child)
        self.aftermath.ended(parent, self.books.holding().leverage)

    def _send(self, parent: ParentOrder, child: Child) -> Turning:
        fills: list[Fill]
        if child.kind is ChildKind.OFF_BOOK:
            fills = [self._trade_off_book(parent, child.lots)]
        else:
            order = self.gateway.send(
                self.token.account,
                parent.market,
                child.lots,
                order_type="market" if child.kind is ChildKind.MARKET else "limit",
                price_ticks=child.limit_ticks,
                tif="ioc",
                purpose=parent.purpose,
                parent=parent.id,
            )
            self.in_flight += 1
            yield order.done
            self.in_flight -= 1
            fills = list(order.fills)
        self.books.book_fills(parent.market, fills)
        parent.book(fills, in_book=child.kind is not ChildKind.OFF_BOOK, mid=self.view.mid(parent.market))
        self._take_stock()
        if fills:
            self.aftermath.filled(parent)

    def _trade_off_book(self, parent: ParentOrder, lots: int) -> Fill:
        return self.gateway.off_book(
            self.token.account,
            parent.market,
            lots,
            price_ticks=self.view.mark_ticks(parent.market),
            charge_fee=self.off_book_fees,
            purpose=parent.purpose,
            parent=parent.id,
        )


def _next_multiple(after_ns: int, every_ns: int) -> int:
    return (after_ns // every_ns + 1) * every_ns


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
    start_ns: int,
    warmup_ns: int,
) -> TokenDesk:
    """The desk of a declared token whose account stands open at the venue.

    add_row: `journal.add`. register: the one all tokens share. stream: the token's own luck, of which entity 0 draws
    the jitter of the reset of each UTC day of the run. start_ns: the run's start [ns since 1970].
    """
    jitter_ns = spec.rebalance.jitter if isinstance(spec.rebalance, DailySpec) else 0
    policy = policy_of(
        spec.rebalance,
        target=sum((abs(leg.target) for leg in token.legs), Fraction(0)),
        start_ns=start_ns,
        jitter_ns=lambda day: int(stream.bits(0, day)) * jitter_ns >> 64,
    )
    return TokenDesk(
        token,
        env,
        view,
        gateway,
        add_row,
        register,
        policy,
        plan_of(spec.execution),
        spec.management_fee,
        start_ns,
        warmup_ns,
        spec.execution.off_book_fees if isinstance(spec.execution, OffBookSpec) else True,
    )
