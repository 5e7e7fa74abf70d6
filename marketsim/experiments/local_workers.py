"""The local workers as their parent holds them: a process of their own (`worker_host`) at the end of a pipe.

That process lives exactly as long as the pipe from its parent. When the parent ends, however it ends, all workers are
killed. So nothing is left running, Ctrl-C reaches the parent alone, and a script without `if __name__ == "__main__"`
may sweep: no worker ever imports it.

Nobody else may give these workers work: whoever connects shows a certificate that the host made for this one sweep and
hands to its parent through the pipe. And nothing is imported from the folder one stands in (`safe_path`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from marketsim.errors import EnvironmentLackError
from marketsim.safe_path import SAFE_PATH, safe_command

STOP_S = 5.0
LIBRARIES = ("POLARS_MAX", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMBA_NUM", "RAYON_NUM")
ONE_THREAD = {f"{library}_THREADS": "1" for library in LIBRARIES}
"""Environment of workers: one core each."""


@dataclass(frozen=True)
class Door:
    """A scheduler's address, with the certificate and the key (PEM) that open it; empty where it asks nobody."""

    address: str
    certificate: str = ""
    key: str = ""


class LocalWorkers:
    """A local cluster in a process of its own, `pid`, which leads the group of all of them."""

    def __init__(self, workers: int, memory_limit: int) -> None:
        self._scratch = tempfile.mkdtemp(prefix="marketsim-workers-")
        self._process = subprocess.Popen(
            safe_command("from marketsim.experiments.worker_host import main; main()"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, **ONE_THREAD, **SAFE_PATH},
        )
        self.pid = self._process.pid
        wish = {"workers": workers, "memory_limit": memory_limit, "scratch": self._scratch}
        assert self._process.stdin is not None
        with suppress(OSError):  # where it is gone already, `address` says so
            self._process.stdin.write(json.dumps(wish) + "\n")
            self._process.stdin.flush()

    def door(self) -> Door:
        """Where the scheduler listens, once the workers are there; raises EnvironmentLackError if they do not start."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise EnvironmentLackError("the local workers did not start; `marketsim doctor` says what is missing")
        return Door(**json.loads(answer))

    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the workers at once, whatever they are at, and wait until they are gone."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # it was gone before
                    pipe.close()
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)
