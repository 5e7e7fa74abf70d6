"""What theory makes of the sums of a cell, without a free number: H1 to H4, and the rival of H2.

Everything is in units of the move r and of the order K r. The baseline's own moves while children are sent are part of
what funds answer: child k is sized by the baseline's return since the last reset at that instant, and its push. I(S)
goes through the probes' pushes of several sizes, each sent in equal children at the reset's own times; what the kernel
of one child says of fading is taken out of it, so that unequal children can be put in its place.

| hypothesis | prediction |
|---|---|
| H1, sized once | M = 1 + I(K r) / r: the probes of the order's own size and schedule |
| H2, each child anew | M of the children of `concave_loop.sizes_in_concave_impact`, through I and the kernel |
| its rival | M = 1 + I(K R) / r at the root R = r_n + phi I(K R), r_n the baseline's return at the last child |
| H3 | traded / (K r) = sum u_k of these children; 1 where sized once |
| H4 | push = the kernel applied to the children that were really sent |
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from marketsim.analysis.crowding.concave_loop import (
    Impact,
    power_impact,
    push_of_sizes,
    size_until_nothing_is_wanted,
    sizes_in_concave_impact,
)
from marketsim.analysis.loop_hypotheses.reset_sums import ResetSums


@dataclass(frozen=True, slots=True)
class CellPrediction:
    """Predicted M and traded / (K r), the rival's M, and M of the orders really sent; None where one has no answer."""

    multiplier: float
    orders: float
    rival: float | None = None
    of_orders_sent: float | None = None


def crowding(sums: ResetSums) -> float:
    """Lambda_eq at the horizon: I(Q) / r of the probes of the orders' own size."""
    return sums.own_later / sums.move


def exponent(sums: ResetSums) -> float | None:
    """ln(I(largest) / I(smallest)) / ln(their sizes' ratio); None for one size, or where one did not push."""
    if len(sums.size) < 2 or min(sums.end[0], sums.end[-1]) <= 0:
        return None
    return log(sums.end[-1] / sums.end[0]) / log(sums.size[-1] / sums.size[0])


def predict(sums: ResetSums, rule: str) -> CellPrediction | None:
    """The predictions for a cell whose funds follow a rule (`once`, `children`); None where probes did not push."""
    if rule == "once":
        return CellPrediction(1 + crowding(sums), 1.0)
    n, share = len(sums.sent), sums.own / sums.wanted
    probed = power_impact(sums.size / sums.wanted, sums.end / sums.move)
    if rule != "children" or probed is None or sums.at_once <= 0:
        return None
    alive, later = sums.alive / sums.at_once, sums.alive_later / sums.at_once
    equal = [share / n] * n
    kept = push_of_sizes(equal, probed, alive) / probed(share)
    if kept <= 0:
        return None
    at_once = _scaled(probed, 1 / kept)
    level = _level(push_of_sizes(equal, at_once, later), crowding(sums))
    sizes = sizes_in_concave_impact(at_once, sums.seen / sums.at_once, sums.moves / sums.move)
    sent = sums.sent / sums.wanted
    return CellPrediction(
        multiplier=1 + level * push_of_sizes(sizes, at_once, later),
        orders=float(sum(sizes)),
        rival=_rival(sums, probed, share),
        of_orders_sent=1 + level * push_of_sizes(sent, at_once, later),
    )


def _scaled(impact: Impact, factor: float) -> Impact:
    return lambda size: factor * impact(size)


def _level(of_kernel: float, of_probes: float) -> float:
    """What brings the kernel's push of equal children to that of the probes at the horizon; 1 where it left nothing."""
    return of_probes / of_kernel if of_kernel > 0 else 1.0


def _rival(sums: ResetSums, probed: Impact, share: float) -> float | None:
    """M at the root of R = r + phi I(K R), phi what the mark shows of a child at the next one."""
    phi = 1.0 if len(sums.seen) < 2 or sums.alive[-2] <= 0 else float(sums.seen[1] / sums.alive[-2])
    root = size_until_nothing_is_wanted(probed, phi, float(sums.moves[-1] / sums.move))
    if root is None:
        return None
    return 1 + probed(root) * crowding(sums) / probed(share)


def orders_ratio(sums: ResetSums) -> float:
    """traded / (K r), as measured."""
    return sums.traded / sums.wanted


def multiplier(sums: ResetSums) -> float:
    """M, as measured."""
    return 1 + sums.push / sums.move
