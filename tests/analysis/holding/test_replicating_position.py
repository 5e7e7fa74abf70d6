"""Positions on tapes written by hand: 1 000 USDT, a perp at 30 000 USDT of lots worth 30 USDT, every atom typed in."""

import json
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.analysis.holding.perpetual_tape import PerpTerms, Tape
from marketsim.analysis.holding.replicating_position import ReplicatingPosition
from marketsim.analysis.holding.token_against_perpetual import COLUMNS, HoldingRow, compare_holding
from marketsim.scenario.study.position import PerpetualPositionSpec
from marketsim.traders.agent import Agent
from marketsim.venues.margin import BINANCE_BTCUSDT_2024, UNLIMITED, tier_table
from tests.datasets.manifests import write_manifest
from tests.simulation.worlds import FREE, OFF_BOOK, UP, recorded, steps, world

CASH = 100_000_000_000  # 1 000 USDT
FREE_TERMS = PerpTerms(10_000, 0, 0, UNLIMITED)
TERMS = PerpTerms(10_000, 50_000, 1_250_000, tier_table(BINANCE_BTCUSDT_2024))


def tape(*points: tuple[int, int, int, int], funding: tuple[tuple[int, int], ...] = ()) -> Tape:
    """Instants as (t_ns, mark, bid, ask)."""
    columns = np.array(points, np.int64).T
    return Tape(columns[0], columns[1], columns[2], columns[3], funding)


def flat(*marks: int) -> Tape:
    return tape(*((t, mark, mark, mark) for t, mark in enumerate(marks)))


def lived(
    tape: Tape,
    terms: PerpTerms = TERMS,
    side: int = 1,
    leverage: str = "5",
    stop: str | None = None,
    match: str = "capital",
) -> ReplicatingPosition:
    spec = PerpetualPositionSpec.model_validate({"as": "perp", "leverage": leverage, "stop_loss": stop, "match": match})
    position = ReplicatingPosition(spec, tape, terms, side)
    position.put_in(0, CASH, Fraction(3))
    position.advance(int(tape.t_ns[-1]), inclusive=True)
    return position


DAY = 86_400 * 10**9
LOAN = {"stop": "10%", "match": "max_loss"}
"""1,000 USDT that a move of 10 % takes: 10,000 USDT at 5x, so 2,000 of margin, of which 1,000 are borrowed."""


def test_borrowed_margin_pays_interest_for_as_long_as_it_is_owed() -> None:
    """998 USDT (333 lots of 30 USDT at 5x) for thirty days at .0003 a day: 8.982; nobody borrows for `capital`."""
    still = tape(*((t * DAY, 300_000, 300_000, 300_000) for t in (0, 30)))
    position = lived(still, FREE_TERMS, **LOAN)
    assert (position.margin_atoms, position.interest_atoms) == (199_800_000_000, 898_200_000)
    assert position.wealth_atoms() == CASH - 898_200_000
    assert lived(still, FREE_TERMS, leverage="2").interest_atoms == 0


def test_a_debt_is_paid_back_when_the_position_is_stopped() -> None:
    """After ten days, 998 x .003 = 2.994, its 1,998 - 999 repay all of 1,000.994 but 1.994: .011964 for twenty more."""
    points = ((0, 300_000), (10, 270_000), (30, 270_000))
    falling = tape(*((t * DAY, price, price, price) for t, price in points))
    position = lived(falling, FREE_TERMS, **LOAN)
    assert position.stopped_ns == 10 * DAY
    assert position.interest_atoms == 300_596_400


LOSS = {"stop_loss": "10%", "match": "max_loss"}


def test_the_rate_of_a_loan_is_the_scenario_s() -> None:
    spec = PerpetualPositionSpec.model_validate({"as": "perp", "leverage": 5, **LOSS})
    assert str(spec.borrow_rate) == "0.1095"
    assert "borrow_rate" not in spec.model_dump(mode="json")
    free = PerpetualPositionSpec.model_validate({"as": "perp", "leverage": 5, "borrow_rate": "0%/yr"})
    assert free.borrow_rate == 0


def test_five_times_the_capital_earns_five_times_the_move_less_the_fee() -> None:
    """166 lots of 30 USDT, 5 bps of 4 980 USDT, +10 %."""
    position = lived(flat(300_000, 330_000))
    assert (position.lots, position.opened_atoms, position.fees_atoms) == (166, 498_000_000_000, 249_000_000)
    assert position.wealth_atoms() == 149_551_000_000


def test_it_buys_at_the_ask_and_pays_funding_before_what_else_happens_then() -> None:
    """Ask 10 ticks above; 166 lots pay 300 000 atoms each."""
    position = lived(
        tape((0, 300_000, 299_990, 300_010), (5, 300_000, 299_990, 300_010), funding=((0, 7), (5, 300_000)))
    )
    assert position.funding_atoms == -49_800_000 - 166 * 7
    assert position.wealth_atoms() == CASH - 166 * 10 * 10_000 - position.fees_atoms + position.funding_atoms


