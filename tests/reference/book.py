"""A price-time book as one would draw it: a queue of orders at every price, the prices of each side in order."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

BUY, SELL = 1, -1


@dataclass(eq=False)
class Order:
    """An order on its way through a venue; `price` None takes any price, `side` +1 buys."""

    number: int
    account: int
    market: int
    side: int
    price: int | None
    size: int
    remaining: int = 0
    ioc: bool = False
    post_only: bool = False
    slide: bool = False
    reduce_only: bool = False
    of_venue: bool = False
    notify: bool = False


@dataclass
class Book:
    """Orders at rest: price -> queue, first come first."""

    queues: dict[int, dict[int, deque[Order]]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    prices: dict[int, list[int]] = field(default_factory=lambda: {BUY: [], SELL: []})

    def best(self, side: int) -> int | None:
        prices = self.prices[side]
        return (prices[-1] if side == BUY else prices[0]) if prices else None

    def front(self, side: int) -> Order:
        best = self.best(side)
        assert best is not None
        return self.queues[side][best][0]

    def add(self, order: Order) -> None:
        assert order.price is not None
        if order.price not in self.queues[order.side]:
            self.queues[order.side][order.price] = deque()
            insort(self.prices[order.side], order.price)
        self.queues[order.side][order.price].append(order)

    def remove(self, order: Order) -> None:
        assert order.price is not None
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]
            prices = self.prices[order.side]
            del prices[bisect_left(prices, order.price)]

    def orders(self, side: int) -> Iterator[Order]:
        """All orders of a side in the order in which they would trade."""
        prices = self.prices[side]
        for price in reversed(prices) if side == BUY else prices:
            yield from self.queues[side][price]

    def levels(self, side: int) -> Iterator[tuple[int, int]]:
        """(price, lots) from the best price outwards."""
        prices = self.prices[side]
        for price in reversed(prices) if side == BUY else prices:
            yield price, sum(order.remaining for order in self.queues[side][price])
