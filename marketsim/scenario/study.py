"""The block `study`: what `sweep` runs with a scenario. `run` leaves it alone.

A study has cells (the points of `over`), replications (draws of all random numbers), and arms (interventions on a
replication, with common random numbers). What an arm does to a world is in `simulation.arms`; here is only its
declaration.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, field_validator, model_validator

from marketsim.errors import UnitError
from marketsim.kinds import WordOf
from marketsim.ranges import ABOVE_ZERO, PART, ZERO_OR_MORE, Range
from marketsim.scenario.quantities import read_quantity
from marketsim.scenario.sensitivity import SensitivitySpec
from marketsim.spec import (
    NONE_IN_WORDS,
    OMITTED_AT_DEFAULT,
    WORDS_FOR_NONE,
    AnnualRate,
    Count,
    Duration,
    EventTime,
    Factor,
    Identifier,
    Rate,
    Spec,
    refusal,
)
from marketsim.units import NS_PER_SECOND, duration_ns, format_duration, format_number

ArmKind = Literal[
    "factual", "frictionless", "shadow", "off", "blind", "phantom", "placebo_time", "placebo_sign", "contrarian"
]
PLACEBOS = ("placebo_time", "placebo_sign", "contrarian")
"""Arms that send another arm's child orders again, and so need the factual one first."""

REPLICATIONS = Range("1 to 1,000,000", least=1, most=1_000_000)
PROBE_SIZE = Range("above 0, at most 100", above=0, most=100)
MINUTE_NS = 60 * NS_PER_SECOND

MOST_CELLS = 2**20

SAMPLES = ("lhs", "sobol", "saltelli", "morris")
"""Layouts that are points of a sample, and so may have continuous axes."""
_LAYOUTS: Mapping[str, Literal["saltelli", "morris"]] = {"sobol": "saltelli", "morris": "morris"}
"""How the cells of each method of `sensitivity` are laid out."""

Match = Literal["notional", "capital", "max_loss"]
TRANSFERS = "transfers"
"""A word of `measures` that asks for a table and is no measure: the transfer matrix of every run."""
REVERSAL_GAP = "reversal_gap"
"""The old spelling of `impact_gap_0s`."""
MEASURE_GROUPS = (
    "impact_gap", "impact_per_move", "multiplier", "multiplier_cumulative", "multiplier_predicted", "crowding_number",
    "impact_per_usdt", "impact_per_usdt_buy", "impact_per_usdt_sell",
)  # fmt: skip
"""Words of `measures` that stand for the measures at all horizons whose names begin with them."""
PROBED = ("crowding_number", "impact_per_usdt", "impact_exponent", "multiplier")
"""What the names of measures begin with for which a study sends probes."""
DEFAULT_MEASURES = ("impact_gap", "impact_per_move", "slippage_bps", "participation")
DEFAULT_OUTCOME = "impact_gap_0s"
MeasureName = Annotated[str, WordOf("measure", also=(*MEASURE_GROUPS, REVERSAL_GAP, TRANSFERS))]
OutcomeName = Annotated[str, WordOf("measure", also=(*MEASURE_GROUPS, REVERSAL_GAP))]
"""What `analysis.measures` registers, plugins included, or one of the words above; an outcome is a number."""

_ARMS_ALLOWED = "a kind of arm, or {id, arm, only, scope, set}"


def _whole_arm(value: Any) -> Any:
    """An arm's kind alone stands for the arm of that name; an arm without `id` is named after its kind."""
    if isinstance(value, str):
        return {"id": value, "arm": value}
    if isinstance(value, dict) and "id" not in value and isinstance(value.get("arm"), str):
        return {"id": value["arm"], **value}
    return value


class ArmSpec(Spec):
    """One intervention (docs/contract.md#arms).

    only: tokens whose issuers it touches, absent = all. scope: flows of theirs that it takes out of the market. set:
    overrides of the scenario, laid over the cell's.
    """

    id: Identifier
    arm: ArmKind = "factual"
    only: tuple[Identifier, ...] | None = None
    scope: tuple[Literal["rebalance", "primary"], ...] = ("rebalance",)
    set: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_intervention(self) -> bool:
        """Whether it changes anything."""
        return self.arm != "factual" or bool(self.set)


