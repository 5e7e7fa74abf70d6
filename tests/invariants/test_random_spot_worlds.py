"""Spot markets in random worlds, alone and beside a perpetual: cash and coin are conserved, and nobody owes either."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketsim.datasets.recorder import Recorder
from marketsim.kernel import codes
from marketsim.scenario.schema import Scenario
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording.model_recorder import ModelRecorder
from tests.invariants.test_random_worlds import choose, index, market, minutes, percent
from tests.kernel import checks
from tests.simulation.test_agent import Scripted
from tests.simulation.worlds import world

EXAMPLES = 25
KINDS = {
    "noise": (60, "120/h", "5 kUSDT"),
    "market_maker": (3, "600/h", "300 kUSDT"),
    "fundamentalist": (20, "120/h", "50 kUSDT"),
    "trend": (10, "60/h", "20 kUSDT"),
    "contrarian": (10, "60/h", "20 kUSDT"),
    "retail": (40, "60/h", "2 kUSDT"),
}

spot = st.fixed_dictionaries(
    {"id": st.just("BTC-SPOT"), "kind": st.just("spot"), "underlying": st.just("BTC")},
    optional={
        "mark": st.sampled_from([{"rule": rule, "every": every} for rule in ("mid", "last") for every in ("1s", "3s")]),
        "fees": st.sampled_from([{"maker": "-1 bps", "taker": "4 bps"}, {"maker": "30 bps", "taker": "10 bps"}]),
        "lot": st.sampled_from(["0.01 BTC", "0.00001 BTC"]),
    },
)
own = choose(
    start=st.sampled_from([{"leverage": 0}, {"leverage": 1}, {"leverage": {"uniform": [0, 1]}}]),
    latency=st.sampled_from(["1ms", {"exponential": "200ms"}]),
    fees=st.just({"maker": "5 bps", "taker": "1 bps"}),
)


def group(name: str, kind: str, place: str) -> st.SearchStrategy[dict[str, Any]]:
    count, rate, capital = KINDS[kind]
    fixed = {"id": name, "kind": kind, "market": place, "rate": rate, "capital": capital}
    extra = own if place == "BTC-SPOT" else st.just({})
    return st.builds(lambda n, more: {**fixed, "count": n, **more}, st.integers(1, count), extra)


events = st.lists(
    st.one_of(
        st.builds(lambda at, size: {"at": at, "kind": "jump", "underlying": "BTC", "size": size}, minutes, percent),
        st.builds(
            lambda at, lots: {"at": at, "kind": "order", "market": "BTC-SPOT", "size": f"{lots / 10:+.1f} BTC"},
            minutes,
            st.integers(-200, 200).filter(bool),
        ),
        st.builds(
            lambda at: {"at": at, "kind": "fee_change", "market": "BTC-SPOT", "fees": {"maker": "1%", "taker": "2%"}},
            minutes,
        ),
    ),
    max_size=3,
)


@st.composite
def worlds(draw: st.DrawFn) -> Scenario:
    markets = [draw(spot), *draw(st.lists(market, max_size=1))]
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), unique=True, min_size=1, max_size=5))
    groups = [draw(group(f"s-{kind}", kind, "BTC-SPOT")) for kind in names]
    if len(markets) > 1:
        groups += [draw(group(f"p-{kind}", kind, "BTC-PERP")) for kind in names[:3]]
    return world(
        start="2024-01-01T23:58:00Z",
        duration="12min",
        seed=draw(st.integers(0, 2**32)),
        index=draw(index),
        markets=markets,
        traders=groups,
        events=draw(events),
        record={"cohorts": "4min", "positions": "4min", "marks": "4min"},
    )


def gamble(agent: Any) -> Any:
    """Sends whatever comes to its mind, in every market it may trade."""
    for _ in range(60):
        yield agent.wait(int(agent.rng.integers(1, 12 * 10**9)))
        name = str(agent.rng.choice([spec.id for spec in agent.model.markets_of(agent.account)]))
        lots = int(agent.rng.integers(1, 4_000)) * int(agent.rng.choice([-1, 1]))
        if agent.rng.random() < 0.5:
            agent.send_lots(name, lots, type="market")
        else:
            near = max(1, int(agent.view.mark_ticks(name) * agent.rng.uniform(0.98, 1.02)))
            agent.orders.append(agent.send_lots(name, lots, near))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(st.integers(1, 12 * 60 * 10**9 - 1), max_size=3))
def test_cash_and_coin_are_conserved_and_nobody_owes_either(scenario: Scenario, stops: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = MarketModel(scenario)
        Scripted(model, gamble, capital="40 kUSDT", name="gambler")
        recorder = Recorder(Path(folder))
        record = ModelRecorder(model, recorder)
        record.start()
        for t_ns in sorted(stops):
            model.env.run(t_ns)
            checks.check_world(model.world)
        model.env.run()
        record.finish()
        recorder.close()
        checks.check_world(model.world)
        check_tables(Path(folder) / "tables")
        assert not any(int(a["state"]) == codes.S_QUEUED for a in model.world.accounts) or len(scenario.markets) > 1
        model.close()


def check_tables(folder: Path) -> None:
    """Equity is deposits, coin sums to nothing, and only the world outside is short of it."""
    cohorts, ledger = pl.read_parquet(folder / "cohorts.parquet"), pl.read_parquet(folder / "ledger.parquet")
    deposits = ledger.filter(entry="deposit")["atoms"].sum()
    assert set(cohorts.group_by("t_ns").agg(pl.col("equity_atoms").sum())["equity_atoms"]) == {deposits}
    positions = pl.read_parquet(folder / "positions.parquet")
    assert set(positions.group_by("t_ns", "market").agg(pl.col("net_lots").sum())["net_lots"]) == {0}
    short = positions.filter((pl.col("market") == "BTC-SPOT") & (pl.col("short_lots") > 0))
    assert set(short["cohort"]) <= {"outside", "event"}
    assert pl.read_parquet(folder / "funding.parquet").filter(market="BTC-SPOT").is_empty()
    assert pl.read_parquet(folder / "liquidations.parquet").filter(market="BTC-SPOT").is_empty()
