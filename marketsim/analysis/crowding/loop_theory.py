"""What theory predicts of the loop of resets: how far funds push a price that sizes their next orders.

Numbers in and numbers out, no run is read. `crowding` is Lambda at lag 0 (lambda K, dimensionless), moves are simple
returns since the last reset, sizes are in units of K r, times in seconds. A `response` is g(t), the share of an impact
that is alive a time t after it, g(0) = 1. Formulas, conditions and sources: docs/theory.md#notation and the section
that each function names. Checked in tests/analysis/crowding/test_loop_theory.py with values of exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, copysign, floor, log, prod, sqrt

from scipy.optimize import brentq

Response = Callable[[float], float]

_FARTHEST = 2**32
"""Multiple of a move up to which a root is looked for, in steps of 2^(1/64)."""


def permanent(seconds: float) -> float:
    """g(t) = 1: an impact that stays."""
    return 1.0


def multiplier_sized_once(crowding: float, move: float = 0.0) -> float:
    """1 + Lambda / (1 + r): orders sized once, at any number of children (docs/theory.md#sized-once).

    With Lambda(h) of the orders' own schedule it is the multiplier at h. `move` is r, 0 for its limit; exact where a
    price moves by an amount per coin.
    """
    return 1 + crowding / (1 + move)


def traded_in_children(crowding: float, children: int, seen: float = 1.0) -> float:
    """A_n: what n children trade that are each sized anew, in units of K r (docs/theory.md#each-child-sized-anew).

    A_n = (1 - (phi Lambda)_n / n!) / (1 - phi Lambda) = sum_(k<n) (phi Lambda)_k / ((k + 1) k!); the sum also holds at
    phi Lambda = 1. Linear, permanent impact, small moves. `seen` is phi, what the price that sizes the fund shows of
    its impact. Raises ValueError for fewer than one child.
    """
    _at_least_one(children, "children")
    share, traded = 1.0, 0.0
    for k in range(children):
        traded += share / (k + 1)
        share *= (seen * crowding + k) / (k + 1)
    return traded


def multiplier_in_children(crowding: float, children: int, seen: float = 1.0) -> float:
    """1 + Lambda A_n just after the last of n children, each sized anew (docs/theory.md#each-child-sized-anew)."""
    return 1 + crowding * traded_in_children(crowding, children, seen)


def sizes_of_children(
    crowding: float, children: int, spacing: float, response: Response = permanent, seen: float = 1.0
) -> list[float]:
    """Sizes u_1 .. u_n [K r] of children sized anew while impact decays (docs/theory.md#transient-impact).

    The triangular system (n - k + 1) u_k + sum_(j<k) (1 - phi Lambda g((k - j) D)) u_j = 1, D = `spacing`.
    """
    _at_least_one(children, "children")
    sizes: list[float] = []
    for k in range(children):
        closed = sum(u * (1 - seen * crowding * response((k - j) * spacing)) for j, u in enumerate(sizes))
        sizes.append((1 - closed) / (children - k))
    return sizes


def multiplier_of_orders(
    crowding: float, sizes: Sequence[float], spacing: float, response: Response = permanent, after: float = 0.0
) -> float:
    """1 + Lambda sum_k g((n - k) D + h) u_k: the multiplier h = `after` seconds after the last of orders D apart.

    Sizes in units of K r: of `sizes_of_children`, of `orders_of_resets`, or what was traded
    (docs/theory.md#transient-impact).
    """
    last = len(sizes) - 1
    return 1 + crowding * sum(u * response((last - k) * spacing + after) for k, u in enumerate(sizes))


def traded_in_slices(crowding: float, slices: float, seen: float = 1.0) -> float | None:
    """What a ladder of full slices trades until the rest is taken, in units of K r (docs/theory.md#fixed-point).

    `slices` = K r / slice. A full slice closes 1 - phi Lambda of itself; the child that takes the rest is not answered.
    None where the order never ends: from phi Lambda = 1 on, unless its first child takes it all.
    """
    if slices <= 1:
        return 1.0
    closes = 1 - seen * crowding
    if closes <= 0:
        return None
    full = ceil((slices - 1) / closes)
    return 1 + full * (1 - closes) / slices


def multiplier_worked_out(leverage: float, crowding: float, move: float) -> float | None:
    """M = 1 + d / r of a fund that trades until nothing is wanted (docs/theory.md#fixed-point); None without an end.

    (1 - L/2) d^2 + (1 + r - Lambda) d - Lambda r = 0, d = (P_end - P1) / P0; exact for small slices where a price moves
    by an amount per coin. The end is the first root on the way from d = 0, at a positive price and NAV.
    """
    slope = 1 + move - crowding
    square = slope**2 + 2 * (2 - leverage) * crowding * move
    if square < 0:
        return None
    below = slope + sqrt(square)
    if below <= 0:
        return None
    pushed = 2 * crowding / below
    share_of_units = 1 + 2 * (leverage - 1) * move / below
    return 1 + pushed if share_of_units > 0 and 1 + move * (1 + pushed) > 0 else None


def move_worked_out(move: float, demand: float, impact: Callable[[float], float]) -> float | None:
    """R: the first root of R = r + I(K R) from r on; None where there is none (docs/theory.md#concave-impact).

    `demand` is K [currency per unit of return], `impact` I [return] of a size of either sign [currency], I(0) = 0, for
    instance interpolated through probes. The multiplier is R / r. Small moves.
    """

    def left(end: float) -> float:
        return (move + impact(demand * end) - end) * copysign(1.0, move)

    if move == 0 or left(move) <= 0:
        return move
    near, factor = move, 1.0
    while factor < _FARTHEST:
        factor *= 2 ** (1 / 64)
        far = move * factor
        if left(far) <= 0:
            return float(brentq(left, near, far, xtol=1e-15, rtol=1e-14))
        near = far
    return None


def multiplier_in_turn(crowdings: Sequence[float]) -> float:
    """Product of 1 + Lambda_i: funds sized once one after another, linear and permanent impact.

    Larger than 1 + their sum: later funds answer earlier ones (docs/theory.md#several-funds-and-several-resets).
    """
    return prod(1 + crowding for crowding in crowdings)


def multiplier_in_turn_with_decay(
    crowdings: Sequence[float], instants: Sequence[float], end: float, response: Response
) -> float:
    """M at `end` of funds sized once at their own instants: R_i = 1 + sum_(j<i) Lambda_j g(t_i - t_j) R_j.

    Instants in order [s]; funds of one instant do not see each other's orders
    (docs/theory.md#several-funds-and-several-resets).
    """
    pushes: list[tuple[float, float]] = []
    for crowding, instant in zip(crowdings, instants, strict=True):
        seen = 1 + sum(push * response(instant - t) for t, push in pushes if t < instant)
        pushes.append((instant, crowding * seen))
    return 1 + sum(push * response(end - t) for t, push in pushes)


def orders_of_resets(crowding: float, resets: int, spacing: float, response: Response = permanent) -> list[float]:
    """Orders [K r] of equally spaced resets sized once after one move, each on the return since the last.

    o_k = Lambda sum_(m>=1) (g_m - g_(m-1)) o_(k-m), g_0 := 0, g_m = g(m D); Lambda^(k-1) where impact is permanent
    (docs/theory.md#several-funds-and-several-resets, #transient-impact).
    """
    _at_least_one(resets, "resets")
    orders = [1.0]
    alive = [0.0, *(response(m * spacing) for m in range(1, resets))]
    for k in range(1, resets):
        orders.append(crowding * sum((alive[m] - alive[m - 1]) * orders[k - m] for m in range(1, k + 1)))
    return orders


def orders_past_a_border(move_over_trigger: float, crowding: float) -> int | None:
    """How many orders back to target a band sends after a move, in trigger moves (docs/theory.md#bands).

    1 + floor(ln(r / r_t) / ln(1 / Lambda)); linear, permanent, symmetric borders. None from Lambda = 1 on, where the
    chain does not end.
    """
    if move_over_trigger < 1:
        return 0
    if crowding >= 1:
        return None
    return 1 + floor(log(move_over_trigger) / log(1 / crowding)) if crowding > 0 else 1


def resets_are_stable(crowding: float, kept: float, stays: float) -> bool:
    """Whether repeated resets sized once die out: Lambda rho < 1 and Lambda p < 1 (docs/theory.md#transient-impact).

    For g = p + (1 - p) rho^m at the m-th next reset: `kept` = rho, `stays` = p.
    """
    return crowding * kept < 1 and crowding * stays < 1


def _at_least_one(count: int, what: str) -> None:
    if count < 1:
        raise ValueError(f"{what}: {count}; at least 1")
