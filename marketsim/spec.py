"""What every parameter declaration is made of: the `Spec` base class and the unit types its fields may have.

A Spec stands beside the code that uses it and is the one place where a parameter is declared. Its fields take the text
of a scenario file (`"8h"`, `"5 bps"`, `"50 MUSDT"`) and hold exact values:

| type | text | Python value |
|---|---|---|
| `Duration` | `250ms`, `1d12h` | int, nanoseconds |
| `TimeOfDay` | `"00:02"` | int, nanoseconds since midnight UTC |
| `TimesOfDay` | `"00:02"`, `["00:02", "12:02"]` | tuple of these |
| `Instant` | `2024-01-01T00:00:00Z` | int, nanoseconds since 1970 |
| `EventTime` | `1d12h` or an instant | int, nanoseconds since clock.start |
| `Rate` | `5 bps`, `0.05%`, `0` | Decimal, fraction of one |
| `AnnualRate` | `70%/yr` | Decimal, fraction per year |
| `EventRate` | `30/h` | Fraction, events per second |
| `MoneyAmount` | `25 kUSDT` | `Money` |
| `SizeAmount` | `0.001 BTC` | `Size` |
| `Leverage`, `Factor` | `3`, `-3`, `0.6` | Decimal |
| `...Distribution` | `{uniform: [1 min, 30 min]}` | `Distribution` |

`spec.model_dump(mode="json")` gives canonical text, which the same Spec reads back to an equal value. A key that is
newer than stored documents is marked `OMITTED_AT_DEFAULT`, so that these keep their hash.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    WrapSerializer,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from marketsim import units
from marketsim.errors import UnitError
from marketsim.ranges import Range
from marketsim.units import Money, Size

QUOTE = ""
"""Currency of money in a default: the quote currency of the market it belongs to, written in when a scenario loads."""


EVERY_KEY = "every_key"
"""In the context of `model_dump`: write keys that are `OMITTED_AT_DEFAULT` too."""


@dataclass(frozen=True)
class _OmittedAtDefault:
    """What `OMITTED_AT_DEFAULT` is."""


OMITTED_AT_DEFAULT = _OmittedAtDefault()
"""Marks a field whose key is newer than documents whose hash has to stay: `Annotated[Crossing, OMITTED_AT_DEFAULT]`.

Canonical text leaves the key out while it is at its default, which has to mean what its absence meant before.
"""


class Spec(BaseModel):
    """A declaration of parameters: immutable, complete, with no key it does not know.

    Its validator is made at first use, when all kinds that its fields may hold have been registered (`kinds`).
    announced_keys: keys of the language that this version does not take here, each with what can be used instead.
    """

    announced_keys: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, defer_build=True
    )

    @model_serializer(mode="wrap", when_used="json")
    def _canonical(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """Canonical text by key, without keys that are `OMITTED_AT_DEFAULT` and at their default."""
        written: dict[str, Any] = handler(self)
        if not (info.context or {}).get(EVERY_KEY):
            for name, field in type(self).model_fields.items():
                is_new = any(isinstance(part, _OmittedAtDefault) for part in field.metadata)
                if is_new and getattr(self, name) == field.default:
                    written.pop((info.by_alias and field.alias) or name, None)
        return written

    def out_of_range(self) -> Iterator[tuple[KeyPath, Range]]:
        """Every number, here and in the Specs inside, that its field's range excludes: its path, and the range."""
        for name, field in type(self).model_fields.items():
            value, key = getattr(self, name), field.alias or name
            parts = (
                [((key, i), part) for i, part in enumerate(value)] if isinstance(value, tuple) else [((key,), value)]
            )
            for place, part in parts:
                if isinstance(part, Spec):
                    yield from (((*place, *path), allowed) for path, allowed in part.out_of_range())
            for allowed in field.metadata:
                if isinstance(allowed, Range) and not allowed.holds_all(value):
                    yield (key,), allowed


class FileSpec(Spec):
    """A file that a scenario names: `path` below the root folder, and the SHA-256 of its bytes.

    The hash is written in when the scenario loads; the world is told apart by it and not by the path.
    """

    path: str
    sha256: str | None = None

    def recognised(self, file: Path, name: str) -> Self:
        """The same, with what is to be told by the file's content; called once, when the scenario loads.

        Raises UnitError for what the file is not, a DataFileError to say at which key.
        """
        return self

    def files(self, file: Path) -> tuple[Path, ...]:
        """The file, and those beside it that belong to it: what the hash is of."""
        return (file,)


KeyPath = tuple[str | int, ...]
"""Keys and positions that lead from a Spec to a value in it."""