Arm = Annotated[ArmSpec, BeforeValidator(_whole_arm, json_schema_input_type=ArmKind | ArmSpec)]


class DesignSpec(Spec):
    """How cells are laid out: every combination (`grid`), the n-th values together (`list`), or points of a sample.

    lhs, sobol: `points` cells. What `sensitivity` lays out: saltelli, `points` base points, each with the cells that
    Sobol indices are computed from; morris, `points` trajectories, on which one axis moves at a time.
    """

    kind: Literal["grid", "list", "lhs", "sobol", "saltelli", "morris"] = "grid"
    points: Count | None = None


def _whole_design(value: Any) -> Any:
    if value in ("grid", "list"):
        return {"kind": value}
    if isinstance(value, dict) and len(value) == 1 and set(value) <= {"lhs", "sobol"}:
        ((kind, points),) = value.items()
        return {"kind": kind, "points": points}
    if isinstance(value, DesignSpec):
        return value
    if isinstance(value, dict) and len(value) == 1 and set(value) <= set(SAMPLES):
        method, samples = next((name, value[layout]) for name, layout in _LAYOUTS.items() if layout in value)
        message = "these cells are laid out by study.sensitivity, which computes the indices too"
        raise refusal(message, f"sensitivity: {{method: {method}, samples: {samples}}}, and no design")
    raise refusal("this is no design", "grid, list, {lhs: N} or {sobol: N}")


def _design_text(design: DesignSpec) -> Any:
    return design.kind if design.points is None else {design.kind: design.points}


_DESIGNS = Literal["grid", "list"] | dict[Literal["lhs", "sobol"], Count]
Design = Annotated[
    DesignSpec,
    BeforeValidator(_whole_design, json_schema_input_type=_DESIGNS),
    PlainSerializer(_design_text, when_used="json"),
]


def _axis(value: Any, info: ValidationInfo) -> Any:
    """A list of values, or the ends of a continuous axis."""
    if isinstance(value, list) and value:
        return value
    is_map = isinstance(value, dict) and len(value) == 1 and set(value) <= {"uniform", "log"}
    if is_map and isinstance(next(iter(value.values())), list) and len(next(iter(value.values()))) == 2:
        ((law, ends),) = value.items()
        _check_ends(law, ends, (info.context or {}).get("currencies", ()))
        return value
    raise refusal("this is no axis", "a list of values, {uniform: [lo, hi]} or {log: [lo, hi]}")


def _check_ends(law: str, ends: Sequence[Any], known: Collection[str]) -> None:
    lo, hi = (read_quantity(end, known) for end in ends)
    if lo is None or hi is None or lo.dimension != hi.dimension:
        raise refusal("the ends of an axis are two quantities of one kind", "such as [1 MUSDT, 20 MUSDT]", "", (law,))
    if not lo.amount < hi.amount:
        raise refusal("the lower end of the axis is not below the upper", "[lo, hi] with lo < hi", "", (law,))
    if law == "log" and lo.amount <= 0:
        raise refusal("a logarithmic axis begins above zero", "[lo, hi] with 0 < lo", "", (law,))


def _plain(value: Any) -> Any:
    """The same with every decimal number in the one way it is written, as `5` and `50000` for `5E+4`."""
    if isinstance(value, Decimal):
        return format_number(value)
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    return [_plain(below) for below in value] if isinstance(value, (list, tuple)) else value


AxisValues = Annotated[Any, BeforeValidator(_axis), PlainSerializer(_plain, when_used="json")]


class ForkSpec(Spec):
    """Arms run from one state of the world, taken just before each event.

    at: each instant at which the factual run decides a rebalance, or listed instants. before: how long before it the
    world is taken. horizon: how long it runs from the event on.
    """

    at: Annotated[Literal["rebalances"] | tuple[EventTime, ...], ZERO_OR_MORE] = "rebalances"
    before: Annotated[Duration, ZERO_OR_MORE] = 0
    horizon: Annotated[Duration, ABOVE_ZERO] = 4 * 3_600 * 10**9


