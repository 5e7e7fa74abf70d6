"""How a rebalance meets a live book: ladders and slices, what they leave undone, and what they cost."""

from pathlib import Path

import polars as pl
import pytest

from tests.simulation.worlds import CROWD, GBM, MAKERS, MINUTE, NOISE, SECOND, UP, Recorded, recorded, steps, world

LOW = {"start": {"leverage": "2.9"}}
RESET = 32 * MINUTE  # 00:02 in a world that starts at 23:30


def reset_of(folder: Path, execution: dict, *, traders: tuple = CROWD, **token: object) -> Recorded:
    """A token below its target resets at 00:02 in the book."""
    run = recorded(
        world(tokens=[{**UP, "execution": execution, **LOW, **token}], traders=traders, record={"orders": "all"}),
        folder,
    )
    assert run.residual_atoms == 0
    return run


def children(run: Recorded) -> pl.DataFrame:
    return run.table("orders").filter(pl.col("cohort") == "UP").sort("t_ns", "seq")


def test_a_market_execution_is_one_order_at_the_reset(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "market"})
    (row,) = run.table("rebalances").to_dicts()
    (child,) = children(run).to_dicts()
    assert (row["children"], row["status"], row["backlog_lots"]) == (1, "done", 0)
    assert (child["t_ns"], child["order_type"], child["side"]) == (RESET, "market", "buy")
    assert row["t_decide_ns"] == row["t_first_ns"] == row["t_last_ns"] == RESET
    assert row["slippage_bps"] > 0


def test_a_ladder_sends_a_slice_every_so_often_until_done(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "ioc_ladder", "slice": "15 kUSDT", "every": "5s"})
    (row,) = run.table("rebalances").to_dicts()
    sent = children(run)
    assert row["status"] == "done"
    assert row["children"] == len(sent) > 3
    assert sent["t_ns"].to_list() == [RESET + k * 5 * SECOND for k in range(len(sent))]
    assert sent["order_type"].unique().to_list() == ["ioc"]
    assert (sent["size_lots"] * sent["price_ticks"] * 0.0001 <= 15_000 * 1.02).all()
    assert sent["size_lots"][0] == int(15_000 / (row["arrival_mid"] * 0.001))
    assert row["leverage_after"] == pytest.approx(3, abs=0.02)


def test_a_twap_spreads_equal_market_orders_evenly(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "twap", "over": "5min", "slices": 10})
    (row,) = run.table("rebalances").to_dicts()
    sent = children(run)
    assert row["children"] == len(sent) == 10
    assert sent["t_ns"].to_list() == [RESET + k * 30 * SECOND for k in range(10)]
    assert sent["order_type"].unique().to_list() == ["market"]
    assert sent["size_lots"].max() - sent["size_lots"].min() <= 1
    assert sent["size_lots"].sum() == row["target_lots"] == row["filled_lots"]


def test_a_token_in_the_middle_of_its_reset_says_so(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "twap", "over": "5min", "slices": 10})
    states = dict(run.table("tokens").select("t_ns", "state").iter_rows())
    assert states[31 * MINUTE] == states[38 * MINUTE] == "TRADING"
    assert states[33 * MINUTE] == states[36 * MINUTE] == "REBALANCING"
    events = run.table("events").filter(event="state")
    assert events["t_ns"].to_list() == [RESET, RESET + 270 * SECOND]


def test_a_market_order_larger_than_the_book_leaves_a_backlog(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "market"}, traders=(NOISE,), aum="200 MUSDT")
    (row,) = run.table("rebalances").to_dicts()
    assert row["status"] == "partial"
    assert 0 < row["filled_lots"] < row["target_lots"]
    assert row["backlog_lots"] == row["target_lots"] - row["filled_lots"]
    assert children(run)["reason"].to_list() == ["ioc_remainder"]


def test_a_ladder_that_finds_nothing_gives_up_after_a_minute_of_patience(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "ioc_ladder", "slice": "15 kUSDT", "every": "10s"}, traders=())
    (row,) = run.table("rebalances").to_dicts()
    assert (row["status"], row["filled_lots"], row["vwap"]) == ("partial", 0, None)
    assert row["backlog_lots"] == row["target_lots"]
    assert row["children"] == 6


