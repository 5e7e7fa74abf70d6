"""What the view says of an instant, when the kernel's last event is older than the clock."""

from pathlib import Path

import marketsim

SCENARIO = """\
schema: marketsim/1
name: view
clock: {duration: 1h}
underlyings: [{id: BTC, index: {kind: constant, price: 30000 USDT}}]
markets: [{id: BTC-PERP, underlying: BTC, tick: 0.1 USDT, lot: 0.001 BTC}]
"""


class Pair(marketsim.Agent):
    """Two of these trade with each other."""

    def process(self):  # type: ignore[no-untyped-def]
        yield self.wait("59min")


def test_volume_before_an_instant_leaves_out_that_instant_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "view.yaml").write_text(SCENARIO, encoding="utf-8")
    model = marketsim.MarketModel(tmp_path / "view.yaml")
    seller, buyer = (Pair(model, capital="1 MUSDT", name=name) for name in ("seller", "buyer"))
    seen = []

    def trade():  # type: ignore[no-untyped-def]
        for _ in range(2):
            yield model.env.timeout(1_500_000_000)
            seller.send("BTC-PERP", "-0.005 BTC", price="30000 USDT")
            yield model.env.timeout(1)  # of one instant the buyer might come first
            yield buyer.send("BTC-PERP", "+0.005 BTC", type="market").done
            for _ in range(2):
                seen.append((model.view.volume_before_lots("BTC-PERP"), model.view.volume_lots("BTC-PERP")))
                yield model.env.timeout(1)

    model.env.process(trade())
    model.env.run(10_000_000_000)
    model.close()
    assert seen == [(0, 5), (5, 5), (5, 10), (10, 10)]
