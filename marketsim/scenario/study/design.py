"""How the cells of a study are laid out, and the axes that they are points of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

from marketsim.scenario.quantities import read_quantity
from marketsim.spec import Count, Spec, refusal
from marketsim.units import format_number

SAMPLES = ("lhs", "sobol", "saltelli", "morris")
"""Layouts that are points of a sample, and so may have continuous axes."""
LAYOUTS: Mapping[str, Literal["saltelli", "morris"]] = {"sobol": "saltelli", "morris": "morris"}
"""How the cells of each method of `sensitivity` are laid out."""


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
        method, samples = next((name, value[layout]) for name, layout in LAYOUTS.items() if layout in value)
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
