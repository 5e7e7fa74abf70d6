"""An index that is the weighted mid of markets of the same world; the formula is `venues/index/book.py`'s."""

import numpy as np

from marketsim.kernel.book import twice_mid
from marketsim.kernel.codes import NO_ASK, NO_BID
from marketsim.kernel.layout import market_at
from marketsim.kernel.records import compiled, load_f8


@compiled
def source_price(w, u, i):
    """Mid of source `i` in quote units; 0.0 while a side of its book is empty."""
    m = market_at(w.markets, np.int64(load_f8(u.sources, 2 * i)))
    if m.best_bid == NO_BID or m.best_ask == NO_ASK:
        return 0.0
    return np.float64(twice_mid(m)) * 0.5 / m.inverse_tick


@compiled
def sources_median(w, u):
    """Median of the sources' prices, the mean of the middle two where their number is even; 0.0 without a price."""
    n = np.int64(u.n_sources)
    priced = np.int64(0)
    for i in range(n):
        if source_price(w, u, i) > 0.0:
            priced += 1
    total = 0.0
    for i in range(n):
        price = source_price(w, u, i)
        below = np.int64(0)
        for j in range(n):
            other = source_price(w, u, j)
            if other > 0.0 and (other < price or other == price and j < i):
                below += 1
        if price > 0.0:
            if below == (priced - 1) // 2:
                total += price
            if below == priced // 2:
                total += price
    return 0.5 * total


@compiled
def books_level(w, u):
    """Weighted mean of the sources' prices, outliers from their median drawn in or left out; as before without a price."""
    median = sources_median(w, u)
    if median <= 0.0:
        return u.level
    low = median * (1.0 - u.outlier)
    high = median * (1.0 + u.outlier)
    total = 0.0
    weights = 0.0
    for i in range(np.int64(u.n_sources)):
        price = source_price(w, u, i)
        weight = load_f8(u.sources, 2 * i + 1)
        if price <= 0.0:
            continue
        if u.outlier > 0.0 and (price < low or price > high):
            if u.clamps == 0:
                continue
            price = low if price < low else high
        total += weight * price
        weights += weight
    if weights <= 0.0:
        return median
    return total / weights
