"""The whole block: cells, replications, arms, what is measured of them, and the outcome registered before the runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from marketsim.ranges import Range
from marketsim.scenario.study.arm import ARMS_ALLOWED, PLACEBOS, Arm, ArmSpec
from marketsim.scenario.study.design import LAYOUTS, SAMPLES, AxisValues, Design, DesignSpec
from marketsim.scenario.study.fork import ForkSpec
from marketsim.scenario.study.measured import (
    DEFAULT_MEASURES,
    DEFAULT_OUTCOME,
    MEASURE_GROUPS,
    PROBED,
    REVERSAL_GAP,
    MeasureName,
    OutcomeName,
    stands_for,
)
from marketsim.scenario.study.position import PerpetualPositionSpec
from marketsim.scenario.study.probe import ProbeSpec
from marketsim.scenario.study.sensitivity import SensitivitySpec
from marketsim.spec import NONE_IN_WORDS, OMITTED_AT_DEFAULT, WORDS_FOR_NONE, Count, Identifier, Spec, refusal

REPLICATIONS = Range("1 to 1,000,000", least=1, most=1_000_000)
MOST_CELLS = 2**20
MOST_REGISTERED = 16_000_000
"""Bytes of a registration."""


class StudySpec(Spec):
    """A study: cells x replications x arms, what is measured of them, and the outcome registered before the runs.

    primary: absent = `impact_gap_0s` where that is measured. baseline: the arm that others are compared with; absent =
    `frictionless` if it is listed, else the first. fork: absent = every arm runs from the start. sensitivity: lays out
    the cells instead of `design`. registration: a file that says, before anything runs, what is expected and how it is
    judged; its hash and the time stand in study.json (`datasets.registration`).
    """

    announced_keys: ClassVar[Mapping[str, str]] = {
        "versus": "baseline",
        "stress": "`over` with a shock's sizes, and measures such as insurance_loss",
    }

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
    registration: Annotated[str | None, OMITTED_AT_DEFAULT] = None

    @property
    def layout(self) -> DesignSpec:
        """How the cells are laid out: by `design`, or as the method of `sensitivity` needs them."""
        if self.sensitivity is None:
            return self.design
        return DesignSpec(kind=LAYOUTS[self.sensitivity.method], points=self.sensitivity.samples)

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
            return DEFAULT_OUTCOME if any(stands_for(word, DEFAULT_OUTCOME) for word in self.words) else None
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
            raise refusal("a study without arms", ARMS_ALLOWED)
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
        if self.primary and self.measures and not any(stands_for(word, self.primary) for word in self.measures):
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


def study_of(declared: StudySpec | Mapping[str, Any] | None) -> StudySpec:
    """The study a scenario declares; without one, the factual arm alone, once."""
    if declared is None:
        return StudySpec(arms=(ArmSpec(id="factual"),))
    return declared if isinstance(declared, StudySpec) else StudySpec.model_validate(declared)
