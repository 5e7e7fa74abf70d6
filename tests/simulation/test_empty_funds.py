"""A fund without units: its first creation is priced, hedged and measured in every mode; a second life is like it."""

from functools import partial
from math import log
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import marketsim as ms
from marketsim.datasets.run import Run

NS = 10**9
RISE = "{kind: path, points: [[0s, 150 USDT], [20min, 153 USDT]]}"
WORLD = """schema: marketsim/1
name: first-creation
clock: {{start: 2024-05-05T09:00:00Z, duration: 40min}}
underlyings: [{{id: SOL, index: {index}}}]
markets:
  - id: P
    underlying: SOL
    tick: 0.001 USDT
    lot: 0.01 SOL
    fees: {{maker: 0 bps, taker: 0 bps}}
    mark: {{rule: index}}
tokens:
  - id: SOL3L
    issuer: x
    basket: {{P: 3}}
    aum: 0 USDT
    nav: 8 USDT
    rebalance: {{policy: none}}
    execution: {{algorithm: off_book, off_book_fees: false}}
    primary: {primary}
{more}
record: {{tokens: 1min, trades: all}}
"""
FREE = "create_fee: 0 bps, redeem_fee: 0 bps"


class Client(ms.Agent):
    """Creates with some cash after five minutes, and gives everything back at `leave`, if it does."""

    def __init__(self, model: ms.MarketModel, leave: str | None = None, again: str | None = None, **more: Any) -> None:
        self.leave, self.again = leave, again
        super().__init__(model, **more)

    def process(self) -> Any:
        yield self.wait("5min")
        yield self.create("SOL3L", "6 kUSDT").done
        if self.leave:
            yield self.until(self.leave)
            yield self.redeem("SOL3L", self.units("SOL3L")).done
        if self.again:
            yield self.until(self.again)
            yield self.create("SOL3L", "6 kUSDT").done


class Handing(ms.Agent):
    """Buys the positions that a creation in kind hands in, from another, and creates."""

    def __init__(self, model: ms.MarketModel, lots: str, **more: Any) -> None:
        self.lots = lots
        super().__init__(model, **more)

    def process(self) -> Any:
        yield self.wait("1min")
        self.send("P", self.lots, price="150 USDT")
        yield self.wait("4min")
        if not self.lots.startswith("-"):
            request = self.create("SOL3L", "6 kUSDT")
            yield request.done
            self.record(status=request.status, reason=str(request.reason))


def made(folder: Path, agents: list[tuple[type[ms.Agent], dict[str, Any]]], index: str = RISE, **keys: str) -> Run:
    path = folder / "world.yaml"
    keys = {"primary": f"{{mode: cash_exec, {FREE}}}", "more": ""} | keys
    path.write_text(WORLD.format(index=index, **keys))
    makers = [partial(one, **more) for one, more in agents]
    return ms.run(str(path), seed=4, out=str(folder), agents=makers, agents_id="test" if agents else None, report=False)


def at(run: Run, minute: int) -> dict[str, Any]:
    return run.table("tokens").filter(pl.col("t_ns") == minute * 60 * NS).row(0, named=True)


@pytest.mark.parametrize("mode", ["cash_nav", "cash_exec"])
def test_a_first_creation_is_hedged_at_once(tmp_path: Path, mode: str) -> None:
    """6 kUSDT at 3x: 18 kUSDT of perpetuals; at +2 % the NAV is 8 x 1.06."""
    run = made(tmp_path, [(Client, {"capital": "10 kUSDT", "name": "c"})], primary=f"{{mode: {mode}, {FREE}}}")
    assert at(run, 10)["leverage"] == pytest.approx(3, abs=1e-3)
    assert at(run, 30)["nav"] == pytest.approx(8.48, abs=1e-6)
    assert run.table("token_legs").filter(pl.col("t_ns") == 600 * NS)["notional_atoms"].item() == 18_000 * 10**8


