"""Trader rules of other packages, called by address at the kernel's speed, without compiling the kernel anew.

Such a rule is a function like those of `kernel/rules`, with names for its numbers, made by `external_rule`:

    PARAMETERS = group_parameters(("share", "f8"), ("size_table", "i8"))
    parameters_of = reads_parameters(PARAMETERS)

    @external_rule(PARAMETERS, tables={"size_table": "f8"})
    def patient(w, g, m, trader, index, wakeup, delay):
        '''Buy at market with a probability.'''
        p = parameters_of(g)
        r0, r1, _, _ = words(g, index, wakeup)
        if np.float64(r0) * TWO_32 < p.share:
            lots = lots_of(load_f8(p.size_table, r1 >> 20), m.index_ticks)
            place(w, m, np.int64(trader.position), delay, BUY, behind(m, BUY, 0.01), lots, F_IOC, np.int64(-1))

Arguments: w, g, m, trader are records of the world, the group, its market and the trader (fields: `kernel/layout.py`);
index: the trader's place in its group; wakeup: how often it has woken, this time included; delay: this wake-up's way to
the venue [ns]. It sends through `place` and `withdraw` of this file and reads with what `kernel.sending`,
`kernel.draw`, `kernel.marks` and `kernel.records` have. As everywhere in the kernel: whole numbers and + - x / alone, no
state of its own, every draw from `words`, `np.int64(..)` around what is assigned twice. A group has the rule in its
`GroupRule`, as `rule=patient`.

The kernel calls it as a C function, `void (int64 world, int64 group, int64 index, int64 wakeup, int64 delay)`, where
`world` is the address of the header's record and `group` the group's number; what `external_rule` makes looks up the
records, calls the function, and says that it came through. With numba's JIT off all this is plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from marketsim.kernel import sending
from marketsim.kernel.layout import group_at, header_at, market_at, trader_at
from marketsim.kernel.records import compiled, function_address, pointer_call
from marketsim.kernel.rule import NOTHING, Rule

__all__ = ["ExternalRule", "external_rule", "place", "sending_doors", "withdraw"]

call_place = pointer_call(9)
call_withdraw = pointer_call(4)


@compiled
def place(w, m, position, delay, side, price, size, flags, slot):
    """Send an order, as `sending.place` does, which an external rule reaches by address and need not compile."""
    call_place(w.place_door, (np.int64(w.address), np.int64(m.id), position, delay, side, price, size, flags, slot))


@compiled
def withdraw(w, position, delay, i):
    """Cancel own resting order record `i`, as `sending.withdraw` does."""
    call_withdraw(w.withdraw_door, (np.int64(w.address), position, delay, i))


def _place(world, market, position, delay, side, price, size, flags, slot):
    w = header_at(world, 0)
    sending.place(w, market_at(w.markets, market), position, delay, side, price, size, flags, slot)


def _withdraw(world, position, delay, i):
    sending.withdraw(header_at(world, 0), position, delay, i)


@cache
def sending_doors() -> dict[str, int]:
    """Addresses of the functions through which external rules send, by their fields of the header."""
    return {"place_door": function_address(_place, is_kept=True), "withdraw_door": function_address(_withdraw, is_kept=True)}


@dataclass(frozen=True)
class ExternalRule(Rule):
    """A rule that the kernel calls by `address`; compiled when that is first asked for, once in a process."""

    @property
    def address(self) -> int:
        """Address of the C function."""
        return _address_of(self.wake)


@cache
def _address_of(wake: Any) -> int:
    def wake_by_number(world, group, index, wakeup, delay):
        w = header_at(world, 0)
        g = group_at(w.groups, group)
        wake(w, g, market_at(w.markets, g.market), trader_at(w.traders, g.first_trader + index), index, wakeup, delay)
        w.rule_ended = 1

    return function_address(wake_by_number)


def external_rule(
    parameters: np.dtype[Any] = NOTHING,
    own: np.dtype[Any] = NOTHING,
    *,
    tables: Mapping[str, str] | None = None,
    may_lack: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], ExternalRule]:
    """Decorate the function of a wake-up: it becomes an `ExternalRule` of its name. Arguments are `Rule`'s fields."""

    def declare(function: Callable[..., None]) -> ExternalRule:
        return ExternalRule(function.__name__, compiled(function), parameters, own, tables or {}, may_lack)

    return declare
