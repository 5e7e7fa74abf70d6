"""A crowd of parent orders in plain Python: when each begins, and what every child of it sends when.

Twin of `kernel/rules/metaorder.py` where nobody is informed.
"""

from collections.abc import Sequence
from fractions import Fraction

from tests.reference.draw import WORD, below, exponential, words

Child = tuple[int, int, int, int]
"""Arrival [ns], side (0 buys), size [tick-lots], parent."""


def tail_place(word: int) -> int:
    """Place in a table of 32 halvings of what is left above, each cut into 128: the probability of more lies in it."""
    above = Fraction(max(word, 1), WORD)
    halvings = 0
    while above < Fraction(1, 2):
        above *= 2
        halvings += 1
    return 128 * halvings + int((2 * above - 1) * 128)


def wakeups(key: int, count: int, gap_ns: float, until: int) -> list[tuple[int, int]]:
    """(instant, trader) of every wake-up of a Poisson group before `until`."""
    found: list[tuple[int, int]] = []
    t = 0
    while True:
        r = words(key, len(found) + 1, 0, 0)
        t += int(exponential(r[0], r[1]) * gap_ns)
        if t > until:
            return found
        found.append((t, below(r[2], r[3], count)))


def children(
    key: int,
    count: int,
    gap_ns: float,
    until: int,
    buy_share: Fraction,
    numbers: Sequence[int],
    gaps: Sequence[float],
    slowing: Sequence[float],
    shortest: int,
    sizes: Sequence[float],
    latencies: Sequence[int],
) -> list[Child]:
    """Everything that reaches the book up to `until`, in the order of arrival."""
    sent: list[Child] = []
    woken = [0] * count
    for begun, who in wakeups(key, count, gap_ns, until):
        woken[who] += 1
        number = woken[who]
        r = words(key, number, who + 1, 0)
        place = tail_place(r[0])
        side = 0 if Fraction(r[2] % 65_536, 65_536) < buy_share else 1
        mean = max(shortest, int(gaps[r[1] * 4_096 // WORD] * slowing[place]))
        t = begun
        for child in range(numbers[place]):
            if t > until:
                break
            late = words(key, number, who + 1, 3 + 2 * child) if child else words(key, number, who + 1, 1)
            own = words(key, number, who + 1, 2 + 2 * child)
            arrival = t + latencies[below(late[0], late[1], 4_096)]
            if arrival <= until:
                sent.append((arrival, side, int(sizes[own[0] * 4_096 // WORD]), (number - 1) * count + who))
            t += int(exponential(own[1], own[2]) * mean) + 1
    return sorted(sent)
