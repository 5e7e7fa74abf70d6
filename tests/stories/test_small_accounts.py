"""Stories of one small account at the edge of what it can pay."""

from pathlib import Path

import polars as pl

import marketsim as ms
from marketsim.scenario import load_text
from tests.simulation.worlds import SECOND, Recorded, recorded

FREE = "fees: {maker: 0 bps, taker: 0 bps}, mark: {rule: index}"
POINTS = "[0s, 500 USDT], [60s, 500 USDT], [1800s, 1300 USDT]"
NEARLY_DOUBLES = f"""
schema: marketsim/1
name: short-at-one
clock: {{duration: 20min}}
underlyings: [{{id: BNB, index: {{kind: path, interpolate: linear, points: [{POINTS}]}}}}]
markets: [{{id: M, underlying: BNB, tick: 0.01 USDT, lot: 0.01 BNB, {FREE}, insurance_fund: 1 MUSDT}}]
record: {{marks: 1s, cohorts: 10s}}
"""
DEAR = "every: 15min, interest: 4%, cap: 4%, damper: 4%"
CANNOT_PAY = f"""
schema: marketsim/1
name: cannot-pay
clock: {{duration: 40min}}
underlyings: [{{id: ETH, index: {{kind: path, points: [[0s, 2111.11 USDT], [10min, 2099.99 USDT]]}}}}]
markets:
  - {{id: M, underlying: ETH, tick: 0.01 USDT, lot: 0.001 ETH, {FREE}, funding: {{{DEAR}}}, insurance_fund: 0.05 USDT}}
record: {{cohorts: 1min}}
"""


class Orders(ms.Agent):
    """Sends one order; without a price it takes what there is."""

    def __init__(self, model: ms.MarketModel, at: str, size: str, price: str | None = None, **account: str) -> None:
        self.at, self.size, self.price = at, size, price
        super().__init__(model, **account)

    def process(self):  # type: ignore[no-untyped-def]
        yield self.wait(self.at)
        kind = {"type": "market"} if self.price is None else {"price": self.price}
        yield self.send("M", self.size, **kind).done


def lived(text: str, folder: Path, *orders: dict[str, str]) -> Recorded:
    return recorded(load_text(text), folder, before=lambda model: [Orders(model, **order) for order in orders])


def equity_atoms(run: Recorded, cohort: str) -> pl.Series:
    return run.table("cohorts").filter(cohort=cohort).sort("t_ns")["equity_atoms"]


def test_a_short_of_leverage_one_is_liquidated_where_its_coin_has_nearly_doubled(tmp_path: Path) -> None:
    """2 BNB sold at 500 beside 1,000 USDT: 2000 - 2P is less than .4 % of 2P from 2000 / 2.008 = 996.016 on.

    The index rises by 800 / 1740 a second from 60 s on: it is at 995.63 after 1,078 of them, at 996.09 after 1,079.
    """
    run = lived(
        NEARLY_DOUBLES,
        tmp_path,
        {"at": "5s", "size": "2 BNB", "price": "500 USDT", "capital": "1 MUSDT", "name": "dealer"},
        {"at": "10s", "size": "-2 BNB", "capital": "1000 USDT", "name": "short"},
    )
    (row,) = run.table("liquidations").to_dicts()
    assert (row["cohort"], row["mark_price"]) == ("short", 996.09)
    assert row["t_ns"] == (60 + 1_079) * SECOND
    assert row["t_order_ns"] == row["t_ns"] + SECOND // 100  # the engine's order comes 10 ms after that mark step
    assert run.table("marks").filter(pl.col("t_ns") < row["t_ns"])["mark_price"].max() == 995.63
    assert equity_atoms(run, "short").min() >= 0
    assert run.residual_atoms == 0


def test_funding_beyond_an_account_s_equity_is_received_as_it_is_paid(tmp_path: Path) -> None:
    """5 lots long owe 4 % of .005 x 2,099.99, .419998 USDT, and have .2 - .005 x 11.12 = .1444: they are closed."""
    sale = {"price": "2111.11 USDT", "capital": "90 USDT"}
    run = lived(
        CANNOT_PAY,
        tmp_path,
        {"at": "1s", "size": "-0.002 ETH", "name": "two", **sale},
        {"at": "2s", "size": "-0.003 ETH", "name": "three", **sale},
        {"at": "5s", "size": "0.005 ETH", "capital": "0.2 USDT", "name": "thin"},
    )
    funding = run.table("funding")
    assert funding["paid_by_longs_atoms"].to_list() == funding["received_by_shorts_atoms"].to_list() == [41_999_800, 0]
    assert run.table("liquidations")["cohort"].to_list() == ["thin"]
    assert equity_atoms(run, "thin")[-1] >= 0
    assert run.residual_atoms == 0
