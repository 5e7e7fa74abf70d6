"""The researcher's own agent: what it can wait for, what it can send, and what it hears of its orders."""

import gc
import warnings
import weakref
from fractions import Fraction

import mesa
import numpy as np
import pytest

from marketsim import Agent, MarketModel
from marketsim.errors import UsageError
from tests.simulation.worlds import CROWD, FREE, HOUR, MAKERS, MINUTE, SECOND, STILL, UP, steps, world

LOT, TICK = 1_000, 10  # lots of 0.001 BTC in one BTC, ticks of 0.1 USDT in one USDT
STILL_CROWD = {"traders": [MAKERS], "index": STILL}
MS = 10**6


def still(**parts) -> MarketModel:
    """A market of makers around an index that does not move."""
    return MarketModel(world(**{**STILL_CROWD, "start": "2024-01-01T23:50:00Z", "duration": "20min", **parts}))


class Scripted(Agent):
    """Runs the script it is given: a generator function of the agent."""

    def __init__(self, model, script, capital="1 MUSDT", **options):
        self.script = script
        self.orders = []
        super().__init__(model, capital=capital, **options)

    def process(self):
        return self.script(self)

    def order(self, *arguments, **options):
        order = self.send("BTC-PERP", *arguments, **options)
        self.orders.append(order)
        return order


def play(script, model=None, **options) -> Scripted:
    """One scripted agent in a still market, after the run."""
    model = model or still()
    agent = Scripted(model, script, **options)
    model.env.run()
    return agent


def idle(agent):
    yield agent.wait(0)


class Predator(Agent):
    def process(self):
        yield self.until("23:58")  # the next such instant
        order = self.send("BTC-PERP", size="+10 BTC", type="market")
        yield order.done  # fires once, when final: filled, cancelled, rejected
        self.record(filled=order.filled_lots, price=order.average_price, reason=order.reason)


def test_the_predator_of_the_contract_works_as_printed() -> None:
    model = MarketModel(world(traders=CROWD, start="2024-01-01T23:30:00Z", duration="35min"))
    predator = Predator(model, capital="1 MUSDT", latency="5ms")
    model.env.run()
    (record,) = predator.records
    assert record["t_ns"] == 28 * MINUTE + 5 * MS
    assert record["agent"] == predator.name == "Predator-1"
    assert 0 < record["filled"] <= 10 * LOT
    assert record["reason"] == ("filled" if record["filled"] == 10 * LOT else "ioc_remainder")
    assert record["price"] == pytest.approx(30_000, rel=0.05)
    assert predator.view.position_lots("BTC-PERP") == record["filled"]
    assert predator.view.equity_atoms != 10**14
    assert model.world.check_conserved() == 0


def test_done_fires_once_with_the_order_for_filled_cancelled_and_rejected() -> None:
    def script(agent):
        yield agent.wait("1min")
        for order in (
            agent.order("+0.01 BTC", type="market"),
            agent.order("+0.01 BTC", type="limit", price="20000 USDT", tif="ioc"),
            agent.order("+0.01 BTC", type="limit", price="40000 USDT", tif="post_only"),
        ):
            order.done.callbacks.append(lambda event: agent.record(order=event.value))
            assert (yield order.done) is order
            assert order.is_final

    agent = play(script)
    assert [record["order"] for record in agent.records] == agent.orders
    assert [order.status for order in agent.orders] == ["filled", "cancelled", "rejected"]
    assert [order.reason for order in agent.orders] == ["filled", "ioc_remainder", "post_only"]
    assert [order.filled_lots for order in agent.orders] == [10, 0, 0]


def test_a_market_order_pays_the_ask_and_the_taker_fee_to_the_atom() -> None:
    def script(agent):
        yield agent.wait("1min")
        agent.record(ask=agent.view.ask_ticks("BTC-PERP"))
        yield agent.order("+0.01 BTC", type="market").done
        agent.record(cash=agent.view.cash_atoms)

    agent = play(script)
    (order,), ask = agent.orders, agent.records[0]["ask"]
    (fill,) = order.fills
    assert (fill.price_ticks, fill.lots, fill.t_ns) == (ask, 10, MINUTE)
    assert order.average_price_ticks == ask
    assert order.average_price == float(Fraction(ask, TICK))
    notional = 10 * ask * 10_000  # 0.1 USDT x 0.001 BTC = 10,000 atoms
    assert fill.fee_atoms == notional * 5 // 10_000  # 5 bps
    assert agent.records[1]["cash"] == 10**14 - notional - fill.fee_atoms


