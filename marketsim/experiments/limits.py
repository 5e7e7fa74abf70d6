"""What each run of a sweep may use of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketsim.errors import UsageError
from marketsim.units import duration_ns

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(MB|GB)")
_BYTES = {"MB": 10**6, "GB": 10**9}


@dataclass(frozen=True)
class Limits:
    """Wall time [ns] and memory [bytes] of a run; None: no limit of time, a worker's share of memory.

    A run that meets one is kept as failed, with the reason.
    """

    time: int | None = None
    memory: int | None = None

    @classmethod
    def read(cls, time: str | None = None, memory: str | None = None) -> Limits:
        """Limits from a duration (`10min`) and a size (`2 GB`, `500 MB`); raises `UsageError` and `UnitError`."""
        return cls(None if time is None else duration_ns(time), None if memory is None else memory_bytes(memory))


def memory_bytes(text: str) -> int:
    """A size of memory [bytes] from `2 GB` or `500 MB`."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise UsageError(f"this is no size of memory: was {text!r}; allowed: a number with MB or GB, as 2 GB")
    return int(float(match[1]) * _BYTES[match[2]])
