"""The loop of one reset in concave, fading impact: what children that are each sized anew trade, and what that moves.

The recursion of docs/theory.md#concave-impact with the kernel of docs/theory.md#transient-impact. Sizes and moves are
dimensionless: sizes in units of K r, pushes in units of r. `impact(s)` is what a volume s pushes at once, before
anything of it has faded; child k adds impact(S_k) - impact(S_(k-1)), S_k what has been traded up to it, and of that a
share fades. Linear impact gives the triangular system of `loop_theory.sizes_of_children`. Checked in
tests/analysis/crowding/test_concave_loop.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log

import numpy as np

from marketsim.analysis.arrays import Floats

Impact = Callable[[float], float]
"""Push [r] of a volume [K r], 0 for none."""


def sizes_in_concave_impact(
    impact: Impact, seen: Sequence[float] | Floats, moves: Sequence[float] | Floats
) -> list[float]:
    """Sizes u_1 .. u_n [K r] of n children that are sized anew: u_k = (m_k + seen push - S_(k-1)) / (n - k + 1).

    seen: what the mark shows of a child's impact m children later, m = 0 .. n - 1 (m = 0 is not used). moves: m_k, the
    baseline's own return since the last reset at each child [r], 1 where nothing else moves it.
    """
    sizes: list[float] = []
    added: list[float] = []
    total, children = 0.0, len(moves)
    for k in range(children):
        push = sum(each * seen[k - j] for j, each in enumerate(added))
        size = (moves[k] + push - total) / (children - k)
        added.append(impact(total + size) - impact(total))
        sizes.append(size)
        total += size
    return sizes


def push_of_sizes(sizes: Sequence[float] | Floats, impact: Impact, alive: Sequence[float] | Floats) -> float:
    """The push [r] of children of these sizes [K r], of each child's impact the share `alive`."""
    totals = np.concatenate([[0.0], np.cumsum(sizes)])
    levels = [impact(total) for total in totals]
    return float(np.dot(np.diff(levels), np.asarray(alive, np.float64)))


def size_until_nothing_is_wanted(impact: Impact, seen: float = 1.0, move: float = 1.0) -> float | None:
    """The root S of S = move + seen I(S) from `move` on [K r]; None where there is none below 1,000 times that."""
    size = move
    while 0 < size < 1_000 * move:
        above = size * 1.01
        if move + seen * impact(above) - above <= 0:
            for _ in range(60):
                middle = (size + above) / 2
                size, above = (middle, above) if move + seen * impact(middle) - middle > 0 else (size, middle)
            return (size + above) / 2
        size = above
    return None


def power_impact(sizes: Floats, pushes: Floats) -> Impact | None:
    """Impact through measured pushes (s,) of sizes (s,), straight in logarithms, also beyond them.

    None where one did not push; of one size alone it is linear.
    """
    if not len(sizes) or not bool((sizes > 0).all() and (pushes > 0).all()):
        return None
    order = np.argsort(sizes)
    q, x = np.log(sizes[order]), np.log(pushes[order])

    def impact(size: float) -> float:
        if size <= 0:
            return -impact(-size) if size < 0 else 0.0
        if len(q) == 1:
            return exp(x[0] - q[0]) * size
        place = int(np.clip(np.searchsorted(q, log(size)) - 1, 0, len(q) - 2))
        slope = (x[place + 1] - x[place]) / (q[place + 1] - q[place])
        return float(exp(x[place] + slope * (log(size) - q[place])))

    return impact