@dataclass(frozen=True)
class Fault:
    """What is wrong between the fields of a Spec: the path of the value, what is wrong, what would be right.

    A path may also name a key that is absent; `is_key` says that the key itself should not be there.
    """

    path: KeyPath
    message: str
    allowed: str = ""
    suggestion: str = ""
    is_key: bool = False

    def below(self, *keys: str | int) -> Fault:
        """The same fault of a Spec that stands at `keys` of another."""
        return replace(self, path=(*keys, *self.path))


def whole_atoms_faults(amount: Money | None, *path: str | int) -> Iterator[Fault]:
    """That an amount of money at a path is no whole number of atoms; none where there is no amount."""
    try:
        if amount is not None:
            units.to_atoms(amount.amount)
    except UnitError as error:
        yield Fault(path, error.message, error.allowed)


def refusal(message: str, allowed: str = "", suggestion: str = "", inside: KeyPath = ()) -> PydanticCustomError:
    """The error a validator of a Spec raises; the loader adds the place, which is `inside` the field's value."""
    context = {"message": message, "allowed": allowed, "suggestion": suggestion, "inside": inside}
    return PydanticCustomError("marketsim", "{message}", context)


def not_in_this_version(word: str, instead: str) -> str:
    """The sentence that refuses, by name, a word or a key that the language has and this version has not."""
    return f"{word!r} is not in version {version('marketsim-lab')}; use {instead} instead"


def announced(words: Mapping[str, str]) -> BeforeValidator:
    """For a field of words: those to come are refused by name, with what can be used instead of each."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            raise refusal(not_in_this_version(value, words[value]))
        return value

    return BeforeValidator(read)


def _from_text(parse: Callable[[str], object], what: str, ready: type, example: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, ready) and ready is not int:
            return value
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise refusal(f"{what} is due here", example)
        text = value if isinstance(value, str) else units.format_number(value)
        try:
            return parse(text)
        except UnitError as error:
            raise refusal(error.message, error.allowed, error.suggestion) from error

    return read


def _from_text_knowing(parse: Callable[..., object], what: str, ready: type, example: str) -> Callable[..., Any]:
    """As `_from_text`, with the names of the scenario's currencies, which no prefix may be cut from."""

    def read(value: Any, info: ValidationInfo) -> Any:
        known = (info.context or {}).get("currencies", ())
        return _from_text(lambda text: parse(text, known), what, ready, example)(value)

    return read


def _schema(example: str, description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "examples": [example]})


def _event_time(value: Any, info: ValidationInfo) -> int:
    start_ns = (info.context or {}).get("start_ns")
    if isinstance(value, str) and "T" in value and start_ns is not None:
        at: int = _from_text(units.instant_ns, "an instant", int, "an instant in UTC")(value) - start_ns
        if at < 0:
            raise refusal("this instant is before clock.start", "a duration from the start, or an instant in the run")
        return at
    allowed = "a duration from the start such as 1d12h, or an instant such as 2024-01-02T12:00:00Z"
    at = _from_text(units.duration_ns, "a time of the run", int, allowed)(value)
    return at


_time_of_day = _from_text(units.time_of_day_ns, "a time of day", int, 'a time of day such as "00:02", UTC')


def _times_of_day(value: Any) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        return (_time_of_day(value),)
    if not value:
        raise refusal("there is no time in this list", 'a time of day such as "00:02", UTC, or a list of them')
    times = []
    for place, item in enumerate(value):
        try:
            times.append(_time_of_day(item))
        except PydanticCustomError as error:
            context = error.context or {}
            raise refusal(context["message"], context["allowed"], context["suggestion"], (place,)) from error
    return tuple(times)


def _times_of_day_text(value: tuple[int, ...]) -> str | list[str]:
    texts = [units.format_time_of_day(at) for at in value]
    return texts[0] if len(texts) == 1 else texts


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise refusal("a plain number is due here", "a number such as 3 or 0.25, without a unit")
    try:
        return value if isinstance(value, Decimal) else units.number(str(value))
    except UnitError as error:
        raise refusal(error.message, error.allowed, error.suggestion) from error


def _json_number(value: Decimal) -> str:
    return units.format_number(value)


