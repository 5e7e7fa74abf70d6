"""A zero-intelligence book (Smith, Farmer, Gillemot & Krishnamurthy 2003) with one fund of constant leverage in it.

Units of one share arrive as limit orders at rate alpha per tick within a window of the opposite best, are cancelled at
rate delta each, and are taken by market orders at rate mu a side: eps = 2 delta / mu = 0.1. The fund's target is
kappa x (mid - opening mid), taken at market every `every` units of time. Far from the best the book has alpha / delta
shares a tick, so the fund's crowding number is Lambda0 = kappa delta / alpha (VALIDATION section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

ALPHA, MU, DELTA = 0.05, 1.0, 0.05
WINDOW = 120
START = 450
"""Opening mid [ticks]: a third and three times of it are the bounds of a runaway."""


@dataclass
class Book:
    """Shares by tick and side; `orders` lists their prices, executed ones as dead entries until they are met."""

    luck: Random
    bid: int = START - 1
    ask: int = START + 1
    depth: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))
    orders: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    dead: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))
    living: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        for distance in range(1, WINDOW):
            self.add(0, START - distance)
            self.add(1, START + distance)

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2

    def add(self, side: int, price: int) -> None:
        self.depth[side][price] = self.depth[side].get(price, 0) + 1
        self.orders[side].append(price)
        self.living[side] += 1
        if side == 0 and price > self.bid:
            self.bid = price
        elif side == 1 and price < self.ask:
            self.ask = price

    def _remove(self, side: int, price: int) -> None:
        self.depth[side][price] -= 1
        self.living[side] -= 1
        if not self.depth[side][price]:
            del self.depth[side][price]
            if price == (self.bid, self.ask)[side] and self.living[side]:
                step = -1 if side == 0 else 1
                while price not in self.depth[side]:
                    price += step
                if side == 0:
                    self.bid = price
                else:
                    self.ask = price

    def cancel(self, side: int) -> None:
        """Take a living share at random out of the book."""
        orders = self.orders[side]
        while self.living[side] > 1:
            i = self.luck.randrange(len(orders))
            price, orders[i] = orders[i], orders[-1]
            orders.pop()
            if self.dead[side].get(price):
                self.dead[side][price] -= 1
                continue
            self._remove(side, price)
            return

    def take(self, side: int, shares: int) -> int:
        """Take shares from a side's best prices, the last one left standing; returns how many were got."""
        got = 0
        while got < shares and self.living[side] > 1:
            price = (self.bid, self.ask)[side]
            self.dead[side][price] = self.dead[side].get(price, 0) + 1
            self._remove(side, price)
            got += 1
        return got

    def turn(self, until: float, t: float) -> float:
        """Live to an instant."""
        luck = self.luck
        while True:
            rates = (ALPHA * WINDOW, ALPHA * WINDOW, MU, MU, DELTA * self.living[0], DELTA * self.living[1])
            total = sum(rates)
            t += luck.expovariate(total)
            if t > until:
                return until
            u = luck.random() * total
            kind = 0
            while u > rates[kind] and kind < 5:
                u -= rates[kind]
                kind += 1
            if kind == 0:
                self.add(0, self.ask - 1 - luck.randrange(WINDOW))
            elif kind == 1:
                self.add(1, self.bid + 1 + luck.randrange(WINDOW))
            elif kind < 4:
                self.take(kind - 2, 1)
            else:
                self.cancel(kind - 4)


def mids(crowding: float, every: float, duration: float, seed: int) -> tuple[list[float], bool]:
    """Mids just before each rebalance, and whether the market ran away: below a third or above thrice its start."""
    book, t, held = Book(Random(seed)), 0.0, 0
    kappa = crowding * ALPHA / DELTA
    found = [book.mid]
    while t < duration:
        t = book.turn(t + every, t)
        found.append(book.mid)
        if not START / 3 < book.mid < 3 * START:
            return found, True
        order = round(kappa * (book.mid - START)) - held
        held += book.take(1, order) if order > 0 else -book.take(0, -order)
    return found, False
