"""A written path, no traders and no costs: NAVs are exact compounding, to the atom with lot rounding."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from marketsim import load
from tests.simulation.worlds import ATOMS, FREE, HOUR, OFF_BOOK, Recorded, recorded, steps, world

# scenarios/fixed_path.yaml: ticks of 0.1 USDT from 12:00 of the day before each reset on, typed in
RESET_TICKS = (300_000, 315_000, 283_500, 306_180, 300_056, 330_062)
END_TICKS = 300_000
PER_TICK_LOT = 10_000  # atoms: 0.1 USDT x 0.001 BTC
DAY = 24 * HOUR
RESET = 2 * 60 * 10**9


@pytest.fixture(scope="module")
def fixed_path(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    path = Path(__file__).parents[2] / "scenarios" / "fixed_path.yaml"
    return recorded(load(path), tmp_path_factory.mktemp("fixed"))


def recursion(leverage: int, aum_atoms: int = 100_000_000 * ATOMS) -> tuple[list[int], list[int], int]:
    """Equity [atoms] before and position [lots] after each reset, and equity at the end, in rational numbers."""
    equity = Fraction(aum_atoms)
    lots = round(leverage * equity / (RESET_TICKS[0] * PER_TICK_LOT))
    equities, positions = [], []
    for before, after in pairwise(RESET_TICKS):
        equity += Fraction(lots) * (after - before) * PER_TICK_LOT
        lots = round(leverage * equity / (after * PER_TICK_LOT))
        equities.append(int(equity))
        positions.append(lots)
    equity += Fraction(lots) * (END_TICKS - RESET_TICKS[-1]) * PER_TICK_LOT
    assert equity.denominator == 1
    return equities, positions, int(equity)


@pytest.mark.parametrize(("token", "leverage"), [("BTC3L", 3), ("BTC3S", -3)])
def test_equity_at_every_reset_equals_the_rational_recursion_to_the_atom(
    fixed_path: Recorded, token: str, leverage: int
) -> None:
    equities, positions, last = recursion(leverage)
    rows = fixed_path.table("rebalances").filter(token=token).sort("t_decide_ns")
    assert rows["t_decide_ns"].to_list() == [day * DAY + RESET for day in range(1, 6)]
    assert rows["equity_before_atoms"].to_list() == equities
    legs = fixed_path.table("token_legs").filter(token=token)
    after = [legs.filter(t_ns=day * DAY + HOUR)["position_lots"].item() for day in range(1, 6)]
    assert after == positions
    tokens = fixed_path.table("tokens").filter(token=token)
    assert tokens.filter(t_ns=6 * DAY)["equity_atoms"].item() == last
    assert tokens["supply"].unique().to_list() == [1_000_000.0]


@pytest.mark.parametrize(("token", "leverage"), [("BTC3L", 3), ("BTC3S", -3)])
def test_nav_is_the_product_of_one_plus_leverage_times_return(fixed_path: Recorded, token: str, leverage: int) -> None:
    """Cheng and Madhavan 2009: A_n = A_0 prod(1 + L r_i); 2e-6 is the rounding to lots of 0.001 BTC in 100 MUSDT."""
    product = Fraction(100)
    for before, after in pairwise((*RESET_TICKS, END_TICKS)):
        product *= 1 + leverage * Fraction(after - before, before)
    last = fixed_path.table("tokens").filter(token=token, t_ns=6 * DAY)
    assert last["nav"].item() == pytest.approx(float(product), rel=2e-6)


def test_every_order_restores_leverage_by_cheng_and_madhavan(fixed_path: Recorded) -> None:
    """L (L - 1) A r at the price after the move: the same sign as r for +3 and -3 (docs/products.md#reset-order)."""
    rows = fixed_path.table("rebalances")
    for (day, (before, after)), (token, leverage) in (
        (step, product)
        for step in enumerate(pairwise(RESET_TICKS), start=1)
        for product in (("BTC3L", 3), ("BTC3S", -3))
    ):
        row = rows.filter(token=token, t_decide_ns=day * DAY + RESET)
        r = Fraction(after - before, before)
        opening = Fraction(row["equity_before_atoms"].item()) / (1 + leverage * r)
        assert row["target_lots"].item() == pytest.approx(
            leverage * (leverage - 1) * opening * r / (after * PER_TICK_LOT), abs=1.1
        )
        assert (row["target_lots"].item() > 0) is (r > 0)
        assert row["leverage_after"].item() == pytest.approx(leverage, rel=1e-5)
        assert (row["trigger"].item(), row["status"].item(), row["children"].item()) == ("scheduled", "done", 1)


def test_fees_off_the_book_and_management_fees_are_taken_as_declared(tmp_path: Path) -> None:
    """The same recursion with floor(notional x 5 bps) at each reset and 1 bp of equity at 00:00."""
    token = {
        "id": "UP",
        "issuer": "alpha",
        "basket": {"BTC-PERP": 3},
        "aum": "3 MUSDT",
        "nav": "100 USDT",
        "rebalance": {"policy": "daily", "at": "00:02"},
        "execution": OFF_BOOK,
        "management_fee": {"rate": "1 bps", "at": "00:00"},
    }
    path = steps(("0s", "30000 USDT"), ("12h", "31500 USDT"), ("1d12h", "28350 USDT"))
    market = {**FREE, "fees": {"maker": "0 bps", "taker": "5 bps"}}
    run = recorded(
        world(start="2024-01-01T00:00:00Z", duration="2d13h", index=path, market=market, traders=[], tokens=[token]),
        tmp_path,
    )
    cash, lots, paid, managed = 3_000_000 * ATOMS, 0, 0, 0
    cash, lots = cash - 300_000 * 300_000 * PER_TICK_LOT, 300_000
    expected = []
    for ticks in (315_000, 283_500):
        equity = cash + lots * ticks * PER_TICK_LOT
        charge = equity // 10_000
        cash, equity, managed = cash - charge, equity - charge, managed + charge
        target = round(Fraction(3 * equity, ticks * PER_TICK_LOT))
        fee = abs(target - lots) * ticks * PER_TICK_LOT * 5 // 10_000
        cash, lots, paid = cash - (target - lots) * ticks * PER_TICK_LOT - fee, target, paid + fee
        expected.append(equity)
    assert run.table("rebalances")["equity_before_atoms"].to_list() == expected
    assert run.table("rebalances")["fees_atoms"].sum() == paid
    ledger = run.table("ledger")
    assert ledger.filter(entry="management_fee")["atoms"].sum() == managed
    assert ledger.filter(entry="management_fee")["to_cohort"].unique().to_list() == ["issuer:alpha"]
    assert run.table("tokens")["equity_atoms"][-1] == cash + lots * 283_500 * PER_TICK_LOT
    assert run.residual_atoms == 0
