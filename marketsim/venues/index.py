"""The index: the outside price of an underlying, which the perp follows and (with `pass_through`) teaches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from marketsim.errors import UnitError
from marketsim.spec import AnnualRate, Duration, Factor, MoneyAmount, Rate, Spec
from marketsim.streams import Stream
from marketsim.units import NS_PER_SECOND, format_annual_rate, format_duration, format_number, format_rate
from marketsim.venues.index_listed import (
    ListedIndexPath,
    ListedLevels,
    levels_of_constant,
    levels_of_file,
    levels_of_points,
)
from marketsim.venues.index_path import IndexPath
from marketsim.venues.index_random import YEAR_NS, RandomIndexPath, lower_triangle

if TYPE_CHECKING:
    from marketsim.venues.contract import UnderlyingSpec


class IndexKindSpec(Spec):
    """What every kind of index has: its cadence, and how much of the perp's deviation it learns, how fast."""

    every: Duration = NS_PER_SECOND
    pass_through: Rate = Decimal(0)
    pass_through_halflife: Duration = 600 * NS_PER_SECOND


class ConstantIndexSpec(IndexKindSpec):
    """An index that does not move by itself."""

    kind: Literal["constant"]
    price: MoneyAmount


class GbmIndexSpec(IndexKindSpec):
    """A geometric Brownian motion from `price`, stepped every `every`."""

    kind: Literal["gbm"]
    price: MoneyAmount
    volatility: AnnualRate
    drift: AnnualRate = Decimal(0)


class LogOuVolIndexSpec(IndexKindSpec):
    """A motion whose log volatility is an Ornstein-Uhlenbeck process: fat tails and clustering.

    volatility: root mean square of the yearly volatility; log_sd: stationary standard deviation of its logarithm;
    memory: the time in which the logarithm's autocorrelation falls to 1/e.
    """

    kind: Literal["log_ou_vol"]
    price: MoneyAmount
    volatility: AnnualRate
    drift: AnnualRate = Decimal(0)
    log_sd: Factor = Decimal("0.6")
    memory: Duration = 3_600 * NS_PER_SECOND


class PathIndexSpec(IndexKindSpec):
    """A path written down point by point; `step` holds the last value, `linear` interpolates."""

    kind: Literal["path"]
    points: tuple[tuple[Duration, MoneyAmount], ...]
    interpolate: Literal["step", "linear"] = "step"


class FileIndexSpec(IndexKindSpec):
    """A path from a CSV file with a header line: column `time` (instants, or whole numbers in `time_unit`), `price`.

    currency: of the prices; max_gap: longest distance of two rows (absent: the shortest one in the file).
    sha256: of the file's bytes, written in when the scenario loads. Each row holds until the next.
    """

    kind: Literal["file"]
    path: str
    time: str = "timestamp"
    price: str = "price"
    time_unit: Literal["instant", "s", "ms", "us", "ns"] = "instant"
    currency: str = "USDT"
    max_gap: Duration | None = None
    sha256: str | None = None


IndexSpec = ConstantIndexSpec | GbmIndexSpec | LogOuVolIndexSpec | PathIndexSpec | FileIndexSpec


_LARGEST_STEP_VOLATILITY = 1  # a hundred percent in one step; beyond it a path leaves float64 sooner or later
_LARGEST_LOG_SD = 2

Jumps = Mapping[str, Sequence[tuple[int, Decimal]]]
"""Listed jumps of each underlying: (instant [ns from the start], size as a fraction of the level)."""


def index_paths(
    underlyings: Sequence[UnderlyingSpec],
    *,
    seed: int,
    replication: int,
    start_ns: int,
    duration_ns: int,
    root: Path,
    jumps: Jumps | None = None,
) -> dict[str, IndexPath]:
    """The index path of each underlying in one replication, by id.

    start_ns: the run's start [ns since 1970]; root: the folder the scenario's file paths begin at. A jump multiplies
    the level by 1 + size at the first step at or after its instant. Raises UnitError for what `check_index` and
    `correlation_problems` report.
    """
    for _, problem in correlation_problems(underlyings):
        raise problem
    own = {underlying.id: Stream(seed, replication, f"index:{underlying.id}") for underlying in underlyings}
    mixes = _mixes(underlyings)
    paths: dict[str, IndexPath] = {}
    for underlying in underlyings:
        spec = underlying.index
        listed = check_index(spec, start_ns=start_ns, duration_ns=duration_ns, root=root)
        factors = _jump_factors((jumps or {}).get(underlying.id, ()), spec.every)
        if listed is not None:
            paths[underlying.id] = ListedIndexPath(listed, spec.every, factors)
        elif isinstance(spec, GbmIndexSpec | LogOuVolIndexSpec):
            mix = [(weight, own[name]) for name, weight in mixes[underlying.id]]
            rounded = {step: factor.numerator / factor.denominator for step, factor in factors.items()}
            paths[underlying.id] = RandomIndexPath(spec, mix, own[underlying.id], rounded)
    return paths


