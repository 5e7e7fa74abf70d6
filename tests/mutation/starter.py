"""Program of a process that has imported what is slow to import and no room that is mutated; it starts each trial.

It reads lines of JSON, [seconds, arguments of pytest..], and answers each with pytest's exit code, null where the trial
took longer, and the file that pytest's output went to. A fork costs nothing; importing numba, polars and the compiled
kernel anew for every fault would cost more than its tests.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path

SLOW = ["mesa", "networkx", "numba", "numpy", "polars", "pydantic", "pytest", "scipy.stats", "simpy"]
OUTPUT = Path("trial.txt")


def serve() -> None:
    """Answer until the input ends."""
    for name in [*SLOW, "marketsim.kernel.world"]:
        importlib.import_module(name)
    loaded = {name for name in sys.modules if name.startswith("marketsim") and "kernel" not in name} - {"marketsim"}
    assert not loaded, f"a room is imported already, so a fault in it would not be seen: {loaded}"
    for line in sys.stdin:
        seconds, *arguments = json.loads(line)
        print(json.dumps([tried(arguments, seconds), OUTPUT.read_text(encoding="utf-8")]), flush=True)


def tried(arguments: list[str], seconds: float) -> int | None:
    """Exit code of pytest in a forked process; None where it was ended after so many seconds."""
    child = os.fork()
    if not child:
        os.setsid()
        output = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = 1
        try:
            code = int(importlib.import_module("pytest").main(arguments))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(code)
    waiting = os.pidfd_open(child)
    in_time, _, _ = select.select([waiting], [], [], seconds)
    os.close(waiting)
    if not in_time:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if in_time else None


if __name__ == "__main__":
    serve()