def test_a_sell_is_negative_all_the_way() -> None:
    def script(agent):
        yield agent.wait("1min")
        yield agent.order("-0.5 BTC", type="market").done

    agent = play(script)
    assert agent.orders[0].filled_lots == -500
    assert sum(fill.lots for fill in agent.orders[0].fills) == -500
    assert agent.view.position_lots("BTC-PERP") == -500


def test_a_limit_order_rests_and_the_crowd_fills_it() -> None:
    def script(agent):
        yield agent.wait("10min")
        bid = agent.view.bid_ticks("BTC-PERP")
        order = agent.order(
            "+0.02 BTC", type="limit", price=f"{Fraction(bid + 1, TICK).__float__()} USDT", tif="post_only"
        )
        yield agent.wait(0)
        yield agent.wait(1)
        agent.record(status=order.status, record=order.record)
        yield order.done
        agent.record(price=bid + 1)

    agent = play(script, MarketModel(world(duration="30min")))
    (order,) = agent.orders
    assert agent.records[0]["status"] == "resting"
    assert agent.records[0]["record"] >= 0
    assert (order.status, order.reason, order.filled_lots, order.record) == ("filled", "filled", 20, -1)
    assert {fill.price_ticks for fill in order.fills} == {agent.records[1]["price"]}
    assert all(
        fill.fee_atoms == abs(fill.lots) * fill.price_ticks * 10_000 * 2 // 10_000 for fill in order.fills
    )  # 2 bps


def test_a_resting_order_is_taken_back() -> None:
    def script(agent):
        yield agent.wait("1min")
        order = agent.order("+1 BTC", type="limit", price="29000 USDT")
        yield agent.wait("1s")
        agent.cancel(order)
        yield order.done
        agent.cancel(order)
        agent.record(t=agent.env.now)

    agent = play(script)
    assert (agent.orders[0].status, agent.orders[0].reason) == ("cancelled", "cancelled")
    assert agent.records[0]["t"] == MINUTE + SECOND


def test_a_cancel_sent_while_the_order_is_on_its_way_still_takes_it_back() -> None:
    def script(agent):
        yield agent.wait("1min")
        order = agent.order("+1 BTC", type="limit", price="29000 USDT")
        yield agent.wait("2ms")
        agent.cancel(order)
        yield order.done
        agent.record(t=agent.env.now)

    agent = play(script, latency="5ms")
    assert agent.orders[0].status == "cancelled"
    assert agent.records[0]["t"] == MINUTE + 7 * MS


def test_latency_is_kept_to_the_nanosecond() -> None:
    def script(agent):
        yield agent.wait(MINUTE + 7)
        yield agent.order("+0.01 BTC", type="market").done
        agent.record(t=agent.env.now)

    agent = play(script, latency="1234567ns")
    assert agent.orders[0].fills[0].t_ns == agent.records[0]["t"] == MINUTE + 7 + 1_234_567


def test_reduce_only_closes_and_never_opens() -> None:
    def script(agent):
        yield agent.wait("1min")
        yield agent.order("-0.01 BTC", type="market", reduce_only=True).done
        yield agent.order("+0.01 BTC", type="market").done
        yield agent.order("-0.03 BTC", type="market", reduce_only=True).done

    agent = play(script)
    refused, opened, closed = agent.orders
    assert (refused.status, refused.reason) == ("rejected", "reduce_only")
    assert (opened.filled_lots, closed.filled_lots) == (10, -10)
    assert agent.view.position_lots("BTC-PERP") == 0


@pytest.mark.parametrize(
    ("size", "options", "reason"),
    [
        ("+10 BTC", {"type": "market"}, "insufficient_margin"),
        ("+10 BTC", {"type": "limit", "price": "29000 USDT"}, "insufficient_margin"),
        ("0 BTC", {"type": "market"}, "bad_size"),
        ("+1000000000 BTC", {"type": "market"}, "bad_size"),
        ("+1000000000000000 BTC", {"type": "limit", "price": "1 USDT"}, "bad_size"),
        ("+0.01 BTC", {"type": "limit", "price": "0 USDT"}, "bad_price"),
        ("+0.01 BTC", {"type": "limit", "price": "-5 USDT"}, "bad_price"),
        ("+0.001 BTC", {"type": "limit", "price": "200000000000 USDT"}, "bad_price"),
    ],
)
def test_an_order_that_cannot_stand_comes_back_rejected_with_its_reason(size: str, options: dict, reason: str) -> None:
    def script(agent):
        yield agent.wait("1min")
        yield agent.order(size, **options).done

    agent = play(script, capital="1 kUSDT")
    (order,) = agent.orders
    assert (order.status, order.reason, order.fills) == ("rejected", reason, [])
    assert agent.view.cash_atoms == 10**11


