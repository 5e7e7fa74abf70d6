"""The one place where a resolved scenario becomes a running world, and a running world becomes a run directory.

Lives here: wiring (`wiring`: rows of the kernel, accounts, processes), the mesa model over it (`model`), those who act
in it beside traders and funds (`listed`, `crowd`, `arms` with `placebo`), what is written down and when (`recording`),
the run from scenario to directory (`running`, `run_builder`), and copies of a world from one instant (`forks`,
`probing`). May not live here: a rule of the market (`venues`, `kernel`), of a fund (`issuers`) or of a trader
(`traders`), a table's meaning (`datasets`), pages (`report`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketsim.simulation.model import MarketModel
    from marketsim.simulation.run_builder import RunResult
    from marketsim.simulation.running import run

__all__ = ["MarketModel", "RunResult", "run"]


def __getattr__(name: str) -> object:
    """Fetch what is asked for, and what it needs with it."""
    if name == "MarketModel":
        from marketsim.simulation import model

        return model.MarketModel
    if name == "run":
        from marketsim.simulation import running

        return running.run
    if name == "RunResult":
        from marketsim.simulation import run_builder

        return run_builder.RunResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
