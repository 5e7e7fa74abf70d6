"""A fund whose account waits for the engine's order trades nothing, off the book either: the venue has its position."""

from pathlib import Path

import polars as pl

import marketsim as ms
from marketsim.issuers.fund.token import TokenState
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import FREE, MILLISECOND, MINUTE, UP, steps, world

GAP = Path(__file__).parents[2] / "scenarios" / "claims" / "gap.yaml"
HOUR = 3_600 * 10**9


def test_an_emergency_does_not_rescue_a_fund_that_the_venue_has_taken(tmp_path: Path) -> None:
    """SOL falls by 33 % at 6 h: 1 % of the +3 fund's equity is left, 100 USDT of 1 MUSDT after the venue's 0.99 %.

    Its emergency is decided at that instant, the engine's order comes 10 ms later: to the whole position.
    """
    run = ms.run(GAP, set={"clock.duration": "7h"}, out=tmp_path, report=False)
    liquidated = run.table("liquidations").filter(cohort="SOL3L").row(0, named=True)
    assert (liquidated["t_ns"], liquidated["t_order_ns"]) == (6 * HOUR, 6 * HOUR + 10**7)
    assert liquidated["size_lots"] == 3_000_000
    assert liquidated["insurance_atoms"] == 990_000_000_000  # 3,000,000 lots between 67 and 66.666667
    order = run.table("rebalances").filter(token="SOL3L", trigger="emergency").row(0, named=True)
    assert (order["t_decide_ns"], order["filled_lots"], order["status"]) == (6 * HOUR, 0, "partial")
    told = run.table("events").filter(pl.col("subject") == "SOL3L")["event"].to_list()
    assert told == ["backlog", "wiped"]
    rescued = run.table("rebalances").filter(token="BTC2L", trigger="emergency").row(0, named=True)
    assert rescued["filled_lots"] == rescued["target_lots"] == -35_898  # whose account the venue leaves alone


def test_a_fund_hears_of_its_liquidation_at_that_instant() -> None:
    """At 20,100 a +3 fund of 30,000 has a hundredth of its equity left: the engine's order comes 10 ms later.

    The fund itself would look at nothing before noon, and nobody records it.
    """
    tiers = {"tiers": "binance_btcusdt_2024"}
    parts = {
        "index": steps(("0s", "30000 USDT"), ("1min", "20100 USDT")),
        "market": {**FREE, "insurance_fund": "50 MUSDT", "margin": tiers},
        "tokens": [{**UP, "account": tiers, "rebalance": {"policy": "daily", "at": "12:00"}}],
    }
    model = MarketModel(world(**parts, traders=(), duration="2min"))
    states = []
    for t_ns in (MINUTE + 9 * MILLISECOND, MINUTE + 11 * MILLISECOND):
        model.env.run(t_ns)
        states.append(model.desks[0].token.state)
    model.close()
    assert states == [TokenState.TRADING, TokenState.WIPED]
