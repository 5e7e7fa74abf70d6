"""The memory of this process: how much it holds, and a peak that belongs to one run."""

from __future__ import annotations

import os
from pathlib import Path

from marketsim.datasets.provenance import peak_rss_mb

MB = 10**6


def resident_bytes() -> int:
    """What this process holds resident now; where the system does not tell, the most it ever held."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return int(peak_rss_mb() * MB)


def forget_peak() -> None:
    """Let `peak_rss_mb` count from now, where the system can: a worker's runs each have their own peak."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:  # not Linux, or not allowed: the peak is then the worker's
        pass
