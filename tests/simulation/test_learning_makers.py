"""Makers that learn, in whole worlds: latency, widening, leaving, resting, limits, and what all this leaves alone."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim import scenario
from marketsim.clock import ProcessGenerator
from marketsim.errors import ScenarioError
from marketsim.kernel import codes
from marketsim.scenario.schema import Scenario
from marketsim.simulation.model import MarketModel
from marketsim.traders.agent import Agent
from tests.kernel.checks import check_world
from tests.simulation.worlds import FREE, GBM, MILLISECOND, NOISE, SECOND, STILL, recorded, steps, world

ALIKE = {"classes": [{"share": "100%"}], "memory_spread": 1}
"""Makers of one class and one memory."""

MAKERS = {
    "id": "makers", "kind": "market_maker", "market": "BTC-PERP", "count": 4, "capital": "2 MUSDT", "rate": "0/h",
    "requote_latency": "10ms", "jitter": "0%", "first": "1 bps", "levels": 5, "size": "3 kUSDT", "skew": "0%",
    "view": {"mid": "0%", "index": "100%", "volatility": "70%/yr"}, "quoting": ALIKE,
}  # fmt: skip


def makers(**keys: Any) -> dict[str, Any]:
    """The group with other keys; `quoting` and `view` are laid over theirs."""
    merged = {name: {**MAKERS[name], **keys.pop(name, {})} for name in ("quoting", "view")}  # type: ignore[dict-item]
    return {**MAKERS, **merged, **keys}


def quiet(*groups: dict[str, Any], index: dict[str, Any] = STILL, **parts: Any) -> Scenario:
    """Makers alone, in a market that costs nothing."""
    return world(index=index, market=FREE, traders=groups or (makers(),), duration="10min", **parts)


def run_to(model: MarketModel, t_ns: int) -> MarketModel:
    model.env.run(t_ns)
    return model


@pytest.fixture
def opened() -> Iterator[Any]:
    """A function that makes models, all of which are closed in the end."""
    models: list[MarketModel] = []

    def make(scenario: Scenario, t_ns: int = 0) -> MarketModel:
        models.append(MarketModel(scenario))
        return run_to(models[-1], t_ns) if t_ns else models[-1]

    yield make
    for model in models:
        model.close()


def quotes(model: MarketModel, maker: int = 0) -> tuple[list[int], list[int]]:
    """A maker's resting bids and asks [ticks], the best first."""
    live = model.world.orders[(model.world.orders["order_id"] != 0) & (model.world.orders["account"] == maker)]
    bids, asks = (live["price_ticks"][live["side"] == side].tolist() for side in (codes.BUY, codes.SELL))
    return sorted(bids, reverse=True), sorted(asks)


class Taker(Agent):
    """Sends signed lots at market at given times."""

    def __init__(self, model: MarketModel, *orders: tuple[int, str]) -> None:
        super().__init__(model, capital="50 MUSDT", latency="0ms")
        self.orders = orders

    def process(self) -> ProcessGenerator:
        for t_ns, size in self.orders:
            yield self.model.env.timeout(t_ns - self.model.env.now)
            yield self.send("BTC-PERP", size=size, type="market").done


# ---- latency


def test_quotes_stand_a_latency_after_the_view_moved_and_until_then_the_old_ones_can_be_hit(opened: Any) -> None:
    """The index jumps by 1 % at 10 s. 1 bp, 1.8 bp, .. away: at 300,000 ticks 30, 54, 97.2, 174.96, 314.928."""
    index = steps(("0s", "30000 USDT"), ("10s", "30300 USDT"))
    model = opened(quiet(makers(), index=index), 10 * MILLISECOND - 1)
    assert quotes(model) == ([], [])  # the first quotes are there after a latency, too
    run_to(model, 10 * MILLISECOND)
    before = [299_970, 299_946, 299_902, 299_825, 299_685], [300_030, 300_054, 300_098, 300_175, 300_315]
    assert quotes(model) == before
    run_to(model, 10 * SECOND + 10 * MILLISECOND - 1)
    assert quotes(model) == before
    run_to(model, 10 * SECOND + 10 * MILLISECOND)
    assert quotes(model) == (
        [],
        [303_031, 303_055, 303_099, 303_177, 303_319],
    )  # bids would have met the others' offers
    run_to(model, 10 * SECOND + 70 * MILLISECOND)
    assert quotes(model)[0][0] == 303_000 - 31  # 30.3 ticks, rounded away
    assert quotes(model)[1][0] == 303_000 + 31
    assert model.world.get("reject_count") == 0


