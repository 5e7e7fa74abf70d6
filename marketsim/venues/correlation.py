"""Correlations of underlyings: which can hold together, and the innovations that make them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from marketsim.spec import Fault
from marketsim.units import format_duration, format_number
from marketsim.venues.index.family import random_kinds
from marketsim.venues.underlying import UnderlyingSpec

__all__ = ["correlation_faults", "lower_triangle", "mixes"]

_SMALLEST_PIVOT = 1e-9  # below it rounding could decide whether correlations are possible


def correlation_faults(underlyings: Sequence[UnderlyingSpec]) -> list[Fault]:
    """Every correlation that cannot hold; paths begin with the underlying's position."""
    known = {underlying.id: underlying for underlying in underlyings}
    faults = [
        fault.below(position, "correlation")
        for position, underlying in enumerate(underlyings)
        for other, value in underlying.correlation.items()
        for fault in _pair_faults(underlying, other, known.get(other), value)
    ]
    if not faults and len(known) == len(underlyings):  # two of one id are said elsewhere
        try:
            mixes(underlyings)
        except ValueError as error:
            first = next(i for i, underlying in enumerate(underlyings) if underlying.correlation)
            faults.append(
                Fault((first, "correlation"), str(error), "smaller correlations, or ones that agree with each other")
            )
    return faults


def _pair_faults(one: UnderlyingSpec, name: str, other: UnderlyingSpec | None, value: Decimal) -> Iterator[Fault]:
    """The first thing that is wrong with one correlation, if anything is."""
    if other is None:
        yield Fault((name,), "there is no such underlying", "the id of another underlying", is_key=True)
        return
    if other.id == one.id:
        yield Fault((name,), "an underlying is correlated with itself", "the id of another underlying", is_key=True)
        return
    still = next((each for each in (one, other) if not each.fundamental.is_random), None)
    back = other.correlation.get(one.id, value)
    if still is not None:
        kinds = ", ".join(random_kinds())
        yield Fault((name,), f"the index of {still.id} has no random increments", f"an index of kind {kinds}")
    elif not -1 < value < 1:
        yield Fault((name,), "this is not a correlation two indices can have", "above -1 and below 1")
    elif one.fundamental.every != other.fundamental.every:
        steps = f"{format_duration(one.fundamental.every)} and {format_duration(other.fundamental.every)}"
        message = f"the indices of {one.id} and {other.id} step at different instants, every {steps}"
        yield Fault((name,), message, "one `every` for both")
    elif back != value:
        message = f"{one.id} and {other.id} give two correlations, {format_number(value)} and {format_number(back)}"
        yield Fault((name,), message, "one value, or one of the two left out")


def mixes(underlyings: Sequence[UnderlyingSpec]) -> dict[str, list[tuple[str, float]]]:
    """For each random index the ids whose innovations it is a weighted sum of; ValueError if impossible.

    Rows of the Cholesky factor in file order: a later underlying never changes an earlier one's path.
    """
    ids = [u.id for u in underlyings if u.fundamental.is_random]
    given = {frozenset((u.id, other)): float(value) for u in underlyings for other, value in u.correlation.items()}
    wanted = [[1.0 if a == b else given.get(frozenset((a, b)), 0.0) for b in ids] for a in ids]
    rows = lower_triangle(wanted)
    return {
        name: [(other, weight) for other, weight in zip(ids, row, strict=False) if weight != 0.0]
        for name, row in zip(ids, rows, strict=True)
    }


def lower_triangle(correlations: Sequence[Sequence[float]]) -> list[list[float]]:
    """Row i: the weights that turn independent innovations 0 .. i into one of the wanted correlations (Cholesky).

    `correlations` is symmetric with ones on the diagonal. Only + - x / and square root, in a fixed order (Golub & Van
    Loan 2013, Matrix Computations, section 4.2). ValueError where no such variables exist (not positive definite).
    """
    rows: list[list[float]] = []
    for i, wanted in enumerate(correlations):
        row: list[float] = []
        for j in range(i):
            rest = wanted[j]
            for k in range(j):
                rest -= row[k] * rows[j][k]
            row.append(rest / rows[j][j])
        pivot = wanted[i]
        for weight in row:
            pivot -= weight * weight
        if pivot < _SMALLEST_PIVOT:
            raise ValueError("these correlations cannot hold together: their matrix is not positive definite")
        rows.append([*row, math.sqrt(pivot)])
    return rows
