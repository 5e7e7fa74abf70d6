"""The insurance fund: what it gains and loses by closing liquidated accounts, and how much of one it can take over.

The fund is an account of the venue. It receives the liquidation fees, and takes accounts over *at the bankruptcy
price*, where lots and cash together are worth nothing: handing over all lots and all cash is that price exactly, and
no atom is lost. What the fund makes or loses against it when it closes is its own. It also pays an account's last debt;
what rounding leaves of a deleveraged account, less than a tick a lot, stays with that account. When it acts is the
kernel's; who is next when it cannot is in `deleveraging`.
"""

from __future__ import annotations

from fractions import Fraction

from marketsim.venues.payoffs import Exact


def fund_change(fill: Exact, bankruptcy: Exact, size: Exact) -> Fraction:
    """What the fund gains by closing a position of signed `size` at `fill` [quote]: `(fill - bankruptcy) * q`.

    Source: docs/venues.md#insurance-funds; https://doc.sat.is/product-docs/trading/liquidation/system-gain-and-losses
    (BitMEX's figures).
    """
    return (Fraction(fill) - Fraction(bankruptcy)) * Fraction(size)


def fund_can_take_over(fund_equity_atoms: int, fund_lots: int, equity_atoms: int, lots: int, lot_atoms: int) -> bool:
    """Tell whether the fund can take a bankrupt account over whole, lots and cash together.

    Both equities at mark; `fund_lots` and `lots` signed; `lot_atoms` the value of a lot at mark. Afterwards the fund
    must own something and hold no more notional than it owns. What it cannot bear is deleveraged.
    Source: docs/venues.md#insurance-funds (Binance: net notional at most 100% of the fund, else counterparty
    liquidation).
    """
    after = fund_equity_atoms + equity_atoms
    return after > 0 and abs(fund_lots + lots) * lot_atoms <= after
