"""What happens at one instant, in which order, and what nothing happens at."""

from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from tests.simulation.worlds import (
    ATOMS,
    CROWD,
    FREE,
    HOUR,
    MINUTE,
    OFF_BOOK,
    SECOND,
    STILL,
    Recorded,
    recorded,
    steps,
    world,
)

K = 10_000  # atoms per tick and lot
TOKEN = {
    "id": "UP",
    "issuer": "alpha",
    "basket": {"BTC-PERP": 3},
    "aum": "3 MUSDT",
    "nav": "100 USDT",
    "rebalance": {"policy": "daily", "at": "00:02"},
    "execution": {**OFF_BOOK, "off_book_fees": False},
}


def alone(folder: Path, *tokens: dict, index: dict = STILL, market: dict = FREE, **parts) -> Recorded:
    """Tokens without a crowd, at a venue that marks at its index."""
    run = recorded(world(index=index, market=market, traders=[], tokens=list(tokens), **parts), folder)
    assert run.residual_atoms == 0
    return run


def test_no_funding_and_no_fee_at_the_start(tmp_path: Path) -> None:
    market = {**FREE, "funding": {"every": "1h", "interest": "1 bps"}}
    token = {**TOKEN, "management_fee": {"rate": "1 bps", "every": "1h", "at": "00:00"}}
    run = alone(tmp_path, token, market=market, start="2024-01-01T00:00:00Z", duration="2h1s")
    assert run.table("funding")["t_ns"].to_list() == [HOUR, 2 * HOUR]
    charges = run.table("ledger").filter(entry="management_fee")
    first = run.table("cohorts").filter(cohort="UP", t_ns=0)
    assert first["equity_atoms"].item() == 3_000_000 * ATOMS
    assert charges["atoms"].sum() < 2 * 300 * ATOMS


def test_nothing_happens_at_the_very_end_of_a_run(tmp_path: Path) -> None:
    market = {**FREE, "funding": {"every": "1h"}}
    token = {
        **TOKEN,
        "rebalance": {"policy": "daily", "at": "01:00"},
        "management_fee": {"rate": "1 bps", "every": "1h"},
    }
    path = steps(("0s", "30000 USDT"), ("30min", "31000 USDT"))
    run = alone(tmp_path, token, index=path, market=market, start="2024-01-01T00:00:00Z", duration="1h")
    assert run.table("funding").is_empty()
    assert run.table("rebalances").is_empty()
    assert run.table("ledger").filter(entry="management_fee").is_empty()


def test_at_one_instant_funding_comes_first_then_the_fee_then_the_reset(tmp_path: Path) -> None:
    """All three at 00:00, in rational numbers: each is computed from what the one before left."""
    market = {**FREE, "funding": {"every": "8h", "interest": "10 bps", "damper": "10 bps", "cap": "30 bps"}}
    token = {
        **TOKEN,
        "rebalance": {"policy": "daily", "at": "00:00"},
        "management_fee": {"rate": "10 bps", "at": "00:00"},
    }
    path = steps(("0s", "30000 USDT"), ("10min", "31500 USDT"))
    run = alone(tmp_path, token, index=path, market=market, duration="45min")
    (funding,) = run.table("funding").to_dicts()
    assert (funding["t_ns"], funding["rate"]) == (30 * MINUTE, pytest.approx(0.001))
    lots, mark = 300_000, 315_000
    per_lot = mark * K // 1_000  # 10 bps of one lot's worth
    assert funding["atoms_per_lot"] == per_lot
    equity = 3_000_000 * ATOMS + lots * (mark - 300_000) * K - lots * per_lot
    charge = equity // 1_000
    (charged,) = run.table("ledger").filter(entry="management_fee")["atoms"].to_list()
    assert charged == charge
    (reset,) = run.table("rebalances").to_dicts()
    assert (reset["t_decide_ns"], reset["equity_before_atoms"]) == (30 * MINUTE, equity - charge)
    assert lots + reset["target_lots"] == round(Fraction(3 * (equity - charge), mark * K))


