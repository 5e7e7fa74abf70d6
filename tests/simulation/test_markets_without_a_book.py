"""Markets that match by a formula: who may trade there, at which price, and what is written down of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import marketsim as ms
from marketsim.errors import ScenarioError, UsageError
from tests.simulation.worlds import (
    ATOMS,
    FREE,
    MAKERS,
    MINUTE,
    NOISE,
    SECOND,
    STILL,
    UP,
    Recorded,
    recorded,
    steps,
    world,
)

LINEAR = {"kind": "linear", "per_unit": "2 USDT"}
FADING = {
    "kind": "propagator", "per_unit": "2 USDT", "decay": {"exponential": {"halflife": "20s", "permanent": "25%"}},
}  # fmt: skip
POWER = {"kind": "propagator", "per_unit": "2 USDT", "decay": {"power": {"tau": "5s", "gamma": "0.5"}}}
MARKET = {key: value for key, value in FREE.items() if key != "mark"}
TAKERS = {
    **NOISE,
    "market_share": "100%",
    "limit_share": "0%",
    "count": 40,
    "size": {"uniform": ["1 kUSDT", "90 kUSDT"]},
}


def in_a_market(folder: Path, matching: dict[str, Any], **parts: Any) -> Recorded:
    market = {**MARKET, "matching": matching, **parts.pop("market", {})}
    run = recorded(world(market=market, **{"traders": (), "index": STILL, **parts}), folder)
    assert run.residual_atoms == 0
    return run


# -- prices


def test_orders_of_one_instant_pay_one_price_and_move_it_together(tmp_path: Path) -> None:
    """30,000; +10 and -4 BTC at 2 USDT a coin: both at 30,006, the price is 30,012. A minute later -6 alone."""
    events = [
        {"at": "10min", "kind": "order", "market": "BTC-PERP", "size": "10 BTC"},
        {"at": "10min", "kind": "order", "market": "BTC-PERP", "size": "-4 BTC"},
        {"at": "11min", "kind": "order", "market": "BTC-PERP", "size": "-6 BTC"},
    ]
    run = in_a_market(tmp_path, LINEAR, events=events, record={"quotes": "change", "orders": "all", "marks": "30s"})
    trades = run.table("trades")
    assert trades["price"].to_list() == [30_006, 30_006, 30_006]
    assert trades["size_lots"].to_list() == [10_000, 4_000, 6_000]
    assert trades["taker_side"].to_list() == ["buy", "sell", "sell"]
    assert set(trades["maker_cohort"]) == {"outside"}
    assert set(trades["maker_order"]) == {-1}
    assert run.table("orders")["reason"].to_list() == ["filled"] * 3
    quotes = run.table("quotes").filter(pl.col("t_ns") > 0)
    assert quotes["mid"].to_list() == [30_012, 30_000]
    assert quotes.select("bid_ticks", "bid_lots", "ask_ticks", "ask_lots").unique().rows() == [(0, 0, 0, 0)]
    marks = run.table("marks").filter(pl.col("t_ns") == 10 * MINUTE + 30 * SECOND)
    assert marks.select("mark_price", "mid_price", "last_price").row(0) == (30_012, 30_012, 30_012)
    assert marks["premium"][0] == pytest.approx(12 / 30_000)


@pytest.mark.parametrize(("fill", "paid"), [("0", 30_000), ("0.5", 30_010), ("1", 30_020)])
def test_an_order_pays_a_part_of_its_own_impact(fill: str, paid: int, tmp_path: Path) -> None:
    order = {"at": "10min", "kind": "order", "market": "BTC-PERP", "size": "10 BTC"}
    run = in_a_market(tmp_path, {**LINEAR, "fill": fill}, events=[order])
    assert run.table("trades")["price"].to_list() == [paid]


def left(matching: dict[str, Any], age_s: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if matching is LINEAR:
        return np.ones_like(age_s)
    return 0.25 + 0.75 * 0.5 ** (age_s / 20) if matching is FADING else (1 + age_s / 5) ** -0.5


@pytest.mark.parametrize("matching", [LINEAR, FADING, POWER], ids=["linear", "exponential", "power"])
def test_the_price_is_the_index_plus_the_impacts_of_all_trades(matching: dict[str, Any], tmp_path: Path) -> None:
    """Recomputed from the table of trades, for market orders of noise traders, which the kernel sends by itself."""
    run = in_a_market(tmp_path, matching, traders=[TAKERS], record={"quotes": "10s"}, duration="20min")
    trades, quotes = run.table("trades"), run.table("quotes")
    assert len(trades) > 300
    signed = trades["size_lots"].to_numpy() / 1000 * np.where(trades["taker_side"].to_numpy() == "buy", 1, -1)
    at = trades["t_ns"].to_numpy()
    for t_ns, mid in quotes.select("t_ns", "mid").iter_rows():
        known = at <= t_ns
        impact = 2 * (signed[known] * left(matching, (t_ns - at[known]) / 1e9)).sum()
        assert mid == pytest.approx(30_000 + impact, abs=0.051)
    before = np.array([2 * (signed[:i] * left(matching, (at[i] - at[:i]) / 1e9)).sum() for i in range(len(at))])
    worst = np.abs(trades["price"].to_numpy() - (30_000 + before + signed)).max()
    assert worst < (0.06 if matching is LINEAR else 2.5)  # impacts fade at steps of a second between the kernel's own


def test_a_run_in_pieces_is_the_same_run(tmp_path: Path) -> None:
    token = {**UP, "execution": {"algorithm": "twap", "over": "2min", "slices": 5, "resize": "each_child"}}
    market = {**MARKET, "matching": FADING}
    whole = world(market=market, traders=[TAKERS], tokens=[token])
    one = recorded(whole, tmp_path / "one")
    stops = [32 * MINUTE, 32 * MINUTE + 1, 33 * MINUTE + 7 * SECOND]
    many = recorded(whole, tmp_path / "many", stops=stops)
    assert one.hashes == many.hashes
    assert one.digest == many.digest


# -- who trades there


class Trader(ms.Agent):
    """Looks, buys, and asks for what there is not."""

    def process(self) -> Iterator[Any]:
        yield self.wait("5min")
        view = self.view
        order = self.send("BTC-PERP", size="+3 BTC", type="market")
        yield order.done
        self.record(price=order.average_price, mid=view.mid("BTC-PERP"), bid=view.bid_ticks("BTC-PERP"))
        for ask in (
            lambda: self.send("BTC-PERP", size="+3 BTC", price="29000 USDT"),
            lambda: view.depth_lots("BTC-PERP", "bid", 10),
        ):
            with pytest.raises(UsageError, match="BTC-PERP matches by a formula"):
                ask()


def test_an_agent_sends_market_orders_and_sees_a_price_without_quotes(tmp_path: Path) -> None:
    small = world(duration="10min", market={**MARKET, "matching": LINEAR}, index=STILL, traders=())
    run = ms.run(
        small,
        agents=[lambda model: Trader(model, capital="1 MUSDT", name="one")],
        agents_id="one",
        out=tmp_path,
        report=False,
    )
    assert run.manifest["status"] == "ok"
    (row,) = json.loads((run.path / "agents.json").read_text("utf-8"))["records"]["one"]
    assert (row["price"], row["mid"], row["bid"]) == (30_003, 300_060, None)


def test_a_liquidated_position_is_sold_within_its_limit_and_no_money_is_lost(tmp_path: Path) -> None:
    """Longs at 20x, and a fall of 4.8 %: each sale moves the price, and whom that ruins the fund takes over."""
    retail = {
        "id": "longs", "kind": "retail", "market": "BTC-PERP", "count": 30, "capital": "20 kUSDT", "rate": "0/h",
        "start": {"leverage": 20, "long_share": "100%"},
    }  # fmt: skip
    run = in_a_market(
        tmp_path,
        {"kind": "linear", "per_unit": "0.5 USDT"},
        traders=[retail],
        index=steps(("0s", "30000 USDT"), ("5min", "28560 USDT")),
        duration="20min",
        market={"margin": {}, "insurance_fund": "1 MUSDT"},
    )
    gone = run.table("liquidations")
    sold = run.table("trades").filter(taker_purpose="liquidation", taker_cohort="longs")
    assert len(gone) >= 30
    assert len(sold) > 0
    assert (sold["taker_side"] == "sell").all()
    joined = gone.filter(pl.col("vwap").is_not_null())
    assert (joined["vwap"] >= joined["bankruptcy_price"] - 0.1).all()
    ends = run.table("accounts").filter(cohort="longs")["end_equity_atoms"]
    assert (ends >= -ATOMS).all()


def test_a_halted_market_fills_nothing_until_it_opens(tmp_path: Path) -> None:
    events = [
        {"at": "10min", "kind": "outage", "market": "BTC-PERP", "for": "1min"},
        {"at": "10min30s", "kind": "order", "market": "BTC-PERP", "size": "10 BTC"},
        {"at": "12min", "kind": "order", "market": "BTC-PERP", "size": "-10 BTC"},
    ]
    run = in_a_market(tmp_path, LINEAR, events=events, record={"orders": "all"})
    assert run.table("orders")["reason"].to_list() == ["halted", "filled"]
    assert run.table("trades")["price"].to_list() == [29_990]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"traders": [NOISE]}, "traders.noise.limit_share"),
        ({"traders": [MAKERS]}, "traders.makers.kind"),
        ({"tokens": [{**UP, "execution": {"algorithm": "passive", "offset": "1 bps", "timeout": "1min"}}]},
         "tokens.UP.execution.algorithm: passive rests orders in a book"),
        ({"events": [{"at": "1min", "kind": "order", "market": "BTC-PERP", "size": "1 BTC", "type": "limit",
                      "price": "30000 USDT"}]}, "events.0.type"),
        ({"record": {"depth": {"bps": [10], "every": "1min"}}}, "record.depth"),
        ({"record": {"book": {"levels": 5, "every": "1min"}}}, "record.book"),
    ],
)  # fmt: skip
def test_what_needs_a_book_is_refused_by_name(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        world(**{"market": {**MARKET, "matching": LINEAR}, "index": STILL, "traders": (), **parts})
    assert told in str(refused.value)


def test_depth_is_recorded_of_the_books_beside_it(tmp_path: Path) -> None:
    exact = {**MARKET, "id": "EXACT", "matching": LINEAR}
    beside = world(
        traders=[NOISE, MAKERS],
        duration="10min",
        record={"depth": {"bps": [10], "every": "1min"}},
        markets=[FREE, exact],
    )
    run = recorded(beside, tmp_path)
    assert set(run.table("depth")["market"]) == {"BTC-PERP"}
    assert set(run.table("quotes")["market"]) == {"BTC-PERP", "EXACT"}
