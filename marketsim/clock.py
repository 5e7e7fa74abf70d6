"""The one clock: SimPy's environment, in whole nanoseconds, that lets the kernel run up to each of its events.

Before SimPy handles its next event, the kernel runs everything ordered before that event's (time, phase). The kernel
stops early, at the exact instant, when a watched price is crossed, a watched account's order changes, or a buffer is
full; what that means to Python happens at that instant, in phase DELIVERY, and the clock goes on. Phases up to DELIVERY
have priorities below zero; a user's own events stay NORMAL, which is DECISION; RECORD comes last.

A message sent without latency at t reaches the book in a further round of t; `MAX_ROUNDS` bounds them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from operator import index as whole_number
from time import perf_counter
from typing import Any

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL
from simpy.events import Event as Event

from marketsim.errors import KernelError, UsageError
from marketsim.kernel import codes
from marketsim.kernel.world import World

MAX_ROUNDS = 100_000
"""Deliveries at one instant before the clock says that an agent answers itself without end."""


class Phase(IntEnum):
    """Order of what happens at one instant, as SimPy priorities."""

    END = -100
    INDEX = codes.PH_INDEX
    MARK = codes.PH_MARK
    FUNDING = codes.PH_FUNDING
    LIQUIDATION = codes.PH_LIQUIDATION
    ARRIVAL = codes.PH_ARRIVAL
    DELIVERY = codes.PH_DELIVERY
    DECISION = codes.PH_DECISION
    RECORD = codes.PH_RECORD


SOURCES = {"mark": codes.SRC_MARK, "index": codes.SRC_INDEX, "last": codes.SRC_LAST, "mid": codes.SRC_MID}


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

    markets: the kernel's number of each market id. end_ns: where a bare `run()` stops. The hooks `on_log`, `on_path`
    and `on_notice` are set by whoever records, moves the index, and owns orders.
    """

    def __init__(self, world: World, markets: dict[str, int], end_ns: int) -> None:
        super().__init__(0)
        self.world = world
        self.markets = markets
        self.end_ns = end_ns
        self.kernel_s = 0.0
        self.strategic_events = 0
        self.crossings: dict[int, Crossing] = {}
        self.on_log: Callable[[], None] = _nobody
        self.on_path: Callable[[int], None] = _nobody
        self.on_notice: Callable[[memoryview, int], None] = _nobody
        self._rounds = (-1, 0)

    # -- SimPy's face

    @property
    def now(self) -> int:
        """The present instant [ns from `clock.start`]."""
        return self._now  # type: ignore[return-value]  # whole_ns sees to it

    def schedule(self, event: Event, priority: Any = NORMAL, delay: Any = 0) -> None:
        """Put an event into the queue, `delay` whole nanoseconds from now."""
        super().schedule(event, priority, delay if type(delay) is int else whole_ns(delay, "a delay"))

    def at(self, t_ns: int, phase: Phase = Phase.DECISION) -> Event:
        """An event at an instant and phase."""
        event = Event(self)
        event._ok = True
        event._value = None
        self.schedule(event, phase, t_ns - self._now)
        return event

    def run(self, until: Any = None) -> Any:
        """Run to an instant [ns], to an event, or (bare) to the scenario's end; never beyond it."""
        if isinstance(until, Event):
            return super().run(until)
        at = self.end_ns if until is None else min(whole_ns(until, "until"), self.end_ns)
        if at < self._now:
            raise UsageError(f"until was {at} ns, which is before now, {self._now} ns")
        if at == self._now and at == self.end_ns:
            return None
        return super().run(self.at(at, Phase.END if at == self.end_ns else Phase.RECORD))

    def step(self) -> None:
        """Let the kernel run up to the next event, then handle it."""
        while True:
            queue = self._queue
            if not queue:
                raise EmptySchedule
            head = queue[0]
            if self._turn_kernel(int(head[0]), int(head[1])):
                break
        self.strategic_events += 1
        super().step()

    # -- the kernel

    def _turn_kernel(self, until_ns: int, phase: int) -> bool:
        """Run the kernel up to (until_ns, phase); False when something happened before that."""
        world = self.world
        started = perf_counter()
        code = world.advance(until_ns, phase)
        self.kernel_s += perf_counter() - started
        if code == codes.STOP_REACHED:
            return True
        if code == codes.STOP_NOTICE:
            self._hear()
        elif code == codes.STOP_SPACE:
            world.grow()
        elif code == codes.STOP_LOG:
            self.on_log()
        elif code == codes.STOP_PATH:
            self.on_path(world.get("stop_argument"))
        else:
            raise KernelError(f"the kernel stopped with the unknown code {code}")
        return False

    def _hear(self) -> None:
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
            if notices[row + 1] == codes.N_CROSSING:
                crossing = self.crossings.pop(notices[row + 4], None)
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
        self.schedule(event, Phase.DELIVERY, max(t_ns - self._now, 0))

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
        event = Crossing(self, self.markets[market], SOURCES[source], above is not None, level)
        self.crossings[event.number] = event
        return event


def _nobody(*_: Any) -> None:
    """What a hook does while nobody has taken it."""
