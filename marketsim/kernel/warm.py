"""Making the kernel ready: compiled once per machine and version, loaded in every process after that."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from marketsim.kernel import advance as doors
from marketsim.kernel import cache, layout
from marketsim.kernel.world import World

_ready = False


def warm_up(say: Callable[[str], None]) -> float:
    """Compile or load every door of the kernel; return the seconds it took. `say` is told before a cold compilation."""
    global _ready  # compiled code belongs to the process
    if _ready:
        return 0.0
    began = perf_counter()
    if not cache.is_warm():
        say("compiling the kernel: about half a minute, once on this machine for this version")
    world = World(
        underlyings=[], markets=[], cohorts=[], groups=[],
        accounts=np.zeros(2, layout.ACCOUNT), positions=np.zeros(2, layout.POSITION), traders=np.zeros(1, layout.TRADER),
        slots=1, exponential=np.zeros(2), logs=(), log_rows=1,
    )  # fmt: skip
    world.open()
    world.advance(0, 0)
    _ready = True
    world.close()
    return perf_counter() - began


COMPILED_LATER = (
    doors.send_order,
    doors.send_cancel,
    doors.trade_off_book,
    doors.pay_atoms,
    doors.settle_funding,
    doors.cancel_market,
)
"""Doors that a run may never pass: each compiles in about a second when it is first used, and is cached then."""
