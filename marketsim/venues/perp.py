"""The perpetual's funding process: when it settles, what the rate is, and what the kernel then moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from fractions import Fraction

from marketsim.clock import MarketEnvironment, Phase, ProcessGenerator
from marketsim.journal import Journal
from marketsim.kernel import advance as doors
from marketsim.units import NS_PER_DAY
from marketsim.venues.contract import MarketSpec
from marketsim.venues.funding import atoms_per_lot, funding_rate, premium_of_sums
from marketsim.venues.funding_tape import FundingTape

PREMIUM_UNITS = 10**12  # the kernel counts premiums in 1e-12


def first_settlement_ns(start_ns: int, every_ns: int, offset_ns: int) -> int:
    """First settlement [ns from the start]: multiples of `every` from 00:00 UTC plus `offset`, none at 0."""
    since = (start_ns % NS_PER_DAY - offset_ns) % every_ns
    return every_ns - since


class FundingDesk:
    """Settles one perpetual's funding: longs pay a whole number of atoms a lot, shorts receive exactly that.

    tape: a record whose instants and rates hold in place of the rule's.
    """

    def __init__(
        self, spec: MarketSpec, env: MarketEnvironment, journal: Journal, start_ns: int, tape: FundingTape | None = None
    ) -> None:
        self.spec = spec
        self.env = env
        self.journal = journal
        self.number = env.markets[spec.id]
        self.due_ns = first_settlement_ns(start_ns, spec.funding.every, spec.funding.offset)
        self.taped = deque(tape.settlements) if tape is not None else None
        self.hooks: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to settle."""
        if self.taped is not None:
            self.due_ns = self._next_of_tape()
            self.env.world.set_market(self.number, funding_next_ns=self.due_ns, funding_every_ns=self.due_ns)
        self.env.process(self._settle_on_time())

    def _next_of_tape(self) -> int:
        """The next settlement of the record; long after the end where there is none."""
        return self.taped[0][0] if self.taped else self.env.end_ns + self.spec.funding.every

    def predicted_rate(self) -> Fraction:
        """Rate that a settlement now would charge; with a record, that of the next one."""
        if self.taped is not None:
            return self.taped[0][1] if self.taped else Fraction(0)
        return funding_rate(
            self.mean_premium(),
            Fraction(self.spec.funding.interest),
            Fraction(self.spec.funding.damper),
            Fraction(self.spec.funding.cap),
        )

    def mean_premium(self) -> Fraction:
        """Average premium of the interval so far."""
        world, number = self.env.world, self.number
        count = world.market_int(number, "premium_n")
        if count == 0:
            return Fraction(0)
        total = Fraction(world.market_int(number, "premium_sum"), PREMIUM_UNITS)
        weighted = Fraction(world.market_int(number, "premium_weighted"), PREMIUM_UNITS)
        return premium_of_sums(total, weighted, count, self.spec.funding.average)

    def _settle_on_time(self) -> ProcessGenerator:
        while True:
            yield self.env.at(self.due_ns, Phase.FUNDING)
            rate = self.predicted_rate()
            self._look_ahead()
            self._settle(rate)
            for hook in self.hooks:
                hook()

    def _look_ahead(self) -> None:
        """Find the settlement after the one that is due."""
        if self.taped is None:
            self.due_ns += self.spec.funding.every
            return
        self.taped.popleft()
        self.due_ns = self._next_of_tape()
        self.env.world.set_market(self.number, funding_every_ns=self.due_ns - self.env.now)

    def _settle(self, rate: Fraction) -> None:
        world, number = self.env.world, self.number
        mean = self.mean_premium()
        mark = world.market_int(number, "mark_ticks")
        atoms = atoms_per_lot(rate, mark, world.market_int(number, "atoms"))
        longs = int(doors.settle_funding(world.address, self.env.now, number, atoms))
        world.set_market(number, funding_rate=float(rate), funding_next_ns=self.due_ns)
        world.set_market(number, premium_n=0, premium_sum=0, premium_weighted=0)
        self.journal.add(
            "funding",
            t_ns=self.env.now,
            market=self.spec.id,
            rate=float(rate),
            mean_premium=float(mean),
            mark_price=float(mark * self.spec.tick.amount),
            atoms_per_lot=atoms,
            paid_by_longs_atoms=longs,
            received_by_shorts_atoms=longs,
        )
