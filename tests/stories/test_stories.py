"""Stories: what happens in a market with leveraged tokens, told in whole runs that a trader can follow."""

from pathlib import Path

import polars as pl
import pytest

from tests.simulation.worlds import (
    CROWD,
    DOWN,
    FREE,
    HOUR,
    MAKERS,
    MINUTE,
    OFF_BOOK,
    RETAIL,
    SECOND,
    STILL,
    UP,
    recorded,
    steps,
    world,
)

RESET = 32 * MINUTE  # 00:02, in a world that starts at 23:30
ALL_AT_ONCE = {"algorithm": "market"}


@pytest.mark.parametrize(("move", "side"), [("+4%", "buy"), ("-4%", "sell")], ids=["rise", "fall"])
def test_a_three_times_long_and_a_three_times_short_token_trade_the_same_way_after_a_move(
    tmp_path: Path, move: str, side: str
) -> None:
    """After a rise both buy, after a fall both sell (Cheng and Madhavan 2009): they do not offset each other."""
    jump = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": move}]
    run = recorded(world(index=STILL, tokens=[UP, DOWN], events=jump), tmp_path)
    orders = run.table("rebalances").filter(t_decide_ns=RESET)
    assert orders["token"].to_list() == ["UP", "DOWN"]
    assert set((orders["target_lots"] > 0).to_list()) == {side == "buy"}
    for token in ("UP", "DOWN"):
        assert run.table("trades").filter(taker_cohort=token)["taker_side"].unique().to_list() == [side]
    for row in orders.iter_rows(named=True):
        assert row["leverage_after"] == pytest.approx(3 if row["token"] == "UP" else -3, abs=0.03)
    assert run.residual_atoms == 0


def test_a_path_that_goes_out_and_comes_back_costs_both_tokens(tmp_path: Path) -> None:
    """+5 % and back to where it began: (1 + 3 x 0.05)(1 - 3 x 0.05 / 1.05) < 1, and the same for -3."""
    path = steps(("0s", "30000 USDT"), ("10min", "31500 USDT"), ("50min", "30000 USDT"))
    tokens = [{**token, "execution": {**OFF_BOOK, "off_book_fees": False}} for token in (UP, DOWN)]
    run = recorded(world(index=path, market=FREE, traders=[], tokens=tokens), tmp_path)
    navs = run.table("tokens").filter(t_ns=HOUR).sort("token", descending=True)["nav"].to_list()
    assert navs[0] == pytest.approx(100 * 1.15 * (1 - 3 * 0.05 / 1.05), rel=1e-4)  # 98.57
    assert navs[1] == pytest.approx(100 * 0.85 * (1 + 3 * 0.05 / 1.05), rel=1e-4)  # 97.14


def test_a_rebalance_moves_the_price_that_sets_the_nav(tmp_path: Path) -> None:
    """Against its off-book twin, the same fund with the same luck, the reset in the book lifts the mark."""
    big = {**UP, "aum": "15 MUSDT", "start": {"leverage": "2.9"}}
    jump = [{"at": "31min", "kind": "jump", "underlying": "BTC", "size": "+2%"}]
    inside = recorded(world(tokens=[{**big, "execution": ALL_AT_ONCE}], events=jump), tmp_path / "inside")
    outside = recorded(world(tokens=[{**big, "execution": OFF_BOOK}], events=jump), tmp_path / "outside")
    (loud,), (silent,) = (run.table("rebalances").to_dicts() for run in (inside, outside))
    assert loud["target_lots"] == silent["target_lots"] > 0
    assert loud["arrival_mid"] == silent["arrival_mid"]

    before = [run.table("trades").filter(pl.col("t_ns") < RESET) for run in (inside, outside)]
    assert before[0].equals(before[1])
    quotes = [run.table("quotes").filter(t_ns=33 * MINUTE)["mid"].item() for run in (inside, outside)]
    assert quotes[0] > quotes[1]
    marks = [run.table("marks").filter(t_ns=33 * MINUTE)["mark_price"].item() for run in (inside, outside)]
    assert marks[0] > marks[1]
    assert loud["slippage_bps"] > 0
    attribution = [run.table("attribution")["slippage_atoms"].sum() for run in (inside, outside)]
    assert attribution[0] < attribution[1] == 0


def test_the_price_comes_back_when_nobody_has_learned_anything(tmp_path: Path) -> None:
    """A lone push of 10 BTC: against the world without it the mid is up at once, and not a quarter hour later."""
    push = [{"at": "30min", "kind": "order", "market": "BTC-PERP", "size": "+10 BTC"}]
    record = {"quotes": "1min"}
    pushed = recorded(world(index=STILL, events=push, record=record), tmp_path / "pushed").table("quotes")
    left = recorded(world(index=STILL, record=record), tmp_path / "left").table("quotes")
    gap = dict(zip(pushed["t_ns"], (pushed["mid"] - left["mid"]).to_list(), strict=True))
    assert gap[29 * MINUTE] == 0
    assert gap[30 * MINUTE] > 30
    assert abs(sum(gap[minute * MINUTE] for minute in range(45, 60)) / 15) < gap[30 * MINUTE] / 2