def test_issuers_act_only_from_the_end_of_the_warmup(tmp_path: Path) -> None:
    path = steps(("0s", "30000 USDT"), ("10min", "36000 USDT"), ("50min", "34000 USDT"))
    daily = {**TOKEN, "management_fee": {"rate": "1 bps", "every": "10min", "at": "00:00"}}
    band = {**TOKEN, "id": "BAND", "rebalance": {"policy": "band", "lower": "2.5", "upper": 4}}
    quiet = {"warmup": "40min"}
    run = alone(tmp_path, daily, band, index=path, start="2024-01-01T23:50:00Z", clock=quiet)
    ledger = run.table("ledger").filter(entry="management_fee")
    rebalances = run.table("rebalances")
    assert rebalances.filter(token="UP").is_empty()  # 00:02 lies in the warmup
    assert rebalances.filter(token="BAND")["t_decide_ns"][0] == 40 * MINUTE  # below its band since minute 10
    assert ledger["t_ns"].min() > 30 * MINUTE
    assert len(run.table("tokens").filter(pl.col("t_ns") < 40 * MINUTE)) > 0


@pytest.mark.parametrize(("leverage", "lots"), [("3.2", 320_000), ("2", 200_000), ("-1", -100_000)])
def test_a_token_opens_with_its_start_leverage_against_outside(tmp_path: Path, leverage: str, lots: int) -> None:
    target = -3 if leverage.startswith("-") else 3
    run = alone(tmp_path, {**TOKEN, "basket": {"BTC-PERP": target}, "start": {"leverage": leverage}}, duration="1min")
    opening = run.table("positions").filter(t_ns=0)
    assert dict(opening.select("cohort", "net_lots").iter_rows()) == {"UP": lots, "outside": -lots, "insurance": 0}
    assert run.table("tokens")["leverage"][0] == pytest.approx(float(leverage))
    assert run.table("marks")["open_interest_lots"][0] == max(lots, 0)
    assert run.table("trades").is_empty()


def test_an_emergency_fires_at_the_very_mark_step_that_crosses_its_price(tmp_path: Path) -> None:
    """3x becomes 4x where 3 P / (3 P - 2 x 30000) = 4: at 26666.67, so at the first mark of 26666.6 or less."""
    path = steps(("0s", "30000 USDT"), ("61s", "26666.7 USDT"), ("95s", "26666.6 USDT"))
    token = {**TOKEN, "rebalance": {"policy": "daily", "at": "12:00", "emergency": {"leverage": 4, "side": "delever"}}}
    run = alone(tmp_path, token, index=path, duration="5min")
    (row,) = run.table("rebalances").to_dicts()
    assert (row["trigger"], row["t_decide_ns"], row["t_first_ns"]) == ("emergency", 95 * SECOND, 95 * SECOND)
    assert row["trigger_price"] == pytest.approx(26_666.6)
    assert row["leverage_before"] > 4
    assert row["leverage_after"] == pytest.approx(3, abs=1e-4)
    tokens = run.table("tokens")
    assert tokens["trigger_down"][0] == pytest.approx(26_666.6, abs=0.11)


def test_a_band_acts_when_leverage_is_strictly_beyond_it(tmp_path: Path) -> None:
    """-2 of a price from 30000 to 33000 stands at 2 x 33000 / (3 x 30000 - 2 x 33000) = 2.75 exactly."""
    path = steps(("0s", "30000 USDT"), ("1min", "33000 USDT"), ("2min", "33000.1 USDT"))
    band = {"policy": "band", "lower": 1, "upper": "2.75", "to": "target"}
    token = {**TOKEN, "basket": {"BTC-PERP": -2}, "rebalance": band}
    run = alone(tmp_path, token, index=path, duration="5min")
    (row,) = run.table("rebalances").to_dicts()
    assert (row["trigger"], row["t_decide_ns"]) == ("band", 2 * MINUTE)
    assert row["target_lots"] > 0
    assert row["leverage_after"] == pytest.approx(-2, abs=1e-4)


