"""An agent's texts are quantities with units, checked as a file's are; and its failures arrive as what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import marketsim as ms
from marketsim.errors import ProcessFailedError, UnitError

WORLD = """
schema: marketsim/1
name: door
clock: {duration: 3min}
underlyings: [{id: MXRP, index: {kind: constant, price: 0.5 USDT}}]
markets: [{id: XR, underlying: MXRP, tick: 0.0001 USDT, lot: 1 MXRP}]
traders: [{id: makers, kind: market_maker, market: XR, count: 1, capital: 1 MUSDT}]
"""


@pytest.fixture
def model(tmp_path: Path) -> Iterator[ms.MarketModel]:
    path = tmp_path / "door.yaml"
    path.write_text(WORLD)
    model = ms.MarketModel(str(path), seed=1)
    yield model
    model.close()


class Once(ms.Agent):
    """Sends one order after a minute."""

    order: dict[str, Any]

    def process(self) -> Any:
        yield self.wait("1min")
        order = self.send("XR", **self.order)
        yield order.done
        self.record(filled=order.filled_lots)


def sent(model: ms.MarketModel, **order: Any) -> Once:
    agent = type("Sender", (Once,), {"order": order})(model, capital="1 kUSDT")
    model.env.run()
    return agent  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"size": "40 SOL", "type": "market"}, "this is a size of SOL, the underlying of XR is MXRP; was '40 SOL'"),
        ({"size": "40 USDT", "type": "market"}, "this is a size of USDT, the underlying of XR is MXRP"),
        ({"size": "+-40 MXRP", "type": "market"}, "a size"),
        ({"size": "1.5 MXRP", "type": "market"}, "not a whole number of lots"),
        ({"size": "40 MXRP", "price": "0.6 EUR"}, "this is in EUR, XR is priced in USDT; was '0.6 EUR'; allowed: USDT"),
        ({"size": "40 MXRP", "price": "0.6 MXRP"}, "this is in MXRP, XR is priced in USDT"),
        ({"size": "40 MXRP", "price": "0.60005 USDT"}, "not a whole number of ticks"),
    ],
)
def test_a_size_or_price_of_another_thing_is_refused(model: ms.MarketModel, order: dict[str, Any], words: str) -> None:
    with pytest.raises(UnitError) as refused:
        sent(model, **order)
    assert words in str(refused.value)


def test_what_fits_the_market_is_sent(model: ms.MarketModel) -> None:
    assert sent(model, size="+40 MXRP", type="market").records[0]["filled"] == 40


@pytest.mark.parametrize(
    ("capital", "words"),
    [
        ("1 kEUR", "this is in EUR, the account is in USDT; was '1 kEUR'; allowed: USDT"),
        ("900 MXRP", "this is in MXRP, the account is in USDT"),
        ("-5 USDT", "an account opens with a deposit; was '-5 USDT'"),
        ("0 USDT", "an account opens with a deposit"),
    ],
)
def test_capital_is_a_deposit_in_the_accounts_currency(model: ms.MarketModel, capital: str, words: str) -> None:
    with pytest.raises(UnitError) as refused:
        Once(model, capital=capital)
    assert words in str(refused.value)


class FieldsError(Exception):
    """Is called with two fields, and keeps one sentence."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{what} at {where}")


def test_an_exception_whose_constructor_has_fields_arrives_as_itself(model: ms.MarketModel) -> None:
    class Fails(ms.Agent):
        def process(self) -> Any:
            yield self.wait("1min")
            raise FieldsError("the door", "no luck")

    Fails(model, capital="1 kUSDT")
    with pytest.raises(FieldsError, match="no luck at the door"):
        model.env.run()


def test_a_process_that_waits_for_one_that_failed_hears_its_words(model: ms.MarketModel) -> None:
    heard = []

    class Waits(ms.Agent):
        def process(self) -> Any:
            def inner() -> Any:
                yield self.wait("1s")
                raise FieldsError("the door", "no luck")

            try:
                yield self.env.process(inner())
            except ProcessFailedError as error:
                heard.append((str(error), type(error.__cause__.__cause__ or error.__cause__).__name__))

    Waits(model, capital="1 kUSDT")
    model.env.run()
    assert heard == [("FieldsError: no luck at the door", "FieldsError")]
