"""A reverse split in a whole world: what becomes of a holder's fraction and of his order."""

from pathlib import Path
from typing import Any

import marketsim as ms

WORLD = """schema: marketsim/1
name: fractions
clock: {start: 2024-01-01T00:00:00Z, duration: 1h}
underlyings: [{id: BTC, index: {kind: constant, price: 50000 USDT}}]
markets:
  - id: M
    underlying: BTC
    tick: 0.1 USDT
    lot: 0.001 BTC
    fees: {maker: 0 bps, taker: 0 bps}
    mark: {rule: index}
tokens:
  - id: DOWN
    issuer: x
    basket: {M: -3}
    aum: 1 MUSDT
    nav: 2 USDT
    rebalance: {policy: none}
    execution: {algorithm: off_book, off_book_fees: false}
    primary: {mode: cash_nav, create_fee: 0 bps, redeem_fee: 0 bps}
    market: {tick: 0.001 USDT, lot: 0.01, fees: {maker: 0 bps, taker: 0 bps}}
events: [{at: 30min, kind: split, token: DOWN, ratio: 500, halt: 5min}]
"""
SEEN: list[tuple[Any, ...]] = []


class Holder(ms.Agent):
    """Creates 777.77 units, offers seven of them, and looks at what he has after the split."""

    def process(self) -> Any:
        yield self.wait("1min")
        yield self.create("DOWN", "1555.54 USDT").done
        before, offer, cash = self.units("DOWN"), self.send("DOWN", "-7 DOWN", price="3 USDT"), self.view.cash_atoms
        yield self.until("00:31")
        paid = self.view.cash_atoms - cash
        SEEN.append((str(before), str(self.units("DOWN")), paid, offer.status, self.nav("DOWN")))


def test_five_hundred_units_become_one_and_the_rest_is_paid_at_nav(tmp_path: Path) -> None:
    """777.77 units of 2 USDT, lots of .01: 1.55 units of 1,000, and 2.77 x 2 = 5.54 USDT; the order is cancelled."""
    (tmp_path / "world.yaml").write_text(WORLD)
    holder = lambda model: Holder(model, capital="2 kUSDT", name="holder")  # noqa: E731
    ms.run(str(tmp_path / "world.yaml"), out=str(tmp_path), agents=[holder], agents_id="holder", report=False)
    assert SEEN == [("777.77", "1.55", 554_000_000, "cancelled", 1_000.0)]
