"""Small scenarios the tests of this folder share."""

from marketsim import scenario
from marketsim.errors import ScenarioError
from marketsim.scenario.schema import Scenario

HEAD = """
schema: marketsim/1
clock: {duration: 1d}
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}
markets:
  - {id: BTC-PERP, underlying: BTC}
"""
TOKENS = """
tokens:
  - {id: UP, issuer: alpha, basket: {BTC-PERP: 3}, aum: 1 MUSDT, nav: 100 USDT, rebalance: {policy: daily, at: "00:02"}}
  - {id: DOWN, like: UP, basket: {BTC-PERP: -3}, aum: 500 kUSDT}
"""
TRADERS = """
traders:
  - {id: noise, kind: noise, market: BTC-PERP, count: 100, capital: 10 kUSDT}
"""
WORLD = HEAD + TOKENS + TRADERS


def load(text: str = WORLD, **arguments: object) -> Scenario:
    return scenario.load_text(text, **arguments)  # type: ignore[arg-type]


def messages(text: str = WORLD, **arguments: object) -> list[str]:
    """What is wrong with a scenario, one text a problem."""
    try:
        load(text, **arguments)
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    return []
