"""Listed events of a token: suspensions, splits, delistings, cap changes at stated times, as a scenario has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import PlainSerializer

from marketsim.issuers.fund.token import ALL_PARTS, Part
from marketsim.issuers.life_cycle.unit_conversion import HALT_NS
from marketsim.spec import NONE_IN_WORDS, Count, Duration, EventTime, Factor, Identifier, Spec
from marketsim.units import format_number


def _cap_text(value: Decimal | None) -> str:
    return "none" if value is None else format_number(value)


class SuspendEventSpec(Spec):
    """Parts of a token, or trading in a market, rest from now on."""

    at: EventTime
    kind: Literal["suspend"]
    subject: Identifier
    what: tuple[Part, ...] = ALL_PARTS


class ResumeEventSpec(Spec):
    """What rests goes on."""

    at: EventTime
    kind: Literal["resume"]
    subject: Identifier
    what: tuple[Part, ...] = ALL_PARTS


class SplitEventSpec(Spec):
    """A reverse split at a stated time: `ratio` tokens become one; primary and own market rest for `halt`."""

    at: EventTime
    kind: Literal["split"]
    token: Identifier
    ratio: Count
    halt: Duration = HALT_NS
    fractions: Literal["cash", "exact"] = "cash"


class MergeEventSpec(Spec):
    """The same under the name MEXC, KuCoin and Pionex give it."""

    at: EventTime
    kind: Literal["merge"]
    token: Identifier
    ratio: Count
    halt: Duration = HALT_NS
    fractions: Literal["cash", "exact"] = "cash"


class DelistEventSpec(Spec):
    """The token ends at NAV: its position is closed off the book at the mark, or by its execution; holders are paid."""

    at: EventTime
    kind: Literal["delist"]
    token: Identifier
    close: Literal["off_book", "execution"] = "off_book"


class CapChangeEventSpec(Spec):
    """From now on no creation beyond `cap` tokens outstanding; none = no cap."""

    at: EventTime
    kind: Literal["cap_change"]
    token: Identifier
    cap: Annotated[Factor | None, NONE_IN_WORDS, PlainSerializer(_cap_text, when_used="json")]


TokenEventSpec = (
    SuspendEventSpec | ResumeEventSpec | SplitEventSpec | MergeEventSpec | DelistEventSpec | CapChangeEventSpec
)
