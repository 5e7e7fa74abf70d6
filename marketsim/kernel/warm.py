"""Making the kernel ready: compiled once per machine and version, loaded in every process after that."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
from numba import types

from marketsim.kernel import advance as doors
from marketsim.kernel import cache, clearing, layout
from marketsim.kernel.external import sending_doors
from marketsim.kernel.world import World

_ready = False


def warm_up(say: Callable[[str], None]) -> float:
    """Compile or load the kernel; return the seconds it took. `say` is told before a cold compilation."""
    global _ready  # compiled code belongs to the process
    if _ready:
        return 0.0
    began = perf_counter()
    is_cold = not cache.is_warm()
    if is_cold:
        say("compiling the kernel: about half a minute, once on this machine for this version")
    world = World(
        underlyings=[], markets=[], cohorts=[], groups=[],
        accounts=np.zeros(2, layout.ACCOUNT), positions=np.zeros(2, layout.POSITION), traders=np.zeros(1, layout.TRADER),
        slots=1, exponential=np.zeros(2), logs=(), log_rows=1,
    )  # fmt: skip
    world.open()
    world.advance(0, 0)
    if is_cold:
        _compile_others()
    _ready = True
    world.close()
    return perf_counter() - began


OTHERS = (
    doors.send_order,
    doors.send_cancel,
    doors.trade_off_book,
    doors.pay_atoms,
    doors.settle_funding,
    doors.cancel_market,
    clearing.admitted_lots,
    clearing.clear_order,
)
"""Entries that a run may never call."""


def _compile_others() -> None:
    """Compile what the loop does not need while its parts are at hand: 1 s now, 10 s in a process that loaded the loop."""
    for entry in OTHERS:
        entry.compile((types.int64,) * entry.py_func.__code__.co_argcount)
    clearing.set_impact.compile((types.int64, types.int64, types.int64, types.float64))
    clearing.fade_impact.compile((types.int64, types.int64, types.float64))
    sending_doors()