def test_a_first_creation_in_kind_is_at_the_declared_nav_and_the_basket_s_targets(tmp_path: Path) -> None:
    """6 kUSDT at NAV 8 are 750 units, and 3 x 6000 / 150 = 120 SOL come with them."""
    agents = [
        (Handing, {"lots": "-200 SOL", "capital": "100 kUSDT", "name": "seller"}),
        (Handing, {"lots": "200 SOL", "capital": "100 kUSDT", "name": "client"}),
    ]
    run = made(tmp_path, agents, primary=f"{{mode: in_kind, {FREE}}}")
    (row,) = run.table("primary").rows(named=True)
    assert (row["status"], row["units"], row["cash_atoms"]) == ("settled", 750, 6_000 * 10**8)
    assert run.table("token_legs").filter(pl.col("t_ns") == 600 * NS)["position_lots"].item() == 12_000
    assert at(run, 30)["nav"] == pytest.approx(8.48, abs=1e-6)


def test_a_client_without_the_basket_cannot_begin_a_fund_in_kind(tmp_path: Path) -> None:
    run = made(tmp_path, [(Client, {"capital": "10 kUSDT", "name": "c"})], primary=f"{{mode: in_kind, {FREE}}}")
    assert run.table("primary").select("status", "reason").rows() == [("refused", "insufficient_position")]


@pytest.mark.parametrize("mode", ["cash_nav", "cash_exec"])
def test_a_fund_that_was_emptied_begins_anew_at_the_declared_nav(tmp_path: Path, mode: str) -> None:
    """Founded at 150, emptied at 153 with NAV 8.48, founded again: 8 once more, and nothing of its first life left."""
    client = {"leave": "09:25", "again": "09:30", "capital": "10 kUSDT", "name": "c"}
    run = made(tmp_path, [(Client, client)], primary=f"{{mode: {mode}, {FREE}}}")
    assert (at(run, 27)["nav"], at(run, 27)["supply"], at(run, 27)["leverage"]) == (8.0, 0.0, None)
    assert at(run, 27)["equity_atoms"] == at(run, 27)["claims_atoms"] == 0
    assert at(run, 35)["nav"] == pytest.approx(8, abs=1e-6)
    assert at(run, 35)["leverage"] == pytest.approx(3, abs=1e-3)


def test_a_fund_is_measured_from_its_first_units_to_its_last(tmp_path: Path) -> None:
    """The mark rises by 1 % before the first unit, 2 % while there are some, and falls by 10 % after the last."""
    path = "{kind: path, points: [[0s, 150 USDT], [2min, 151.5 USDT], [20min, 154.53 USDT], [30min, 139.077 USDT]]}"
    run = made(tmp_path, [(Client, {"leave": "09:25", "capital": "10 kUSDT", "name": "c"})], index=path)
    (row,) = run.table("decay").rows(named=True)
    assert row["beta_term"] == pytest.approx(3 * log(1.02), rel=1e-9)
    assert row["log_return"] == pytest.approx(log(1.06), abs=1e-5)
    assert row["variance_term"] == pytest.approx(-3 * log(1.02) ** 2, rel=1e-9)


@pytest.mark.parametrize("mode", ["cash_nav", "cash_exec", "cash_batch, batches: ['09:10']"])
def test_holders_begin_an_empty_fund(tmp_path: Path, mode: str) -> None:
    """They see the declared NAV, and nobody to buy from but the fund."""
    more = """    market: {tick: 0.001 USDT, lot: 0.01}
traders: [{id: h, kind: holder, market: SOL3L, count: 50, capital: 10 kUSDT, rate: 20/h}]"""
    run = made(tmp_path, [], primary=f"{{mode: {mode}, {FREE}}}", more=more)
    end = at(run, 39)
    assert end["supply"] > 1_000
    assert end["leverage"] == pytest.approx(3, abs=0.12)  # 2.887 where all came before the 2 %
    first = run.table("marks").filter(market="SOL3L").row(0, named=True)
    assert first["index_price"] == 8.0
