"""Listed events: each acts through its port alone, says what it does in words, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from marketsim.events.family import EVENTS, EventSpec, Surroundings
from marketsim.venues.contract import FeesSpec

MINUTE = 60 * 10**9
AROUND = Surroundings(
    grids={"M": (Decimal("0.1"), Decimal("0.001")), "T": (Decimal("0.01"), Decimal(1))},
    markets={"M"},
    tokens={"T", "U"},
    dealing={"U"},
    booked={"T"},
)


class Told:
    """A port that writes down what it is told; `T` and `U` are tokens."""

    def __init__(self) -> None:
        self.acts: list[tuple[Any, ...]] = []

    def note(self, event: str, subject: str, detail: Mapping[str, Any]) -> None:
        self.acts.append(("note", event, subject, dict(detail)))

    def token(self, name: str) -> ToldToken | None:
        return ToldToken(self, name) if name in "TU" else None

    def open_account(self, sender: EventSpec, market: str) -> None:
        self.acts.append(("open_account", market))

    def send(self, sender: EventSpec, market: str, size: Decimal, order_type: str, price: Decimal | None) -> None:
        self.acts.append(("send", market, size, order_type, price))

    def change_fees(self, market: str, fees: FeesSpec) -> None:
        self.acts.append(("change_fees", market, fees.maker, fees.taker))

    def halt(self, market: str) -> int:
        self.acts.append(("halt", market))
        return 7

    def lift_halt(self, market: str, reason: int) -> None:
        self.acts.append(("lift_halt", market, reason))

    def lift_all_halts(self, market: str) -> None:
        self.acts.append(("lift_all_halts", market))

    def wait(self, duration_ns: int) -> Any:
        self.acts.append(("wait", duration_ns))


class ToldToken:
    """A token that writes down what it is told."""

    def __init__(self, told: Told, name: str) -> None:
        self.told, self.name = told, name

    def suspend(self, what: Iterable[str]) -> None:
        self.told.acts.append(("suspend", self.name, tuple(what)))

    def resume(self, what: Iterable[str]) -> None:
        self.told.acts.append(("resume", self.name, tuple(what)))

    def split(self, ratio: int, event: str, halt_ns: int, *, is_exact: bool) -> None:
        self.told.acts.append(("split", self.name, ratio, event, halt_ns, is_exact))

    def delist(self, *, is_off_book: bool) -> Generator[Any, Any, None]:
        self.told.acts.append(("delist", self.name, is_off_book))
        yield

    def change_supply_cap(self, cap: Decimal | None) -> None:
        self.told.acts.append(("cap", self.name, cap))


def made(**keys: Any) -> EventSpec:
    adapter: TypeAdapter[EventSpec] = TypeAdapter(EVENTS.kinds[keys["kind"]])
    return adapter.validate_python({"at": "1h", **keys})


CASES: list[tuple[dict[str, Any], list[tuple[Any, ...]], str]] = [
    (
        {"kind": "jump", "underlying": "BTC", "size": "-6%"},
        [("note", "jump", "BTC", {"size": -0.06})],
        "the index of BTC jumps by -6%",
    ),
    (
        {"kind": "order", "market": "M", "size": "-2 BTC", "type": "limit", "price": "30 kUSDT"},
        [("open_account", "M"), ("send", "M", Decimal(-2), "limit", Decimal(30_000))],
        "somebody sends a limit order of -2 BTC to M at 30000 USDT",
    ),
    (
        {"kind": "fee_change", "market": "M", "fees": {"maker": "-1 bps", "taker": "6 bps"}},
        [
            ("change_fees", "M", Decimal("-0.0001"), Decimal("0.0006")),
            ("note", "fee_change", "M", {"maker": "-0.01%", "taker": "0.06%"}),
        ],
        "the fees of M become -0.01% for makers and 0.06% for takers",
    ),
    (
        {"kind": "outage", "market": "M", "for": "5min"},
        [
            ("note", "outage", "M", {"for_ns": 5 * MINUTE}),
            ("halt", "M"),
            ("wait", 5 * MINUTE),
            ("lift_halt", "M", 7),
        ],
        "M takes no orders for 5min",
    ),
    (
        {"kind": "suspend", "subject": "T", "what": ["primary", "market"]},
        [("suspend", "T", ("primary", "market"))],
        "primary and market of T are suspended",
    ),
    (
        {"kind": "suspend", "subject": "M", "what": ["market"]},
        [("note", "suspended", "M", {"what": ["market"]}), ("halt", "M")],
        "market of M is suspended",
    ),
    (
        {"kind": "resume", "subject": "T", "what": ["primary"]},
        [("resume", "T", ("primary",))],
        "primary of T resumes",
    ),
    (
        {"kind": "resume", "subject": "M", "what": ["market"]},
        [("note", "resumed", "M", {"what": ["market"]}), ("lift_all_halts", "M")],
        "market of M resumes",
    ),
    (
        {"kind": "split", "token": "T", "ratio": 10},
        [("split", "T", 10, "reverse_split", 10 * MINUTE, False)],
        "10 tokens of T become one",
    ),
    (
        {"kind": "merge", "token": "U", "ratio": 100, "halt": "1h", "fractions": "exact"},
        [("split", "U", 100, "merge", 60 * MINUTE, True)],
        "100 tokens of U become one",
    ),
    ({"kind": "delist", "token": "T"}, [("delist", "T", True)], "T ends, and its holders are paid its NAV"),
    (
        {"kind": "delist", "token": "T", "close": "execution"},
        [("delist", "T", False)],
        "T ends, and its holders are paid its NAV",
    ),
    (
        {"kind": "cap_change", "token": "U", "cap": 5000},
        [("note", "cap_change", "U", {"cap": 5000.0}), ("cap", "U", Decimal(5000))],
        "the cap on the supply of U is set to 5000 tokens",
    ),
    (
        {"kind": "cap_change", "token": "U", "cap": "none"},
        [("note", "cap_change", "U", {"cap": None}), ("cap", "U", None)],
        "the cap on the supply of U is lifted",
    ),
]


@pytest.mark.parametrize(("keys", "acts", "words"), CASES, ids=lambda value: str(value)[:40])
def test_an_event_does_what_it_says_and_no_more(keys: dict[str, Any], acts: list[Any], words: str) -> None:
    event, port = made(**keys), Told()
    assert list(event.faults(AROUND)) == []
    assert list(event.out_of_range()) == []
    event.prepare(port)
    for _ in event.happen(port) or ():
        pass
    assert port.acts == acts
    assert event.sentence() == words


def test_every_kind_of_event_is_tried_here() -> None:
    assert {keys["kind"] for keys, _, _ in CASES} == set(EVENTS.kinds)


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ({"kind": "order", "market": "M", "size": "1 BTC", "type": "limit"}, ("price",), "a limit order has a price"),
        ({"kind": "order", "market": "M", "size": "1 BTC", "price": "5 USDT"}, ("price",), "a market order has none"),
        ({"kind": "order", "market": "M", "size": "0 BTC"}, ("size",), "an order of nothing"),
        ({"kind": "order", "market": "M", "size": "0.0005 BTC"}, ("size",), "whole number of lots"),
        (
            {"kind": "order", "market": "M", "size": "1 BTC", "type": "limit", "price": "5.55 USDT"},
            ("price",),
            "whole number of ticks",
        ),
        (
            {"kind": "fee_change", "market": "M", "fees": {"maker": "-5 bps", "taker": "4 bps"}},
            ("fees",),
            "the venue would pay",
        ),
        ({"kind": "suspend", "subject": "M", "what": ["rebalance"]}, ("what",), "only its trading can be suspended"),
        ({"kind": "split", "token": "T", "ratio": 2, "fractions": "exact"}, ("fractions",), "cannot become smaller"),
        ({"kind": "cap_change", "token": "T", "cap": 1}, ("token",), "no primary market"),
    ],
)
def test_what_is_wrong_with_an_event_is_said_at_its_key(keys: dict[str, Any], path: Any, message: str) -> None:
    (fault,) = made(**keys).faults(AROUND)
    assert fault.path == path
    assert message in fault.message


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ({"kind": "jump", "underlying": "BTC", "size": "-100%"}, ("size",)),
        ({"kind": "outage", "market": "M", "for": "0s"}, ("for",)),
        ({"kind": "merge", "token": "U", "ratio": 1}, ("ratio",)),
        ({"kind": "cap_change", "token": "U", "cap": -1}, ("cap",)),
    ],
)
def test_a_number_out_of_its_range_is_found(keys: dict[str, Any], path: Any) -> None:
    assert [where for where, _ in made(**keys).out_of_range()] == [path]
