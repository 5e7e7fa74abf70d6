"""Funding of a perp that is held above its index: sign, premium formula, and payments that sum to zero.

Sources: Binance, https://www.binance.com/en/support/faq/360033525031 (premium index, linear weights, damper); premium =
(max(0, impact bid - index) - max(0, index - impact ask)) / index; rate = premium + clamp(interest - premium, +-5 bps).
Writes funding.csv and the picture funding.svg.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import altair as alt
import pytest

import marketsim as ms
from marketsim.clock import Phase
from tests.verification.results import SCENARIOS, WORLDS, draw, write_table

S = 10**9
FIRST_SETTLEMENT = 8 * 3_600 * S
IMPACT_NOTIONAL = 25_000.0  # USDT
TICK, LOT = 0.1, 0.001


class Quoter(ms.Agent):
    """Holds the book 20 bps above the index: a bid at 30060, an ask at 30066, ten BTC each."""

    def process(self) -> Generator[Any, Any, None]:
        self.send("BTC-PERP", "+10 BTC", price="30060 USDT")
        self.send("BTC-PERP", "-10 BTC", price="30066 USDT")
        yield self.wait("1s")


class Buyer(ms.Agent):
    """Buys one BTC after a minute and keeps it."""

    def process(self) -> Generator[Any, Any, None]:
        yield self.wait("1min")
        self.send("BTC-PERP", "+1 BTC", type="market")


class SteadyBuyer(ms.Agent):
    """Buys 1.3 BTC (about 40,000 USDT) every ten seconds from 01:00 on: demand from one side only."""

    def process(self) -> Generator[Any, Any, None]:
        yield self.wait("1h")
        while True:
            self.send("BTC-PERP", "+1.3 BTC", type="market")
            yield self.wait("10s")


def test_a_perp_held_twenty_bps_above_its_index_charges_longs_fifteen() -> None:
    model = ms.MarketModel(str(WORLDS / "premium.yaml"))
    quoter = Quoter(model, capital="10 MUSDT")
    buyer = Buyer(model, capital="1 MUSDT")
    model.env.run()
    (row,) = model.journal.take()["funding"]
    paid = [model.view.funding_atoms(agent.account) for agent in (buyer, quoter)]
    model.close()
    assert row["mean_premium"] == pytest.approx(0.0020, abs=1e-12)
    assert row["rate"] == pytest.approx(0.0015, abs=1e-12)  # 20 bps + (1 - 20, at least -5)
    # The mark is the middle of the index, the index + the average basis of 63 USDT, and the last trade at 30066.
    assert row["mark_price"] == pytest.approx(30_063.0)
    assert paid == [-4_509_450_000, 4_509_450_000]  # 0.15 % of 30,063 USDT on one BTC
    assert row["paid_by_longs_atoms"] == row["received_by_shorts_atoms"] == 4_509_450_000


def _impact(levels: tuple[Any, Any]) -> float | None:
    """Average price at which the impact notional fills, from the book as anybody sees it [USDT]."""
    spent, size = 0.0, 0.0
    for ticks, lots in zip(*levels, strict=True):
        price, here = float(ticks) * TICK, float(lots) * LOT
        if spent + price * here >= IMPACT_NOTIONAL:
            return IMPACT_NOTIONAL / (size + (IMPACT_NOTIONAL - spent) / price)
        spent += price * here
        size += here
    return None


def _sampled(model: ms.MarketModel, premiums: list[float]) -> Generator[Any, Any, None]:
    """Take the premium from the book at the venue's own sampling instants, just after its mark step."""
    for k in range(1, FIRST_SETTLEMENT // (5 * S) + 1):
        yield model.env.at(k * 5 * S, Phase.FUNDING)
        index = model.view.index_ticks("BTC-PERP") * TICK
        bid, ask = (_impact(model.world.book_levels(0, is_bid)) for is_bid in (True, False))
        above = max(0.0, bid - index) if bid is not None else 0.0
        below = max(0.0, index - ask) if ask is not None else 0.0
        premiums.append((above - below) / index)


def test_demand_from_one_side_makes_funding_positive_and_the_premium_is_the_formula_s(
    say: Callable[[str], None],
) -> None:
    found = {}
    for wanted in (False, True):
        changes = {"record.trades": "none", "clock.duration": "8h1min"}
        model = ms.MarketModel(str(SCENARIOS / "base" / "btc-perp@1.yaml"), seed=1, set=changes)
        if wanted:
            SteadyBuyer(model, capital="1 GUSDT")
        premiums: list[float] = []
        model.env.process(_sampled(model, premiums))
        model.env.run()
        (row,) = model.journal.take()["funding"]
        residual = model.world.check_conserved()
        model.close()
        n = len(premiums)
        weighted = sum((k + 1) * premium for k, premium in enumerate(premiums)) / (n * (n + 1) / 2)
        rate = weighted + min(max(0.0001 - weighted, -0.0005), 0.0005)
        say(
            f"{'one-sided' if wanted else 'balanced'}: premium {1e4 * weighted:.3f} bp, rate {1e4 * row['rate']:.3f} bp"
        )
        assert n == 5_760
        assert row["mean_premium"] == pytest.approx(weighted, abs=1e-10)
        assert row["rate"] == pytest.approx(rate, abs=1e-10)
        assert row["paid_by_longs_atoms"] == row["received_by_shorts_atoms"]
        assert residual == 0
        found[wanted] = (row, premiums)
    assert found[True][0]["mean_premium"] > found[False][0]["mean_premium"]
    assert found[True][0]["rate"] > 0.0001
    _write(found)


def _write(found: dict[bool, tuple[dict[str, Any], list[float]]]) -> None:
    names = {False: "balanced", True: "one-sided demand"}
    write_table("funding", [{"crowd": names[key], **row} for key, (row, _) in found.items()])
    rows = [
        {"hour": (k + 1) * 5 / 3_600, "bp": 1e4 * sum(premiums[k : k + 60]) / 60, "crowd": names[key]}
        for key, (_, premiums) in found.items()
        for k in range(0, len(premiums) - 60, 60)
    ]
    line = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("hour:Q", title="hours from the start"),
            y=alt.Y("bp:Q", title="premium, mean of 5 min [bp]"),
            color=alt.Color("crowd:N", title=None),
        )
    )
    draw("funding", rows, "The premium under demand from one side", [line])
