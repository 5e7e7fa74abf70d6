"""Whatever a scenario says, its books close: random small worlds run to their end, and all that is conserved is."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketsim.datasets.recorder import Recorder
from marketsim.scenario.schema import Scenario
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording.model_recorder import ModelRecorder
from tests.simulation.worlds import world

EXAMPLES = 40

minutes = st.integers(1, 11).map(lambda n: f"{n}min")
percent = st.integers(-35, 50).filter(bool).map(lambda n: f"{n:+d}%")


def choose(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map with each key present or absent."""
    return st.fixed_dictionaries({}, optional=options)


index = st.one_of(
    st.builds(
        lambda volatility, share, every: {
            "kind": "gbm",
            "price": "30000 USDT",
            "volatility": f"{volatility}%/yr",
            "pass_through": f"{share}%",
            "pass_through_halflife": "1min",
            "every": every,
        },
        st.sampled_from([0, 70, 400]),
        st.sampled_from([0, 30, 100]),
        st.sampled_from(["250ms", "1s", "7s"]),
    ),
    st.just({"kind": "constant", "price": "30000 USDT"}),
    st.builds(
        lambda a, b: {"kind": "path", "points": [["0s", "30000 USDT"], ["3min", f"{a} USDT"], ["8min", f"{b} USDT"]]},
        st.integers(15_000, 45_000),
        st.integers(15_000, 45_000),
    ),
)

market = st.fixed_dictionaries(
    {"id": st.just("BTC-PERP"), "underlying": st.just("BTC")},
    optional={
        "insurance_fund": st.sampled_from(["1 USDT", "10 kUSDT", "5 MUSDT"]),
        "mark": st.sampled_from(
            [{"rule": rule, "every": every} for rule in ("median", "index", "last", "mid") for every in ("1s", "3s")]
        ),
        "funding": st.sampled_from(
            [{"every": "1min", "interest": "20 bps", "cap": "100 bps"}, {"every": "5min", "average": "equal"}]
        ),
        "fees": st.sampled_from([{"maker": "-1 bps", "taker": "4 bps"}, {"maker": "0 bps", "taker": "0 bps"}]),
        "margin": st.just({"tiers": "none"}),
        "liquidation": st.sampled_from([{"engine": "binance", "fee": "0%"}, {"per_step": 1}, {"per_step": 5}]),
    },
)

starts = choose(
    start=st.builds(
        lambda leverage, share: {"leverage": {"uniform": ["1", str(leverage)]}, "long_share": f"{share}%"},
        st.sampled_from([2, 10, 20]),
        st.sampled_from([0, 50, 90, 100]),
    ),
    latency=st.sampled_from(["1ms", {"exponential": "200ms"}]),
    fees=st.just({"maker": "-0.5 bps", "taker": "1 bps"}),
)


