"""How much of a push on a perpetual reaches the spot market that is its index, and how much stays: an outcome.

A metaorder is worked on the perpetual of btc-two-markets, in antithetic pairs that share luck; the index is the mid of
the spot market, and nothing but arbitrageurs carries a price from one to the other. Writes two_markets.csv.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

import marketsim as ms
from marketsim.clock import Phase
from tests.verification.impact import OVER_S, START_S, Metaorder, S
from tests.verification.results import SCENARIOS, interval, write_table

WORLD = str(SCENARIOS / "base" / "btc-two-markets.yaml")
PERP, SPOT = "BTC-PERP", "BTC-SPOT"
AFTER_S = (0, 60, 300, 1_800)
"""Times after the end of the push at which both mids are read."""
LOTS = 200_000
"""6 MUSDT, about 0.4 % of a day of the perpetual."""
PAIRS = range(1, 9)
WITHOUT = {"traders.basis.count": "0", "traders.carry.count": "0"}

Floats = NDArray[np.float64]


def mids_after(seed: int, lots: int, changes: Mapping[str, str]) -> Floats:
    """Log mids of both markets at `AFTER_S` of one run, shape (markets, times)."""
    end_s = START_S + OVER_S + AFTER_S[-1] + 1
    short = {"record.trades": "none", "clock.start": "2024-01-01T09:00:00Z", "clock.duration": f"{end_s}s"}
    model = ms.MarketModel(WORLD, seed=seed, set={**short, **changes})
    try:
        Metaorder(model, lots)
        seen = []
        for after in AFTER_S:
            model.env.run(model.env.at((START_S + OVER_S + after) * S - 1, Phase.RECORD))
            seen.append([model.view.mid(market) or np.nan for market in (PERP, SPOT)])
        return np.log(np.array(seen)).T
    finally:
        model.close()


def impacts(changes: Mapping[str, str]) -> Floats:
    """Impact of the push on both markets, half the difference of a pair [bp], shape (pairs, markets, times)."""
    pairs = [(mids_after(seed, LOTS, changes), mids_after(seed, -LOTS, changes)) for seed in PAIRS]
    return 1e4 * 0.5 * np.array([plus - minus for plus, minus in pairs])


@pytest.fixture(scope="module")
def found() -> dict[str, Floats]:
    """Impacts with the arbitrageurs and without them."""
    cells = {"with": impacts({}), "without": impacts(WITHOUT)}
    rows = []
    for arbitrage, values in cells.items():
        for market, of_market in zip((PERP, SPOT), np.moveaxis(values, 1, 0), strict=True):
            for k, after in enumerate(AFTER_S):
                mean, low, high = interval(of_market[:, k])
                rows.append(
                    {"arbitrageurs": arbitrage, "market": market, "after_s": after, "bp": mean, "lo": low, "hi": high}
                )
    write_table("two_markets", rows)
    return cells


def test_a_push_moves_the_perpetual_that_it_is_worked_on(found: dict[str, Floats]) -> None:
    for values in found.values():
        assert interval(values[:, 0, 0])[1] > 0


def test_arbitrageurs_alone_carry_it_to_the_spot_market(found: dict[str, Floats]) -> None:
    """With them the spot market follows; without them the two crowds know nothing of each other."""
    crossed = found["with"][:, 1, :3] / found["with"][:, 0, :3]
    assert 0.8 < crossed.mean() < 1.05
    assert not found["without"][:, 1].any()


def test_the_second_market_bears_part_of_the_push(found: dict[str, Floats]) -> None:
    assert interval(found["without"][:, 0, 0] - found["with"][:, 0, 0])[1] > 0


def test_the_index_keeps_it_for_minutes_and_loses_most_of_it_in_half_an_hour(found: dict[str, Floats]) -> None:
    """What no `pass_through` has: what reached the index goes again, as those trade back who see the fundamental."""
    index = found["with"][:, 1]
    assert interval(index[:, 2] / index[:, 0])[1] > 0.7
    _, low, high = interval(index[:, -1] / index[:, 0])
    assert 0.1 < low < high < 0.6
