"""LOBSTER's files as programs that score order flow take them, and what these compute, from the run's own tables too.

The reader asks what LOB-Bench (Nagy et al. 2025) asks: ids, sizes and prices of 32 bits, the day in the file's name,
books without a header; the statistics are those it compares, each by its definition, each expected from another source.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

import marketsim
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.publication.export.formats import export
from tests.publication.export.exported_world import WORLD

START = pd.Timestamp("2024-01-01T23:58:00")
TICK = 1_000
"""0.1 USDT in LOBSTER's prices."""
NEW, DELETED, EXECUTED = 1, 3, 4
SIDES = {1: "buy", -1: "sell"}


class Flow(NamedTuple):
    """Messages and the book after each; a side's levels are columns of price and size in turns, best first."""

    messages: pd.DataFrame
    book: pd.DataFrame

    def asks(self, levels: int = 10) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self.book.iloc[:, 0 : 4 * levels : 4], self.book.iloc[:, 1 : 4 * levels : 4]

    def bids(self, levels: int = 10) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self.book.iloc[:, 2 : 4 * levels : 4], self.book.iloc[:, 3 : 4 * levels : 4]

    @property
    def mid(self) -> pd.Series:
        return (self.book[0] + self.book[2]) / 2

    @property
    def t_ns(self) -> pd.Series:
        return (self.messages["time"] - START).astype("int64")

    @property
    def has_both_sides(self) -> pd.Series:
        return (self.book[1] > 0) & (self.book[3] > 0)


def read(folder: Path) -> Flow:
    """The only pair of files in a folder, found and read as other programs do."""
    (told,), (state,) = folder.glob("*message*.csv"), folder.glob("*orderbook*.csv")
    names = ["time", "type", "order", "size", "price", "direction"]
    small = dict.fromkeys(names[1:], "int32")
    messages = pd.read_csv(told, names=names, index_col=False, dtype={"time": str, **small})
    seconds = messages["time"].str.split(".", expand=True)
    day = pd.to_datetime(told.name.split("_")[1])
    messages["time"] = day + pd.to_timedelta(seconds[0] + "s") + pd.to_timedelta(seconds[1].str.ljust(9, "0") + "ns")
    return Flow(messages, pd.read_csv(state, header=None, index_col=False))


