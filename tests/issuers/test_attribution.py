"""The seven parts of a token's result add up to the atom, whatever happens to its account."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import KernelError
from marketsim.issuers.books.attribution import AttributionLedger, LegValue, Valuation, check_adds_up
from tests.issuers.fake_venue import BTC, DAY, HOUR, MINUTE, World

K = 10


@dataclass
class Account:
    """Cash and positions moved as a venue moves them."""

    cash: int
    lots: dict[str, int] = field(default_factory=lambda: {"A": 0, "B": 0})
    mark: dict[str, int] = field(default_factory=lambda: {"A": 1000, "B": 500})
    index: dict[str, int] = field(default_factory=lambda: {"A": 1000, "B": 500})

    def trade(self, market: str, lots: int, price: int, fee: int) -> None:
        self.cash -= lots * price * K + fee
        self.lots[market] += lots

    def valued(self, t_ns: int) -> Valuation:
        legs = {m: LegValue(self.lots[m], self.mark[m], self.index[m], K) for m in ("A", "B")}
        return Valuation(t_ns, self.cash, legs)


def test_each_part_is_what_its_name_says() -> None:
    """Bought 10 at 1001 on a mark of 1000 and an index of 998; then the index rises by 20 and the mark by 25."""
    account = Account(100_000)
    account.index["A"] = 998
    ledger = AttributionLedger("T", account.valued(0))
    account.trade("A", 10, 1001, fee=7)
    ledger.fill("A", 10, 1001, 7, 1000, 998)
    account.mark["A"], account.index["A"] = 1025, 1018
    account.cash += -30 - 5 + 1_000
    ledger.funding(-30)
    ledger.management_fee(5)
    ledger.primary(1_000)
    row = ledger.cut(account.valued(60))
    assert (row.index_atoms, row.basis_atoms, row.slippage_atoms) == (10 * 20 * K, 10 * 5 * K, -10 * K)
    assert (row.funding_atoms, row.management_fee_atoms, row.trading_fee_atoms, row.primary_atoms) == (
        -30,
        -5,
        -7,
        1000,
    )
    assert (row.opening_atoms, row.closing_atoms) == (100_000, account.valued(60).equity_atoms)
    assert (row.t0_ns, row.t1_ns) == (0, 60)


def test_an_entry_nobody_reported_is_refused() -> None:
    account = Account(1_000)
    ledger = AttributionLedger("T", account.valued(0))
    account.cash -= 1
    assert ledger.enter_seizures(account.valued(5)) == {}  # the venue took no position, so it took no cash either
    with pytest.raises(KernelError, match="leaves -1 atoms unexplained"):
        ledger.cut(account.valued(10))


def test_what_the_venue_takes_by_itself_is_priced_at_the_mark_and_its_charge_is_slippage() -> None:
    account = Account(10_000)
    account.trade("A", 10, 1000, 0)
    ledger = AttributionLedger("T", account.valued(0))
    account.mark["A"] = account.index["A"] = 900
    account.trade("A", -10, 890, fee=50)  # liquidated at 890, charged 50
    assert ledger.enter_seizures(account.valued(5)) == {"A": -10}
    row = ledger.cut(account.valued(10))
    assert (row.index_atoms, row.basis_atoms, row.slippage_atoms) == (-10 * 100 * K, 0, -10 * 10 * K - 50)
    account.cash += 25  # and made good later
    assert ledger.enter_seizures(account.valued(15)) == {}
    assert ledger.cut(account.valued(20)).slippage_atoms == 25


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.sampled_from("AB"), st.integers(-50, 50), st.integers(-9, 9), st.integers(0, 99)),
        st.tuples(st.just("price"), st.sampled_from("AB"), st.integers(1, 2000), st.integers(1, 2000)),
        st.tuples(st.just("funding"), st.integers(-999, 999)),
        st.tuples(st.just("fee"), st.integers(0, 999)),
        st.tuples(st.just("primary"), st.integers(-999, 999)),
        st.tuples(st.just("seized"), st.sampled_from("AB"), st.integers(-50, 50), st.integers(1, 2000)),
        st.tuples(st.just("cut")),
    ),
    max_size=40,
)


@settings(derandomize=True, deadline=None)
@given(events=EVENTS)
def test_attribution_always_adds_up_and_its_intervals_join(events: list[tuple]) -> None:
    account = Account(10**6)
    ledger = AttributionLedger("T", account.valued(0))
    rows = []
    for t_ns, (kind, *given_) in enumerate([*events, ("cut",)], start=1):
        match kind:
            case "fill":
                market, lots, worse, fee = given_
                price = account.mark[market] + worse
                account.trade(market, lots, price, fee)
                ledger.fill(market, lots, price, fee, account.mark[market], account.index[market])
            case "price":
                account.mark[given_[0]], account.index[given_[0]] = given_[1:]
            case "funding" | "primary":
                account.cash += given_[0]
                getattr(ledger, kind)(given_[0])
            case "fee":
                account.cash -= given_[0]
                ledger.management_fee(given_[0])
            case "seized":
                account.trade(*given_, 0)
                ledger.enter_seizures(account.valued(t_ns))
            case "cut":
                rows.append(ledger.cut(account.valued(t_ns)))
    for row in rows:
        check_adds_up(row)
    assert [row.t0_ns for row in rows[1:]] == [row.t1_ns for row in rows[:-1]]
    assert [row.opening_atoms for row in rows[1:]] == [row.closing_atoms for row in rows[:-1]]


def test_a_token_s_rows_are_contiguous_from_zero_to_the_end_and_cut_at_each_reset() -> None:
    world = World({BTC: 300_000}, fee_parts=50_000, slip_ticks=3)
    world.follow([(HOUR + day * DAY, 300_000 + 2_000 * day) for day in range(3)])
    rule = {"policy": "daily", "at": "02:00"}
    desk = world.issue(rebalance=rule, execution={"algorithm": "market"}, management_fee={"rate": "1 bps"})
    world.run_to(DAY)
    world.settle_funding(desk.token.account, -123_456)
    world.run_to(3 * DAY - HOUR)
    desk.finish(3 * DAY)
    rows = world.rows["attribution"]
    assert [(row["t0_ns"], row["t1_ns"]) for row in rows] == [
        (0, 2 * HOUR),
        (2 * HOUR, DAY + 2 * HOUR),
        (DAY + 2 * HOUR, 2 * DAY + 2 * HOUR),
        (2 * DAY + 2 * HOUR, 3 * DAY),
    ]
    assert rows[0]["opening_atoms"] == 50_000_000 * 10**8
    assert [row["funding_atoms"] for row in rows] == [0, -123_456, 0, 0]
    assert [row["management_fee_atoms"] for row in rows][:2] == [0, -world.paid[0][3]]
    bought = {row["t_decide_ns"]: row for row in world.rows["rebalances"]}
    reset = bought[DAY + 2 * HOUR]
    assert rows[1]["trading_fee_atoms"] == -reset["fees_atoms"]
    assert rows[1]["slippage_atoms"] == -3 * 10_000 * reset["filled_lots"]


def test_a_rebalance_worked_over_time_is_in_the_interval_it_ends() -> None:
    world = World({BTC: 300_000})
    world.follow([(HOUR, 303_000), (2 * HOUR + MINUTE, 304_000)])
    desk = world.issue(
        rebalance={"policy": "daily", "at": "02:00"}, execution={"algorithm": "twap", "over": "4min", "slices": 4}
    )
    world.run_to(4 * HOUR)
    desk.finish(5 * HOUR)
    assert [row["t1_ns"] for row in world.rows["attribution"]] == [2 * HOUR + 3 * MINUTE, 5 * HOUR]
