"""What each arm changes, and all that it leaves alone (docs/contract.md#arms)."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.errors import UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.arms import apply
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import CROWD, DOWN, HOUR, MINUTE, NOISE, SECOND, UP, Recorded, recorded, steps, world

RISE = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "3%"}]
MARKET = {"tick": "0.01 USDT", "lot": "0.01"}
PRIMARY = {"mode": "cash_nav", "create_fee": "10 bps", "redeem_fee": "10 bps"}
IN_TOKEN = {**NOISE, "id": "in-token", "market": "UP", "count": 20}
PLACEBOS = ("placebo_time", "placebo_sign", "contrarian")


def arm(kind: str, **keys: Any) -> ArmSpec:
    return ArmSpec.model_validate({"id": kind, "arm": kind, **keys})


def night(**parts: Any) -> Scenario:
    """Two hours and a half around the reset of two tokens, after a rise."""
    parts = {"tokens": [UP, DOWN], "events": RISE, **parts}
    return world(start="2024-01-01T23:30:00Z", duration="2h30min", **parts)


@pytest.fixture(scope="module")
def factual(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(night(), tmp_path_factory.mktemp("factual"))


@pytest.fixture(scope="module")
def arms(factual: Recorded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recorded]:
    kinds = ("frictionless", "shadow", "off", "blind", "phantom", *PLACEBOS)
    children = factual.table("children")
    return {kind: recorded(night(), tmp_path_factory.mktemp(kind), arm=arm(kind), children=children) for kind in kinds}


def orders_of(run: Recorded, purpose: str) -> pl.DataFrame:
    """Volume a purpose took in the book, by instant."""
    trades = run.table("trades").filter(pl.col("taker_purpose") == purpose)
    signed = pl.when(pl.col("taker_side") == "buy").then(pl.col("size_lots")).otherwise(-pl.col("size_lots"))
    return trades.group_by("t_ns", "taker_parent", maintain_order=True).agg(signed.sum().alias("lots"))


def test_an_arm_that_changes_nothing_leaves_every_table_identical(factual: Recorded, tmp_path: Path) -> None:
    again = recorded(night(), tmp_path, arm=ArmSpec(id="null"))
    assert again.hashes == factual.hashes
    assert len(factual.table("trades")) > 1_000
    assert len(factual.table("rebalances")) == 2


def test_no_arm_moves_the_index_or_makes_money(factual: Recorded, arms: dict[str, Recorded]) -> None:
    index = factual.table("marks").select("t_ns", "market", "index_price")
    for run in arms.values():
        assert run.table("marks").select("t_ns", "market", "index_price").equals(index)
        assert run.residual_atoms == 0


def test_frictionless_resets_trade_the_same_arithmetic_outside_the_book(
    factual: Recorded, arms: dict[str, Recorded]
) -> None:
    run = arms["frictionless"]
    assert orders_of(factual, "rebalance").height > 0
    assert orders_of(run, "rebalance").is_empty()
    assert run.table("children")["order_type"].unique().to_list() == ["off_book"]
    rows, facts = run.table("rebalances"), factual.table("rebalances")
    assert rows.select("token", "t_decide_ns", "target_lots", "trigger").equals(
        facts.select("token", "t_decide_ns", "target_lots", "trigger")
    )
    assert rows["filled_lots"].to_list() == rows["target_lots"].to_list()
    assert rows["fees_atoms"].min() > 0
    before = factual.table("trades").filter(pl.col("t_ns") < facts["t_decide_ns"].min())
    assert run.table("trades").head(len(before)).equals(before)


def test_off_book_fills_of_an_arm_are_at_the_mark(arms: dict[str, Recorded]) -> None:
    attributed = arms["frictionless"].table("attribution")
    assert attributed["slippage_atoms"].to_list() == [0] * len(attributed)


def test_shadow_orders_are_written_down_and_the_position_stays(factual: Recorded, arms: dict[str, Recorded]) -> None:
    run = arms["shadow"]
    rows = run.table("rebalances")
    assert rows["status"].to_list() == ["shadow"] * 2
    assert rows["target_lots"].to_list() == factual.table("rebalances")["target_lots"].to_list()
    assert rows["filled_lots"].to_list() == [0, 0]
    held = run.table("token_legs").group_by("token").agg(pl.col("position_lots").n_unique())
    assert held["position_lots"].to_list() == [1, 1]
    assert run.table("children").is_empty()
    assert run.table("events").filter(pl.col("event") == "backlog").is_empty()


def test_a_band_that_stays_crossed_asks_a_shadow_once(tmp_path: Path) -> None:
    band = {"policy": "band", "lower": "2", "upper": "4"}
    index = steps(("0s", "30000 USDT"), ("10min", "26000 USDT"), ("30min", "30000 USDT"), ("40min", "26000 USDT"))
    token = {**UP, "rebalance": band}
    run = recorded(world(index=index, tokens=[token], duration="1h"), tmp_path, arm=arm("shadow"))
    decided = run.table("rebalances")["t_decide_ns"].to_list()
    assert [t // MINUTE for t in decided] == [10, 40]


def test_off_leaves_the_tape_that_a_token_without_assets_leaves(arms: dict[str, Recorded], tmp_path: Path) -> None:
    empty = [{**UP, "aum": "0 USDT"}, {**DOWN, "aum": "0 USDT"}]
    without = recorded(night(tokens=empty), tmp_path)
    run = arms["off"]
    assert run.table("trades").equals(without.table("trades"))
    for table in ("tokens", "token_legs", "rebalances", "children", "primary", "holders", "attribution", "decay"):
        assert run.table(table).is_empty()
    assert not {"UP", "DOWN", "issuer:alpha"} & set(run.table("cohorts")["cohort"])


def test_off_takes_whoever_trades_only_there_and_moves_no_account(tmp_path: Path) -> None:
    token = {**UP, "market": MARKET, "primary": PRIMARY}
    parts: dict[str, Any] = dict(tokens=[token, DOWN], traders=[IN_TOKEN, *CROWD], duration="50min")
    events = [*RISE, {"at": "30min", "kind": "suspend", "subject": "UP", "what": ["market"]}]
    off = recorded(world(**parts, events=events), tmp_path / "off", arm=arm("off", only=["UP"]))
    plain = recorded(world(tokens=[DOWN], events=RISE, duration="50min"), tmp_path / "plain")
    columns = ["t_ns", "market", "seq", "price_ticks", "size_lots", "taker_cohort", "maker_cohort"]
    assert off.table("trades").select(columns).equals(plain.table("trades").select(columns))
    shift = off.table("accounts").filter(pl.col("cohort") == "makers")["account"].min()
    assert shift == IN_TOKEN["count"] + NOISE["count"]
    assert off.table("accounts").filter(pl.col("cohort") == "DOWN")["account"].to_list() == [1_000_000_001]
    assert off.table("tokens")["token"].unique().to_list() == ["DOWN"]


def test_where_nobody_is_informed_blind_is_factual_and_phantom_is_frictionless(
    factual: Recorded, arms: dict[str, Recorded]
) -> None:
    assert arms["blind"].hashes == factual.hashes
    assert arms["phantom"].hashes == arms["frictionless"].hashes


def test_placebos_send_the_factual_orders_again_from_an_account_of_the_ledger(
    factual: Recorded, arms: dict[str, Recorded]
) -> None:
    sent = factual.table("children").group_by("parent").agg(pl.col("size_lots").sum()).sort("parent")
    for kind in PLACEBOS:
        run = arms[kind]
        assert orders_of(run, "rebalance").is_empty()
        got = run.table("trades").filter(pl.col("taker_purpose") == "placebo")
        assert got["taker_cohort"].unique().to_list() == ["placebo"]
        assert set(got["taker_parent"]) == set(sent["parent"])
        assert run.table("cohorts").filter(pl.col("cohort") == "placebo")["kind"].unique().to_list() == ["ledger"]
        assert abs(got["size_lots"].sum()) <= sent["size_lots"].abs().sum()


def test_a_placebos_orders_are_written_down_with_what_they_got(factual: Recorded, arms: dict[str, Recorded]) -> None:
    place = ["parent", "child", "token", "market"]
    sent = factual.table("children").select(*place, size="size_lots").sort(place)
    for kind, sign in (("placebo_time", 1), ("contrarian", -1)):
        rows = arms[kind].table("children").filter(purpose="placebo")
        assert rows.select(*place, size=sign * pl.col("size_lots")).sort(place).equals(sent)
        got = orders_of(arms[kind], "placebo").group_by("taker_parent").agg(pl.col("lots").sum()).sort("taker_parent")
        assert rows.group_by("parent").agg(pl.col("filled_lots").sum()).sort("parent")["filled_lots"].to_list() == (
            got["lots"].to_list()
        )


def test_all_orders_decided_at_one_instant_have_one_arrival_mid(factual: Recorded) -> None:
    """Both funds send before either order arrives, so their first children see the mid before both, as rows do."""
    rows = factual.table("rebalances")
    assert rows["t_decide_ns"].n_unique() == rows["arrival_mid"].n_unique() == 1
    first = factual.table("children").filter(pl.col("child") == 0)
    assert first["mid_price"].to_list() == rows["arrival_mid"].to_list()


def test_a_rebalance_knows_price_and_assets_of_the_last_reset(factual: Recorded) -> None:
    """Both funds opened at 30,000 with 1 M and 500 k."""
    rows = factual.table("rebalances").sort("token")
    assert rows["last_reset_price"].to_list() == [30_000.0, 30_000.0]
    assert rows["last_reset_equity_atoms"].to_list() == [500_000 * 10**8, 1_000_000 * 10**8]


def test_a_placebo_in_time_is_an_hour_from_any_reset_on_the_same_day(
    factual: Recorded, arms: dict[str, Recorded]
) -> None:
    rows = factual.table("rebalances")
    first, last = rows["t_decide_ns"].min(), rows["t_last_ns"].max()
    times = orders_of(arms["placebo_time"], "placebo")["t_ns"]
    assert times.min() >= last + HOUR  # the run's part of that day before the reset is shorter than an hour
    assert times.max() < int(2.5 * HOUR)
    children = factual.table("children")
    gaps = children["t_ns"].unique().sort() - children["t_ns"].min()
    assert set((times - times.min()).to_list()) <= set(gaps.to_list())
    assert first < last


def test_a_contrarian_trades_against_the_fund_and_a_sign_is_one_for_all_of_a_window(
    factual: Recorded, arms: dict[str, Recorded]
) -> None:
    want = factual.table("rebalances")["target_lots"].sign().unique().to_list()
    assert want == [1]
    assert orders_of(arms["contrarian"], "placebo")["lots"].sign().unique().to_list() == [-1]
    assert len(orders_of(arms["placebo_sign"], "placebo")["lots"].sign().unique()) == 1


def test_a_day_without_room_for_a_placebo_is_said(factual: Recorded, tmp_path: Path) -> None:
    short = world(tokens=[UP, DOWN], events=RISE, duration="1h")
    with pytest.raises(UsageError, match="an hour from every reset; give the run whole days"):
        recorded(short, tmp_path, arm=arm("placebo_time"), children=factual.table("children"))


def test_only_touches_the_tokens_it_names(tmp_path: Path) -> None:
    run = recorded(night(), tmp_path, arm=arm("frictionless", only=["DOWN"]))
    types = dict(run.table("children").group_by("token").agg(pl.col("order_type").unique().first()).iter_rows())
    assert types == {"UP": "ioc", "DOWN": "off_book"}


def test_the_scope_of_a_frictionless_arm_says_which_flows_it_takes_out(tmp_path: Path) -> None:
    token = {**UP, "primary": PRIMARY, "market": MARKET}
    holders = {"id": "holders", "kind": "holder", "market": "UP", "count": 20, "capital": "50 kUSDT", "rate": "6/h"}
    parts: dict[str, Any] = dict(tokens=[{**token, "primary": {**PRIMARY}}], traders=[*CROWD, holders])
    for scope, wanted in ((["rebalance"], {"rebalance"}), (["primary"], {"creation", "redemption"})):
        run = recorded(night(**parts), tmp_path / scope[0], arm=arm("frictionless", scope=scope))
        rows = run.table("children")
        assert {"rebalance"} < set(rows["purpose"])
        assert set(rows.filter(pl.col("order_type") == "off_book")["purpose"]) <= wanted
        assert set(rows.filter(pl.col("order_type") != "off_book")["purpose"]).isdisjoint(wanted)


def test_child_orders_are_told_with_what_they_got(factual: Recorded) -> None:
    rows = factual.table("children")
    by_parent = rows.group_by("parent").agg(pl.col("filled_lots").sum(), pl.len()).sort("parent")
    told = factual.table("rebalances")
    assert by_parent["filled_lots"].to_list() == told["filled_lots"].to_list()
    assert by_parent["len"].to_list() == told["children"].to_list()
    assert (rows["t_end_ns"] - rows["t_ns"]).max() < SECOND


def test_placebos_send_the_orders_of_the_tokens_they_touch_alone(factual: Recorded, tmp_path: Path) -> None:
    whose = dict(factual.table("rebalances").select("id", "token").iter_rows())
    assert set(whose.values()) == {"UP", "DOWN"}
    chosen = arm("contrarian", only=["DOWN"])
    run = recorded(night(), tmp_path, arm=chosen, children=factual.table("children"))
    got = run.table("trades").filter(pl.col("taker_purpose") == "placebo")
    assert {whose[parent] for parent in got["taker_parent"].unique()} == {"DOWN"}


def test_who_would_be_informed_hears_nothing_of_a_blind_token_and_of_no_size_where_nothing_is_sent() -> None:
    """docs/contract.md#arms, arm by arm."""
    heard = {
        "factual": "true", "phantom": "true", "blind": "silent", "frictionless": "zero", "shadow": "zero",
        "placebo_time": "zero", "placebo_sign": "zero", "contrarian": "zero",
    }  # fmt: skip
    for kind, mode in heard.items():
        model = MarketModel(night())
        apply(model, arm(kind, only=["UP"]) if kind != "factual" else ArmSpec(id="factual"))
        assert (model.announcement_feed.mode("UP"), model.announcement_feed.mode("DOWN")) == (mode, "true"), kind
        model.close()