def group(kind: str, count: int, rate: str, capital: str, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {"id": kind, "kind": kind, "market": "BTC-PERP", "rate": rate, "capital": capital, **more}
    return st.builds(lambda n, extra: {**fixed, "count": n, **extra}, st.integers(1, count), starts)


traders = st.tuples(
    group("noise", 60, "120/h", "5 kUSDT"),
    group("market_maker", 3, "600/h", "300 kUSDT", max_inventory="200 kUSDT"),
    group("fundamentalist", 20, "120/h", "50 kUSDT"),
    group("trend", 10, "60/h", "20 kUSDT"),
    group("retail", 40, "60/h", "2 kUSDT"),
).flatmap(lambda groups: st.lists(st.sampled_from(groups), unique_by=lambda each: each["id"], max_size=5))

policy = st.one_of(
    st.just({"policy": "none"}),
    st.builds(
        lambda at, emergency: {"policy": "daily", "at": f"00:0{at}", **emergency},
        st.integers(0, 9),
        choose(
            emergency=st.sampled_from([{"leverage": 6, "side": side} for side in ("delever", "both", "losing")]),
            jitter=st.just("2min"),
        ),
    ),
    st.builds(
        lambda upper, to: {"policy": "band", "lower": "0.3", "upper": upper, "to": to, "poll": "1s"},
        st.sampled_from(["5.5", "8"]),
        st.sampled_from(["target", "edge", "50%"]),
    ),
)
execution = st.sampled_from(
    [
        {"algorithm": "market"},
        {"algorithm": "off_book"},
        {"algorithm": "off_book", "off_book_fees": False},
        {"algorithm": "ioc_ladder", "slice": "20 kUSDT", "every": "3s"},
        {"algorithm": "twap", "over": "2min", "slices": 7},
    ]
)


def token(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda leverage, aum, policy, execution, fee: {
            "id": f"T{number}",
            "issuer": f"house{number % 2}",
            "basket": {"BTC-PERP": leverage},
            "aum": aum,
            "nav": "1 USDT",
            "rebalance": policy,
            "execution": execution,
            **fee,
        },
        st.sampled_from([-5, -3, -1, "0.5", 2, 3, 5]),
        st.sampled_from(["0 USDT", "1 kUSDT", "100 kUSDT", "2 MUSDT"]),
        policy,
        execution,
        choose(management_fee=st.just({"rate": "10 bps", "every": "3min", "at": "00:00"})),
    )


tokens = st.integers(0, 3).flatmap(lambda n: st.tuples(*(token(i) for i in range(n))).map(list))
events = st.lists(
    st.one_of(
        st.builds(lambda at, size: {"at": at, "kind": "jump", "underlying": "BTC", "size": size}, minutes, percent),
        st.builds(
            lambda at, lots: {"at": at, "kind": "order", "market": "BTC-PERP", "size": f"{lots / 10:+.1f} BTC"},
            minutes,
            st.integers(-200, 200).filter(bool),
        ),
    ),
    max_size=3,
)


@st.composite
def worlds(draw: st.DrawFn) -> Scenario:
    """A world of twelve minutes around midnight."""
    return world(
        start="2024-01-01T23:58:00Z",
        duration="12min",
        seed=draw(st.integers(0, 2**32)),
        index=draw(index),
        market=draw(market),
        traders=draw(traders),
        tokens=draw(tokens),
        events=draw(events),
        clock={"warmup": draw(st.sampled_from(["0s", "1min"]))},
        record={"cohorts": "4min", "positions": "4min", "marks": "4min", "tokens": "1min"},
    )


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(st.integers(1, 12 * 60 * 10**9 - 1), max_size=3))
def test_books_close_to_the_atom_in_every_world(scenario: Scenario, stops: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = MarketModel(scenario)
        recorder = Recorder(Path(folder))
        record = ModelRecorder(model, recorder)
        record.start()
        for t_ns in sorted(stops):
            model.env.run(t_ns)
            assert model.world.check_conserved() == 0
        model.env.run()
        record.finish()
        recorder.close()
        check_world(model)
        check_tables(Path(folder) / "tables")
        model.close()


def check_world(model: MarketModel) -> None:
    """Money, positions, open interest and books of the kernel's own records."""
    kernel = model.world
    assert kernel.check_conserved() == 0
    positions = kernel.positions[: kernel.get("n_positions")]
    assert int(positions["lots"].sum()) == 0
    outside = model.wired.outside["BTC-PERP"]
    longs = sum(int(p["lots"]) for i, p in enumerate(positions) if p["lots"] > 0 and i != outside)
    assert kernel.market_int(0, "open_interest") == longs
    assert (positions["open_buy"] >= 0).all()
    assert (positions["open_sell"] >= 0).all()
    live = kernel.orders[kernel.orders["order_id"] != 0]
    assert len(live) == kernel.get("live_orders")
    for is_bid, side, column in ((True, 0, "open_buy"), (False, 1, "open_sell")):
        resting = live[live["side"] == side]
        assert int(resting["remaining_lots"].sum()) == int(positions[column].sum())
        prices, lots = kernel.book_levels(0, is_bid)
        near = {int(price): int(held) for price, held in zip(prices, lots, strict=True)}
        assert all(held > 0 for held in near.values())
        for price, held in near.items():
            assert held == int(resting[resting["price_ticks"] == price]["remaining_lots"].sum())
    bid, ask = model.view.bid_ticks("BTC-PERP"), model.view.ask_ticks("BTC-PERP")
    assert bid is None or ask is None or bid < ask
    # Nobody who holds nothing owes anything: a debt is the insurance fund's.
    for account in kernel.accounts[: kernel.get("n_accounts")]:
        held = (
            positions[positions["account"] == positions["account"][account["first_position"]]]
            if account["first_position"] >= 0
            else ()
        )
        if not len(held) or not held["lots"].any():
            if not account["bits"] & 1:
                assert account["cash_atoms"] >= 0


def check_tables(folder: Path) -> None:
    """The ledger explains cash, attribution adds up, funding is zero-sum."""

    def table(name: str) -> pl.DataFrame:
        return pl.read_parquet(folder / f"{name}.parquet")

    ledger, cohorts = table("ledger"), table("cohorts")
    last = cohorts.filter(pl.col("t_ns") == cohorts["t_ns"].max())
    received = dict(ledger.group_by("to_cohort").agg(pl.col("atoms").sum()).iter_rows())
    paid = dict(ledger.group_by("from_cohort").agg(pl.col("atoms").sum()).iter_rows())
    for name, cash in last.select("cohort", "cash_atoms").iter_rows():
        assert received.get(name, 0) - paid.get(name, 0) == cash
    deposits = ledger.filter(entry="deposit")["atoms"].sum()
    assert set(cohorts.group_by("t_ns").agg(pl.col("equity_atoms").sum())["equity_atoms"]) == {deposits}
    rows = table("attribution")
    parts = [name for name in rows.columns if name.endswith("_atoms") and not name.startswith(("opening", "closing"))]
    assert len(parts) == 7
    assert rows.filter(pl.col("opening_atoms") + pl.sum_horizontal(parts) != pl.col("closing_atoms")).is_empty()
    for _, own in rows.group_by("token"):
        ordered = own.sort("t0_ns")
        assert [0, *ordered["t1_ns"]][:-1] == ordered["t0_ns"].to_list()
        assert ordered["t1_ns"][-1] == 12 * 60 * 10**9
    assert set(table("positions").group_by("t_ns").agg(pl.col("net_lots").sum())["net_lots"]) == {0}
    assert table("accounts")["funding_atoms"].sum() == 0
    funding = table("funding")
    assert funding["paid_by_longs_atoms"].equals(funding["received_by_shorts_atoms"], check_names=False)
