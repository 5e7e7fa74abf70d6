"""Which values of a world the page lets one move, between which limits: kinds, units and limits are those of its Specs.

Only which keys are the main ones, and what they are called, stands here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marketsim.ranges import Range
from marketsim.scenario import Scenario
from marketsim.scenario.quantities import Quantity, read_quantity
from marketsim.spec import Spec
from marketsim.units import NS_PER_SECOND

MAIN = {
    "clock.duration": "length of the run",
    "seed": "seed of all draws",
    "underlyings.*.index.volatility": "volatility of the index",
    "underlyings.*.latent.volatility": "volatility of the latent price",
    "underlyings.*.index.pass_through": "share of a deviation that the index learns",
    "markets.*.insurance_fund": "insurance fund",
    "tokens.*.aum": "assets under management",
    "tokens.*.basket.*": "target leverage",
    "tokens.*.rebalance.at": "time of the daily reset, UTC",
    "tokens.*.rebalance.every": "time between resets",
    "tokens.*.rebalance.lower": "lower edge of the band",
    "tokens.*.rebalance.upper": "upper edge of the band",
    "tokens.*.rebalance.threshold": "threshold of a reset",
    "tokens.*.rebalance.emergency.leverage": "leverage of an emergency reset",
    "tokens.*.execution.slice": "size of a child order",
    "tokens.*.execution.every": "time between child orders",
    "tokens.*.execution.over": "time of execution",
    "traders.*.count": "number of traders",
    "traders.*.rate": "wake-ups of each",
    "traders.*.size": "size of an order or quote",
}
"""The keys that get a slider, where a world has them; `*` is every member of a list or map."""

_LOG_STEPS, _SHARE_STEPS, _SIGNED_STEPS, _MINUTES_A_DAY = 200, 100, 240, 1_440
_TIMES_EITHER_WAY = {"amount": 10, "event rate": 10}
_TIMES_OTHERWISE = 4
_NS_QUANTITIES = ("duration", "time of day")
_DURATION_STEPS = ((86_400, 3_600), (3_600, 300), (60, 5), (10, 1))
"""From so many seconds on a slider moves by so many."""
_PREFIXES = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True)
class Parameter:
    """A value of a world that can be moved: its path, what it is called, its text, and the amounts a slider spans.

    part: the thing it belongs to (`tokens.BTC3L`, or `run`). allowed: its range in words, empty where its Spec states
    none. quantity: the value as the world has it. lo, hi: ends of the slider, in the quantity's amounts; `is_log` says
    that equal steps are equal factors. steps: how many there are, 0 where there is no slider.
    """

    path: str
    part: str
    label: str
    text: str
    allowed: str
    quantity: Quantity
    is_whole: bool
    lo: float
    hi: float
    is_log: bool
    steps: int

    def at(self, step: int) -> str:
        """The text of the value at a step of the slider, to three digits."""
        share = min(max(step, 0), self.steps) / self.steps
        amount = self.lo * (self.hi / self.lo) ** share if self.is_log else self.lo + (self.hi - self.lo) * share
        if self.is_whole:
            return str(round(float(f"{amount:.3g}")))
        if self.quantity.kind == "duration":
            each = next((by for least, by in _DURATION_STEPS if amount >= least), None)
            amount = round(amount / each) * each if each is not None else amount
            return self.quantity.rewritten(Fraction(amount), Fraction(amount) * (1_000 if each is None else 1))
        if self.quantity.kind == "time of day":
            return self.quantity.rewritten(Fraction(round(amount / 60) * 60), Fraction(1))
        exact = Fraction(round(amount, 9))
        return short(self.quantity.rewritten(exact, exact * 1_000))

    def step_of(self, text: str) -> int | None:
        """The step nearest to a text that was typed; None where it is no quantity of this kind, or has no step."""
        found = read_quantity(text, self.known)
        if found is None or found.dimension != self.quantity.dimension or not self.steps:
            return None
        amount = min(max(float(found.amount), self.lo), self.hi)
        if self.is_log:
            return round(self.steps * math.log(amount / self.lo) / math.log(self.hi / self.lo))
        return round(self.steps * (amount - self.lo) / (self.hi - self.lo))

    @property
    def known(self) -> tuple[str, ...]:
        """The currency that no prefix is cut from."""
        return (self.quantity.unit,) if self.quantity.kind == "amount" else ()


def short(text: str) -> str:
    """Money as people write it: `4000000 USDT` is `4 MUSDT`, where that takes no more digits."""
    number, _, currency = text.partition(" ")
    if not currency.isalnum() or not number.isdigit():
        return text
    size, prefix = next(((size, p) for size, p in _PREFIXES if int(number) >= size), (1, ""))
    shorter = f"{Decimal(number) / size:f}"
    return f"{shorter.rstrip('0').rstrip('.') if '.' in shorter else shorter} {prefix}{currency}"


def parameters_of(world: Scenario) -> list[Parameter]:
    """The main parameters of a world, in the order of its parts."""
    document = world.complete()
    found = []
    for pattern, label in MAIN.items():
        for keys, value in _matches(document, pattern.split("."), ()):
            one = _parameter(world, keys, label, value)
            if one is not None:
                found.append(one)
    order = {part: number for number, part in enumerate(_parts(document))}
    return sorted(found, key=lambda each: order.get(each.part, len(order)))


def _parts(document: dict[str, Any]) -> Iterator[str]:
    for section in ("tokens", "traders", "underlyings", "markets"):
        yield from (f"{section}.{item['id']}" for item in document[section])
    yield "run"


def _matches(value: Any, keys: list[str], so_far: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that a pattern leads to, with its keys."""
    if not keys:
        yield so_far, value
        return
    inside = {item["id"]: item for item in value} if isinstance(value, list) else value
    if not isinstance(inside, dict):
        return
    for key in list(inside) if keys[0] == "*" else [key for key in keys[:1] if key in inside]:
        yield from _matches(inside[key], keys[1:], (*so_far, key))