def test_an_index_that_learns_from_the_perp_keeps_a_part_of_a_push(tmp_path: Path) -> None:
    push = [{"at": "30min", "kind": "order", "market": "BTC-PERP", "size": "+10 BTC"}]
    kept = []
    for share in ("0%", "50%"):
        index = {**STILL, "pass_through": share, "pass_through_halflife": "1min"}
        runs = [
            recorded(world(index=index, events=events), tmp_path / f"{share}-{len(events)}") for events in (push, [])
        ]
        prices = [run.table("marks").filter(t_ns=50 * MINUTE)["index_price"].item() for run in runs]
        kept.append(prices[0] - prices[1])
    assert kept[0] == 0
    assert kept[1] > 0


def test_the_liquidated_crowd_hands_its_loss_to_the_insurance_fund_and_then_to_the_winners(tmp_path: Path) -> None:
    """A crowd 20 times long, a small fund, a fall of 10 %: takeovers until the fund is full, then deleveraging."""
    levered = {**RETAIL, "count": 200, "rate": "1/d", "start": {"leverage": "20", "long_share": "100%"}}
    winners = {**RETAIL, "id": "winners", "count": 100, "rate": "1/d", "start": {"leverage": "10", "long_share": "0%"}}
    crash = [{"at": "30min", "kind": "jump", "underlying": "BTC", "size": "-10%"}]
    market = {"id": "BTC-PERP", "underlying": "BTC", "insurance_fund": "300 kUSDT"}
    thin = {**MAKERS, "count": 1, "max_inventory": "50 kUSDT"}
    run = recorded(
        world(index=STILL, market=market, traders=[thin, levered, winners], events=crash, record={"cohorts": "1min"}),
        tmp_path,
    )
    assert run.residual_atoms == 0
    stages = run.table("liquidations").filter(cohort="retail").group_by("stage").len()
    assert set(stages["stage"]) >= {"takeover", "deleveraged"}
    cut = run.table("deleveragings")
    assert "winners" in set(cut["cohort"])
    assert (cut.filter(cohort="winners")["size_lots"] > 0).all()  # shorts are bought back

    first_takeover = run.table("liquidations").filter(stage="takeover")["t_ns"].min()
    assert first_takeover <= cut["t_ns"].min()
    ledger = run.table("ledger")
    assert ledger.filter(entry="insurance")["atoms"].sum() > 0
    assert ledger.filter(entry="deleveraging")["atoms"].sum() > 0
    equity = run.table("cohorts").pivot("cohort", index="t_ns", values="equity_atoms").sort("t_ns")
    assert equity["insurance"][-1] < equity["insurance"][0]
    assert equity["insurance"].min() >= 0
    assert equity["retail"][-1] >= 0
    ends = run.table("accounts")
    assert (ends.filter(cohort="retail")["end_equity_atoms"] >= 0).all()


def test_liquidations_push_the_price_that_liquidates_the_next(tmp_path: Path) -> None:
    """The same fall with and without levered longs: with them the mark falls further, and rows name their cascade."""
    levered = {
        **RETAIL,
        "id": "levered",
        "count": 60,
        "rate": "1/d",
        "start": {"leverage": {"uniform": ["8", "25"]}, "long_share": "100%"},
    }
    flat = {key: value for key, value in levered.items() if key != "start"}
    fall = [{"at": "30min", "kind": "jump", "underlying": "BTC", "size": "-5%"}]
    marks = {}
    for name, group in (("levered", levered), ("flat", flat)):
        run = recorded(world(traders=[*CROWD, group], events=fall, record={"marks": "1s"}), tmp_path / name)
        marks[name] = run.table("marks").filter(pl.col("t_ns").is_between(30 * MINUTE, 32 * MINUTE))["mark_price"].min()
        if name == "levered":
            rows = run.table("liquidations").filter(cohort="levered")
            assert len(rows) > 10
            assert (rows["parent"] >= 0).sum() > 0
            assert rows["cascade"].n_unique() < len(rows)
    assert marks["levered"] < marks["flat"]


def test_funding_pulls_money_from_the_crowded_side_to_the_other_through_nobodys_pocket(tmp_path: Path) -> None:
    longs = {**RETAIL, "rate": "1/d", "start": {"leverage": "5", "long_share": "100%"}}
    market = {"id": "BTC-PERP", "underlying": "BTC", "funding": {"every": "30min", "interest": "3 bps"}}
    run = recorded(world(index=STILL, market=market, traders=[MAKERS, longs], duration="70min"), tmp_path)
    funding = run.table("funding")
    assert funding["t_ns"].to_list() == [30 * MINUTE, HOUR]
    assert (funding["rate"] > 0).all()
    received = dict(run.table("accounts").group_by("cohort").agg(pl.col("funding_atoms").sum()).iter_rows())
    assert received["retail"] < 0 < received["outside"]
    assert sum(received.values()) == 0