def test_an_order_against_an_empty_book_is_cancelled_for_that_reason() -> None:
    def script(agent):
        yield agent.wait("1s")
        yield agent.order("+1 BTC", type="market").done

    agent = play(script, still(traders=[]))
    assert (agent.orders[0].status, agent.orders[0].reason) == ("cancelled", "empty_book")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type": "stop", "price": "1 USDT"}, "type was 'stop'; allowed: limit, market"),
        ({"type": "limit"}, "a limit order has one"),
        ({"type": "market", "price": "1 USDT"}, "a market order none"),
        ({"type": "limit", "price": "1 USDT", "tif": "fok"}, "tif was 'fok'; allowed: gtc, ioc, post_only"),
    ],
)
def test_words_that_are_no_order_are_a_users_mistake(wrong: dict, words: str) -> None:
    agent = Scripted(still(), idle)
    with pytest.raises(UsageError, match=words):
        agent.send("BTC-PERP", "+1 BTC", **wrong)


def test_markets_an_agent_cannot_reach_are_named() -> None:
    markets = [
        {"id": "BTC-PERP", "underlying": "BTC"},
        {"id": "FAR-PERP", "underlying": "BTC", "venue": "far"},
    ]
    agent = Scripted(MarketModel(world(traders=[], markets=markets)), idle)
    for market in ("FAR-PERP", "ETH-PERP"):
        with pytest.raises(UsageError, match=f"market was '{market}'; allowed: BTC-PERP"):
            agent.send(market, "+1 BTC", type="market")
    with pytest.raises(UsageError, match="market was 'ETH-PERP'"):
        agent.when("ETH-PERP", price_above="1 USDT")
    with pytest.raises(UsageError, match="source was 'nav'"):
        agent.when(price_above="1 USDT", source="nav")
    with pytest.raises(UsageError, match="exactly one of"):
        agent.when()


def test_a_name_that_is_a_cohort_already_is_refused() -> None:
    model = still()
    Scripted(model, idle, name="me")
    for taken in ("me", "makers", "outside"):
        with pytest.raises(UsageError, match="is a cohort of this world already"):
            Scripted(model, idle, name=taken)


def test_a_process_that_waits_for_nothing_is_a_users_mistake() -> None:
    with pytest.raises(UsageError, match=r"process\(\) gave None; it must `yield` what it waits for"):
        Scripted(still(), lambda agent: None)


def test_an_order_cancelled_by_a_liquidation_was_cancelled_not_rejected() -> None:
    def script(agent):
        yield agent.wait("1min")
        yield agent.order("+3 BTC", type="market").done
        order = agent.order("+0.001 BTC", type="limit", price="15000 USDT")
        yield order.done

    path = steps(("0s", "30000 USDT"), ("2min", "28700 USDT"))
    agent = play(script, still(index=path, traders=[{**MAKERS, "size": "40 kUSDT"}]), capital="4 kUSDT")
    bought, resting = agent.orders
    assert bought.filled_lots == 3 * LOT
    assert (resting.status, resting.reason) == ("cancelled", "in_liquidation")


def test_two_orders_of_one_agent_never_trade_with_each_other() -> None:
    def script(agent):
        yield agent.wait("1s")
        agent.order("+1 BTC", type="limit", price="30000 USDT")
        yield agent.order("-1 BTC", type="limit", price="30000 USDT", tif="ioc").done

    agent = play(script, still(traders=[]))
    assert [(order.status, order.reason) for order in agent.orders] == [
        ("cancelled", "self_trade"),
        ("cancelled", "ioc_remainder"),
    ]


def test_an_agent_that_answers_itself_without_latency_is_stopped_with_a_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marketsim.clock.MAX_ROUNDS", 2_000)

    def script(agent):
        yield agent.wait("1min")
        while True:
            yield agent.order("+0.001 BTC", type="limit", price="1 USDT", tif="ioc").done

    with pytest.raises(UsageError, match=f"deliveries at {MINUTE} ns: an agent answers itself; give it a latency"):
        play(script)


def test_a_process_that_waits_for_nothing_again_and_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketsim.clock.MAX_EVENTS_AT_ONCE", 2_000)

    def script(agent):
        yield agent.wait("1min")
        while True:
            yield agent.env.timeout(0)

    with pytest.raises(UsageError, match=f"more than 2,000 events at {MINUTE} ns, and time stands still"):
        play(script)


