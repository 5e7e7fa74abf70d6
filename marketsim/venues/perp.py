"""The perpetual's funding process: when it settles, what the rate is, and what the kernel then moves."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from marketsim.clock import MarketEnvironment, Phase, ProcessGenerator
from marketsim.journal import Journal
from marketsim.kernel import advance as doors
from marketsim.units import NS_PER_DAY
from marketsim.venues.contract import MarketSpec
from marketsim.venues.funding import atoms_per_lot, funding_rate, premium_of_sums

PREMIUM_UNITS = 10**12  # the kernel counts premiums in 1e-12


def first_settlement_ns(start_ns: int, every_ns: int, offset_ns: int) -> int:
    """First settlement [ns from the start]: multiples of `every` from 00:00 UTC plus `offset`, none at 0."""
    since = (start_ns % NS_PER_DAY - offset_ns) % every_ns
    return every_ns - since


class FundingDesk:
    """Settles one perpetual's funding: longs pay a whole number of atoms a lot, shorts receive exactly that."""

    def __init__(self, spec: MarketSpec, env: MarketEnvironment, journal: Journal, start_ns: int) -> None:
        self.spec = spec
        self.env = env
        self.journal = journal
        self.number = env.markets[spec.id]
        self.due_ns = first_settlement_ns(start_ns, spec.funding.every, spec.funding.offset)
        self.hooks: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to settle."""
        self.env.process(self._settle_on_time())

    def predicted_rate(self) -> Fraction:
        """Rate that a settlement now would charge."""
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
            self.due_ns += self.spec.funding.every
            self._settle()
            for hook in self.hooks:
                hook()

    def _settle(self) -> None:
        world, number = self.env.world, self.number
        mean, rate = self.mean_premium(), self.predicted_rate()
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
