"""Basis and funding arbitrageurs on quotes that stand still: what they open, close and pay, worked by hand."""

import json

import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import ATOMS, FREE, HOUR, SECOND

FEES = {"maker": "0 bps", "taker": "0 bps"}
SPOT = {
    "id": "SPOT", "kind": "spot", "underlying": "BTC", "tick": "0.05 USDT", "lot": "0.01 BTC", "fees": FEES,
    "mark": {"rule": "index"},
}  # fmt: skip
PERP = {**FREE, "id": "PERP", "tick": "0.05 USDT", "lot": "0.001 BTC"}
BASIS = {
    "id": "basis", "kind": "basis_arbitrageur", "markets": ["SPOT", "PERP"], "count": 1, "capital": "10 kUSDT",
    "slice": "1 kUSDT", "limit": "3 kUSDT", "leverage": 1, "borrow": "0%/yr", "profit": "20 bps",
}  # fmt: skip
FUNDING = {**BASIS, "id": "carry", "kind": "funding_arbitrageur", "every": "1s", "settlements": 2}


def document(group: dict, **parts: object) -> dict:
    return {
        "schema": "marketsim/1",
        "name": "carry",
        "clock": {"start": "2024-01-01T00:00:00Z", "duration": "9h"},
        "underlyings": [{"id": "BTC", "index": {"kind": "constant", "price": "100 USDT"}}],
        "markets": [SPOT, PERP],
        "traders": [group],
        **parts,
    }


class Quoted:
    """A model in which one agent stands in both books with as much as anybody wants."""

    def __init__(self, group: dict, **parts: object) -> None:
        self.model = MarketModel(scenario.load_text(json.dumps(document(group, **parts))))
        gateway, wired = self.model.gateway, self.model.wired
        self.agent = self.model.add_agent("quoter", 10**16)
        self.outside = wired.ledger["outside", wired.market_specs[0].venue, "USDT"]
        gateway.hand_over(self.outside, self.agent, "SPOT", 10**6, 2_000)
        self.standing: dict[str, list] = {"SPOT": [], "PERP": []}

    def quote(self, market: str, bid: float, ask: float) -> None:
        """Stand on both sides of a market at these prices [USDT] alone."""
        for order in self.standing[market]:
            self.model.gateway.cancel(order)
        self.model.env.run(self.model.env.now)
        self.standing[market] = [
            self.model.gateway.send(self.agent, market, lots, price_ticks=round(price / 0.05))
            for lots, price in ((100_000, bid), (-100_000, ask))
        ]

    def coins(self, account: int = 0) -> tuple[float, float]:
        """What the first trader holds: coin beyond the 50 it opens with, and its perpetual [coins]."""
        view = self.model.view
        return view.position_lots(account, "SPOT") * 0.01 - 50, view.position_lots(account, "PERP") * 0.001

    def after(self, seconds: int) -> tuple[float, float]:
        self.model.env.run(self.model.env.now + seconds * SECOND)
        return self.coins()


def test_a_basis_beyond_the_costs_is_opened_in_slices_up_to_the_limit_and_closed_when_it_is_gone() -> None:
    world = Quoted(BASIS)
    world.quote("SPOT", 99.95, 100.05)
    world.quote("PERP", 100.2, 100.3)  # 100.2 / 100.05 - 1 = 15 bp, below 20
    assert world.after(3) == (0, 0)
    world.quote("PERP", 101.0, 101.1)  # 95 bp: 1 kUSDT at the mark of 100 is 10 coins a look, 30 in all
    assert world.after(1) == pytest.approx((10, -10))
    assert world.after(5) == pytest.approx((30, -30))
    world.quote("PERP", 99.95, 100.05)  # to leave costs 100.05 / 99.95 - 1 = 10 bp, above 0
    assert world.after(3) == pytest.approx((30, -30))
    world.quote("PERP", 99.85, 99.9)  # 99.9 / 99.95 - 1 < 0: gone
    assert world.after(1) == pytest.approx((20, -20))
    assert world.after(4) == pytest.approx((0, 0))
    # bought 30 at 100.05, sold at 99.95, the perpetual sold at 101 and bought at 99.90: 30 x (1.1 - .1) = 30 USDT
    assert world.model.view.equity_atoms(0) - 10_000 * ATOMS == 30 * ATOMS
    world.model.close()


