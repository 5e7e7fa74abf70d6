"""The index: the outside price of an underlying, which the perp follows and (with `pass_through`) teaches."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from marketsim.spec import AnnualRate, Duration, Factor, MoneyAmount, Rate, Spec
from marketsim.units import NS_PER_SECOND


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
