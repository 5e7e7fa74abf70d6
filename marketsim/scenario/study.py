"""The block `study`: what `sweep` runs with a scenario. `run` leaves it alone.

A study has cells (the points of `over`), replications (draws of all random numbers), and arms (interventions on a
replication, with common random numbers). What an arm does to a world is in `simulation.arms`; here is only its
declaration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from math import prod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, field_validator, model_validator

from marketsim.kinds import WordOf
from marketsim.ranges import ABOVE_ZERO, AT_LEAST_ONE, PART, ZERO_OR_MORE, Range
from marketsim.scenario.quantities import read_quantity
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
    MoneyAmount,
    Rate,
    Spec,
    refusal,
)
from marketsim.units import format_number

ArmKind = Literal[
    "factual", "frictionless", "shadow", "off", "blind", "phantom", "placebo_time", "placebo_sign", "contrarian"
]
PLACEBOS = ("placebo_time", "placebo_sign", "contrarian")
"""Arms that send another arm's child orders again, and so need the factual one first."""

REPLICATIONS = Range("1 to 1,000,000", least=1, most=1_000_000)

MOST_CELLS = 2**20

SAMPLES = ("lhs", "sobol", "saltelli", "morris")
"""Designs that are points of a sample, and so may have continuous axes."""

Match = Literal["notional", "capital", "max_loss"]
CROWDING_NUMBER, TRANSFERS = "crowding_number", "transfers"
"""Words of `measures` that ask for a table and are no measures, which are numbers: crowding numbers, for which the
study makes probes of its factual runs, and the transfer matrix of every run."""
MeasureName = Annotated[str, WordOf("measure", also=(CROWDING_NUMBER, TRANSFERS))]
"""What `analysis.measures` registers, plugins included, or one of the words above."""

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

    lhs, sobol: `points` cells. saltelli: `points` base points, each with the cells that Sobol indices are computed
    from. morris: `points` trajectories, on which one axis moves at a time.
    """

    kind: Literal["grid", "list", "lhs", "sobol", "saltelli", "morris"] = "grid"
    points: Count | None = None


def _whole_design(value: Any) -> Any:
    if value in ("grid", "list"):
        return {"kind": value}
    if isinstance(value, dict) and len(value) == 1 and set(value) <= set(SAMPLES):
        ((kind, points),) = value.items()
        return {"kind": kind, "points": points}
    if isinstance(value, DesignSpec):
        return value
    raise refusal("this is no design", "grid, list, {lhs: N}, {sobol: N}, {saltelli: N} or {morris: N}")


def _design_text(design: DesignSpec) -> Any:
    return design.kind if design.points is None else {design.kind: design.points}


_DESIGNS = Literal["grid", "list"] | dict[Literal["lhs", "sobol", "saltelli", "morris"], Count]
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


class ProbeSpec(Spec):
    """How `crowding_number` measures impact: pairs of orders +Q and -Q at random instants, forked from the same state.

    count: instants of a replication. sizes: notionals Q; absent = what the funds of a market together traded at an
    instant of the factual run, on the mean. over, slices: how the order is worked; absent = as long as that run's
    rebalances took, 0s = at once. horizons: when the mid is looked at; absent = at the end of the window and at the
    next reset.
    """

    count: Annotated[Count, Range("2 to 10000", least=2, most=10_000)] = 8
    sizes: Annotated[tuple[MoneyAmount, ...], ABOVE_ZERO] = ()
    over: Annotated[Duration | None, ZERO_OR_MORE] = None
    slices: Annotated[Count, AT_LEAST_ONE] = 10
    horizons: Annotated[tuple[Duration, ...], ABOVE_ZERO] = ()


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

    versus: the arm that others are compared with. fork: absent = every arm runs from the start.
    """

    arms: tuple[Arm, ...] = (ArmSpec(id="factual"), ArmSpec(id="frictionless", arm="frictionless"))
    replications: Annotated[Count, REPLICATIONS] = 1
    design: Design = DesignSpec()
    over: dict[str, AxisValues] = Field(default_factory=dict)
    measures: tuple[MeasureName, ...] = ()
    primary: MeasureName | None = None
    versus: Identifier = "factual"
    compare_holding: tuple[PerpetualPositionSpec, ...] = ()
    fork: Annotated[ForkSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    probe: ProbeSpec = ProbeSpec()

    def asks_for(self, word: str) -> bool:
        """Whether a word stands among the measures or is the primary outcome."""
        return word in (*self.measures, self.primary)

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
        names = [arm.id for arm in self.arms]
        if self.versus not in names:
            raise refusal(f"there is no arm {self.versus!r} to compare with", ", ".join(names), "", ("versus",))
        kinds = {arm.arm for arm in self.arms if not arm.set}
        if kinds & set(PLACEBOS) and "factual" not in kinds:
            raise refusal("placebo arms send the factual arm's orders, and there is none", "factual", "", ("arms",))
        if self.primary is not None and self.measures and self.primary not in self.measures:
            raise refusal("the primary outcome is not measured", ", ".join(self.measures), "", ("primary",))
        if self.fork is not None and any(arm.arm in ("off", "placebo_time") or arm.set for arm in self.arms):
            message = "a fork cannot begin without an issuer or in another world, nor wait for another time of day"
            raise refusal(message, "arms without `set`, and none that is `off` or `placebo_time`", "", ("arms",))
        self._check_design()
        return self

    def _check_design(self) -> None:
        """Samples have points and continuous axes; a list has axes of one length; a grid has listed values."""
        listed = [len(axis) for axis in self.over.values() if isinstance(axis, list)]
        kind, points = self.design.kind, self.design.points
        if kind not in SAMPLES and len(listed) < len(self.over):
            raise refusal(f"a {kind} has listed values only", "lists, or design {lhs: N} or {sobol: N}", "", ("over",))
        if kind == "list" and len(set(listed)) > 1:
            raise refusal("a list's axes have one length", "as many values on each path", "", ("over",))
        if kind in SAMPLES:
            self._check_sample(kind, points or 0)
        cells = prod(listed) if kind == "grid" else 1
        if cells > MOST_CELLS:
            raise refusal(f"this grid has {cells:,} cells", f"at most {MOST_CELLS:,}", "", ("over",))

    def _check_sample(self, kind: str, points: int) -> None:
        """A sample has something to vary; Sobol' points are balanced in powers of two only (Owen 2020)."""
        least, most = (2 if kind in ("saltelli", "morris") else 1), MOST_CELLS
        if not least <= points <= most:
            raise refusal("this is no number of points", f"{least} to {most}", "", ("design",))
        if kind in ("sobol", "saltelli") and points & (points - 1):
            below = 1 << (points.bit_length() - 1)
            message = "Sobol' points are balanced in powers of two only"
            raise refusal(message, f"{below} or {2 * below}", "", ("design", kind))
        if not self.over:
            raise refusal("a sample needs something to vary", "paths and their axes", "", ("over",))


def study_of(declared: StudySpec | Mapping[str, Any] | None) -> StudySpec:
    """The study a scenario declares; without one, the factual arm alone, once."""
    if declared is None:
        return StudySpec(arms=(ArmSpec(id="factual"),))
    return declared if isinstance(declared, StudySpec) else StudySpec.model_validate(declared)
