"""What workers do in the tests: functions that a worker imports, some of which end the worker."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from marketsim.experiments import order as orders
from marketsim.experiments.order import Answer, Order


def pid() -> int:
    return os.getpid()


def refuse(_: Any) -> None:
    raise ValueError("no")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: Path) -> str:
    """End the worker at the first call of all workers, answer at the second."""
    if first_of_all(marker):
        die()
    return "alive"


def wait_for_ever(fifo: Path) -> None:
    fifo.read_bytes()


def first_of_all(marker: Path) -> bool:
    """Whether nobody called this with the marker before."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def perform_dying_once(order: Order) -> Answer:
    """Run an order; the first one of the study ends its worker in the middle of its run."""
    if first_of_all(order.study / "died"):
        orders.memory_watch = lambda limit: lambda now, end, events: die() if now > end // 2 else None
        return orders.perform(replace(order, memory_limit=1))
    return orders.perform(order)
