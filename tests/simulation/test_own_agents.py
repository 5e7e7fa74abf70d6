"""A researcher's own agents in `ms.run`: a run directory with their rows, and an identity of its own."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import marketsim as ms
from marketsim.errors import ResultError, UsageError
from marketsim.simulation import agents as own
from tests.simulation.worlds import FREE, MAKERS, MINUTE, NOISE, STILL, world

SMALL = world(duration="10min", index=STILL, market=FREE, traders=[NOISE, MAKERS])


class Buyer(ms.Agent):
    """Buys a lot of BTC after five minutes, and tells what it paid."""

    def __init__(self, model: Any, capital: str = "100 kUSDT", size: str = "+1 BTC") -> None:
        self.size = size
        super().__init__(model, capital=capital, name="buyer")

    def process(self) -> Iterator[Any]:
        yield self.wait("5min")
        order = self.send("BTC-PERP", size=self.size, type="market")
        yield order.done
        self.record(filled=order.filled_lots, fills=(1, 2), price=float("nan"), where=Path("here"))


def both_sides(model: Any) -> None:
    for side in (Buyer, Seller):
        side(model)


class Seller(Buyer):
    def __init__(self, model: Any) -> None:
        self.size = "-1 BTC"
        ms.Agent.__init__(self, model, capital="100 kUSDT", name="seller")


def run(out: Path, **given: Any) -> Any:
    return ms.run(SMALL, out=out, report=False, **given)


def test_a_run_with_an_agent_has_its_rows_and_what_it_recorded(tmp_path: Path) -> None:
    result = run(tmp_path, agents=[Buyer])
    assert result.manifest["status"] == "ok"
    assert result.manifest["conservation"]["residual_atoms"] == 0
    bought = result.table("trades").filter(pl.col("taker_cohort") == "buyer")
    assert bought["size_lots"].sum() == 1_000
    assert "buyer" in set(result.table("accounts")["cohort"])
    told = json.loads((result.path / "agents.json").read_text())
    assert told["made_by"] == ["tests.simulation.test_own_agents.Buyer"]
    row = {"t_ns": 5 * MINUTE, "agent": "buyer", "filled": 1_000, "fills": [1, 2], "price": None, "where": "here"}
    assert told["records"] == {"buyer": [row]}


def test_a_run_without_agents_is_as_it_was(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert not (result.path / "agents.json").exists()
    assert result.manifest["versions"]["marketsim"].count("+") == 1


def test_agents_make_another_run_and_the_same_agents_the_same_one(tmp_path: Path) -> None:
    without, one, again, two, named = (
        run(tmp_path, **given)
        for given in (
            {},
            {"agents": [Buyer]},
            {"agents": [Buyer]},
            {"agents": [both_sides]},
            {"agents": [lambda model: Buyer(model, size="+2 BTC")], "agents_id": "two coins"},
        )
    )
    ids = [result.manifest["run_id"] for result in (without, one, two, named)]
    assert len(set(ids)) == 4
    assert again.already_there
    assert again.path == one.path
    assert named.table("trades").filter(pl.col("taker_cohort") == "buyer")["size_lots"].sum() == 2_000
    assert {"buyer", "seller"} <= set(two.table("accounts")["cohort"])
    assert without.manifest["scenario_sha256"] == one.manifest["scenario_sha256"]


def test_an_edited_agent_is_not_taken_for_the_run_that_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, agents=[Buyer])
    edited = tmp_path / "edited.py"
    edited.write_text("# another text")
    monkeypatch.setattr(own, "_source_of", lambda factory: edited)
    with pytest.raises(ResultError, match="another version of the code"):
        run(tmp_path, agents=[Buyer])
    assert not run(tmp_path, agents=[Buyer], again=True).already_there


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"agents": [lambda model: Buyer(model)]}, r"agents\[0\] was .*lambda.*agents_id="),
        ({"agents": [Buyer, partial(Buyer, size="+2 BTC")]}, r"agents\[1\] was functools.partial"),
        ({"agents": ["Buyer"]}, r"agents\[0\] was 'Buyer'; allowed: a class or function"),
        ({"agents_id": "mine"}, "agents_id was 'mine'"),
        ({"agents": [Buyer], "agents_id": " "}, "agents_id was ' '"),
    ],
)
def test_agents_that_nothing_identifies_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_breaks_leaves_a_failed_run_with_its_reason(tmp_path: Path) -> None:
    result = run(tmp_path, agents=[Broken])
    assert result.manifest["status"] == "failed"
    assert "ZeroDivisionError" in result.manifest["reason"]


def test_an_agent_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which is a cohort of this world already"):
        run(tmp_path, agents=[Buyer, Buyer])
    assert list((tmp_path / "small").iterdir()) == []


class Broken(Buyer):
    def process(self) -> Iterator[Any]:
        yield self.wait("1min")
        raise ZeroDivisionError


def test_a_partial_s_file_is_that_of_its_function_and_a_builtin_has_none() -> None:
    assert own._source_of(partial(Buyer, size="+2 BTC")) == Path(__file__)
    assert own._source_of(print) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.int64(3), 3),
        (np.float64(0.25), 0.25),
        (np.float32("inf"), None),
        (np.bool_(True), True),
        (np.array(7), 7),
        (float("-inf"), None),
        (np.array([1, 2]), "[1 2]"),
        (SimpleNamespace(item=3), "namespace(item=3)"),  # has an item, and is no number
        ({1: (np.int64(2), None)}, {"1": [2, None]}),
    ],
    ids=str,
)
def test_what_an_agent_records_is_written_as_json_has_it(value: object, told: object) -> None:
    assert own._plain(value) == told
    assert type(own._plain(value)) is type(told)


class Idler(ms.Agent):
    """Waits for nothing, for ever."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, capital="1 kUSDT", name="idler")

    def process(self) -> Iterator[Any]:
        yield self.wait("1min")
        while True:
            yield self.wait("0s")


def test_an_agent_that_waits_for_nothing_for_ever_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketsim.traders.agent.MAX_IDLE_WAITS", 50)
    with pytest.raises(UsageError, match="idler waited 50 times for 0s at 60000000000 ns, and time stands still"):
        run(tmp_path, agents=[Idler])