def _parameter(world: Scenario, keys: tuple[str, ...], label: str, value: Any) -> Parameter | None:
    """One value as a parameter; None where it is a word, a list or a distribution."""
    quantity = read_quantity(value, [underlying.id for underlying in world.underlyings])
    if quantity is None:
        return None
    limits, is_whole = _range(world, keys), isinstance(value, int)
    lo, hi, is_log = _span(quantity, limits, is_whole)
    steps = _MINUTES_A_DAY - 1 if quantity.kind == "time of day" else _LOG_STEPS if is_log else _SIGNED_STEPS
    if quantity.kind == "rate" and not is_log:
        steps = _SHARE_STEPS
    return Parameter(
        path=".".join(keys),
        part=".".join(keys[:2]) if len(keys) > 2 else "run",
        label=f"{label} in {keys[-1]}" if "basket" in keys else label,
        text=short(str(value)),
        allowed=limits.words if limits is not None else "",
        quantity=quantity,
        is_whole=is_whole,
        lo=lo,
        hi=hi,
        is_log=is_log,
        steps=0 if keys == ("seed",) else steps,  # a seed is a name and has no size
    )


def _range(world: Scenario, keys: tuple[str, ...]) -> Range | None:
    """The range that the Spec of a value states for it."""
    part: Any = world
    found = None
    for key in keys:
        found = None
        if isinstance(part, Spec):
            name = next(n for n, field in type(part).model_fields.items() if key in (n, field.alias))
            found = next((m for m in type(part).model_fields[name].metadata if isinstance(m, Range)), None)
            part = getattr(part, name)
        elif isinstance(part, dict):
            part = part[key]
        else:
            part = next(item for item in part if item.id == key)
    return found


def _span(quantity: Quantity, limits: Range | None, is_whole: bool) -> tuple[float, float, bool]:
    """The ends of a slider: the whole range where both ends are stated and near, else so many times up and down."""
    if quantity.kind == "time of day":
        return 0.0, 86_340.0, False
    per_amount = NS_PER_SECOND if quantity.kind in _NS_QUANTITIES else 1
    least, most = (_end(limits, names, per_amount) for names in (("least", "above"), ("most", "below")))
    value = float(quantity.amount)
    if quantity.kind == "rate" and least is not None and most is not None:
        return least, most, False
    if value <= 0 or (limits is None and quantity.kind == "number"):
        width = 2 * abs(value) or (most if most is not None else 10.0)
        return max(-width, least if least is not None else -width), width, False
    times = 10 if is_whole else _TIMES_EITHER_WAY.get(quantity.kind, _TIMES_OTHERWISE)
    lo, hi = value / times, value * times
    return max(lo, least or lo, 1.0 if is_whole else lo), min(hi, most if most is not None else hi), True


def _end(limits: Range | None, names: tuple[str, ...], per_amount: int) -> float | None:
    stated = (getattr(limits, name) for name in names) if limits is not None else ()
    return next((float(end) / per_amount for end in stated if end is not None), None)


def as_option(path: str, text: str) -> str:
    """What `--set` takes for a value; a time of day, which YAML would read otherwise, is quoted."""
    return f'{path}="{text}"' if _CLOCK.fullmatch(text) else f"{path}={text}"