def test_latency_differs_by_class_and_is_the_groups_own_where_no_other_is_given(opened: Any) -> None:
    classes = [{"share": "50%"}, {"share": "50%", "latency": 3, "size": 2, "distance": 2}]
    model = opened(quiet(makers(quoting={"classes": classes})), 10 * MILLISECOND + 1)
    assert [len(quotes(model, k)[0]) for k in range(4)] == [5, 5, 0, 0]
    run_to(model, 30 * MILLISECOND + 1)
    assert [quotes(model, k)[0][0] for k in range(4)] == [299_970, 299_970, 299_940, 299_940]
    orders = model.world.orders[model.world.orders["order_id"] != 0]
    assert orders["size_lots"][orders["account"] == 3].max() == pytest.approx(
        2 * orders["size_lots"][orders["account"] == 0].max(), abs=1
    )
    slow = {key: value for key, value in makers(latency="50ms").items() if key != "requote_latency"}
    model = opened(quiet(slow), 50 * MILLISECOND - 1)
    assert quotes(model) == ([], [])
    assert len(quotes(run_to(model, 50 * MILLISECOND))[0]) == 5


# ---- widening


def test_half_spreads_grow_by_bp_of_one_minute_volatility(opened: Any) -> None:
    """At 70 % a year a minute has 9.655 bp, which they begin with: 1 + .1 x 9.655 = 1.9655 bp."""
    volatility = 0.7 / math.sqrt(365 * 24 * 60)
    model = opened(quiet(makers(volatility_spread="0.1")), SECOND)
    assert quotes(model)[1][0] == 300_000 + math.ceil(300_000 * (1e-4 + 0.1 * volatility)) == 300_059
    wide = opened(quiet(makers(volatility_spread="0.1", quoting={"widest": "1.5"})), SECOND)
    assert quotes(wide)[1][0] == 300_045


def test_makers_who_lose_to_takers_stand_farther_away(opened: Any) -> None:
    """Ten purchases a second apart, which move the view up behind them."""
    ahead = []
    for toxicity in (0, 2):
        model = opened(quiet(makers(toxicity=toxicity, view={"impact": "2 bps", "predicted": "0%"})))
        Taker(model, *((k * SECOND, "0.3 BTC") for k in range(5, 15)))
        run_to(model, 15 * SECOND)
        ahead.append(min(quotes(model, k)[1][0] for k in range(4)) - model.world.views[0]["value"])
    assert 25 < ahead[0] < 35  # 1 bp is 30 ticks
    assert ahead[1] > ahead[0] + 10


# ---- leaving and returning


def test_makers_leave_above_and_return_below_their_threshold_as_worked_out_from_the_path(opened: Any) -> None:
    """The index moves by 20 bp a second from 60 s to 75 s and is still otherwise; who stays stays.

    Worked out beside: squares of 10 s returns per second, a memory of 8 s, against the mean over the day of the root of
    the view's own memory of 60 s, which begins with an hour of the usual.
    """
    prices = [300_000] * 61 + [300_000 + 600 * k for k in range(1, 16)] + [309_000] * 400
    index = steps(*((f"{k}s", f"{price // 10} USDT") for k, price in enumerate(prices)))
    classes = [{"share": "75%"}, {"share": "25%", "stays": True}]
    withdraw = {"above": 3, "back": 2, "spread": 1, "absence": "100s"}
    group = makers(withdraw=withdraw, quoting={"classes": classes})
    model = opened(quiet(group, index=index))
    usual = 0.7 / math.sqrt(365 * 86_400)
    own = minute = usual**2
    day, away, since, story, kernel = [usual] * 3_600, False, 0, [], []
    for k in range(1, 400):
        if k > 1:
            n = min(10, k - 1)
            square = (prices[k] / prices[k - n] - 1) ** 2 / n
            own += (1 - 0.5 ** (1 / 8)) * (square - own)
            minute += (1 - 0.5 ** (1 / 60)) * (square - minute)
        day.append(math.sqrt(minute))
        times = math.sqrt(own) / (sum(day) / len(day))
        if not away and times > 3:
            away, since = True, k
        elif away and times < 2 and k - since >= 100:
            away = False
        story.append(away)
        run_to(model, k * SECOND + 20 * MILLISECOND)
        kernel.append([bool(x) for x in model.world.makers["is_away"]])
        resting = [len(quotes(model, maker)[0]) for maker in range(4)]
        assert [n == 0 for n in resting] == kernel[-1]
    assert [row[0] for row in kernel] == story
    assert all(row == [row[0]] * 3 + [False] for row in kernel)
    assert story.index(True) + 1 in range(61, 65)
    assert sum(story) >= 100
    assert not story[-1]


