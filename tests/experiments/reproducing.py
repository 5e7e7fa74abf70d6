"""A study with every kind of arm, and one with forks and probes: small worlds in which all of them matter."""

from marketsim import scenario
from marketsim.scenario.schema import Scenario

WORLD = """
schema: marketsim/1
name: every-arm
clock: {start: 2024-01-01T20:30:00Z, duration: 100min}
seed: 11
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}
markets:
  - {id: BTC-PERP, underlying: BTC, insurance_fund: 200 kUSDT}
tokens:
  - id: UP
    issuer: alpha
    basket: {BTC-PERP: 3}
    aum: 1 MUSDT
    nav: 100 USDT
    start: {leverage: 3.1}
    rebalance: {policy: daily, at: "21:50"}
    execution: {algorithm: ioc_ladder, slice: 20 kUSDT, every: 5s}
    disclosure: {schedule: public, size: exact, lead: 10min}
    primary: {mode: cash_nav, create_fee: 10 bps, redeem_fee: 10 bps}
    market: {tick: 0.01 USDT, lot: 0.01, fees: {maker: 10 bps, taker: 10 bps}}
  - {id: DOWN, like: UP, basket: {BTC-PERP: -3}, start: {leverage: -3.1}}
traders:
  - {id: noise, kind: noise, market: BTC-PERP, count: 30, rate: 60/h, capital: 20 kUSDT}
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 2, capital: 2 MUSDT, size: 4 kUSDT}
  - {id: hunters, kind: anticipator, market: BTC-PERP, count: 2, capital: 100 kUSDT, knows: {lead: 10min}}
  - {id: own, kind: holder, market: UP, count: 20, rate: 6/h, capital: 20 kUSDT, primary_share: 100%, holds: {UP: 40%}}
record: {quotes: 1min}
"""

EVERY_ARM = """
study:
  arms:
    - factual
    - frictionless
    - {id: no_hedges, arm: frictionless, scope: [rebalance, primary]}
    - {id: up_only, arm: frictionless, only: [UP]}
    - shadow
    - off
    - {id: without_down, arm: off, only: [DOWN]}
    - blind
    - phantom
    - placebo_time
    - placebo_sign
    - contrarian
    - {id: late, set: {tokens.*.rebalance.jitter: 4min}}
    - {id: late_contrarian, arm: contrarian, set: {tokens.*.rebalance.jitter: 4min}}
    - {id: larger_contrarian, arm: contrarian, set: {tokens.UP.aum: 1.5 MUSDT}}
  replications: REPLICATIONS
  over: {tokens.DOWN.aum: [SIZES]}
"""

FORKS = """
study:
  arms: [factual, frictionless, contrarian]
  replications: REPLICATIONS
  fork: {at: rebalances, before: 0s, horizon: 5min}
  measures: [price_share, crowding_number]
  over: {tokens.DOWN.aum: [SIZES]}
"""


def every_arm(replications: int = 1, sizes: str = "2 MUSDT") -> Scenario:
    """Every arm, also with `only`, `scope` and `set`, in a cell for each size; a hundred minutes of fifty traders."""
    return _study(EVERY_ARM, replications, sizes, "every-arm")


def forks(replications: int = 1, sizes: str = "2 MUSDT") -> Scenario:
    """The same world with arms that are forked at its resets, and with probes."""
    return _study(FORKS, replications, sizes, "forked")


def _study(block: str, replications: int, sizes: str, name: str) -> Scenario:
    text = (WORLD + block).replace("REPLICATIONS", str(replications)).replace("SIZES", sizes)
    return scenario.load_text(text.replace("every-arm", name), name=name)