def test_a_perpetual_below_coin_is_bought_and_coin_is_sold_from_what_was_opened_with() -> None:
    world = Quoted({**BASIS, "limit": "8 kUSDT", "slice": "5 kUSDT"})
    world.quote("SPOT", 101.0, 101.1)
    world.quote("PERP", 99.95, 100.05)
    assert world.after(3) == pytest.approx((-50, 50))  # 80 are wanted; 50 is what there is to sell
    world.model.close()


def test_fees_and_borrowing_raise_the_hurdle() -> None:
    # 4 x 10 bp of fees + 8 h of 10.95 %/yr (1 bp) + 20 bp = 61 bp
    costly = {**BASIS, "fees": {"maker": "0 bps", "taker": "10 bps"}, "borrow": "10.95%/yr", "horizon": "8h"}
    made = scenario.load_text(json.dumps(document(costly)))
    assert made.traders[0].hurdle == pytest.approx(0.0061)  # type: ignore[attr-defined]
    world = Quoted(costly)
    world.quote("SPOT", 99.95, 100.0)
    world.quote("PERP", 100.6, 100.7)  # 60 bp
    assert world.after(3) == (0, 0)
    world.quote("PERP", 100.65, 100.75)  # 65 bp
    assert world.after(1)[0] == pytest.approx(10)
    world.model.close()


def test_borrowing_for_the_spot_leg_is_paid_every_hour_to_outside() -> None:
    world = Quoted({**BASIS, "borrow": "8.76%/yr", "horizon": "1h"})
    world.quote("SPOT", 99.95, 100.0)
    world.quote("PERP", 101.0, 101.1)
    assert world.after(10) == pytest.approx((30, -30))
    lender = world.model.view.cash_atoms(world.outside)
    world.model.env.run(2 * HOUR + SECOND)
    # 30 coins at the mark of 100 are 3,000 USDT; 8.76 % / 8,760 h = 1e-5 an hour, twice 0.03 USDT
    paid = world.model.view.cash_atoms(world.outside) - lender
    assert paid == pytest.approx(0.06 * ATOMS, abs=2)
    assert world.model.world.check_conserved() == 0
    world.model.close()


def test_funding_is_taken_on_the_side_that_receives_it_and_left_when_it_turns() -> None:
    perp = {
        **PERP,
        "funding": {
            "interest": "0 bps",
            "damper": "0 bps",
            "cap": "100 bps",
            "sample": "1s",
            "impact_notional": "1 kUSDT",
        },
    }
    world = Quoted(FUNDING, markets=[SPOT, perp])
    world.quote("SPOT", 99.95, 100.05)
    world.quote("PERP", 100.3, 100.4)  # longs pay a premium of 30 bp, twice that is beyond 20 bp
    assert world.after(8) == pytest.approx((30, -30))
    world.quote("PERP", 99.0, 99.1)  # a discount of 90 bp, but the average still is a premium
    assert world.after(1)[1] == pytest.approx(-30)
    world.model.env.run(60 * SECOND)
    # shorts pay 90 bp: it holds 30 coins the other way round, coin sold out of the 50 it opened with
    assert world.coins() == pytest.approx((-30, 30))
    world.model.close()


def test_without_a_spot_market_the_funding_leg_is_not_hedged() -> None:
    perp = {**PERP, "funding": {"interest": "20 bps", "damper": "20 bps", "cap": "100 bps", "sample": "1s"}}
    world = Quoted({**{k: v for k, v in FUNDING.items() if k != "markets"}, "market": "PERP"}, markets=[SPOT, perp])
    world.quote("PERP", 99.95, 100.05)
    world.model.env.run(10 * SECOND)
    assert world.model.view.position_lots(0, "PERP") == -30_000
    world.model.close()


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"markets": ["PERP", "SPOT"]}, "markets", "these are not a spot market and then a perpetual"),
        ({"markets": ["PERP"]}, "markets", "a basis lies between two markets"),
        ({"rate": "1/h"}, "rate", "this group looks every `every`"),
        ({"borrow": "-1%/yr"}, "borrow", "out of range"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(change: dict, path: str, words: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario.load_text(json.dumps(document({**BASIS, **change})))
    assert any(p.path.startswith(f"traders.basis.{path}") and words in p.message for p in refused.value.problems)


def test_their_sentences_say_what_they_want_and_what_it_costs() -> None:
    text = scenario.load_text(json.dumps(document({**BASIS, "borrow": "10%/yr"}, traders=[BASIS, FUNDING]))).sentences()
    assert "They buy the cheaper of the two and sell the other when they are more than 0.2% beyond fees" in text
    assert "They take the side of PERP that receives funding, against SPOT, when 2 settlements" in text
