"""Takers' orders from fills: what one order took, merged, since fills of one order share a sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketsim.analysis.arrays import Floats, Integers


@dataclass(frozen=True)
class Orders:
    """Orders (n,) in their order: instant, sign (0 unknown), notional, average price."""

    t_ns: Integers
    sign: NDArray[np.int8]
    notional: Floats
    price: Floats

    @property
    def number(self) -> int:
        """How many they are."""
        return len(self.t_ns)


def orders_of(t_ns: Integers, price: Floats, size: Floats, sign: NDArray[np.int8], order: Integers) -> Orders:
    """Merge fills (n,) that follow one another with one instant, order and sign."""
    is_new = np.ones(len(t_ns), np.bool_)
    is_new[1:] = (np.diff(t_ns) != 0) | (np.diff(order) != 0) | (np.diff(sign) != 0)
    first = np.flatnonzero(is_new)
    notional, units = np.add.reduceat(price * size, first), np.add.reduceat(size, first)
    return Orders(t_ns[first], sign[first], notional, notional / units)


def merged_by_millisecond(t_ns: Integers, sign: NDArray[np.int8]) -> tuple[Integers, Integers]:
    """The order in which fills of one sign and one exchange millisecond stand together, and the number of each group.

    This is what public tapes allow: they name no order.
    """
    key = (np.asarray(t_ns) // 1_000_000) * 2 + (np.asarray(sign) > 0)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    number = first[group]  # a group is numbered by its first fill, so that groups keep the order of the tape
    return np.argsort(number, kind="stable"), number.astype(np.int64)
