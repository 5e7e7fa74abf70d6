"""A zero-intelligence book with one fund of constant leverage, in plain Python: it shares no code with the simulator.

Smith, Farmer, Gillemot and Krishnamurthy 2003 (Quant. Fin. 3:481): limit orders of one lot arrive at rate alpha per
tick at every price short of the opposite best, here within a window; market orders at rate mu / 2 a side; each resting
order is cancelled at rate delta. Scales: p_c = mu / 2 alpha, N_c = mu / 2 delta, epsilon = 2 delta / mu. The fund wants
h = kappa mid lots and trades the difference at market every so often (docs/literature.md#zero-intelligence-benchmark);
its crowding is Lambda0 = kappa delta / alpha, what it trades for a move over what the far book holds within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from random import Random

EPSILON = 0.1
DELTA = 1.0  # times are in lives of an order, 1 / delta
MU = 2 * DELTA / EPSILON
P_C = 5  # ticks
ALPHA = MU / (2 * P_C)
WINDOW = 20 * P_C  # half of it lets a crowded fund eat through the end of the book; twice it moves 1.1 alone
OPENING = 300 * P_C  # so far from a third of it that diffusion alone hardly gets there
RUNAWAY = 3


@dataclass
class ZeroIntelligenceBook:
    """Prices of the resting orders of one lot on both sides [ticks], and the events that befall them."""

    luck: Random
    bids: list[int] = field(init=False)
    asks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """The far density alpha / delta everywhere within the window."""
        density = round(ALPHA / DELTA)
        self.bids = [OPENING - 1 - i for i in range(WINDOW) for _ in range(density)]
        self.asks = [OPENING + 1 + i for i in range(WINDOW) for _ in range(density)]
        self.bid, self.ask = OPENING - 1, OPENING + 1

    @property
    def mid(self) -> float:
        """Mean of both bests; a side that is empty keeps the best it had."""
        return (self.bid + self.ask) / 2

    def run(self, over: float) -> None:
        """Let events happen for a time [1 / delta]."""
        luck = self.luck.random
        arrivals = 2 * ALPHA * WINDOW
        while True:
            resting = len(self.bids) + len(self.asks)
            total = arrivals + MU + DELTA * resting
            over += log(1 - luck()) / total
            if over < 0:  # the next event is later; waiting times have no memory
                return
            event = luck() * total
            if event < arrivals:
                self._place(int(event / ALPHA))
            elif event < arrivals + MU:
                self.take(1 if event < arrivals + MU / 2 else -1)
            else:
                self._cancel(min(int((event - arrivals - MU) / DELTA), resting - 1))

    def take(self, lots: int) -> int:
        """Trade at market, + buys; what was filled [signed lots], less where the book ends."""
        side = self.asks if lots > 0 else self.bids
        filled = min(abs(lots), len(side))
        for _ in range(filled):
            side.remove(self.ask if lots > 0 else self.bid)
            self._find_best(side)
        return filled if lots > 0 else -filled

    def _place(self, slot: int) -> None:
        if slot < WINDOW:
            price = self.ask - 1 - slot
            self.bids.append(price)
            self.bid = max(self.bid, price) if len(self.bids) > 1 else price
        else:
            price = self.bid + 1 + min(slot, 2 * WINDOW - 1) - WINDOW
            self.asks.append(price)
            self.ask = min(self.ask, price) if len(self.asks) > 1 else price

    def _cancel(self, place: int) -> None:
        side, place = (self.bids, place) if place < len(self.bids) else (self.asks, place - len(self.bids))
        side[place], side[-1] = side[-1], side[place]
        if side.pop() in (self.bid, self.ask):
            self._find_best(side)

    def _find_best(self, side: list[int]) -> None:
        if side is self.bids:
            self.bid = max(side, default=self.bid)
        else:
            self.ask = min(side, default=self.ask)


def path(crowding: float, interval: float, seed: int, over: float, every: float) -> tuple[list[float], bool]:
    """Mids every `every` until they leave a factor `RUNAWAY` around the first, and whether they did.

    The mid that left is the last, sooner after the one before it than the others.

    crowding: Lambda0. interval: between rebalances. All times in 1 / delta; the book settles for 10 of them first.
    """
    book = ZeroIntelligenceBook(Random(seed))
    book.run(10)
    first = book.mid
    kappa = crowding * ALPHA / DELTA
    held = round(kappa * first)
    mids = [first]
    steps_a_look = round(every / interval)
    for step in range(1, round(over / interval) + 1):
        book.run(interval)
        held += book.take(round(kappa * book.mid) - held)
        if not first / RUNAWAY < book.mid < first * RUNAWAY:
            return [*mids, book.mid], True
        if step % steps_a_look == 0:
            mids.append(book.mid)
    return mids, False
