"""Runs of the base crowd with tokens that reset: the price second by second, and the rebalances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marketsim as ms
from marketsim.clock import Phase

S = 10**9
Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]


def run(scenario: str, seed: int, changes: Mapping[str, str], every_s: int) -> tuple[Floats, Rows]:
    """Log mids at the end of every `every_s` seconds, shape (n,), and the rows of table `rebalances`."""
    model = ms.MarketModel(scenario, seed=seed, set={"record.trades": "none", **changes})
    try:
        market = model.scenario.markets[0].id
        mids = []
        for t in range(every_s * S, model.env.end_ns + 1, every_s * S):
            model.env.run(model.env.at(t - 1, Phase.RECORD))
            mids.append(model.view.mid(market) or float(model.view.index_ticks(market)))
        model.env.run()
        for desk in model.desks:
            desk.finish(model.env.end_ns)
        return np.log(np.array(mids)), model.journal.take().get("rebalances", [])
    finally:
        model.close()
