"""Market makers: they quote both sides around a fair value learnt from the index, the perp and their inventory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from marketsim.ranges import ABOVE_ZERO, BELOW_ONE, LEVELS, ONE_OR_MORE, PART, SHARE, ZERO_OR_MORE, Range
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    QUOTE,
    Count,
    DurationDistribution,
    EventRate,
    Factor,
    Fault,
    Flag,
    KeyPath,
    MoneyAmount,
    Rate,
    distribution_words,
    refusal,
)
from marketsim.traders.group import HALF_IN_COIN, TRADERS, Surroundings, TraderGroupSpec
from marketsim.traders.market_view import ViewSpec
from marketsim.traders.quoting import LevelSpec, QuotingSpec, WithdrawSpec, times_of
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import Money, format_money, format_number, format_rate


def _no_map(value: Any) -> Any:
    if isinstance(value, dict):
        raise refusal("a number or a list is due here", "a whole number such as 9, or a list of {distance, size}")
    return value


MEMORY_WEIGHT = Range("0 or more, below 1", least=0, below=1)


@TRADERS.register
class MarketMakerSpec(TraderGroupSpec):
    """Quotes at distances first * growth^l of sizes size * size_growth^l, l = 0 .. levels - 1, around the fair value.

    levels: their number, or a list of {distance, size} that stands for these four. on_index: requote at every update of
    the index; skew: fair value shift at an inventory of skew_inventory; memory_weight: of the perp's own averaged
    deviation; hysteresis, refill: how far off, how empty a quote may be before it is replaced; jitter: of each maker's
    distances; max_inventory: beyond it no quote that adds. On a spot market inventory counts from the coin it opens
    with.

    With any of the keys that follow makers learn: fair value is a `view` that taker orders move, and they look again
    when it moves (`on_index`, `memory_weight` mean nothing then). requote_latency: from a look to the quotes (absent:
    `latency`). volatility_spread: bp of half-spread by bp of realised 1-minute volatility; toxicity: by bp lost to
    takers in the last minute; withdraw: when they leave and return; quoting: how they differ, and all else.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {"start": HALF_IN_COIN}

    supplies_liquidity: ClassVar[bool] = True
    may_cross: ClassVar[bool] = False

    kind: Literal["market_maker"]
    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(1_800, 3_600)
    on_index: Flag = True
    levels: Annotated[Count | tuple[LevelSpec, ...], BeforeValidator(_no_map), LEVELS] = 9
    first: Annotated[Rate, PART] = Decimal("0.000045")
    growth: Annotated[Factor, ONE_OR_MORE] = Decimal("1.8")
    size: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(12_000), QUOTE)
    size_growth: Annotated[Factor, ABOVE_ZERO] = Decimal("1.6")
    skew: Annotated[Rate, SHARE] = Decimal("0.0035")
    skew_inventory: Annotated[MoneyAmount, ABOVE_ZERO] = Money(Decimal(800_000), QUOTE)
    memory_weight: Annotated[Factor, MEMORY_WEIGHT] = Decimal("0.8")
    hysteresis: Annotated[Rate, SHARE] = Decimal("0.25")
    refill: Annotated[Rate, SHARE] = Decimal("0.5")
    jitter: Annotated[Rate, BELOW_ONE] = Decimal("0.15")
    max_inventory: Annotated[MoneyAmount, ZERO_OR_MORE] = Money(Decimal(3_000_000), QUOTE)
    requote_latency: Annotated[DurationDistribution | None, OMITTED_AT_DEFAULT] = None
    volatility_spread: Annotated[Factor, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = Decimal(0)
    toxicity: Annotated[Factor, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = Decimal(0)
    withdraw: Annotated[WithdrawSpec | None, OMITTED_AT_DEFAULT] = None
    view: Annotated[ViewSpec | None, OMITTED_AT_DEFAULT] = None
    quoting: Annotated[QuotingSpec | None, OMITTED_AT_DEFAULT] = None

    @property
    def learning_keys(self) -> list[str]:
        """The keys given that make its makers learn."""
        keys = ("requote_latency", "volatility_spread", "toxicity", "withdraw", "view", "quoting")
        return [key for key in keys if getattr(self, key)]

    def view_of_market(self) -> ViewSpec | None:
        """What makers of this market make of orders, where they learn."""
        return (self.view or ViewSpec()) if self.learning_keys else None

    def completed(self, volatility: Decimal) -> Self:
        """The group with its view written in, where its makers learn one."""
        view = self.view_of_market()
        if view is None:
            return self
        unit = view.unit if view.unit.currency != QUOTE else Money(view.unit.amount, self.size.currency)
        known = {"unit": unit, "volatility": view.volatility or volatility}
        return self.model_copy(update={"view": view.model_copy(update=known)})

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the market."""
        yield from super().faults(around)
        if isinstance(self.levels, tuple) and not 1 <= len(self.levels) <= int(LEVELS.most or 0):
            yield Fault(("levels",), f"{len(self.levels)} levels are listed", LEVELS.words)
        for key in self.learning_keys if around.sorts.get(self.market) == "token" else ():
            message = "makers of a token's own market follow its NAV and learn no view of it"
            yield Fault((key,), message, "left out", is_key=True)
        for part in ("withdraw", "quoting"):
            spec = getattr(self, part)
            yield from (fault.below(part) for fault in spec.faults()) if spec is not None else ()

    def resting_key(self) -> KeyPath | None:
        """All it does is rest orders."""
        return ("kind",)

    def sentence(self) -> str:
        """What each of them does, in words."""
        distances, sizes = self._ladder()
        text = (
            f"They quote {len(distances)} levels a side around their fair value, the first {format_rate(distances[0])} "
            f"away with {format_money(Money(sizes[0], self.size.currency))}, shift it against their inventory, "
            f"and hold at most {format_money(self.max_inventory)}."
        )
        view = self.view_of_market()
        if view is None:
            return text
        parts = [text, view.sentence()]
        if self.requote_latency is not None:
            parts.append(f"Their quotes are there {distribution_words(self.requote_latency)} after they look.")
        if self.volatility_spread:
            parts.append(
                f"They add {format_number(self.volatility_spread)} bp a side for each bp of 1-minute volatility."
            )
        if self.toxicity:
            parts.append(f"They add {format_number(self.toxicity)} bp for each bp lost to takers in the last minute.")
        parts += [self.withdraw.sentence()] if self.withdraw is not None else []
        parts += [self.quoting.sentence()] if self.quoting is not None else []
        return " ".join(part for part in parts if part)

    def _ladder(self) -> tuple[list[Decimal], list[Decimal]]:
        """Distances (fractions of the price) and sizes [quote] of the levels, the nearest first."""
        if isinstance(self.levels, tuple):
            return [level.distance for level in self.levels], [level.size.amount for level in self.levels]
        levels = range(self.levels)
        return [self.first * self.growth**k for k in levels], [self.size.amount * self.size_growth**k for k in levels]

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as one of the kernel's maker rules takes it (docs/calibration.md#market-makers).

        Distances have the shape (makers, levels).
        """
        if self.view_of_market() is not None:
            return self._learning_rule(terms)
        parameters = {
            **self._plain_parameters(terms, np.ones(self.count)),
            "may_cross": int(self.may_cross),
            "memory_weight": float(self.memory_weight),
        }
        return GroupRule(
            "market_maker",
            parameters,
            {"base_lots": 0},
            slots_each=2 * parameters["levels"],
            on_index=self.on_index,
            counts_from="base_lots" if terms.is_of_coin else "",
        )

    def _plain_parameters(self, terms: GroupTerms, scale: NDArray[np.float64]) -> dict[str, Any]:
        """What both rules read; scale: of each maker's distances."""
        apart, sizes = self._ladder()
        makers, levels = np.divmod(np.arange(self.count * len(apart)), len(apart))
        uneven = 1.0 + float(self.jitter) * (2.0 * terms.draws("jitter").uniform(makers, levels) - 1.0)
        distances = np.array([float(distance) for distance in apart])
        first = terms.ticklots(self.size)
        plain = [first * float(self.size_growth**level) for level in range(len(sizes))]
        listed = [terms.ticklots(Money(size, self.size.currency)) for size in sizes]
        return {
            "levels": len(apart),
            "skew_per_ticklot": float(self.skew) / terms.ticklots(self.skew_inventory),
            "hysteresis": float(self.hysteresis),
            "refill": float(self.refill),
            "max_inventory_ticklots": terms.ticklots(self.max_inventory),
            "distance_table": distances[levels] * uneven * scale[makers],
            "size_table": np.array(listed if isinstance(self.levels, tuple) else plain),
        }

    def _learning_rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel's rule of learning makers takes it (docs/makers.md#rules)."""
        view, quoting = self.view_of_market(), self.quoting or QuotingSpec()
        assert view is not None
        seen = view.kernel_fields(terms)
        step_ns = seen["step_ns"]
        scale = np.array([float(quoting.classes[k].distance) for k in quoting.of_makers(self.count)])
        plain = self._plain_parameters(terms, scale)
        parameters = {
            **plain,
            **quoting.parameters(terms, self.withdraw, step_ns),
            "key": np.uint64(terms.draws("quoting").key),
            "first": float(self._ladder()[0][0]),
            "volatility_spread": float(self.volatility_spread),
            "toxicity": float(self.toxicity),
            "requote_table": times_of(self.latency if self.requote_latency is None else self.requote_latency),
        }
        return GroupRule(
            "learning_maker",
            parameters,
            {"base_lots": 0},
            slots_each=2 * plain["levels"],
            counts_from="base_lots" if terms.is_of_coin else "",
            view=seen,
            makers=quoting.makers(self.count, terms, self.withdraw, seen["usual"], step_ns),
        )