@pytest.fixture(scope="module")
def flow(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    folder = tmp_path_factory.mktemp("lobster")
    export(run, "BTC-PERP", "lobster", folder)
    return read(folder)


def at_seconds(flow: Flow, values: pd.Series) -> pd.Series:
    """The last value at or before each whole second at which both sides stand."""
    last = pd.DataFrame({"t_ns": flow.t_ns, "value": values.to_numpy(), "stands": flow.has_both_sides})
    grid = pd.DataFrame({"t_ns": np.arange(1, 240, dtype="int64") * 10**9})
    found = pd.merge_asof(grid, last, on="t_ns").set_index("t_ns")
    return found.loc[found["stands"], "value"]


def quoted(run: Run, instants: pd.Index) -> pl.DataFrame:
    """The venue's quotes as they stood at instants."""
    quotes = run.table("quotes").group_by("t_ns", maintain_order=True).last()
    return pl.DataFrame({"t_ns": instants.to_numpy()}).join_asof(quotes, on="t_ns")


def placed(run: Run) -> pl.DataFrame:
    """The orders that came to rest."""
    return run.table("orders").filter(
        pl.col("action") == "place", pl.col("reason").is_null(), pl.col("remaining_lots") > 0
    )


def cancelled(run: Run) -> pl.DataFrame:
    return run.table("orders").filter(action="cancel")


def test_messages_order_by_order_make_every_row_of_the_book(flow: Flow) -> None:
    """A book kept by order, not by price: what executes or goes was there, and no more of it than there was."""
    resting: dict[int, list[int]] = {}
    rows = flow.book.to_numpy()
    for number, (_, kind, order, size, price, direction) in enumerate(flow.messages.itertuples(index=False)):
        if kind == NEW:
            assert order not in resting
            resting[order] = [direction, price, size]
        else:
            assert resting[order][:2] == [direction, price]
            assert size == resting[order][2] if kind == DELETED else size <= resting[order][2]
            resting[order][2] -= size
            if resting[order][2] == 0:
                del resting[order]
        if number % 20 == 0 or number == len(rows) - 1:
            expected = []
            levels = [Counter[int](), Counter[int]()]
            for side, at, lots in resting.values():
                levels[side == 1][at] += lots
            asks, bids = sorted(levels[0].items())[:10], sorted(levels[1].items(), reverse=True)[:10]
            asks += [(9_999_999_999, 0)] * (10 - len(asks))
            bids += [(-9_999_999_999, 0)] * (10 - len(bids))
            for ask, bid in zip(asks, bids, strict=True):
                expected += [*ask, *bid]
            assert rows[number].tolist() == expected, number


def test_ten_levels_are_those_of_the_venue(run: Run, flow: Flow) -> None:
    """Prices, sizes and total volume, against the table `book`, which the venue's own book wrote each second."""
    told = run.table("book").filter(pl.col("t_ns") > 0)
    t_ns = flow.t_ns.to_numpy()
    seen = 0
    for (instant, side), levels in told.group_by("t_ns", "side"):
        row = int(np.searchsorted(t_ns, instant, side="right")) - 1
        prices, sizes = flow.asks() if side == "ask" else flow.bids()
        held = sizes.iloc[row] > 0
        levels = levels.sort("level")
        assert (prices.iloc[row][held.to_numpy()] // TICK).tolist() == levels["price_ticks"].to_list()
        assert sizes.iloc[row][held].tolist() == levels["size_lots"].to_list()
        assert sizes.iloc[row].sum() == levels["size_lots"].sum()
        seen += 1
    assert seen > 400


def test_spread_returns_volumes_and_imbalance_are_those_of_the_quotes(run: Run, flow: Flow) -> None:
    spread = at_seconds(flow, flow.book[0] - flow.book[2])
    quotes = quoted(run, spread.index)
    assert len(spread) > 200
    assert spread.tolist() == ((quotes["ask_ticks"] - quotes["bid_ticks"]) * TICK).to_list()
    assert at_seconds(flow, flow.book[1]).tolist() == quotes["ask_lots"].to_list()
    assert at_seconds(flow, flow.book[3]).tolist() == quotes["bid_lots"].to_list()
    imbalance = at_seconds(flow, (flow.book[3] - flow.book[1]) / (flow.book[3] + flow.book[1]))
    total = quotes["bid_lots"] + quotes["ask_lots"]
    assert np.allclose(imbalance, (2 * quotes["bid_lots"] / total - 1).to_numpy(), rtol=0, atol=1e-12)
    mid = at_seconds(flow, flow.mid)
    minutes = mid[mid.index % (60 * 10**9) == 0]
    returns = np.diff(np.log(minutes))
    assert len(returns) == 2
    assert np.allclose(returns, np.diff(np.log(quoted(run, minutes.index)["mid"].to_numpy())), rtol=0, atol=1e-12)


def test_messages_come_when_orders_and_trades_came(run: Run, flow: Flow) -> None:
    """Times between arrivals: as many and as long as the instants of the tables are apart."""
    instants = np.sort(np.concatenate([placed(run)["t_ns"], cancelled(run)["t_ns"], run.table("trades")["t_ns"]]))
    between = flow.messages["time"].diff().iloc[1:].dt.total_seconds() * 1e3
    assert np.allclose(between, np.diff(instants) / 1e6, rtol=0, atol=1e-6)


def first_after_new(flow: Flow, kind: int) -> dict[int, int]:
    """Nanoseconds from an order's first message to its first of a type, as far as it has one, by order."""
    messages = flow.messages[flow.messages["type"].isin((NEW, kind))]
    found = {}
    for order, rows in messages.groupby("order"):
        if rows["type"].tolist()[:2] == [NEW, kind]:
            found[order] = int(rows["time"].iloc[1].value - rows["time"].iloc[0].value)
    return found


def test_times_to_the_first_fill_and_to_cancel_are_those_of_the_tables(run: Run, flow: Flow) -> None:
    rests = placed(run).select("order_id", came="t_ns")
    filled = run.table("trades").group_by("maker_order").agg(pl.col("t_ns").min())
    expected = rests.join(filled, left_on="order_id", right_on="maker_order")
    to_fill = dict(expected.select("order_id", pl.col("t_ns") - pl.col("came")).iter_rows())
    assert len(to_fill) > 100
    assert first_after_new(flow, EXECUTED) == to_fill
    gone = rests.join(cancelled(run), on="order_id")
    to_cancel = dict(gone.select("order_id", pl.col("t_ns") - pl.col("came")).iter_rows())
    assert len(to_cancel) > 5_000
    assert first_after_new(flow, DELETED) == to_cancel


@pytest.mark.parametrize(("kind", "of", "least"), [(NEW, placed, 500), (DELETED, cancelled, 30)])
def test_depths_of_limit_orders_and_cancels_are_measured_from_the_quoted_mid(
    run: Run, flow: Flow, kind: int, of: Callable[[Run], pl.DataFrame], least: int
) -> None:
    """Distance from the mid after the message, of the last message of each instant: few cancels are not followed."""
    is_last = ~flow.messages["time"].duplicated(keep="last")
    chosen = flow.messages[(flow.messages["type"] == kind) & is_last & flow.has_both_sides]
    depth = (chosen["price"] - flow.mid[chosen.index]).abs()
    orders = of(run).select("order_id", "t_ns", "price_ticks")
    told = pl.DataFrame({"order_id": chosen["order"].to_numpy().astype("int64")}).join(
        orders, on="order_id", maintain_order="left"
    )
    mid = quoted(run, pd.Index(told["t_ns"].to_numpy()))["mid"]
    assert len(depth) > least
    assert np.allclose(depth, (told["price_ticks"] * TICK - mid * 10_000).abs().to_numpy(), rtol=0, atol=1e-3)


def test_levels_of_limit_orders_and_cancels_count_the_better_prices(flow: Flow) -> None:
    """A new order's level is where its price stands after it, a cancel's where it stood before: 1 + better prices."""
    books = flow.book.to_numpy()
    found = {NEW: Counter[int](), DELETED: Counter[int]()}
    resting = {1: Counter[int](), -1: Counter[int]()}
    expected = {NEW: Counter[int](), DELETED: Counter[int]()}
    for number, (_, kind, _, size, price, direction) in enumerate(flow.messages.itertuples(index=False)):
        held = resting[direction]
        if kind == NEW:
            held[price] += size
        if kind != EXECUTED:
            expected[kind][1 + sum(1 for at in held if (at - price) * direction > 0)] += 1
            side = books[number if kind == NEW else number - 1][2 if direction == 1 else 0 :: 4]
            found[kind].update(1 + np.flatnonzero(side == price))
        if kind != NEW:
            held[price] -= size
            held += Counter()
    for kind in (NEW, DELETED):
        assert found[kind].total() > 3_000
        assert found[kind] == {level: count for level, count in expected[kind].items() if level <= 10}


def test_order_flow_imbalance_is_the_signed_size_that_came_to_the_best_prices(flow: Flow) -> None:
    """Cont, Kukanov and Stoikov's e_n from two books, against the message between them, seen from the best price."""
    before, after = flow.book.iloc[:-1].to_numpy(), flow.book.iloc[1:].to_numpy()
    e = (
        (after[:, 2] >= before[:, 2]) * after[:, 3]
        - (after[:, 2] <= before[:, 2]) * before[:, 3]
        - (after[:, 0] <= before[:, 0]) * after[:, 1]
        + (after[:, 0] >= before[:, 0]) * before[:, 1]
    )
    rows = flow.messages.iloc[1:]
    best = np.where(rows["direction"] == 1, before[:, 2], before[:, 0])
    is_at_best = (rows["price"] - best) * rows["direction"] >= 0
    sign = rows["direction"] * np.where(rows["type"] == NEW, 1, -1)
    assert (is_at_best.sum(), (rows["type"] == EXECUTED).sum()) > (1_000, 100)
    assert e.tolist() == (is_at_best * sign * rows["size"]).tolist()


def test_executed_volume_by_second_and_minute_is_that_of_the_trades(run: Run, flow: Flow) -> None:
    executed = flow.messages[flow.messages["type"] == EXECUTED]
    for unit, ns in (("1s", 10**9), ("1min", 60 * 10**9)):
        found = executed.groupby(executed["time"].dt.floor(unit))["size"].sum()
        trades = run.table("trades").group_by(pl.col("t_ns") // ns).agg(pl.col("size_lots").sum()).sort("t_ns")
        assert found.tolist() == trades["size_lots"].to_list()
        assert ((found.index - START).astype("int64") // ns).tolist() == trades["t_ns"].to_list()


def small(tmp_path: Path, *, price: str = "30000 USDT", **record: object) -> Run:
    """Twenty seconds of a market whose id has an underscore, and of one that a formula matches."""
    perp = {"id": "BTC_PERP", "underlying": "BTC"}
    world = {
        **WORLD,
        "clock": {"start": "2024-01-01T00:00:00Z", "duration": "20s"},
        "underlyings": [{"id": "BTC", "index": {"kind": "constant", "price": price}}],
        "markets": [perp, {"id": "LINEAR", "like": "BTC_PERP", "matching": {"kind": "linear", "per_unit": "1 USDT"}}],
        "traders": [{**group, "market": "BTC_PERP"} for group in WORLD["traders"]],
        "events": [{"at": "5s", "kind": "order", "market": "LINEAR", "size": "1 BTC", "type": "market"}],
        "record": {**WORLD["record"], **record},
    }
    return Run(marketsim.run(world, out=tmp_path / "results", report=False).path)


def test_an_underscore_of_a_market_is_no_end_of_a_field(tmp_path: Path) -> None:
    messages, book = export(small(tmp_path), "BTC_PERP", "lobster", tmp_path / "out")
    assert messages.name == "BTC.PERP_2024-01-01_0_20000_message_10.csv"
    assert book.name == "BTC.PERP_2024-01-01_0_20000_orderbook_10.csv"
    assert read(tmp_path / "out").messages["time"].iloc[0] >= pd.Timestamp("2024-01-01")


def test_what_readers_cannot_hold_or_rebuild_is_refused(tmp_path: Path) -> None:
    dear = small(tmp_path / "dear", price="250000 USDT")
    with pytest.raises(ResultError, match=r"order \d+ has the price x 10,000 2\d{9}; readers .* 2147483647 at most"):
        export(dear, "BTC_PERP", "lobster", tmp_path / "out")
    with pytest.raises(ResultError, match="LINEAR is matched by a formula and has no book"):
        export(dear, "LINEAR", "lobster", tmp_path / "out")
    silent = small(tmp_path / "silent", trades="none")
    with pytest.raises(ResultError, match=r"recorded no trades; run it with record: \{orders: all, trades: all\}"):
        export(silent, "BTC_PERP", "lobster", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