Duration = Annotated[
    int,
    BeforeValidator(_from_text(units.duration_ns, "a duration", int, "a duration such as 250ms, 8h, 1d12h")),
    PlainSerializer(units.format_duration, when_used="json"),
    _schema("8h", "duration: 250ms 5s 2min 8h 3d 1d12h"),
]
TimeOfDay = Annotated[
    int,
    BeforeValidator(_time_of_day),
    PlainSerializer(units.format_time_of_day, when_used="json"),
    _schema("00:02", "time of day, UTC"),
]
TimesOfDay = Annotated[
    tuple[int, ...],
    BeforeValidator(_times_of_day),
    PlainSerializer(_times_of_day_text, when_used="json"),
    WithJsonSchema(
        {"type": ["string", "array"], "items": {"type": "string"}, "description": "times of day, UTC: one or a list"}
    ),
]
"""Times of day; a file writes one alone without a list."""

Instant = Annotated[
    int,
    BeforeValidator(_from_text(units.instant_ns, "an instant", int, "an instant such as 2024-01-01T00:00:00Z")),
    PlainSerializer(units.format_instant, when_used="json"),
    _schema("2024-01-01T00:00:00Z", "instant, UTC"),
]
EventTime = Annotated[
    int,
    BeforeValidator(_event_time),
    PlainSerializer(units.format_duration, when_used="json"),
    _schema("1d12h", "a duration from clock.start, or an instant"),
]
Rate = Annotated[
    Decimal,
    BeforeValidator(_from_text(units.rate, "a rate", Decimal, "a rate such as 5 bps, 0.05% or 0")),
    PlainSerializer(units.format_rate, when_used="json"),
    _schema("5 bps", "rate: 5 bps, 0.05%, 0"),
]
AnnualRate = Annotated[
    Decimal,
    BeforeValidator(_from_text(units.annual_rate, "a yearly rate", Decimal, "a yearly rate such as 70%/yr")),
    PlainSerializer(units.format_annual_rate, when_used="json"),
    _schema("70%/yr", "yearly rate"),
]
EventRate = Annotated[
    Fraction,
    BeforeValidator(_from_text(units.event_rate, "an event rate", Fraction, "an event rate such as 30/h")),
    PlainSerializer(units.format_event_rate, when_used="json"),
    _schema("30/h", "event rate per s, min, h or d"),
]
MoneyAmount = Annotated[
    Money,
    BeforeValidator(_from_text_knowing(units.money, "money", Money, "money such as 25 kUSDT")),
    PlainSerializer(units.format_money, when_used="json"),
    _schema("25 kUSDT", "money, prefixes k M G"),
]
SizeAmount = Annotated[
    Size,
    BeforeValidator(_from_text_knowing(units.size, "a size", Size, "a size such as 0.001 BTC")),
    PlainSerializer(units.format_size, when_used="json"),
    _schema("0.001 BTC", "signed size of an underlying"),
]
Factor = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(_json_number, when_used="json"),
    WithJsonSchema({"type": "number", "description": "a plain number"}),
]
Leverage = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(_json_number, when_used="json"),
    WithJsonSchema({"type": "number", "description": "leverage; signed where a side is meant", "examples": [3]}),
]


NONE_IN_WORDS = BeforeValidator(lambda value: None if value == "none" else value)
WORDS_FOR_NONE = WrapSerializer(lambda value, handler: "none" if value is None else handler(value), when_used="json")
"""For a part that may be absent: a file says `none`, Python says None."""

MoneyOrNone = Annotated[
    MoneyAmount | None,
    NONE_IN_WORDS,
    PlainSerializer(lambda value: "none" if value is None else units.format_money(value), when_used="json"),
]
"""Money, or `none`."""

RateOrNone = Annotated[
    Rate | None,
    NONE_IN_WORDS,
    PlainSerializer(lambda value: "none" if value is None else units.format_rate(value), when_used="json"),
]
"""A rate, or `none`."""


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal("a whole number is due here", "a whole number such as 5000")
    return value


Count = Annotated[int, BeforeValidator(_count)]
"""A whole number: 5000, never 5e3, 5000.0 or "5000"."""


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower(), "")
        raise refusal("true or false is due here", "true, false (YAML 1.2: yes, no, on, off are text)", meant)
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]

LONGEST_ID = 200
"""Folders are named by ids, and no file system takes more than 255 bytes."""

_ID = r"[0-9]*[A-Za-z][A-Za-z0-9_-]*"


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_ID, value):
        raise refusal(
            "this is not an id",
            "a letter (digits may stand before it), then letters, digits, '-', '_'; '.' separates paths",
        )
    if len(value) > LONGEST_ID:
        raise refusal(f"this id is too long: {len(value)} characters", f"at most {LONGEST_ID} characters")
    return value


Identifier = Annotated[str, BeforeValidator(_identifier), WithJsonSchema({"type": "string", "pattern": f"^{_ID}$"})]