def test_many_orders_at_one_instant_are_no_endless_answer() -> None:
    def script(agent):
        yield agent.wait("1min")
        for _ in range(500):
            yield agent.order("+0.001 BTC", type="market").done
            yield agent.order("-0.001 BTC", type="market").done

    agent = play(script)
    assert {order.fills[0].t_ns for order in agent.orders} == {MINUTE}


# -- waiting


def test_until_is_the_next_such_time_of_day_and_never_now() -> None:
    def script(agent):
        for _ in range(3):
            yield agent.until("00:00")
            agent.record(t=agent.env.now)

    agent = play(script, still(start="2024-01-01T22:00:00Z", duration="3d", traders=[]))
    assert [record["t"] for record in agent.records] == [2 * HOUR, 26 * HOUR, 50 * HOUR]


def test_when_fires_at_the_mark_step_at_which_the_price_is_reached() -> None:
    def script(agent):
        yield agent.when(price_above="31000 USDT")
        agent.record(t=agent.env.now, mark=agent.view.mark_ticks("BTC-PERP"))
        yield agent.when("BTC-PERP", price_below="30500 USDT", source="index")
        agent.record(t=agent.env.now, mark=agent.view.mark_ticks("BTC-PERP"))
        yield agent.when(price_below="30500 USDT")  # reached already: at the next look
        agent.record(t=agent.env.now, mark=agent.view.mark_ticks("BTC-PERP"))

    path = steps(("0s", "30000 USDT"), ("3min", "30999.9 USDT"), ("5min", "31000 USDT"), ("7min", "30500 USDT"))
    agent = play(script, still(index=path, market=FREE, traders=[]))
    assert [(record["t"], record["mark"]) for record in agent.records] == [
        (5 * MINUTE, 310_000),
        (7 * MINUTE, 305_000),
        (7 * MINUTE + SECOND, 305_000),
    ]


def test_when_on_last_and_mid_fires_at_the_very_message() -> None:
    def script(agent):
        last = agent.when(price_above="30100 USDT", source="last")
        yield agent.wait("1min")
        yield agent.order("+1000 BTC", type="limit", price="30200 USDT", tif="ioc").done
        agent.record(t=agent.env.now, last=agent.view.last_ticks("BTC-PERP"))
        yield last
        agent.record(t=agent.env.now, last=agent.view.last_ticks("BTC-PERP"))

    agent = play(script, capital="100 MUSDT")
    assert [record["t"] for record in agent.records] == [MINUTE, MINUTE]
    assert agent.records[1]["last"] >= 301_000


def test_a_crossing_nobody_waits_for_any_longer_is_withdrawn() -> None:
    model = still(traders=[])
    agent = Scripted(model, idle)
    for _ in range(200):
        event = agent.when(price_above="31000 USDT")
        event.cancel()
        event.cancel()
    assert model.world.get("live_crossings") == 0
    assert model.env.crossings == {}
    assert len(model.world.crossings) == 64


def test_an_agents_luck_is_its_own_and_repeatable() -> None:
    def luck(*names: str, seed: int = 1) -> dict[str, list[float]]:
        model = MarketModel(world(traders=[], seed=seed))
        agents = [Scripted(model, idle, name=name) for name in names]
        return {agent.name: agent.rng.normal(size=5).tolist() for agent in agents}

    assert luck("a", "b") == luck("a", "b")
    assert luck("b")["b"] == luck("a", "b")["b"]
    assert luck("a", "b")["a"] != luck("a", "b")["b"]
    assert luck("a")["a"] != luck("a", seed=2)["a"]


# -- the clock's face


def test_whole_numbers_are_taken_and_fractions_refused() -> None:
    model = still(traders=[])
    model.env.run(np.int64(5 * SECOND))
    assert (model.env.now, type(model.env.now)) == (5 * SECOND, int)
    model.env.run(6e9)
    assert (model.env.now, type(model.env.now)) == (6 * SECOND, int)
    model.env.run(until=model.env.timeout(np.uint32(7)))
    assert (model.env.now, type(model.env.now)) == (6 * SECOND + 7, int)
    for wrong in (0.5, 1.5e-3, np.float64(2.5)):
        with pytest.raises(UsageError, match="the clock counts whole nanoseconds"):
            model.env.timeout(wrong)
    with pytest.raises(UsageError, match="whole nanoseconds"):
        model.env.run(10e9 + 0.5)
    with pytest.raises(UsageError, match="before now"):
        model.env.run(1)
    with pytest.raises(UsageError, match="before now"):
        model.env.at(1)


