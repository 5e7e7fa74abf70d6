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


def sizes_in_concave_impact(children: int, impact: Impact, seen: Sequence[float] | Floats) -> list[float]:
    """Sizes u_1 .. u_n [K r] of children that are sized anew: u_k = (1 + seen push - S_(k-1)) / (n - k + 1).

    seen: what the mark shows of a child's impact m children later, m = 0 .. n - 1 (m = 0 is not used).
    """
    sizes: list[float] = []
    added: list[float] = []
    total = 0.0
    for k in range(children):
        push = sum(each * seen[k - j] for j, each in enumerate(added))
        size = (1 + push - total) / (children - k)
        added.append(impact(total + size) - impact(total))
        sizes.append(size)
        total += size
    return sizes


def push_of_sizes(sizes: Sequence[float] | Floats, impact: Impact, alive: Sequence[float] | Floats) -> float:
    """The push [r] of children of these sizes [K r], of each child's impact the share `alive`."""
    totals = np.concatenate([[0.0], np.cumsum(sizes)])
    levels = [impact(total) for total in totals]
    return float(np.dot(np.diff(levels), np.asarray(alive, np.float64)))


def multiplier_until_nothing_is_wanted(impact: Impact, seen: float = 1.0) -> float | None:
    """R / r, the root of R = r + seen I(K R) from r on; None where there is none below 1,000 r."""
    size = 1.0
    while size < 1_000:
        above = size * 1.01
        if 1 + seen * impact(above) - above <= 0:
            for _ in range(60):
                middle = (size + above) / 2
                size, above = (middle, above) if 1 + seen * impact(middle) - middle > 0 else (size, middle)
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