NEXT: Literal["next"] = "next"
"""The horizon that ends just before the next reset of the same token."""


def _horizon(value: Any) -> Any:
    if value == NEXT:
        return value
    try:
        return duration_ns(value) if isinstance(value, str) else value
    except UnitError as error:
        raise refusal(error.message, f"{error.allowed}, or {NEXT}", error.suggestion) from error


def _horizon_text(horizon: int | str) -> str:
    return horizon if isinstance(horizon, str) else format_duration(horizon)


Horizon = Annotated[
    int | Literal["next"],
    BeforeValidator(_horizon, json_schema_input_type=str),
    PlainSerializer(_horizon_text, when_used="json"),
]
"""A time after a reset's last fill [ns], or `next`, just before the token's next reset."""


class ProbeSpec(Spec):
    """How the impact of orders is measured: pairs of orders +Q and -Q at each reset's own instant, from one state.

    They are sent in the baseline arm, in the children and at the times of the factual reset. sizes: multiples of what
    the orders of that instant were together. horizons: when the mid is looked at, from the reset's last fill.
    """

    announced_keys: ClassVar[Mapping[str, str]] = {
        "count": "probes at every reset's own instant",
        "over": "the times of the reset's own orders",
        "slices": "the children of the reset's own orders",
    }

    sizes: Annotated[tuple[Factor, ...], PROBE_SIZE] = (Decimal("0.5"), Decimal(1), Decimal(2))
    horizons: Annotated[tuple[Horizon, ...], ZERO_OR_MORE] = (0, 2 * MINUTE_NS, 30 * MINUTE_NS, NEXT)

    @model_validator(mode="after")
    def _complete(self) -> ProbeSpec:
        for key, values in (("sizes", self.sizes), ("horizons", self.horizons)):
            if not values or len(set(values)) < len(values):
                raise refusal("a probe has at least one of these, and none twice", "such as [0.5, 1, 2]", "", (key,))
        if 1 not in self.sizes:
            raise refusal("the size of the orders themselves is missing", "1 among the sizes", "", ("sizes",))
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """The horizons as the names of measures end in them."""
        return tuple(map(horizon_word, self.horizons))


def horizon_word(horizon: int | str) -> str:
    """A horizon as the names of measures end in it: `0s`, `2min`, `next`."""
    return _horizon_text(horizon)


def horizon_ns(word: str) -> int:
    """The time that a horizon's word names [ns]; `next` names none."""
    return duration_ns(word)


def horizon_in_words(word: str) -> str:
    """When that is, as a sentence ends."""
    if word == NEXT:
        return "just before the next reset"
    spaced = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", word)
    return "at the end of the resets" if horizon_ns(word) == 0 else f"{spaced} after the resets"


class PerpetualPositionSpec(Spec):
    """What to hold instead of a token: a perp at a leverage, perhaps with a stop at a move of its price.

    match: `notional`, as large a position as the token's target makes of the cash; `capital`, all the cash is margin;
    `max_loss`, at the stop all the cash is lost, as it is when a token is wiped (without a stop: as `capital`).
    borrow_rate: simple interest on margin beyond the cash, which is borrowed. Its default, 10.95 % a year, is the 0.03
    % a day that venues take for it in the interest part of funding (docs/venues.md#funding).
    """

    kind: Literal["perp"] = Field("perp", alias="as")
    leverage: Annotated[Factor, ABOVE_ZERO]
    stop_loss: Annotated[Rate | None, PART] = None
    match: Match = "capital"
    borrow_rate: Annotated[AnnualRate, ZERO_OR_MORE, OMITTED_AT_DEFAULT] = Decimal("0.1095")