def test_a_bare_run_stops_at_the_scenarios_end_and_nothing_runs_beyond_it() -> None:
    model = still()
    seen = []

    def watcher():
        while True:
            yield model.env.timeout(MINUTE)
            seen.append(model.env.now)

    model.env.process(watcher())
    model.env.run()
    assert model.env.now == 20 * MINUTE
    assert seen[-1] == 19 * MINUTE
    model.env.run()
    model.env.run(10**18)
    assert model.env.now == 20 * MINUTE
    assert seen[-1] == 19 * MINUTE


def test_running_to_an_event_ends_with_it_and_never_beyond_the_scenarios_end() -> None:
    model = still()
    event = model.env.timeout(MINUTE, "rung")
    assert model.env.run(event) == "rung"
    assert model.env.now == MINUTE
    assert model.env.run(event) == "rung"
    with pytest.raises(UsageError, match="did not happen before the scenario's end"):
        model.env.run(model.env.event())
    assert model.env.now == 20 * MINUTE


def test_stepping_is_a_thin_face_over_the_clock() -> None:
    model = still(clock={"report_every": "8min"})
    times = []
    while model.running:
        model.step()
        times.append(model.env.now // MINUTE)
    assert times == [8, 16, 20]
    model.step()
    assert model.env.now == 20 * MINUTE

    cut, whole = still(clock={"report_every": "1s"}), still()
    while cut.running:
        cut.step()
    whole.env.run()
    assert cut.world.digest() == whole.world.digest()


def test_mesas_own_things_work_beside_the_clock() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = still()
        agents = [Scripted(model, idle, capital="1 kUSDT") for _ in range(3)]
        collector = mesa.DataCollector(model_reporters={"mark": lambda m: m.view.mark_ticks("BTC-PERP")})
        assert list(model.agents) == agents
        assert [agent.unique_id for agent in agents] == [1, 2, 3]
        for _ in range(2):
            model.step()
            collector.collect(model)
        model.agents.do("step")
        agents[0].remove()
        assert len(model.agents) == 2
        assert collector.get_model_vars_dataframe()["mark"].tolist() == [300_000, 300_000]
        assert isinstance(model, mesa.Model)
        assert isinstance(agents[1], mesa.Agent)


def test_mesas_batch_run_can_drive_a_model() -> None:
    class Watched(MarketModel):
        def __init__(self, rate, rng=None, seed=None):
            super().__init__(still_scenario, seed=3)
            self.datacollector = mesa.DataCollector(
                model_reporters={"volume": lambda m: m.view.volume_lots("BTC-PERP")}
            )
            self.rate = rate

        def step(self):
            super().step()
            self.datacollector.collect(self)

    still_scenario = world(duration="10min", traders=CROWD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mesa 3.5 has words about its own arguments
        rows = mesa.batch_run(Watched, {"rate": [1, 2]}, max_steps=20, display_progress=False)
    assert [row["rate"] for row in rows] == [1, 2]
    assert rows[0]["volume"] == rows[1]["volume"] > 0


def test_a_closed_model_gives_its_memory_back_and_can_do_no_harm() -> None:
    model = still(tokens=[{**UP}])

    def script(agent):
        yield agent.wait("30s")
        yield agent.order("+1 BTC", type="limit", price="1 USDT").done

    agent = Scripted(model, script)
    model.env.run(MINUTE)
    accounts, held = weakref.ref(model.world.accounts), weakref.ref(model)
    model.close()
    model.close()
    assert not model.running
    assert accounts() is None
    with pytest.raises(UsageError, match="closed"):
        model.env.run()
    with pytest.raises(AttributeError):
        agent.order("+1 BTC", type="market")
    with pytest.raises(AttributeError):
        agent.cancel(agent.orders[0])
    with pytest.raises(AttributeError):
        model.view.mark_ticks("BTC-PERP")
    del model, agent
    gc.collect()
    assert held() is None


def test_thirty_models_made_and_closed_leave_no_memory_behind() -> None:
    from marketsim.kernel.records import _arena

    scenario = world(duration="1min")
    before = len(_arena)
    for _ in range(30):
        model = MarketModel(scenario)
        Scripted(model, idle)
        model.env.run()
        model.close()
    assert len(_arena) == before


def test_a_scenario_that_mesa_hands_out_does_not_replace_the_one_that_runs() -> None:
    """Mesa 3.5 gives every model one of its own."""
    model = still()
    ours = model.scenario
    model.scenario = object()
    assert model.scenario is ours
    assert ours.name == "small"
