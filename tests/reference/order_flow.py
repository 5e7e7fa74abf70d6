"""Order flow without intelligence in plain Python: what is sent when, and the book that it leaves.

Twin of `kernel/rules/order_flow.py`; orders of one lot.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.draw import exponential, words
from tests.reference.parents import wakeups

Row = tuple[int, str, int, int, int]
"""Instant [ns], what (limit, market, cancel), side (0 buys), price [ticks] (0 of a market order), account."""


@dataclass
class Side:
    """Resting orders, each (price, number), and on which side of the market."""

    is_bids: bool
    orders: list[tuple[int, int]] = field(default_factory=list)

    def best(self) -> int | None:
        """Highest bid or lowest ask, None where there is none."""
        prices = [price for price, _ in self.orders]
        return (max(prices) if self.is_bids else min(prices)) if prices else None

    def take(self) -> None:
        """The oldest order at the best price goes."""
        best = self.best()
        if best is not None:
            self.orders.remove(min((each for each in self.orders if each[0] == best), key=lambda each: each[1]))


def rows(
    key: int,
    count: int,
    gap_ns: float,
    until: int,
    limit_threshold: int,
    rising: Sequence[int],
    life_ns: float,
    index: int,
) -> list[Row]:
    """Every order and every cancel up to `until`, in order.

    limit_threshold: of 2^31, draws below it are limit orders; rising: of 2^32, draws below entry k are at most k + 1
    ticks away; index: where prices are counted from in an empty book [ticks].
    """
    bids, asks = Side(True), Side(False)
    found: list[Row] = []
    dying: list[tuple[int, int, int, int, int]] = []  # instant, number, side, price, account
    woken = [0] * count
    for number, (t, who) in enumerate([*wakeups(key, count, gap_ns, until), (until + 1, -1)]):
        while dying and dying[0][0] <= min(t, until):
            dies, one, side, price, account = dying.pop(0)
            orders = (bids if side == 0 else asks).orders
            if (price, one) in orders:
                orders.remove((price, one))
                found.append((dies, "cancel", side, price, account))
        if who < 0:
            break
        woken[who] += 1
        r = words(key, woken[who], who + 1, 0)
        side, account = r[0] % 2, who % (count // 2)
        own, other = (bids, asks) if side == 0 else (asks, bids)
        if r[0] // 2 >= limit_threshold:
            other.take()
            found.append((t, "market", side, 0, account + count // 2))
            continue
        step = -1 if side == 0 else 1
        opposite, same = other.best(), own.best()
        start = opposite if opposite is not None else index if same is None else same - step
        price = start + step * (1 + bisect_right(rising, r[2]))
        own.orders.append((price, number))
        dying.append((t + int(exponential(r[1], r[3]) * life_ns) + 1, number, side, price, account))
        dying.sort()
        found.append((t, "limit", side, price, account))
    return found