def test_a_token_passes_its_funding_on_to_its_holders_through_the_nav(tmp_path: Path) -> None:
    """3 x 1 bp of the notional leaves the NAV at the settlement, and nothing else happens to it."""
    market = {**FREE, "funding": {"every": "8h", "interest": "1 bps", "damper": "5 bps", "cap": "30 bps"}}
    token = {**UP, "execution": {**OFF_BOOK, "off_book_fees": False}, "rebalance": {"policy": "none"}}
    run = recorded(
        world(
            index=STILL, market=market, traders=[], tokens=[token, {**token, "id": "DOWN", "basket": {"BTC-PERP": -3}}]
        ),
        tmp_path,
    )
    navs = run.table("tokens").pivot("token", index="t_ns", values="nav").sort("t_ns")
    assert navs["UP"][0] == navs["DOWN"][0] == 100
    assert navs["UP"][-1] == pytest.approx(100 * (1 - 3 * 1e-4), rel=1e-9)
    assert navs["DOWN"][-1] == pytest.approx(100 * (1 + 3 * 1e-4), rel=1e-9)
    assert run.table("attribution").group_by("token").agg(pl.col("funding_atoms").sum())["funding_atoms"].sum() == 0


def test_a_crash_in_the_afternoon_makes_the_three_times_long_token_sell_before_midnight(tmp_path: Path) -> None:
    """The emergency delevers at the mark step that takes it beyond 4x, not at the next scheduled reset."""
    careful = {**UP, "rebalance": {"policy": "daily", "at": "00:02", "emergency": {"leverage": 4, "side": "delever"}}}
    careless = {**UP, "id": "LATE"}
    fall = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-13%"}]
    run = recorded(world(index=STILL, tokens=[careful, careless], events=fall, record={"tokens": "1s"}), tmp_path)
    rows = run.table("rebalances")
    first = rows.filter(token="UP").sort("t_decide_ns").row(0, named=True)
    assert first["trigger"] == "emergency"
    assert first["target_lots"] < 0
    assert 10 * MINUTE <= first["t_decide_ns"] <= 10 * MINUTE + 5 * SECOND
    assert rows.filter(token="LATE")["t_decide_ns"].min() == RESET
    leverage = run.table("tokens").filter(t_ns=20 * MINUTE)
    assert leverage.filter(token="UP")["leverage"].item() == pytest.approx(3, abs=0.2)
    assert leverage.filter(token="LATE")["leverage"].item() > 4


def test_a_crowded_reset_costs_more_than_a_lonely_one(tmp_path: Path) -> None:
    """Three equal tokens that reset in one instant pay more slippage each than one alone; the last pays the most."""
    jump = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "+3%"}]
    one = {**UP, "aum": "4 MUSDT", "execution": ALL_AT_ONCE}
    lonely = recorded(world(index=STILL, tokens=[one], events=jump), tmp_path / "lonely")
    crowded = recorded(
        world(index=STILL, tokens=[one, {**one, "id": "UP2"}, {**one, "id": "UP3"}], events=jump), tmp_path / "crowded"
    )
    alone = lonely.table("rebalances")["vwap"].item()
    resets = crowded.table("rebalances").sort("vwap")  # in the order drawn for the instant, which is not the file's
    assert resets["vwap"][0] == alone
    assert resets["vwap"][2] > resets["vwap"][1] > alone
    assert resets["market_volume_lots"].to_list() == sorted(resets["market_volume_lots"])


def test_a_crash_leaves_a_holder_of_coin_what_coin_is_worth_and_a_levered_long_nothing(tmp_path: Path) -> None:
    """-20 %: who put all he had into coin keeps 80 %; who put it up as margin at 20 times is liquidated."""
    crash = [{"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-20%"}]
    asleep = {**RETAIL, "rate": "0/h"}
    spot = {"id": "BTC-SPOT", "kind": "spot", "underlying": "BTC"}
    savers = {**asleep, "market": "BTC-SPOT", "start": {"leverage": 1}, "leverage": 1}
    sellers = {**MAKERS, "market": "BTC-SPOT", "start": {"leverage": 0.5}}
    thin = {**MAKERS, "size": "100 USDT"}  # quotes that still stand at the old price save nobody
    gamblers = {**asleep, "start": {"leverage": "20", "long_share": "100%"}}
    held = recorded(world(index=STILL, market=spot, traders=[savers, sellers], events=crash), tmp_path / "spot")
    levered = recorded(world(index=STILL, traders=[gamblers, thin], events=crash), tmp_path / "perp")
    kept = {}
    for name, run in (("coin", held), ("levered", levered)):
        assert run.residual_atoms == 0
        own = run.table("accounts").filter(cohort="retail")
        kept[name] = own["end_equity_atoms"].sum() / own["start_equity_atoms"].sum()
    assert kept["coin"] == pytest.approx(0.8, abs=0.005)
    assert kept["levered"] == pytest.approx(0, abs=0.01)
    assert held.table("liquidations").is_empty()
    assert levered.table("liquidations")["account"].n_unique() == 40
    coin = held.table("positions").filter(cohort="retail")
    assert coin["net_lots"].n_unique() == 1