# ---- after a large order


@pytest.mark.parametrize(("share", "left"), [("100%", 0), ("0%", 4)])
def test_after_a_large_order_makers_rest_the_side_that_was_hit_for_a_while(opened: Any, share: str, left: int) -> None:
    """1 BTC is 30 kUSDT; two levels of a side, 1 and 1.8 bp, are within 3 bp. A view that orders do not move."""
    rest = {"above": "20 kUSDT", "share": share, "within": "3 bps", "time": "2s"}
    still = {"exponent": "0.01", "impact": "0.0001 bps"}
    model = opened(quiet(makers(view=still, quoting={"rest": rest}, size="9 kUSDT", growth="1.8")))
    Taker(model, (5 * SECOND, "1 BTC"), (30 * SECOND, "0.1 BTC"))
    near = lambda side: sum(abs(p - 300_000) <= 90 for k in range(4) for p in quotes(model, k)[side])  # noqa: E731
    run_to(model, 5 * SECOND - 1)
    assert (near(0), near(1)) == (8, 8)
    run_to(model, 5 * SECOND + 11 * MILLISECOND)
    assert near(0) == 8
    assert near(1) <= 2 * left
    assert (near(1) == 0) == (left == 0)
    run_to(model, 7 * SECOND + 9 * MILLISECOND)
    assert (near(1) == 0) == (left == 0)
    run_to(model, 7 * SECOND + 11 * MILLISECOND)
    assert near(1) == 8
    run_to(model, 30 * SECOND + 11 * MILLISECOND)
    assert near(1) == 8  # 3 kUSDT is no large order


# ---- limits


def test_a_maker_whose_capital_shrank_quotes_nothing_and_one_with_a_position_does_not_add_to_it(opened: Any) -> None:
    """They sell 2 BTC at about 30,000; 10 % higher that is a loss of 6,000 of 40,000 USDT in all: below 90 %."""
    index = steps(("0s", "30000 USDT"), ("60s", "33000 USDT"))
    group = makers(
        capital="10 kUSDT", max_inventory="10 kUSDT", quoting={"least_equity": "90%"}, size="20 kUSDT", levels=1
    )
    model = opened(quiet(group, index=index, clock={"warmup": "0s"}))
    Taker(model, (5 * SECOND, "2 BTC"))
    run_to(model, 50 * SECOND)
    held = model.world.positions["lots"][:4]
    assert held.sum() == -2_000
    for k in range(4):
        assert (quotes(model, k)[1] == []) == (held[k] * 30 <= -10_000)
        assert len(quotes(model, k)[0]) == 1
    run_to(model, 61 * SECOND)
    lost = [held[k] * 3 < -1_000 for k in range(4)]
    assert any(lost)
    assert [quotes(model, k) == ([], []) for k in range(4)] == lost


# ---- what it leaves alone

CROWDED = [
    {**NOISE, "count": 60},
    makers(
        count=5, withdraw={"above": 2, "back": "1.5", "absence": "5s"}, volatility_spread="0.05", toxicity="0.2",
        requote_latency={"uniform": ["2ms", "20ms"]},
        view={"index": "50%", "mid": "1%", "learning": "0.001", "horizon": "20s"},
        quoting={"rest": {"above": "3 kUSDT"}, "drift": 1, "relative": "50%", "thinning": "50%", "least_equity": "20%"},
    ),
]  # fmt: skip
JUMP = [{"at": "30s", "kind": "jump", "underlying": "BTC", "size": "-3%"}]


def crowded(**parts: Any) -> Scenario:
    return world(index=GBM, traders=CROWDED, events=JUMP, duration="1min", clock={"warmup": "0s"}, **parts)


def test_money_is_conserved_the_book_is_whole_and_cutting_a_run_changes_nothing(opened: Any) -> None:
    whole = opened(crowded(), 60 * SECOND)
    check_world(whole.world)
    assert whole.world.makers["absences"].sum() > 0
    assert whole.world.makers["rests"].sum() > 0
    assert whole.world.get("trade_count") > 20
    cut = opened(crowded())
    for k in range(1, 600):
        run_to(cut, k * 100 * MILLISECOND)
    run_to(cut, 60 * SECOND)
    assert cut.world.digest() == whole.world.digest()


