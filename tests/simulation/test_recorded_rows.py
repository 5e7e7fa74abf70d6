"""Rows of a world that stands still, worked by hand: books, marks, opening flows and one liquidation."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import ATOMS, FREE, MINUTE, RETAIL, SECOND, STILL, UP, Recorded, recorded, world

FALL = [{"at": "90s", "kind": "jump", "underlying": "BTC", "size": "-8%"}]
BOOK = {"depth": {"bps": [5, 50], "every": "1min"}, "book": {"levels": 2, "every": "1min"}}
BIDS = {299_900: 2, 299_800: 3, 299_000: 1}
ASKS = {300_100: 4, 300_300: 5}


def orders_of_an_agent(model: MarketModel) -> None:
    """A book around 300,000 ticks, and one lot of it bought."""
    maker, taker = model.add_agent("maker", 100_000 * ATOMS), model.add_agent("taker", 100_000 * ATOMS)
    for sign, levels in ((1, BIDS), (-1, ASKS)):
        for price, lots in levels.items():
            model.gateway.send(maker, "BTC-PERP", sign * lots, order_type="limit", price_ticks=price)
    model.env.process(buys_one(model, taker))


def buys_one(model: MarketModel, taker: int) -> Any:
    yield model.env.timeout(30 * 10**9)
    model.gateway.send(taker, "BTC-PERP", 1, order_type="market")


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    made = world(index=STILL, market=FREE, traders=[], duration="3min", record=BOOK)
    return recorded(made, tmp_path_factory.mktemp("still"), before=orders_of_an_agent)


def at_a_minute(run: Recorded, table: str) -> list[tuple[Any, ...]]:
    rows = run.table(table)
    return rows.filter(rows["t_ns"] == MINUTE).drop("t_ns", "market").rows()


def test_a_quote_is_the_best_price_of_either_side_with_its_lots(still: Recorded) -> None:
    assert at_a_minute(still, "quotes") == [(299_900, 2, 300_100, 3, 30_000.0)]


def test_depth_counts_lots_within_basis_points_of_the_mid(still: Recorded) -> None:
    """5 bps of 300,000 ticks are 150, 50 bps are 1,500."""
    assert at_a_minute(still, "depth") == [("bid", 5.0, 2), ("bid", 50.0, 6), ("ask", 5.0, 3), ("ask", 50.0, 8)]


def test_levels_of_the_book_count_from_one_at_the_best_price(still: Recorded) -> None:
    assert at_a_minute(still, "book") == [
        ("bid", 1, 299_900, 2),
        ("bid", 2, 299_800, 3),
        ("ask", 1, 300_100, 3),
        ("ask", 2, 300_300, 5),
    ]


def test_marks_tell_prices_in_money_and_the_size_of_all_longs(still: Recorded) -> None:
    (row,) = still.table("marks").filter(still.table("marks")["t_ns"] == MINUTE).iter_rows(named=True)
    assert (row["index_price"], row["mark_price"], row["mid_price"], row["last_price"]) == (30e3, 30e3, 30e3, 30_010.0)
    assert row["open_interest_lots"] == 1
    first = still.table("marks").row(0, named=True)
    assert first["last_price"] is None


def test_accounts_stand_in_their_ranges_and_opening_flows_are_deposits_and_what_positions_cost(tmp_path: Path) -> None:
    """A fund of 1 MUSDT at 3 times, the other of 500 k at -3: they buy 100 and sell 50 BTC of outside at 30,000."""

    def joins(model: MarketModel) -> None:
        model.add_agent("mine", 0)

    tokens = [UP, {**UP, "id": "DOWN", "basket": {"BTC-PERP": -3}, "aum": "500 kUSDT"}]
    run = recorded(world(index=STILL, market=FREE, traders=[], tokens=tokens, duration="1min"), tmp_path, before=joins)
    assert run.table("accounts").select("account", "cohort").rows() == [
        (1_000_000_000, "UP"),
        (1_000_000_001, "DOWN"),
        (1_100_000_000, "mine"),
        (1_200_000_000, "venue"),
        (1_200_000_001, "rounding"),
        (1_200_000_002, "outside"),
        (1_200_000_003, "outside_holders"),
        (1_200_000_004, "issuer:alpha"),
        (1_200_000_005, "insurance"),
    ]
    rows = run.table("ledger").select("t_ns", "entry", "from_cohort", "to_cohort", "atoms").rows()
    assert set(rows) >= {
        (0, "deposit", None, "UP", 1_000_000 * ATOMS),
        (0, "deposit", None, "DOWN", 500_000 * ATOMS),
        (0, "trade", "UP", "outside", 3_000_000 * ATOMS),
        (0, "trade", "DOWN", "outside", -1_500_000 * ATOMS),
    }
    assert [row for row in rows if row[1] == "trade" and row[2] not in ("UP", "DOWN")] == []


def test_a_liquidation_is_told_with_its_prices_and_leverage(tmp_path: Path) -> None:
    """333 lots of 1/1000 BTC bought at 30,000 with 1,000 USDT; the index falls to 27,600, bids stand at 27,500.

    At the mark the loss is 799.2, what is left 200.8 on a notional of 9,190.8, below the 5 % of maintenance. Bankrupt
    where the loss is 1,000: 30,000 - 1,000 / .333. Sold for 9,157.5; the fee is 1.25 % of that.
    """
    one = {**RETAIL, "count": 1, "rate": "1/d", "capital": "1 kUSDT", "start": {"leverage": "10", "long_share": "100%"}}
    tiers = [{"up_to": "1 MUSDT", "max_leverage": 10, "maintenance": "5%"}]

    def bids(model: MarketModel) -> None:
        maker = model.add_agent("maker", 100_000 * ATOMS)
        model.gateway.send(maker, "BTC-PERP", 1_000, order_type="limit", price_ticks=275_000)

    market = {**FREE, "margin": {"tiers": tiers}}
    made = world(index=STILL, market=market, traders=[one], events=FALL, duration="3min")
    (row,) = recorded(made, tmp_path, before=bids).table("liquidations").iter_rows(named=True)
    assert row.pop("leverage") == pytest.approx(9_190.8 / 200.8)
    assert row.pop("bankruptcy_price") == pytest.approx(26_996.997, abs=1e-3)
    assert row == {
        "t_ns": 90 * SECOND,
        "t_order_ns": 90 * SECOND + SECOND // 100,
        "market": "BTC-PERP",
        "account": 0,
        "cohort": "retail",
        "size_lots": 333,
        "entry_price": 30_000.0,
        "mark_price": 27_600.0,
        "index_price": 27_600.0,
        "vwap": 27_500.0,
        "fee_atoms": 11_446_875_000,
        "insurance_atoms": 0,
        "deleveraged_lots": 0,
        "stage": "partial",
        "cascade": 0,
        "parent": -1,
        "is_fund": False,
        "solvent_at_index": True,
    }


def test_the_median_mark_looks_ahead_to_the_next_settlement(tmp_path: Path) -> None:
    """1 % is due every hour, the mid is the index, the last price 31,000: the mark is 30,000 (1 + .01 x time left)."""
    funding = {"interest": "1%", "damper": "1%", "cap": "1%", "every": "1h"}
    market = {**FREE, "mark": {"rule": "median"}, "funding": funding}

    def last_at_the_ask(model: MarketModel) -> None:
        maker, taker = model.add_agent("maker", 10**6 * ATOMS), model.add_agent("taker", 10**6 * ATOMS)
        for lots, price in ((5, 290_000), (-5, 310_000)):
            model.gateway.send(maker, "BTC-PERP", lots, order_type="limit", price_ticks=price)
        model.env.process(buys_one(model, taker))

    made = world(
        start="2024-01-01T00:00:00Z",
        index=STILL,
        market=market,
        traders=[],
        duration="130min",
        record={"marks": "15min"},
    )
    rows = recorded(made, tmp_path, before=last_at_the_ask).table("marks")
    marks = {row["t_ns"] // MINUTE: row["mark_price"] for row in rows.iter_rows(named=True)}
    assert (marks[75], marks[90], marks[105]) == pytest.approx((30_225.0, 30_150.0, 30_075.0), abs=0.5)


def test_every_interval_of_funding_begins_without_the_last_one_s_premiums(tmp_path: Path) -> None:
    """Bids for 60,600 USDT stand 1 % above the index all the time, so each interval's average is that, to the bit."""
    funding = {"interest": "0 bps", "damper": "0 bps", "cap": "5%", "every": "10min", "sample": "1min"}

    def bids_above(model: MarketModel) -> None:
        maker = model.add_agent("maker", 10**6 * ATOMS)
        model.gateway.send(maker, "BTC-PERP", 2_000, order_type="limit", price_ticks=303_000)

    made = world(
        start="2024-01-01T00:00:00Z", index=STILL, market={**FREE, "funding": funding}, traders=[], duration="35min"
    )
    rows = recorded(made, tmp_path, before=bids_above).table("funding")
    assert rows["t_ns"].to_list() == [10 * MINUTE, 20 * MINUTE, 30 * MINUTE]
    assert rows["mean_premium"].to_list() == pytest.approx([0.01] * 3, rel=1e-9)
    assert rows["mean_premium"].n_unique() == 1
    assert rows["rate"].to_list() == rows["mean_premium"].to_list()


def test_a_mark_whose_step_is_longer_than_the_run_stays_where_it_began(tmp_path: Path) -> None:
    """The index falls by 8 % after 90 s; the mark would follow at 12 h."""
    market = {**FREE, "mark": {"rule": "index", "every": "12h"}}
    made = world(index=STILL, market=market, traders=[], events=FALL, duration="3min", record={"marks": "1min"})
    rows = recorded(made, tmp_path).table("marks").sort("t_ns")
    assert rows.select("index_price", "mark_price").rows()[-1] == (27_600.0, 30_000.0)
