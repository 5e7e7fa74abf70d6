"""Experiments: from the block `study` of a scenario to the runs it consists of.

Lives here: the points a study is made at (`points`, `axis`), its cells and its plan of runs (`design`), what of it is
done (`ledger`), what is to be done and in which order (`agenda`), what a worker is told (`order`), the sweep over all
of it (`runner`) on Dask's workers (`engine`, the only module that knows Dask; `host`), and what it will cost (`pilot`).
May not live here: what a run is (`simulation`), where it is kept (`datasets`), what runs say (`analysis`, which this
room does not see: effects and pages are handed in as functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketsim.experiments.ledger import Shard
    from marketsim.experiments.limits import Limits
    from marketsim.experiments.pilot import Forecast, forecast
    from marketsim.experiments.runner import SweptStudy, sweep

__all__ = ["Forecast", "Limits", "Shard", "SweptStudy", "forecast", "sweep"]

_MODULES = {
    "Forecast": "pilot", "Limits": "limits", "Shard": "ledger", "SweptStudy": "runner", "forecast": "pilot",
    "sweep": "runner",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Fetch what is asked for, and what it needs with it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