@pytest.mark.parametrize("crowd", [CROWD, ()], ids=["in a crowd", "alone"])
def test_a_token_that_a_gap_kills_is_wiped_and_its_books_close(tmp_path: Path, crowd: tuple[dict, ...]) -> None:
    """-40 % takes more than a 3x fund has: the token is wiped, the loss beyond its assets is the insurance fund's."""
    market = {"id": "BTC-PERP", "underlying": "BTC", "insurance_fund": "1 MUSDT"}
    jump = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "-40%"}]
    token = {**TOKEN, "aum": "3 MUSDT", "execution": {"algorithm": "market"}}
    run = recorded(world(market=market, tokens=[token], traders=crowd, events=jump), tmp_path)
    assert run.residual_atoms == 0
    (wiped,) = run.table("events").filter(event="wiped").to_dicts()
    assert wiped["subject"] == "UP"
    assert 20 * MINUTE <= wiped["t_ns"] <= 21 * MINUTE
    tokens = run.table("tokens")
    assert tokens.filter(pl.col("t_ns") >= 21 * MINUTE)["state"].unique().to_list() == ["WIPED"]
    assert tokens["leverage"][-1] is None
    own = run.table("liquidations").filter(cohort="UP")
    assert own["is_fund"].all()
    assert not own["solvent_at_index"].any()
    assert own["size_lots"].sum() == 300_000
    assert wiped["t_ns"] == 20 * MINUTE  # known at that mark step, not when somebody looks
    assert own["t_order_ns"].unique().to_list() == [20 * MINUTE + SECOND // 100]  # when the engine's order comes
    assert run.table("rebalances").filter(pl.col("t_decide_ns") > 21 * MINUTE).is_empty()
    assert run.table("cohorts").filter(cohort="UP")["equity_atoms"][-1] >= 0


def test_a_jump_multiplies_the_index_at_its_instant(tmp_path: Path) -> None:
    jumps = [
        {"at": "10min", "kind": "jump", "underlying": "BTC", "size": "-6%"},
        {"at": "20min", "kind": "jump", "underlying": "BTC", "size": "+10%"},
    ]
    run = alone(tmp_path, events=jumps, duration="30min", record={"marks": "1s"})
    index = dict(run.table("marks").select("t_ns", "index_price").iter_rows())
    assert index[10 * MINUTE - SECOND] == pytest.approx(30_000)
    assert index[10 * MINUTE] == pytest.approx(28_200)
    assert index[20 * MINUTE] == pytest.approx(31_020)
    assert run.table("events").filter(event="jump")["t_ns"].to_list() == [10 * MINUTE, 20 * MINUTE]


def test_a_listed_order_acts_at_its_instant_and_what_it_leaves_belongs_to_event(tmp_path: Path) -> None:
    orders = [
        {"at": "40min", "kind": "order", "market": "BTC-PERP", "size": "-1.5 BTC"},
        {
            "at": "41min",
            "kind": "order",
            "market": "BTC-PERP",
            "size": "+0.5 BTC",
            "type": "limit",
            "price": "29000 USDT",
        },
    ]
    run = recorded(world(events=orders, record={"orders": "all"}), tmp_path)
    sent = run.table("orders").filter(cohort="event")
    assert sent["t_ns"].to_list()[:2] == [40 * MINUTE, 41 * MINUTE]
    assert sent["order_type"].to_list()[:2] == ["market", "limit"]
    assert sent["side"].to_list()[:2] == ["sell", "buy"]
    assert run.table("trades").filter(taker_cohort="event")["size_lots"].sum() == 1_500
    assert run.table("positions").filter(cohort="event")["net_lots"][-1] == -1_500
    assert run.residual_atoms == 0