def check_index(spec: IndexSpec, *, start_ns: int, duration_ns: int, root: Path) -> ListedLevels | None:
    """Refuse an index that cannot run (UnitError: what was there, what is allowed); its levels, if written down."""
    if spec.every <= 0:
        raise UnitError(format_duration(spec.every), "an index needs time between two steps", "`every` above 0s")
    if isinstance(spec, PathIndexSpec):
        return levels_of_points(spec, duration_ns)
    if isinstance(spec, FileIndexSpec):
        return levels_of_file(spec, root, start_ns, duration_ns)
    opening = levels_of_constant(spec.price.amount)
    if isinstance(spec, ConstantIndexSpec):
        return opening
    _check_volatility(spec)
    return None


def correlation_problems(underlyings: Sequence[UnderlyingSpec]) -> list[tuple[str, UnitError]]:
    """Every correlation that cannot hold: its path in the scenario, and the error that says why."""
    known = {underlying.id: underlying for underlying in underlyings}
    problems = []
    for underlying in underlyings:
        for other, value in underlying.correlation.items():
            found = _pair_problem(underlying, known.get(other), value)
            if found:
                text, message, allowed = found
                path = f"underlyings.{underlying.id}.correlation.{other}"
                problems.append((path, UnitError(text or other, message, allowed)))
    if not problems:
        try:
            _mixes(underlyings)
        except ValueError as error:
            first = next(underlying for underlying in underlyings if underlying.correlation)
            text = ", ".join(f"{name}: {format_number(value)}" for name, value in first.correlation.items())
            allowed = "smaller correlations, or ones that agree with each other"
            problems.append((f"underlyings.{first.id}.correlation", UnitError(text, str(error), allowed)))
    return problems


def _pair_problem(one: UnderlyingSpec, other: UnderlyingSpec | None, value: Decimal) -> tuple[str, str, str] | None:
    """What is wrong with one correlation: (text, message, allowed)."""
    if other is None:
        return "", "there is no such underlying", "the id of another underlying"
    if other.id == one.id:
        return "", "an underlying is correlated with itself", "the id of another underlying"
    for each in (one, other):
        if not isinstance(each.index, GbmIndexSpec | LogOuVolIndexSpec):
            return each.index.kind, f"the index of {each.id} has no random increments", "gbm, log_ou_vol"
    if not -1 < value < 1:
        return format_number(value), "this is not a correlation two indices can have", "above -1 and below 1"
    if one.index.every != other.index.every:
        text = f"{format_duration(one.index.every)} and {format_duration(other.index.every)}"
        return text, f"the indices of {one.id} and {other.id} step at different instants", "one `every` for both"
    if other.correlation.get(one.id, value) != value:
        text = f"{format_number(value)} and {format_number(other.correlation[one.id])}"
        return text, f"{one.id} and {other.id} give two correlations", "one value, or one of the two left out"
    return None


def _check_volatility(spec: GbmIndexSpec | LogOuVolIndexSpec) -> None:
    """Refuse what would leave float64 or has no meaning."""
    least = "0%/yr or more"
    if spec.volatility < 0:
        raise UnitError(format_annual_rate(spec.volatility), "a volatility is below zero", least)
    step = float(spec.volatility) * math.sqrt(spec.every / YEAR_NS)
    if step > _LARGEST_STEP_VOLATILITY or abs(float(spec.drift)) * (spec.every / YEAR_NS) > _LARGEST_STEP_VOLATILITY:
        text = f"{format_annual_rate(spec.volatility)}, drift {format_annual_rate(spec.drift)}"
        raise UnitError(text, "one step moves the index by more than 100%", "less, or a shorter `every`")
    if isinstance(spec, LogOuVolIndexSpec):
        if not 0 <= spec.log_sd <= _LARGEST_LOG_SD:
            raise UnitError(
                format_number(spec.log_sd), "this spread of log volatility is impossible", "log_sd from 0 to 2"
            )
        if spec.memory <= 0:
            raise UnitError(format_duration(spec.memory), "a volatility needs a memory", "`memory` above 0s")


def _mixes(underlyings: Sequence[UnderlyingSpec]) -> dict[str, list[tuple[str, float]]]:
    """For each random index the ids whose innovations it is a weighted sum of; ValueError if impossible.

    Rows of the Cholesky factor in file order: a later underlying never changes an earlier one's path.
    """
    ids = [u.id for u in underlyings if isinstance(u.index, GbmIndexSpec | LogOuVolIndexSpec)]
    given = {frozenset((u.id, other)): float(value) for u in underlyings for other, value in u.correlation.items()}
    wanted = [[1.0 if a == b else given.get(frozenset((a, b)), 0.0) for b in ids] for a in ids]
    rows = lower_triangle(wanted)
    return {
        name: [(other, weight) for other, weight in zip(ids, row, strict=False) if weight != 0.0]
        for name, row in zip(ids, rows, strict=True)
    }


def _jump_factors(jumps: Sequence[tuple[int, Decimal]], every_ns: int) -> dict[int, Fraction]:
    """Factor of each step with a jump; jumps of one step multiply."""
    factors: dict[int, Fraction] = {}
    for at_ns, size in jumps:
        if size <= -1:
            raise UnitError(format_rate(size), "a jump leaves nothing of the index", "above -100%")
        step = -(-at_ns // every_ns)
        factors[step] = factors.get(step, Fraction(1)) * (1 + Fraction(size))
    return factors
