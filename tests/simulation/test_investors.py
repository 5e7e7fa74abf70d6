"""Investors who create and redeem against a fund's return: what is left of its order, by when and how flows settle."""

from pathlib import Path
from typing import Any

import pytest

from marketsim.errors import ScenarioError
from tests.simulation.worlds import ATOMS, FREE, MINUTE, OFF_BOOK, Recorded, recorded, steps, world

FUND = {
    "id": "FUND",
    "issuer": "alpha",
    "aum": "10 MUSDT",
    "nav": "100 USDT",
    "rebalance": {"policy": "daily", "at": "00:02"},
    "execution": {**OFF_BOOK, "off_book_fees": False},
    "primary": {"mode": "cash_nav", "hedge": "reset"},
    "market": {},
}
INVESTORS = {
    "id": "investors", "kind": "investor", "market": "FUND", "count": 3, "capital": "5 MUSDT",
    "holds": {"FUND": "100%"},
}  # fmt: skip
RISE = steps(("0s", "30000 USDT"), ("20min", "33000 USDT"))
RESET = 32 * MINUTE


def reset(
    folder: Path, leverage: int, index: Any = RISE, primary: dict[str, Any] | None = None, **investors: Any
) -> tuple[int, Recorded]:
    """What the fund orders at 00:02 [lots of 0.001 BTC], and the run."""
    token = {**FUND, "basket": {"BTC-PERP": leverage}, "primary": {**FUND["primary"], **(primary or {})}}
    traders = [{**INVESTORS, **investors}]
    run = recorded(world(index=index, market=FREE, traders=traders, tokens=[token], duration="35min"), folder)
    assert run.residual_atoms == 0
    return int(run.table("rebalances")["target_lots"].sum()), run


@pytest.mark.parametrize(
    ("leverage", "share", "ordered", "cash_musdt"),
    [
        (3, "0%", 181_818, 0),  # 3 x 13 MUSDT / 33,000 less 1,000 BTC
        (3, "50%", 90_909, 1),
        (3, "100%", 0, 2),  # (L - 1) A r = 2 x 10 MUSDT x 10 %, redeemed
        (-3, "0%", 363_636, 0),  # -3 x 7 MUSDT / 33,000 plus 1,000 BTC
        (-3, "50%", 181_818, 2),
        (-3, "100%", 0, 4),  # 4 x 10 MUSDT x 10 %, created
    ],
)
def test_flows_just_before_a_reset_take_their_share_off_its_order(
    leverage: int, share: str, ordered: int, cash_musdt: int, tmp_path: Path
) -> None:
    """Ivanov and Lenkey 2018: with net creations of -(L - 1) A r there is nothing to trade, up to rounding."""
    lots, run = reset(tmp_path, leverage, share=share)
    deals = run.table("primary")
    assert abs(lots - ordered) <= 1
    assert deals["cash_atoms"].sum() == pytest.approx(cash_musdt * 10**6 * ATOMS, rel=1e-6)
    assert set(deals["side"]) == ({"creation" if leverage < 0 else "redemption"} if cash_musdt else set())
    assert deals["t_ns"].unique().to_list() == ([RESET] if cash_musdt else [])


def test_flows_that_are_hedged_at_once_leave_the_reset_as_it_was(tmp_path: Path) -> None:
    """The hedge sells 3 x 2 MUSDT; what the fund needs beside it is what it needed before."""
    lots, run = reset(tmp_path, 3, primary={"hedge": "execution"})
    hedged = run.table("children").filter(purpose="redemption")["filled_lots"].sum()
    assert abs(lots - 181_818) <= 1
    assert abs(hedged + 181_818) <= 3  # each of three investors' hedges is whole lots


def test_flows_ahead_of_a_reset_offset_the_move_up_to_them_alone(tmp_path: Path) -> None:
    """1 MUSDT of 11.5 leaves at +5 %; at +10 % 1,000 BTC stand against 12 MUSDT, which want 1,090.909."""
    index = steps(("0s", "30000 USDT"), ("20min", "31500 USDT"), ("27min", "33000 USDT"))
    lots, run = reset(tmp_path, 3, index, lead="10min")
    assert abs(lots - 90_909) <= 1
    assert run.table("primary")["t_ns"].unique().to_list() == [22 * MINUTE]


def test_flows_at_a_stale_nav_miss_by_what_it_had_not_seen(tmp_path: Path) -> None:
    """Redeemed at 100 instead of 130, the units take out 1.538 MUSDT: 3 x 11.462 / 33,000 less 1,000 BTC is left."""
    token = {**FUND, "basket": {"BTC-PERP": 3}, "nav_quote": {"every": "1h"}}
    scenario = world(index=RISE, market=FREE, traders=[INVESTORS], tokens=[token], duration="35min")
    run = recorded(scenario, tmp_path)
    assert abs(run.table("rebalances")["target_lots"].item() - 41_958) <= 1


@pytest.mark.parametrize(
    ("token", "investors", "said"),
    [
        ({"rebalance": {"policy": "band", "lower": 2, "upper": 4}}, {}, "never resets at a time of day"),
        ({"primary": "none"}, {}, "no primary market"),
        ({"primary": {"mode": "in_kind", "hedge": "reset"}}, {}, "nothing is hedged"),
        ({"primary": {"mode": "cash_exec", "hedge": "reset"}}, {}, "the price of cash_exec is its hedge's"),
        ({}, {"rate": "1/h"}, "resets wake this group"),
    ],
)
def test_flows_that_could_not_be_are_refused(token: dict[str, Any], investors: dict[str, Any], said: str) -> None:
    fund = {**FUND, "basket": {"BTC-PERP": 3}, **token}
    with pytest.raises(ScenarioError, match=said):
        world(index=RISE, market=FREE, traders=[{**INVESTORS, **investors}], tokens=[fund])
