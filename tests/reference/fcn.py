"""FCN agents in plain Python, without a chart: what each sends when, and the book that it leaves.

Twin of `kernel/rules/fcn.py`; orders of one lot, logarithms and exponentials of the library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.draw import WORD, words
from tests.reference.order_flow import Row
from tests.reference.parents import wakeups


@dataclass
class Book:
    """Resting orders by side (0 bids), each (price, number, account), and the last price, 0 before the first trade."""

    sides: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = field(default_factory=lambda: ([], []))
    last: int = 0

    def best(self, side: int) -> tuple[int, int, int] | None:
        """The order that trades first."""
        return min(self.sides[side], key=lambda each: ((-each[0], each[0])[side], each[1]), default=None)

    def price(self, index: int) -> float:
        """What agents take for the price."""
        bid, ask = self.best(0), self.best(1)
        if self.last or bid is None or ask is None:
            return self.last or index
        return (bid[0] + ask[0]) / 2

    def place(self, side: int, price: int, number: int, account: int) -> list[tuple[int, int, int]]:
        """Trade or rest; the own orders that it met, which are cancelled."""
        own = []
        while (met := self.best(1 - side)) is not None and (met[0] <= price if side == 0 else met[0] >= price):
            self.sides[1 - side].remove(met)
            if met[2] != account:
                self.last = met[0]
                return own
            own.append(met)
        self.sides[side].append((price, number, account))
        return own


def rows(
    key: int,
    gap_ns: float,
    until: int,
    index: int,
    fundamental: Sequence[float],
    noise: Sequence[float],
    margin: Sequence[float],
    window_ns: Sequence[int],
    normal: Sequence[float],
) -> list[Row]:
    """Every order and every cancel up to `until`, in order; a number of each agent: share x window / reversion, .."""
    book = Book()
    found: list[Row] = []
    dying: list[tuple[int, int, int, int, int]] = []  # instant, number, side, price, account
    woken = [0] * len(margin)
    for number, (t, who) in enumerate([*wakeups(key, len(margin), gap_ns, until), (until + 1, -1)]):
        while dying and dying[0][0] <= min(t, until):
            dies, one, side, price, account = dying.pop(0)
            if (price, one, account) in book.sides[side]:
                book.sides[side].remove((price, one, account))
                found.append((dies, "cancel", side, price, account))
        if who < 0:
            break
        woken[who] += 1
        z = normal[words(key, woken[who], who + 1, 0)[0] * 4_096 // WORD]
        now = book.price(index)
        future = now * math.exp(fundamental[who] * math.log(index / now) + noise[who] * z)
        if future == now:
            continue
        side = 0 if future > now else 1
        price = math.floor(future * (1 - margin[who])) if side == 0 else math.ceil(future * (1 + margin[who]))
        for met in book.place(side, price, number, who):
            found.append((t, "cancel", 1 - side, met[0], who))
        if (price, number, who) in book.sides[side]:
            dying.append((t + window_ns[who], number, side, price, who))
            dying.sort()
        found.append((t, "limit", side, price, who))
    return found