Quantity = Literal["money", "duration", "leverage", "price", "number"]
Number = Decimal | int

_LAWS = {
    "lognormal": ({"median", "sigma"}, set[str]()),
    "pareto": ({"min", "alpha"}, {"max"}),
    "uniform": ({"lo", "hi"}, set[str]()),
}
_PURE = {"sigma", "alpha"}
_DISTRIBUTION_ALLOWED = "one value, or one of {lognormal: {median, sigma}}, {uniform: [lo, hi]}, "
_DISTRIBUTION_ALLOWED += "{pareto: {min, alpha, max}}, {exponential: mean}, {choice: {value: weight}}"


@dataclass(frozen=True)
class Distribution:
    """What a group's members differ in: the law, its parameters, and the unit these are counted in.

    kind: `constant lognormal uniform pareto exponential choice`. parameters: constant `value`; lognormal `median`,
    `sigma` (of the logarithm, no unit); uniform `lo`, `hi`; pareto `min`, `alpha` (no unit) and perhaps `max`
    (truncated there); exponential `mean`; choice none, but `choices` (value, weight), weights summing to 1.
    unit: the currency of money and prices (`QUOTE` in defaults), `ns` of durations, `1` of plain numbers.
    """

    kind: str
    parameters: Mapping[str, Number]
    unit: str
    quantity: Quantity
    choices: tuple[tuple[Number, Decimal], ...] = ()

    def __hash__(self) -> int:
        return hash((self.kind, tuple(sorted(self.parameters.items())), self.unit, self.quantity, self.choices))


def constant(value: Money | Decimal | int, quantity: Quantity) -> Distribution:
    """The distribution of a value that all members of a group share."""
    if isinstance(value, Money):
        return Distribution("constant", {"value": value.amount}, value.currency, quantity)
    return Distribution("constant", {"value": value}, "ns" if quantity == "duration" else "1", quantity)


def _distribution(quantity: Quantity) -> Callable[..., Distribution]:
    def read(value: Any, info: ValidationInfo) -> Distribution:
        if isinstance(value, Distribution):
            return value
        known = (info.context or {}).get("currencies", ())
        return _DistributionReader(quantity, known).read(value)

    return read


class _DistributionReader:
    """Reads one distribution, and remembers its unit so that all of its values share it."""

    def __init__(self, quantity: Quantity, known: Collection[str]) -> None:
        self.quantity = quantity
        self.known = known
        self.unit: str | None = None

    def read(self, value: Any) -> Distribution:
        if not isinstance(value, dict):
            return self._made("constant", {"value": self._value(value, ())})
        if len(value) != 1:
            raise refusal("a distribution is a map with one key, its law", _DISTRIBUTION_ALLOWED)
        law, given = next(iter(value.items()))
        if law == "exponential":
            return self._checked("exponential", {"mean": self._value(given, (law,))})
        if law == "choice":
            return self._choice(given)
        if law == "uniform" and isinstance(given, list) and len(given) == 2:
            given = {"lo": given[0], "hi": given[1]}
        if law not in _LAWS:
            near = difflib.get_close_matches(str(law), [*_LAWS, "exponential", "choice"], 1)
            raise refusal("there is no such distribution", _DISTRIBUTION_ALLOWED, near[0] if near else "", (law,))
        needed, optional = _LAWS[law]
        if not isinstance(given, dict) or not needed <= set(given) <= needed | optional:
            raise refusal(f"these are not the parameters of {law}", _DISTRIBUTION_ALLOWED, "", (law,))
        return self._checked(law, {name: self._parameter(name, text, law) for name, text in given.items()})

    def _parameter(self, name: str, text: Any, law: str) -> Number:
        return _number(text) if name in _PURE else self._value(text, (law, name))

    def _choice(self, given: Any) -> Distribution:
        if not isinstance(given, dict) or not given:
            raise refusal("a choice is a map from values to weights", "{choice: {5: 70%, 10: 30%}}", "", ("choice",))
        read_weight = _from_text(units.rate, "a weight", Decimal, "a share such as 30%")
        choices = tuple((self._value(value, ("choice",)), read_weight(share)) for value, share in given.items())
        choices = tuple(sorted(choices))
        if sum(weight for _, weight in choices) != 1 or any(weight < 0 for _, weight in choices):
            raise refusal("the weights of a choice are shares that sum to 100%", "", "", ("choice",))
        return self._made("choice", {}, choices)

    def _value(self, value: Any, inside: tuple[str, ...]) -> Number:
        try:
            amount, unit = self._quantity_of(value)
        except PydanticCustomError as error:
            context = error.context or {}
            raise refusal(context["message"], context["allowed"], context["suggestion"], inside) from error
        if self.unit not in (None, unit):
            raise refusal("the values of one distribution are in one currency", str(self.unit), "", inside)
        self.unit = unit
        if amount < 0 and self.quantity != "number":
            raise refusal("this cannot be negative", "zero or more", "", inside)
        return amount

    def _quantity_of(self, value: Any) -> tuple[Number, str]:
        if self.quantity in ("money", "price"):
            read = _from_text(lambda text: units.money(text, self.known), "money", Money, "money such as 25 kUSDT")
            amount: Money = read(value)
            return amount.amount, amount.currency
        if self.quantity == "duration":
            ns: int = _from_text(units.duration_ns, "a duration", int, "a duration such as 2ms")(value)
            return ns, "ns"
        return _number(value), "1"

    def _checked(self, kind: str, parameters: dict[str, Number]) -> Distribution:
        get = parameters.get
        if kind == "uniform" and parameters["lo"] > parameters["hi"]:
            raise refusal("the lower end lies above the upper", "[lo, hi] with lo <= hi", "", (kind,))
        if kind == "pareto" and get("max", parameters["min"] + 1) <= parameters["min"]:
            raise refusal("the maximum is not above the minimum", "max > min", "", (kind,))
        if any(parameters[name] <= 0 for name in ("median", "mean", "min", "alpha") if name in parameters):
            raise refusal("median, mean, min and alpha are above zero", "more than zero", "", (kind,))
        if get("sigma", 0) < 0:
            raise refusal("sigma cannot be negative", "zero or more", "", (kind, "sigma"))
        return self._made(kind, parameters)

    def _made(
        self, kind: str, parameters: dict[str, Number], choices: tuple[tuple[Number, Decimal], ...] = ()
    ) -> Distribution:
        return Distribution(kind, parameters, self.unit or "1", self.quantity, choices)