def test_a_stop_sells_at_the_first_quote_beyond_it() -> None:
    """-10 % of 30 000 is 27 000: at 269 500 it is passed, the bid is 269 400; the later rise is missed."""
    position = lived(
        tape((0, 300_000, 299_900, 300_000), (1, 271_000, 270_900, 271_100), (2, 269_500, 269_400, 269_600),
             (3, 400_000, 399_900, 400_100)), stop="10%"
    )  # fmt: skip
    assert (position.stopped_ns, position.liquidated_ns, position.lots) == (2, None, 0)
    assert position.fees_atoms == 249_000_000 + 223_602_000
    assert position.wealth_atoms() == 48_731_398_000


def test_a_stop_hears_the_quote_too_and_only_what_is_beyond() -> None:
    assert lived(tape((0, 300_000, 300_000, 300_000), (1, 271_000, 269_900, 271_100)), stop="10%").stopped_ns == 1
    assert lived(tape((0, 300_000, 300_000, 300_000), (1, 270_001, 270_001, 0)), stop="10%").stopped_ns is None
    assert lived(flat(300_000, 270_000), stop="10%").stopped_ns == 1


def test_a_short_stops_above_its_entry() -> None:
    position = lived(flat(300_000, 329_999, 330_000), FREE_TERMS, side=-1, stop="10%")
    assert position.stopped_ns == 2
    assert position.wealth_atoms() == CASH - 166 * 30_000 * 10_000


def test_below_maintenance_the_venue_closes_at_the_bankruptcy_price_and_takes_what_is_left() -> None:
    """At 24 000 equity is 1.51, maintenance 15.94 USDT; bankrupt at 239 909.04 ticks, so 239 910 leaves 1 600 000."""
    position = lived(tape((0, 300_000, 300_000, 300_000), (1, 240_000, 239_900, 240_100)))
    assert (position.liquidated_ns, position.liquidation_fees_atoms, position.fees_atoms) == (1, 1_600_000, 249_000_000)
    assert position.wealth_atoms() == 0


def test_a_liquidation_with_equity_left_costs_its_fee() -> None:
    """At 24 060 equity is 11.47, maintenance 15.98 USDT; a fee of 1.25 % of 3 994 USDT takes all of it."""
    position = lived(flat(300_000, 240_600))
    left = CASH - 249_000_000 - 166 * 59_400 * 10_000
    assert left == 1_147_000_000
    assert position.liquidated_ns == 1
    assert position.liquidation_fees_atoms == left
    assert position.wealth_atoms() == 0


def test_a_gap_over_stop_and_liquidation_is_a_liquidation() -> None:
    position = lived(flat(300_000, 200_000), stop="10%")
    assert (position.stopped_ns, position.liquidated_ns, position.wealth_atoms()) == (None, 1, 0)


@pytest.mark.parametrize(("side", "mark", "quote"), [(1, 270_000, 200_000), (-1, 330_000, 400_000)])
def test_a_stop_that_is_filled_far_beyond_it_loses_all_and_no_more(side: int, mark: int, quote: int) -> None:
    """166 lots lose 10 000 USDT-ticks each over 100 000 ticks: 1 660 of 1 000 USDT; the venue bears the rest."""
    position = lived(tape((0, 300_000, 300_000, 300_000), (1, mark, quote, quote)), FREE_TERMS, side, stop="10%")
    assert (position.stopped_ns, position.liquidated_ns, position.wealth_atoms()) == (1, None, 0)


def test_equal_exposure_keeps_the_rest_of_the_cash_beside_the_margin() -> None:
    """3 000 USDT as the 3x token has: 100 lots on 600 USDT of margin; a halving costs these and leaves 400."""
    position = lived(flat(300_000, 150_000), FREE_TERMS, match="notional")
    assert (position.opened_atoms, position.margin_atoms, position.idle_atoms) == (
        300_000_000_000,
        60_000_000_000,
        40_000_000_000,
    )
    assert position.wealth_atoms() == 40_000_000_000


def test_equal_largest_loss_loses_all_the_cash_at_the_stop() -> None:
    """10 000 USDT of notional: 333 lots of 30 USDT, which at -10 % have lost 999 USDT."""
    position = lived(flat(300_000, 270_000), FREE_TERMS, stop="10%", match="max_loss")
    assert position.opened_atoms == 999_000_000_000
    assert position.margin_atoms == 199_800_000_000
    assert position.wealth_atoms() == CASH - 99_900_000_000


def test_without_a_stop_the_largest_loss_is_the_margin() -> None:
    assert lived(flat(300_000, 330_000), match="max_loss").wealth_atoms() == 149_551_000_000


