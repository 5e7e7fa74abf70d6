"""Who comes first at one instant: delays decide, then a draw; neither the file's order nor a phase does."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.simulation.worlds import CROWD, FREE, MAKERS, MINUTE, NOISE, RETAIL, SECOND, Recorded, recorded, steps, world

RESETS = [f"00:{minute:02}" for minute in range(1, 29)]
TOKEN = {
    "issuer": "alpha",
    "basket": {"BTC-PERP": 3},
    "aum": "2 MUSDT",
    "nav": "100 USDT",
    "rebalance": {"policy": "daily", "at": RESETS},
    "execution": {"algorithm": "market"},
}
EARLY, LATE = {**TOKEN, "id": "AAA"}, {**TOKEN, "id": "ZZZ"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recorded, Recorded]:
    """Two equal tokens that reset at the same instants, in both orders of the file."""
    folder = tmp_path_factory.mktemp("pair")
    one = recorded(world(traders=CROWD, tokens=[EARLY, LATE]), folder / "one")
    other = recorded(world(traders=CROWD, tokens=[LATE, EARLY]), folder / "other")
    return one, other


def named(run: Recorded, name: str, tokens: list[str]) -> list[dict[str, Any]]:
    """A table's rows without the numbers that count through the file: accounts and parents by name, in any order."""
    numbers = {1_000_000_000 + place: token for place, token in enumerate(tokens)}
    resets = run.table("rebalances")
    parents = {
        row["id"]: f"{row['token']} at {row['t_decide_ns']}"
        for row in resets.select("id", "token", "t_decide_ns").to_dicts()
    }
    rows = []
    for row in run.table(name).to_dicts():
        told = {}
        for key, value in row.items():
            if "account" in key or key == "index":
                value = numbers.get(value, value)
            elif key == "id" or "parent" in key:
                value = parents.get(value, value)
            elif key.endswith("_order"):  # numbered in the order of sending
                continue
            told[key] = value
        rows.append(told)
    return sorted(rows, key=repr)


def test_two_equal_tokens_swapped_in_the_file_change_nothing_but_their_names(pair: tuple[Recorded, Recorded]) -> None:
    one, other = pair
    assert one.table("trades").filter(taker_purpose="rebalance").height > 100
    for name in one.hashes:
        rows = named(one, name, ["AAA", "ZZZ"])
        assert rows == named(other, name, ["ZZZ", "AAA"]), name


def test_a_draw_for_each_instant_says_whose_order_comes_first(pair: tuple[Recorded, Recorded]) -> None:
    sold = pair[0].table("trades").filter(taker_purpose="rebalance").sort("t_ns", "seq")
    first = sold.group_by("t_ns", maintain_order=True).first()["taker_cohort"]
    # 28 fair draws: fewer than 5 or more than 23 of one token have probability 2 x 2e-4
    assert len(first) == len(RESETS)
    assert 5 <= (first == "AAA").sum() <= 23


def test_orders_decided_at_one_instant_have_one_arrival_mid_and_see_none_of_each_other(
    pair: tuple[Recorded, Recorded],
) -> None:
    run = pair[0]
    resets = run.table("rebalances").group_by("t_decide_ns").agg(pl.col("arrival_mid").n_unique(), pl.len())
    assert resets["len"].unique().to_list() == [2]
    assert resets["arrival_mid"].unique().to_list() == [1]
    first = run.table("children").filter(child=0).group_by("t_ns").agg(pl.col("mid_price").n_unique())
    assert first["mid_price"].unique().to_list() == [1]


# -- after a step of the index

FALL = steps(("0s", "30000 USDT"), ("10min", "28800 USDT"))
FAST = {"latency": "2ms"}
LEVERED = {
    **RETAIL, "id": "levered", "count": 10, "rate": "1/d", "capital": "100 USDT",
    "start": {"leverage": "24.3", "long_share": "100%"},
}  # fmt: skip
"""Bankrupt at 30,000 x (1 - 1 / 24.3) = 28,765: below the index after the fall, and below its maintenance of .4 %."""


def liquidated(folder: Path, traders: list[dict[str, Any]], **liquidation: str) -> pl.DataFrame:
    """What engines sold in the second after a fall of 4 %, in bp better than the mark."""
    market = {**FREE, "margin": {"tiers": "binance_btcusdt_2024"}, "insurance_fund": "1 MUSDT"}
    market |= {"liquidation": liquidation} if liquidation else {}
    made = world(index=FALL, market=market, traders=[*traders, LEVERED], duration="11min", record={"marks": "1s"})
    run = recorded(made, folder)
    assert run.residual_atoms == 0
    mark = run.table("marks").filter(t_ns=10 * MINUTE)["mark_price"].item()
    sold = run.table("trades").filter(
        pl.col("taker_purpose") == "liquidation", pl.col("t_ns") >= 10 * MINUTE, pl.col("t_ns") < 10 * MINUTE + SECOND
    )
    assert not sold.is_empty()
    return sold.with_columns(better=1e4 * (pl.col("price") / mark - 1), after_ns=pl.col("t_ns") - 10 * MINUTE)


def test_liquidations_meet_the_quotes_of_before_the_fall_only_if_they_are_the_faster(tmp_path: Path) -> None:
    makers = {**MAKERS, **FAST}
    slow = liquidated(tmp_path / "slow", [makers])
    assert set(slow["after_ns"]) == {10_000_000}
    assert slow["better"].max() < 50
    fast = liquidated(tmp_path / "fast", [makers], delay="1ms")
    assert set(fast["after_ns"]) == {1_000_000}
    assert fast["better"].min() > 300


def test_who_watches_the_index_takes_the_slow_quotes_before_the_engines_come(tmp_path: Path) -> None:
    alone = liquidated(tmp_path / "alone", [{**MAKERS, **FAST}, NOISE])
    assert (alone["better"] > 50).any()  # limit orders of the crowd that nobody has taken yet
    watchers = {
        "id": "watchers", "kind": "fundamentalist", "market": "BTC-PERP", "count": 10, "on_index": True,
        "rate": "0/h", "capital": "5 MUSDT", "capacity": "2 MUSDT", **FAST,
        "threshold": {"offset": "30 bps", "scale": "0 bps"},
    }  # fmt: skip
    taken = liquidated(tmp_path / "taken", [{**MAKERS, **FAST}, NOISE, watchers])
    assert taken["better"].max() < 50
