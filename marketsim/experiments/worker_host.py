"""The process that local workers live in: it starts a scheduler and workers and ends with the pipe from its parent.

They listen on this machine's loopback address, in a session of their own, and answer only who shows the certificate
that is made here for this one time; there is no HTTP page.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from contextlib import suppress
from multiprocessing import active_children
from select import select
from typing import Any

WATCH_S, LOOKS_UNTIL_REVIVED = 2.0, 3  # how often the host looks for workers that Dask has lost
CONFIG = {
    "distributed.scheduler.allowed-failures": 0,  # every death comes back here and is counted here
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.retry.count": 2,
    "distributed.admin.tick.limit": "1h",
    "distributed.deploy.lost-worker-timeout": "1d",  # else a worker that starts slowly is struck off for good
}
"""Dask's settings, in this process and in the one that uses the workers."""


def main() -> None:
    """Host the workers until standard input ends: the program of the process that `LocalWorkers` starts."""
    wish = json.loads(sys.stdin.readline())
    try:
        serve(**wish)
    finally:
        _end_workers()
        shutil.rmtree(wish["scratch"], ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def _end_workers() -> None:
    """Kill the workers at once and wait until they are gone, and with them their locks on half-done directories."""
    children = [child.pid for child in active_children() if child.pid is not None]
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children if hasattr(os, "waitid") else ():
        with suppress(ChildProcessError):  # its nanny was quicker; left for it in any case
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def serve(workers: int, memory_limit: int, scratch: str) -> None:
    """Run a local cluster until standard input ends."""
    import dask
    from distributed import Nanny
    from distributed.deploy.spec import SpecCluster
    from distributed.security import Security

    from marketsim.experiments.without_http import SilentScheduler, SilentWorker

    security = Security.temporary()
    place = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    own = {"nthreads": 1, "memory_limit": memory_limit, "local_directory": scratch, "worker_class": SilentWorker}
    with dask.config.set({**CONFIG, "temporary-directory": scratch}):  # the scheduler's too
        cluster = SpecCluster(
            scheduler={"cls": SilentScheduler, "options": {**place, "dashboard": False}},
            workers={number: {"cls": Nanny, "options": {**place, **own}} for number in range(workers)},
            security=security,
        )
        door = {
            "address": cluster.scheduler_address,
            "certificate": security.tls_client_cert,
            "key": security.tls_client_key,
        }
        sys.stdout.write(json.dumps(door) + "\n")
        sys.stdout.flush()
        dead: dict[Any, int] = {}
        while not select([sys.stdin], [], [], WATCH_S)[0]:
            revive(cluster, dead)
        sys.stdin.read()


def revive(cluster: Any, dead: dict[Any, int]) -> None:
    """Restart workers that Dask has lost: its nanny forgets one that ends while it still counts as starting.

    dead: how many times in a row each nanny was found without a process; at first it is left to itself.
    """
    for name, nanny in list(cluster.workers.items()):
        dead[name] = 0 if nanny.is_alive() else dead.get(name, 0) + 1
        if dead[name] >= LOOKS_UNTIL_REVIVED:
            dead[name] = 0
            nanny.process = None
            with suppress(Exception):  # it is looked at again
                cluster.sync(nanny.instantiate)