class StudySpec(Spec):
    """A study: cells x replications x arms, what is measured of them, and the outcome registered before the runs.

    primary: absent = `impact_gap_0s` where that is measured. baseline: the arm that others are compared with; absent =
    `frictionless` if it is listed, else the first. fork: absent = every arm runs from the start. sensitivity: lays out
    the cells instead of `design`.
    """

    announced_keys: ClassVar[Mapping[str, str]] = {"versus": "baseline"}

    arms: tuple[Arm, ...] = (ArmSpec(id="factual"), ArmSpec(id="frictionless", arm="frictionless"))
    replications: Annotated[Count, REPLICATIONS] = 1
    design: Design = DesignSpec()
    over: dict[str, AxisValues] = Field(default_factory=dict)
    measures: tuple[MeasureName, ...] = ()
    primary: OutcomeName | None = None
    baseline: Annotated[Identifier | None, OMITTED_AT_DEFAULT] = None
    compare_holding: tuple[PerpetualPositionSpec, ...] = ()
    fork: Annotated[ForkSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    probe: ProbeSpec | None = None
    sensitivity: Annotated[SensitivitySpec | None, NONE_IN_WORDS, WORDS_FOR_NONE, OMITTED_AT_DEFAULT] = None

    @property
    def layout(self) -> DesignSpec:
        """How the cells are laid out: by `design`, or as the method of `sensitivity` needs them."""
        if self.sensitivity is None:
            return self.design
        return DesignSpec(kind=_LAYOUTS[self.sensitivity.method], points=self.sensitivity.samples)

    def asks_for(self, word: str) -> bool:
        """Whether a word stands among the measures or is the primary outcome."""
        return word in (*self.measures, self.primary)

    @property
    def words(self) -> tuple[str, ...]:
        """What is measured, as asked for or by default; the registered outcome, what sensitivity and probes are of."""
        further = (self.primary, None if self.sensitivity is None else self.sensitivity.measure)
        asked = dict.fromkeys([*(self.measures or DEFAULT_MEASURES), *(word for word in further if word)])
        if self.probe is not None and not any(word.startswith(PROBED) for word in asked):
            asked["crowding_number"] = None
        return tuple(asked)

    def _outcome(self) -> str | None:
        """The measure registered before the runs: of a word for several the first, by default the push of resets."""
        if self.primary is None:
            return DEFAULT_OUTCOME if any(_stands_for(word, DEFAULT_OUTCOME) for word in self.words) else None
        if self.primary == REVERSAL_GAP:
            return DEFAULT_OUTCOME
        if self.primary not in MEASURE_GROUPS:
            return self.primary
        is_probed = self.primary.startswith(PROBED) and self.probe is not None
        side = "_buy" if self.primary == "impact_per_usdt" else ""
        return f"{self.primary}{side}_{self.probe.words[0] if is_probed and self.probe else '0s'}"

    @property
    def is_probed(self) -> bool:
        """Whether it sends probes."""
        return any(word.startswith(PROBED) for word in self.words)

    @property
    def baseline_arm(self) -> str:
        """The id of the arm that others are compared with: the world without the funds' orders, where it is listed."""
        if self.baseline is not None:
            return self.baseline
        whole = [arm for arm in self.arms if arm.arm == "frictionless" and arm.only is None and not arm.set]
        named = next((arm for arm in whole if arm.id == "frictionless"), None)
        return (named or next(iter(whole), self.arms[0])).id

    @property
    def factual_arm(self) -> str | None:
        """The id of the arm that is the world as declared, where it is listed."""
        return next((arm.id for arm in self.arms if not arm.is_intervention), None)

    @field_validator("arms")
    @classmethod
    def _named_once(cls, arms: tuple[ArmSpec, ...]) -> tuple[ArmSpec, ...]:
        names = [arm.id for arm in arms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise refusal(f"the arm {twice!r} stands here twice", "each id once")
        if not arms:
            raise refusal("a study without arms", _ARMS_ALLOWED)
        return arms

    @model_validator(mode="after")
    def _consistent(self) -> StudySpec:
        object.__setattr__(self, "primary", self._outcome())
        names = [arm.id for arm in self.arms]
        if self.baseline is not None and self.baseline not in names:
            raise refusal(f"there is no arm {self.baseline!r} to compare with", ", ".join(names), "", ("baseline",))
        kinds = {arm.arm for arm in self.arms if not arm.set}
        if kinds & set(PLACEBOS) and "factual" not in kinds:
            raise refusal("placebo arms send the factual arm's orders, and there is none", "factual", "", ("arms",))
        if self.primary and self.measures and not any(_stands_for(word, self.primary) for word in self.measures):
            raise refusal("the primary outcome is not measured", ", ".join(self.measures), "", ("primary",))
        if self.fork is not None and any(arm.arm in ("off", "placebo_time") or arm.set for arm in self.arms):
            message = "a fork cannot begin without an issuer or in another world, nor wait for another time of day"
            raise refusal(message, "arms without `set`, and none that is `off` or `placebo_time`", "", ("arms",))
        self._check_sensitivity()
        self._check_design()
        return self

    def _check_sensitivity(self) -> None:
        """It lays out the cells alone, and is of a measure that the study has, in one of its arms."""
        asked = self.sensitivity
        if asked is None:
            return
        if self.design != DesignSpec():
            raise refusal("the cells are laid out by `sensitivity`", "one of the two", "", ("design",))
        if asked.measure is None and self.primary is None:
            message = "sensitivity needs a measure, or a registered outcome that is one"
            raise refusal(message, "measure: one of `marketsim list measures`", "", ("sensitivity", "measure"))
        names = [arm.id for arm in self.arms]
        if asked.arm is not None and asked.arm not in names:
            raise refusal(f"there is no arm {asked.arm!r}", ", ".join(names), "", ("sensitivity", "arm"))

    def _check_design(self) -> None:
        """Samples have points and continuous axes; a list has axes of one length; a grid has listed values."""
        listed = [len(axis) for axis in self.over.values() if isinstance(axis, list)]
        kind = self.layout.kind
        if kind not in SAMPLES and len(listed) < len(self.over):
            message = f"a {kind} has listed values only"
            raise refusal(message, "lists, design {lhs: N} or {sobol: N}, or `sensitivity`", "", ("over",))
        if kind == "list" and len(set(listed)) > 1:
            raise refusal("a list's axes have one length", "as many values on each path", "", ("over",))
        if kind in SAMPLES:
            self._check_sample(kind, self.layout.points or 0)
        cells = prod(listed) if kind == "grid" else 1
        if cells > MOST_CELLS:
            raise refusal(f"this grid has {cells:,} cells", f"at most {MOST_CELLS:,}", "", ("over",))

    def _check_sample(self, kind: str, points: int) -> None:
        """A sample has something to vary; Sobol' points are balanced in powers of two only (Owen 2020)."""
        place = ("design", kind) if self.sensitivity is None else ("sensitivity", "samples")
        least, most = (2 if kind in ("saltelli", "morris") else 1), MOST_CELLS
        if not least <= points <= most:
            raise refusal("this is no number of points", f"{least} to {most}", "", place[:1])
        if kind in ("sobol", "saltelli") and points & (points - 1):
            below = 1 << (points.bit_length() - 1)
            message = "Sobol' points are balanced in powers of two only"
            raise refusal(message, f"{below} or {2 * below}", "", place)
        if not self.over:
            raise refusal("a sample needs something to vary", "paths and their axes", "", place[:1])


def _stands_for(word: str, measure: str) -> bool:
    """Whether a word of `measures` asks for a measure."""
    word = DEFAULT_OUTCOME if word == REVERSAL_GAP else word
    return word == measure or (word in MEASURE_GROUPS and measure.startswith(f"{word}_"))


def study_of(declared: StudySpec | Mapping[str, Any] | None) -> StudySpec:
    """The study a scenario declares; without one, the factual arm alone, once."""
    if declared is None:
        return StudySpec(arms=(ArmSpec(id="factual"),))
    return declared if isinstance(declared, StudySpec) else StudySpec.model_validate(declared)
