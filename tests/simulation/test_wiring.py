"""What the kernel is told of a world, read off its records."""

from pathlib import Path

from marketsim.scenario import load_text
from marketsim.scenario.schema import Scenario
from marketsim.simulation.model import MarketModel

MARKETS = Path(__file__).parents[2] / "scenarios" / "cases" / "valid" / "two_markets.yaml"

TWO = """
schema: marketsim/1
name: two
clock: {duration: 10min}
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr, pass_through: 50%}}
  - {id: ETH, index: {kind: gbm, price: 2000 USDT, volatility: 70%/yr, pass_through: 50%}}
markets:
  - {id: E, underlying: ETH, tick: 0.01 USDT, lot: 0.01 ETH, mark: {every: 2s, window: 30s}}
  - {id: S, kind: spot, underlying: BTC, tick: 0.1 USDT, lot: 0.001 BTC}
  - {id: B, underlying: BTC, mark: {every: 3s, window: 2s}}
"""


def test_an_index_learns_from_the_first_perpetual_of_its_own_and_a_mark_looks_back_over_its_window() -> None:
    model = MarketModel(load_text(TWO))
    assert model.world.underlyings["learning_market"].tolist() == [2, 0]  # B, E
    assert model.world.markets["basis_length"].tolist()[::2] == [15, 1]  # 30 s of 2 s each; one step at least
    model.close()


def test_outliers_of_an_index_of_markets_are_dropped_or_clamped_at_their_border() -> None:
    told = {}
    for then in ("drop", "clamp"):
        model = MarketModel(Scenario.load(MARKETS).with_({"underlyings.BTC.index.outliers.then": then}))
        told[then] = model.world.underlyings[["outlier", "clamps"]][0].item()
        model.close()
    assert told == {"drop": (0.05, 0), "clamp": (0.05, 1)}
