"""A run in a process of its own: `marketsim run --live`, its lines as they come, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from marketsim.ui import observations
from marketsim.ui.observations import Observations

State = Literal["starting", "running", "stopping", "finished", "failed", "stopped"]
ENDED: tuple[State, ...] = ("finished", "failed", "stopped")
LONGEST_LINE = 1 << 26
PATIENCE_S = 5.0
"""How long a run may take to clear away what is half-done before it is killed."""


@dataclass(frozen=True)
class RunOrder:
    """What is to be run: as the command's arguments, so that the page can say the command."""

    scenario: str
    options: tuple[str, ...]
    out: Path
    arm: str | None = None
    again: bool = False

    @property
    def arguments(self) -> list[str]:
        """The arguments of `marketsim`."""
        said = ["run", self.scenario, "--out", str(self.out)]
        said += [word for option in self.options for word in ("--set", option)]
        said += ["--arm", self.arm] if self.arm is not None else []
        return [*said, "--again"] if self.again else said


@dataclass
class LiveRun:
    """One run and what it has told; `stop` ends it as Ctrl-C does, and it leaves nothing.

    said: the last line it said to people, or why it failed. manifest: once it is finished, with `path`.
    """

    order: RunOrder
    state: State = "starting"
    said: str = ""
    seen: Observations = field(default_factory=Observations)
    simulated_ns: int = 0
    duration_ns: int = 0
    manifest: dict[str, Any] | None = None
    _process: asyncio.subprocess.Process | None = None

    async def follow(self) -> None:
        """Start it, read it to its end, and take what its tables hold."""
        command = [sys.executable, "-m", "marketsim", *self.order.arguments, "--live"]
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C at the terminal is for the page, which ends its runs itself
        )
        if self.state == "stopping":
            self.kill()
        try:
            await asyncio.gather(self._read_lines(process), self._read_words(process))
            code = await process.wait()
        finally:
            self.kill()
        if code == 0 and self.manifest is not None:  # also where Stop came too late
            self.seen = await asyncio.to_thread(observations.of_run, Path(self.manifest["path"]))
            self.simulated_ns = self.duration_ns = self.manifest["simulated_ns"]
            self.state = "finished"
        elif self.state == "stopping":
            self.state, self.said = "stopped", "stopped; nothing of it is kept"
        else:
            self.state = "failed"

    async def stop(self) -> None:
        """End it as Ctrl-C would; after a few seconds, at once."""
        process = self._process
        if self.state in ENDED or (process is not None and process.returncode is not None):
            return
        self.state = "stopping"
        if process is None:  # about to be started, and ended then
            return
        self._signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once, if it is still there."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _read_lines(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for text in process.stdout:
            line = json.loads(text)
            if "table" in line:
                self.seen.add(line["table"], line["row"])
            elif "micro_events" in line:
                self.simulated_ns, self.duration_ns = line["simulated_ns"], line["duration_ns"]
                if self.state == "starting":
                    self.state = "running"
            elif "error" in line:
                self.said = line["error"]["message"]
            elif "run_id" in line:
                self.manifest = line

    async def _read_words(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for text in process.stderr:
            words = text.decode(errors="replace").strip()
            if words and self.state != "stopping":
                self.said = words


async def stop_all(runs: Sequence[LiveRun]) -> None:
    """End several runs, all at once."""
    await asyncio.gather(*(run.stop() for run in runs))