def test_a_ladder_does_not_trade_beyond_its_protection(tmp_path: Path) -> None:
    """No child trades more than 2 % from the mid at which it was sent."""
    run = reset_of(
        tmp_path,
        {"algorithm": "ioc_ladder", "slice": "20 MUSDT", "every": "5s"},
        traders=(NOISE, MAKERS),
        aum="100 MUSDT",
    )
    trades = run.table("trades").filter(taker_purpose="rebalance")
    (row,) = run.table("rebalances").to_dicts()
    first = trades.filter(t_ns=RESET)
    assert len(first) > 0
    assert first["price"].max() <= row["arrival_mid"] * 1.02 + 0.1
    assert row["children"] > 1


def test_a_ladder_longer_than_the_run_ends_partial_with_the_run(tmp_path: Path) -> None:
    run = reset_of(tmp_path, {"algorithm": "ioc_ladder", "slice": "1 kUSDT", "every": "1min"})
    (row,) = run.table("rebalances").to_dicts()
    assert (row["status"], row["children"]) == ("partial", 28)  # 00:02 to 00:29; nothing happens at the end itself
    assert row["backlog_lots"] > 0


def test_off_book_orders_pay_the_taker_fee_unless_told_not_to_and_touch_no_book(tmp_path: Path) -> None:
    paying = reset_of(tmp_path / "paying", {"algorithm": "off_book"})
    free = reset_of(tmp_path / "free", {"algorithm": "off_book", "off_book_fees": False})
    (paid,), (spared,) = (run.table("rebalances").to_dicts() for run in (paying, free))
    worth = paid["target_lots"] * round(paid["vwap"] * 10) * 10_000
    assert (paid["fees_atoms"], spared["fees_atoms"]) == (worth * 5 // 10_000, 0)
    for run, row in ((paying, paid), (free, spared)):
        assert (row["participation"], row["filled_lots"]) in [(0, row["target_lots"]), (None, row["target_lots"])]
        assert run.table("trades").filter(taker_purpose="rebalance").is_empty()
    assert paying.hashes["trades"] == free.hashes["trades"]


def test_two_tokens_of_opposite_sign_reset_in_the_order_they_are_declared(tmp_path: Path) -> None:
    down = {**UP, "id": "DOWN", "basket": {"BTC-PERP": -3}, "start": {"leverage": "-3.2"}}
    tokens = [{**UP, **LOW, "execution": {"algorithm": "market"}}, {**down, "execution": {"algorithm": "market"}}]
    run = recorded(world(tokens=tokens), tmp_path)
    rows = run.table("rebalances")
    assert rows["id"].to_list() == [0, 1]
    assert rows["token"].to_list() == ["UP", "DOWN"]
    assert rows["t_decide_ns"].to_list() == [RESET, RESET]
    assert (rows["target_lots"] > 0).all()
    assert rows["arrival_mid"][1] == rows["arrival_mid"][0]  # that of the instant before any of them
    assert rows["vwap"][1] > rows["vwap"][0]  # the first has moved the book before the second buys


def test_several_markets_and_underlyings_stand_side_by_side(tmp_path: Path) -> None:
    """Two perpetuals, correlated at 0.8; a basket of both legs; a hedge token at -1 and one at 0.5."""
    underlyings = [
        {"id": "BTC", "index": GBM, "correlation": {"ETH": 0.8}},
        {"id": "ETH", "index": {**GBM, "price": "2000 USDT", "volatility": "90%/yr"}},
    ]
    markets = [
        {"id": "BTC-PERP", "underlying": "BTC"},
        {"id": "ETH-PERP", "underlying": "ETH", "tick": "0.01 USDT", "lot": "0.01 ETH"},
    ]
    traders = [*CROWD, *({**group, "id": f"{group['id']}-eth", "market": "ETH-PERP"} for group in CROWD)]
    pair = {**UP, "id": "PAIR", "basket": {"BTC-PERP": 1, "ETH-PERP": -1}, "execution": {"algorithm": "market"}}
    hedge = {**UP, "id": "HEDGE", "basket": {"BTC-PERP": -1}, "start": {"leverage": "-1.1"}}
    half = {**UP, "id": "HALF", "basket": {"ETH-PERP": "0.5"}, "start": {"leverage": "0.45"}}
    run = recorded(
        world(
            underlyings=underlyings,
            markets=markets,
            traders=traders,
            tokens=[pair, hedge, half],
            duration="2h",
            record={"marks": "1s"},
        ),
        tmp_path,
    )
    assert run.residual_atoms == 0
    assert set(run.table("trades")["market"]) == {"BTC-PERP", "ETH-PERP"}
    rows = run.table("rebalances")
    assert set(rows.filter(token="PAIR")["market"]) == {"BTC-PERP", "ETH-PERP"}
    assert (rows.filter(token="HEDGE")["target_lots"].item(), rows.filter(token="HALF")["target_lots"].item()) > (0, 0)
    assert rows.filter(token="HEDGE")["leverage_after"].item() == pytest.approx(-1, abs=0.01)
    assert rows.filter(token="HALF")["leverage_after"].item() == pytest.approx(0.5, abs=0.01)
    legs = run.table("token_legs").filter(token="PAIR")
    assert legs.filter(market="BTC-PERP")["leverage"][0] == pytest.approx(1, abs=1e-3)
    assert legs.filter(market="ETH-PERP")["leverage"][0] == pytest.approx(-1, abs=1e-3)
    marks = run.table("marks").pivot("market", index="t_ns", values="index_price").sort("t_ns")
    returns = marks.select(pl.col("BTC-PERP").log().diff(), pl.col("ETH-PERP").log().diff()).drop_nulls()
    assert returns.select(pl.corr("BTC-PERP", "ETH-PERP")).item() == pytest.approx(0.8, abs=0.03)
    for market in ("BTC-PERP", "ETH-PERP"):
        own = run.table("trades").filter(market=market)
        assert own["seq"].to_list() == list(range(own["seq"][0], own["seq"][0] + len(own)))
    assert set(run.table("positions").group_by("t_ns", "market").agg(pl.col("net_lots").sum())["net_lots"]) == {0}


def test_two_venues_and_two_currencies_keep_their_own_books(tmp_path: Path) -> None:
    """A token on the second venue pays its management fee to its issuer there; each currency is conserved by itself."""
    underlyings = [
        {"id": "BTC", "index": GBM},
        {"id": "XAU", "index": steps(("0s", "2000 EUR"), ("20min", "2050 EUR"))},
    ]
    markets = [
        {"id": "BTC-PERP", "underlying": "BTC"},
        {
            "id": "XAU-PERP",
            "underlying": "XAU",
            "venue": "far",
            "tick": "0.1 EUR",
            "lot": "0.01 XAU",
            "insurance_fund": "10 kEUR",
        },
    ]
    gold = {
        "id": "GOLD",
        "issuer": "alpha",
        "basket": {"XAU-PERP": 2},
        "aum": "1 MEUR",
        "nav": "100 EUR",
        "rebalance": {"policy": "daily", "at": "00:02"},
        "execution": {"algorithm": "off_book"},
        "management_fee": {"rate": "1 bps", "every": "10min", "at": "00:00"},
    }
    fee = {"management_fee": {"rate": "1 bps", "every": "10min", "at": "00:00"}}
    orders = [
        {"at": "40min", "kind": "order", "market": "XAU-PERP", "size": "+1 XAU"},
        {"at": "40min", "kind": "order", "market": "BTC-PERP", "size": "+0.1 BTC"},
    ]
    run = recorded(
        world(underlyings=underlyings, markets=markets, tokens=[{**UP, **fee}, gold], events=orders), tmp_path
    )
    cohorts = run.table("cohorts")
    for asset in ("USDT", "EUR"):
        own = cohorts.filter(asset=asset).group_by("t_ns").agg(pl.col("equity_atoms").sum())
        deposits = run.table("ledger").filter(entry="deposit", asset=asset)["atoms"].sum()
        assert set(own["equity_atoms"]) == {deposits}
    issuers = cohorts.filter(cohort="issuer:alpha").group_by("asset").agg(pl.col("cash_atoms").last())
    assert all(atoms > 0 for _, atoms in issuers.iter_rows())
    assert run.table("trades").filter(taker_cohort="event")["market"].unique().to_list() == ["BTC-PERP"]