def test_switches_of_makers_move_no_draw_of_anybody_else(opened: Any) -> None:
    """The clock and the decisions of the noise traders are theirs, whatever makers do."""
    clocks = set()
    for keys in ({}, {"traders.makers.quoting.rest.share": "0%"}, {"traders.makers.withdraw.above": 100}):
        model = opened(crowded().with_(keys), 60 * SECOND)
        group = model.world.groups[0]
        clocks.add((int(group["wake_count"]), int(group["next_wake_ns"]), model.world.members(0)["wakeups"].tobytes()))
    assert len(clocks) == 1


PROGRAM = """
import json, sys
from pathlib import Path
from tests.simulation.test_learning_makers import crowded
from tests.simulation.worlds import recorded
run = recorded(crowded(record={"orders": "all"}), Path(sys.argv[1]))
print(json.dumps({**run.hashes, "digest": run.digest}))
"""


def test_compiled_or_not_the_tables_are_the_same(tmp_path: Path) -> None:
    run = recorded(crowded(record={"orders": "all"}), tmp_path / "compiled")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "plain")],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {**run.hashes, "digest": run.digest}
    assert run.residual_atoms == 0


# ---- what is refused


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"withdraw": {"above": 2, "back": 2}}, "makers would return before they leave"),
        ({"quoting": {"classes": [{"share": "60%"}]}}, "the classes are not all makers"),
        ({"levels": []}, "0 levels are listed"),
        ({"levels": {"distance": "1 bps"}}, r"traders\.makers\.levels: a number or a list is due here"),
        ({"levels": [{"distance": "0 bps", "size": "1 kUSDT"}]}, "more than 0%, below 100%"),
        ({"view": {"impact": "20 bps"}}, "more than 0 bps, at most 10 bps"),
        ({"volatility_spread": -1}, "zero or more"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        quiet(makers(**keys))


def test_a_market_has_one_view() -> None:
    with pytest.raises(ScenarioError, match="makers has another view of BTC-PERP"):
        quiet(makers(), {**makers(view={"index": "10%"}), "id": "more"})
    quiet(makers(), {**makers(), "id": "more"})


def test_listed_levels_stand_where_they_are_listed(opened: Any) -> None:
    levels = [{"distance": "2 bps", "size": "3 kUSDT"}, {"distance": "10 bps", "size": "30 kUSDT"}]
    model = opened(quiet(makers(levels=levels)), SECOND)
    assert quotes(model) == ([299_940, 299_700], [300_060, 300_300])
    orders = model.world.orders[(model.world.orders["order_id"] != 0) & (model.world.orders["account"] == 0)]
    assert sorted(orders["size_lots"].tolist()) == [100, 100, 1_000, 1_000]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("toxicity", "0.1"),
        ("volatility_spread", "0.1"),
        ("requote_latency", "1ms"),
        ("withdraw", {"above": 2, "back": 1}),
    ],
)
def test_any_of_the_keys_alone_makes_them_learn_and_none_leaves_the_document_as_it_was(key: str, value: Any) -> None:
    plain = {"id": "m", "kind": "market_maker", "market": "BTC-PERP", "count": 1, "capital": "1 MUSDT"}
    assert not {"view", "quoting", key} & quiet(plain).canonical()["traders"][0].keys()
    sentences = scenario.load_text(json.dumps(quiet({**plain, key: value}).canonical())).sentences()
    assert "They take an order of 1500 USDT that nobody expected" in str(sentences)


def test_sizes_drift_by_the_law_that_is_stated(opened: Any) -> None:
    """400 makers, standard deviation of the logarithm 0.5 at the start and the end; half is left after 10 min."""
    model = opened(quiet(makers(count=400, levels=1, quoting={"drift": "0.5", "drift_memory": "10min"})), 1)
    first = model.world.makers["drift"].copy()
    run_to(model, 600 * SECOND - 1)
    last = model.world.makers["drift"]
    assert first.std() == pytest.approx(0.5, abs=0.07)  # four standard errors
    assert last.std() == pytest.approx(0.5, abs=0.07)
    assert np.corrcoef(first, last)[0, 1] == pytest.approx(0.5**0.9, abs=0.18)  # nine steps of a minute
