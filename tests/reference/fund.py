"""A leveraged fund in continuous time and money: published formulas, with which the exact ledger is compared.

FTX, "How Do Leveraged Tokens Rebalance" [FTX]; Gate 44111 [Gate]; Cheng and Madhavan 2009, J. Investment Management
7(4) [CM].
"""

from collections.abc import Iterable
from fractions import Fraction

Exact = int | Fraction


def nav_after_move(nav: Exact, leverage: Exact, move: Exact) -> Exact:
    """NAV after a move of the underlying since the last reset, before fees and funding: NAV (1 + L r) [Gate 44111]."""
    return nav * (1 + leverage * move)


def drifted_leverage(leverage: Exact, move: Exact) -> Fraction:
    """Leverage a fund drifts to after a move r without trading: L (1 + r) / (1 + L r) [FTX].

    Raises `ZeroDivisionError` at the move that leaves no equity.
    """
    return Fraction(leverage * (1 + move)) / (1 + leverage * move)


def move_to_leverage(leverage: Exact, bound: Exact) -> Fraction:
    """Move of the underlying at which absolute leverage reaches a bound [FTX].

    Long: (K - L) / (L (1 - K)); short with l = |L|: (K - l) / (l (1 + K)). Raises `ZeroDivisionError` where no move
    leads there.
    """
    if leverage > 0:
        return Fraction(bound - leverage) / (leverage * (1 - bound))
    return Fraction(bound + leverage) / (-leverage * (1 + bound))


def wipe_out_move(leverage: Exact) -> Fraction:
    """Move of the underlying that takes all equity: -1 / L."""
    return Fraction(-1) / leverage


def rebalance_notional(leverage: Exact, equity: Exact, move: Exact) -> Exact:
    """Order, in money, that restores a target after a move from it: L (L - 1) E r, + buys [CM]."""
    return leverage * (leverage - 1) * equity * move


def hedge_notional(leverage: Exact, cash: Exact) -> Exact:
    """Perpetuals bought, in money, for cash that creates tokens: L times the cash; redemption sells the same [FTX]."""
    return leverage * cash


def aggregate_flow(funds: Iterable[tuple[Exact, Exact]], move: Exact) -> Exact:
    """Rebalancing flow of many funds, each (leverage, equity): sum of L (L - 1) E r [CM]; up and down tokens add."""
    return sum(rebalance_notional(leverage, equity, move) for leverage, equity in funds)


def order_notional(leverage: Exact, equity: Exact, move: Exact, flow: Exact = 0) -> Exact:
    """Order, in money, that restores a target after a move from it and a flow of cash: L (L - 1) E r + L F.

    flow: cash of creations, less redemptions, taken at the price after the move [CM; FTX].
    """
    return rebalance_notional(leverage, equity, move) + hedge_notional(leverage, flow)