def test_half_taken_out_is_half_of_what_there_is() -> None:
    """166 lots at +10 %: 83 are sold and half of 1 498 USDT is handed back; the other half falls with the price."""
    path = flat(300_000, 330_000, 300_000)
    position = ReplicatingPosition(
        PerpetualPositionSpec.model_validate({"as": "perp", "leverage": 5}), path, FREE_TERMS, 1
    )
    position.put_in(0, CASH, Fraction(3))
    position.advance(1)
    position.take_out(1, Fraction(1, 2))
    assert (position.lots, position.paid_out_atoms) == (83, 74_900_000_000)
    position.advance(2, inclusive=True)
    assert position.wealth_atoms() == 2 * 74_900_000_000 - 83 * 30_000 * 10_000


def test_a_token_without_a_market_is_compared_by_a_holder_of_one_hundred_units(tmp_path: Path) -> None:
    """+10 % at 3x without rebalancing: 100 units of 100 USDT are 13 000 USDT, and so is a 3x perp of equal capital."""
    path = steps(("0s", "30000 USDT"), ("10min", "33000 USDT"))
    token = {**UP, "rebalance": {"policy": "none"}, "aum": "3 MUSDT", "execution": OFF_BOOK}
    small = world(
        index=path, market=FREE, traders=[], tokens=[token, {**token, "id": "DOWN", "basket": {"BTC-PERP": -3}}]
    )
    recorded(small, tmp_path)
    (tmp_path / "resolved.json").write_text(json.dumps(small.canonical()))
    write_manifest(tmp_path)
    positions = [
        {"as": "perp", "leverage": 3, "match": "capital"},
        {"as": "perp", "leverage": 5, "stop_loss": "5%", "match": "notional"},
    ]
    frame = compare_holding(tmp_path, positions)
    assert frame.columns == list(COLUMNS) == [field.name for field in fields(HoldingRow)]
    got = frame.select("token", "match", "cash_in_atoms", "token_wealth_atoms", "perp_wealth_atoms").rows()
    assert got == [
        ("UP", "capital", 1_000_000_000_000, 1_300_000_000_000, 1_300_000_000_000),
        ("UP", "notional", 1_000_000_000_000, 1_300_000_000_000, 1_300_000_000_000),
        ("DOWN", "capital", 1_000_000_000_000, 700_000_000_000, 700_000_000_000),
        ("DOWN", "notional", 1_000_000_000_000, 700_000_000_000, 700_000_000_000),
    ]
    assert frame["perp_stopped_ns"].to_list() == [None, None, None, 600_000_000_000]
    assert frame["account"].null_count() == 4


class Client(Agent):
    """Creates for 10 kUSDT at five minutes and redeems all at twenty."""

    def process(self) -> Iterator[Any]:
        yield self.wait("5min")
        yield self.create("UP", "10 kUSDT").done
        yield self.wait("15min")
        yield self.redeem("UP", "all").done


def test_who_created_a_token_without_a_market_is_compared_by_what_he_did(tmp_path: Path) -> None:
    """9,990 USDT go in at 30,000; at +10 % they are 12,987, less 10 bps and the 10 USDT of creating."""
    token = {
        **UP, "rebalance": {"policy": "none"}, "execution": {**OFF_BOOK, "off_book_fees": False},
        "primary": {"mode": "cash_nav", "create_fee": "10 bps", "redeem_fee": "10 bps"},
    }  # fmt: skip
    path = steps(("0s", "30000 USDT"), ("10min", "33000 USDT"))
    small = world(index=path, market=FREE, traders=[], tokens=[token])
    recorded(small, tmp_path, before=lambda model: Client(model, capital="20 kUSDT", name="client"))
    (tmp_path / "resolved.json").write_text(json.dumps(small.canonical()))
    write_manifest(tmp_path)
    (row,) = compare_holding(tmp_path, [{"as": "perp", "leverage": 3, "match": "capital"}]).rows(named=True)
    assert (row["token"], row["cohort"]) == ("UP", "client")
    assert row["cash_in_atoms"] == 999_000_000_000
    assert row["token_create_fee_atoms"] == 1_000_000_000
    assert row["token_redeem_fee_atoms"] == pytest.approx(1_298_700_000, abs=2)
    assert row["token_wealth_atoms"] == pytest.approx(1_298_700_000_000 - 2_298_700_000, abs=10**4)
    assert row["perp_wealth_atoms"] == 1_298_700_000_000


@pytest.mark.parametrize(
    "wrong", [{"as": "spot", "leverage": 5}, {"as": "perp"}, {"as": "perp", "leverage": 5, "stop": "1%"}]
)
def test_a_position_to_compare_is_a_perp_at_a_leverage(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        PerpetualPositionSpec.model_validate(wrong)
