"""A study's unit of work: a task, which one worker does in one go, and the receipt that says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from marketsim.errors import MarketsimError

Status = Literal["ok", "failed", "refused"]


@dataclass(frozen=True)
class Receipt:
    """What came of a task: `ok` and `failed` stand on disk, `refused` left nothing there and stops the sweep.

    task: its name. deaths: workers that died at it. worker, memory_mb: the process that did it and what that holds
    resident [MB]; empty where none did.
    """

    status: Status
    reason: str | None = None
    micro_events: int = 0
    task: str = ""
    deaths: int = 0
    worker: str = ""
    memory_mb: float = 0.0


class Task(Protocol):
    """A whole run, or all forks or probes of one; it is pickled, and brings with it everything that it needs."""

    @property
    def name(self) -> str:
        """Unique among the tasks of a study."""

    def perform(self) -> Receipt:
        """Do it here; never raises."""

    def fail(self, reason: str) -> Receipt:
        """Leave a failure on disk in place of what could not be done."""


def error_text(error: Exception) -> str:
    """An error as the reason of the failure it caused."""
    return str(error) if isinstance(error, MarketsimError) else f"{type(error).__name__}: {error}"


def disk_full(study: Path) -> Receipt:
    """The receipt of a task that found no room on the disk."""
    return Receipt("refused", f"the disk is full: could not write below {study}; make room or use another --out")