def distribution_text(value: Distribution) -> Any:
    """The distribution as a scenario file writes it, in canonical text."""

    def text(amount: Number) -> Any:
        if value.quantity in ("money", "price"):
            return units.format_money(Money(Decimal(amount), value.unit))
        return units.format_duration(int(amount)) if value.quantity == "duration" else units.format_number(amount)

    if value.kind in ("constant", "exponential"):
        (only,) = value.parameters.values()
        return text(only) if value.kind == "constant" else {"exponential": text(only)}
    if value.kind == "choice":
        return {"choice": {str(text(amount)): units.format_rate(weight) for amount, weight in value.choices}}
    if value.kind == "uniform":
        return {"uniform": [text(value.parameters["lo"]), text(value.parameters["hi"])]}
    named = value.parameters.items()
    return {value.kind: {name: units.format_number(n) if name in _PURE else text(n) for name, n in named}}


def distribution_words(value: Distribution) -> str:
    """The distribution as a sentence says it: `between 1 and 5, uniformly`."""
    text = distribution_text(value)
    if not isinstance(text, dict):
        return str(text)
    ((kind, inner),) = text.items()
    if kind == "uniform":
        return f"between {inner[0]} and {inner[1]}, uniformly"
    if kind == "exponential":
        return f"{inner} on average, exponentially"
    if kind == "choice":
        return " or ".join(f"{amount} ({weight})" for amount, weight in inner.items())
    return f"{kind}, " + ", ".join(f"{name} {amount}" for name, amount in inner.items())


def _distribution_type(quantity: Quantity, example: str) -> tuple[BeforeValidator, PlainSerializer, WithJsonSchema]:
    return (
        BeforeValidator(_distribution(quantity)),
        PlainSerializer(distribution_text, when_used="json"),
        WithJsonSchema(
            {"type": ["object", "string", "number"], "description": f"one value such as {example}, or a law"}
        ),
    )


_money, _duration = _distribution_type("money", "20 kUSDT"), _distribution_type("duration", "2ms")
_plain = _distribution_type("number", "10")
_leverage, _price = _distribution_type("leverage", "5"), _distribution_type("price", "30000 USDT")

MoneyDistribution = Annotated[Distribution, _money[0], _money[1], _money[2]]
DurationDistribution = Annotated[Distribution, _duration[0], _duration[1], _duration[2]]
LeverageDistribution = Annotated[Distribution, _leverage[0], _leverage[1], _leverage[2]]
NumberDistribution = Annotated[Distribution, _plain[0], _plain[1], _plain[2]]
PriceDistribution = Annotated[Distribution, _price[0], _price[1], _price[2]]
