"""The one clock: SimPy's environment, in whole nanoseconds, that lets the kernel run up to each of its events.

Before SimPy handles its next event, the kernel runs everything ordered before that event's (time, phase). The kernel
stops early, at the exact instant, when a watched price is crossed, a watched account's order changes, or a buffer is
full; what that means to Python happens at that instant, in phase DELIVERY, and the clock goes on. Phases up to DELIVERY
have priorities below zero; a user's own events stay NORMAL, which is DECISION; RECORD comes last.

What is sent without latency at t waits until all have decided who decide at t (`hold`), and reaches the book in a
further round of t; `MAX_ROUNDS` bounds them, and
`MAX_EVENTS_AT_ONCE` bounds what processes may do while time stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import IntEnum
from operator import index as whole_number
from time import perf_counter
from typing import Any

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL
from simpy.events import Event as Event

from marketsim.errors import KernelError, ProcessFailedError, UsageError
from marketsim.kernel import advance as doors
from marketsim.kernel import codes
from marketsim.kernel.layout import NOTICE
from marketsim.kernel.world import World

MAX_ROUNDS = 100_000
MAX_EVENTS_AT_ONCE = 2_000_000  # some 5 s; a hundred thousand agents that all act at one instant have half a million
"""Deliveries at one instant before the clock says that an agent answers itself without end."""

ProcessGenerator = Generator[Any, Any, None]
"""What `env.process` turns into a process: a function that yields the events it waits for (SimPy's own word)."""


class Phase(IntEnum):
    """Order of what happens at one instant, as SimPy priorities; FADING and CLEARING are of markets without a book."""

    FADING = codes.PH_FADING
    INDEX = codes.PH_INDEX
    MARK = codes.PH_MARK
    FUNDING = codes.PH_FUNDING
    LIQUIDATION = codes.PH_LIQUIDATION
    ARRIVAL = codes.PH_ARRIVAL
    DELIVERY = codes.PH_DELIVERY
    DECISION = codes.PH_DECISION
    CLEARING = codes.PH_CLEARING
    RECORD = codes.PH_RECORD


END = -100
"""Before every phase: a run that ends at an instant leaves out all of it."""

AFTER_ALL = 100
"""After every phase: a run that stops at an instant includes all of it."""

_KIND, _CROSSING = ((NOTICE.names or ()).index(name) for name in ("kind", "order_id"))
"""Fields of a notice; of a crossing, the order's is its number."""

SOURCES = {"mark": codes.SRC_MARK, "index": codes.SRC_INDEX, "last": codes.SRC_LAST, "mid": codes.SRC_MID}


def _hidden_failure(event: Event) -> BaseException | None:
    """The exception that an event failed with, if SimPy could not make it again; the event gets one in its place.

    SimPy throws a copy, made of the exception's class and its `args`, which fails for a class that is called otherwise.
    """
    if event._ok is not False or not isinstance(event._value, Exception):
        return None
    failure = event._value
    try:
        type(failure)(*failure.args)
    except Exception:
        event._value = ProcessFailedError(f"{type(failure).__name__}: {failure}")
        event._value.__cause__ = failure
        return failure
    return None


def whole_ns(value: Any, what: str) -> int:
    """A time as a Python int: whole numbers are taken, NumPy's and floats like 1e9; fractions raise `UsageError`."""
    if isinstance(value, float):
        if value.is_integer():
            return int(value)
    else:
        try:
            return int(whole_number(value))
        except TypeError:
            pass
    raise UsageError(f"{what} was {value!r}; the clock counts whole nanoseconds")


class Crossing(Event):
    """Fires at the exact instant at which a market's price reaches a level; `cancel` stops watching."""

    def __init__(self, env: MarketEnvironment, market: int, source: int, above: bool, price_ticks: int) -> None:
        super().__init__(env)
        self._world = env.world
        self._env = env
        self.number = env.world.watch_crossing(market, source, above, price_ticks)

    def cancel(self) -> None:
        """Stop watching; nothing if it has happened."""
        if self.number >= 0 and not self.triggered:
            self._world.drop_crossing(self.number)
            self._env.crossings.pop(self.number, None)
            self.number = -1


class MarketEnvironment(simpy.Environment):
    """SimPy's environment over one world of the kernel.

    markets: the kernel's number of each market id. end_ns: where a bare `run()` stops. The hooks `on_log`, `on_path`,
    `on_notice` and `on_release` are set by whoever records, moves the index, and owns orders; `on_end` are told,
    perhaps several times, when time stands at the end.
    """

    def __init__(self, world: World, markets: dict[str, int], end_ns: int) -> None:
        super().__init__(0)
        self.world = world
        self._address = world.address
        self.markets = markets
        self.end_ns = end_ns
        self.kernel_s = 0.0
        self.strategic_events = 0
        self.crossings: dict[int, Crossing] = {}
        self.on_log: Callable[[], None] = _nobody
        self.on_path: Callable[[int], None] = _nobody
        self.on_notice: Callable[[memoryview, int], None] = _nobody
        self.on_release: Callable[[], None] = _nobody
        self.on_end: list[Callable[[int], None]] = []
        self.is_closed = False
        self._rounds = (-1, 0)
        self._standing = (-1, 0)
        self._held_before: int | None = None

    # -- SimPy's face

    @property
    def now(self) -> int:
        """The present instant [ns from `clock.start`]."""
        return self._now  # type: ignore[return-value]  # whole_ns sees to it

    def schedule(self, event: Event, priority: Any = NORMAL, delay: Any = 0) -> None:
        """Put an event into the queue, `delay` whole nanoseconds from now."""
        super().schedule(event, priority, delay if type(delay) is int else whole_ns(delay, "a delay"))

    def at(self, t_ns: int, phase: int = Phase.DECISION) -> Event:
        """An event at an instant and phase, a `Phase` or its number in `kernel.codes`."""
        if t_ns < self._now:
            raise UsageError(f"an event was asked for at {t_ns} ns, which is before now, {self._now} ns")
        event = Event(self)
        event._ok = True
        event._value = None
        self.schedule(event, int(phase), t_ns - self.now)
        return event

    def run(self, until: Any = None) -> Any:
        """Run to an instant [ns], to an event, or (bare) to the scenario's end; never beyond it."""
        if self.is_closed:
            raise UsageError("the world of this clock is closed")
        if isinstance(until, Event):
            return self._run_to(until)
        at = self.end_ns if until is None else min(whole_ns(until, "until"), self.end_ns)
        if at < self._now:
            raise UsageError(f"until was {at} ns, which is before now, {self._now} ns")
        phase = END if at == self.end_ns else AFTER_ALL
        while self._handle_one(at, phase):
            pass
        self._now = at
        for tell in self.on_end if at == self.end_ns else ():
            tell(at)
        return None

    def run_before(self, t_ns: int) -> None:
        """Run everything before an instant and nothing of it: a quiet instant, at which a world can be forked."""
        if not self._now <= t_ns <= self.end_ns:
            raise UsageError(f"a quiet instant was asked for at {t_ns} ns; allowed: {self._now} to {self.end_ns} ns")
        while self._handle_one(t_ns, END):
            pass
        self._now = t_ns

    def _run_to(self, event: Event) -> Any:
        """Run until an event has been handled, and return its value; it must come before the scenario's end."""
        while event.callbacks is not None:
            if not self._handle_one(self.end_ns, END):
                self._now = self.end_ns
                raise UsageError(
                    f"until was an event that did not happen before the scenario's end, at {self.end_ns} ns"
                )
        return event.value

    def _handle_one(self, t_ns: int, phase: int) -> bool:
        """Handle the next event before (t_ns, phase); False when there is none, and the kernel stands there too.

        A stop leaves no event behind, as SimPy's own would: a run that is cut counts no more events than a whole one.
        """
        queue = self._queue
        while not (queue and queue[0] < (t_ns, phase)):  # the shorter tuple is the smaller
            code = self._advance(t_ns, phase)
            if code == codes.STOP_REACHED:
                return False
            self._serve(code)
        self.step()
        return True

    def step(self) -> None:
        """Let the kernel run up to the next event, then handle it."""
        queue = self._queue
        while True:
            if not queue:
                raise EmptySchedule
            head = queue[0]
            code = self._advance(head[0], head[1])
            if code == codes.STOP_REACHED:
                break
            self._serve(code)
        self._count(int(head[0]))
        failure = _hidden_failure(queue[0][-1])
        try:
            super().step()
        except ProcessFailedError as error:
            raise failure or error from None

    def _count(self, at_ns: int) -> None:
        """Count an event; raises `UsageError` where they go on and on at one instant."""
        self.strategic_events += 1
        since, before = self._standing
        if at_ns != since:
            self._standing = (at_ns, self.strategic_events)
        elif self.strategic_events - before > MAX_EVENTS_AT_ONCE:
            raise UsageError(
                f"more than {MAX_EVENTS_AT_ONCE:,} events at {at_ns} ns, and time stands still: a process waits for "
                "nothing again and again (`timeout(0)`); let it wait for longer, or for an order's `done`"
            )

    def close(self) -> None:
        """Stop for good: nothing that waits will happen."""
        self.is_closed = True
        self._queue.clear()
        self.crossings.clear()

    # -- the kernel

    def hold(self) -> None:
        """Call `on_release` once everybody has decided who decides at this instant, before the kernel goes on."""
        if self._held_before is None:
            self._held_before = next(self._eid)

    def _release(self) -> None:
        """Let go what is held, unless somebody has yet to decide whose event was there when the first was held."""
        if self._queue:
            at, priority, number, _ = self._queue[0]
            place = (priority, number)
            if at == self._now and place < (codes.PH_DECISION, self._held_before):
                return
        self._held_before = None
        self.on_release()

    def _advance(self, t_ns: Any, phase: int) -> int:
        """Run the kernel up to (t_ns, phase); return why it stopped."""
        if self._held_before is not None:
            self._release()
        began = perf_counter()
        code: int = doors.advance(self._address, t_ns, phase)
        self.kernel_s += perf_counter() - began
        return code

    def _serve(self, code: int) -> None:
        """Do what the kernel stopped for."""
        if code == codes.STOP_NOTICE:
            self.deliver_notices()
        elif code == codes.STOP_SPACE:
            self.world.grow()
        elif code == codes.STOP_LOG:
            self.on_log()
        elif code == codes.STOP_PATH:
            self.on_path(self.world.get("stop_argument"))
        elif code in (codes.STOP_NO_RULE, codes.STOP_RULE_FAILED, codes.STOP_NO_MARKET_RULE):
            raise KernelError(self.world.rule_fault(code))
        else:
            raise KernelError(f"the kernel stopped with the unknown code {code}")

    def deliver_notices(self) -> None:
        """Take the kernel's notices: crossings fire here, the rest goes to the owners of orders and accounts."""
        notices, n = self.world.take_notices()
        width = self.world.notice_width
        now = self.world.get("now_ns")
        last, rounds = self._rounds
        self._rounds = (now, rounds + 1 if now == last else 1)
        if self._rounds[1] > MAX_ROUNDS:
            raise UsageError(
                f"more than {MAX_ROUNDS} deliveries at {now} ns: an agent answers itself; give it a latency"
            )
        for row in range(0, n * width, width):
            if notices[row + _KIND] == codes.N_CROSSING:
                crossing = self.crossings.pop(notices[row + _CROSSING], None)
                if crossing is not None:
                    self.fire(crossing, now)
            else:
                self.on_notice(notices, row)

    def fire(self, event: Event, t_ns: int, value: Any = None) -> None:
        """Let an event happen at an instant of the kernel, in phase DELIVERY."""
        if event.triggered:
            return
        event._ok = True
        event._value = value
        self.schedule(event, codes.PH_DELIVERY, max(t_ns - self.now, 0))

    def crossing(
        self, market: str, *, source: str = "mark", above: int | None = None, below: int | None = None
    ) -> Crossing:
        """The first instant at which a price [ticks] is >= `above`, or <= `below`; an event to wait for.

        Mark and index are looked at when they are published, last and mid after every message. A level already reached
        fires at the next look.
        """
        level = above if above is not None else below
        if level is None or (above is not None and below is not None):
            raise UsageError("a crossing needs exactly one of `above` and `below`")
        if source not in SOURCES:
            raise UsageError(f"source was {source!r}; allowed: {', '.join(SOURCES)}")
        event = Crossing(self, self.markets[market], SOURCES[source], above is not None, level)
        self.crossings[event.number] = event
        return event


def _nobody(*_: Any) -> None:
    """What a hook does while nobody has taken it."""
