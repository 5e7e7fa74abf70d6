"""A venue's record of funding, which settles in place of the rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from marketsim.errors import DataFileError
from marketsim.files import data_file
from marketsim.market_data.coverage import check_overlap
from marketsim.market_data.layout import Wanted
from marketsim.market_data.reader import layout_of, read_series
from marketsim.market_data.spec import DataFileSpec
from marketsim.spec import Fault
from marketsim.units import format_instant

_RATES = ("rate", "fundingrate", "funding_rate", "last_funding_rate")
_TIMES = ("timestamp", "time", "fundingtime", "funding_time", "calc_time", "fundingratetimestamp")
_LARGEST = Fraction(1, 10)


@dataclass(frozen=True)
class FundingTape:
    """Settlements of a record after a run's start: instants [ns from the start], rising, and rates, + longs pay."""

    settlements: tuple[tuple[int, Fraction], ...]
    notices: tuple[str, ...]


class FundingTapeSpec(DataFileSpec):
    """A file of funding rates: each row is a settlement at its instant and its rate, and no rule is asked.

    rate: its column, of fractions per settlement (absent: rate, fundingRate, funding_rate or last_funding_rate).
    """

    rate: str | None = None

    @property
    def _wanted(self) -> Wanted:
        return Wanted("rate", self.rate, _RATES, _TIMES)

    def faults(self) -> Iterator[Fault]:
        """What is wrong between what is said of the file."""
        yield from self.file_faults()
        if self.format not in ("auto", "plain"):
            yield Fault(("format",), "this is a format of prices", "auto, plain")

    def recognised(self, file: Path, name: str) -> FundingTapeSpec:
        """With the columns; see `FileSpec`."""
        layout = layout_of(file, name, self, self._wanted)
        return self.model_copy(update={"time": layout.names[layout.time], "rate": layout.value_name})

    def read(self, *, start_ns: int, duration_ns: int, root: Path) -> FundingTape:
        """Read the settlements of a run.

        start_ns: the run's start [ns since 1970]. Raises DataFileError for a file that cannot be read, that has nothing
        of the run, or a rate beyond 10 %.
        """
        known: Literal["open"] = "open"
        series = read_series(
            data_file(self.path, root), self.path, self, self._wanted,
            start_ns=start_ns, duration_ns=duration_ns, known=known,
        )  # fmt: skip
        check_overlap(series, self, self.path, start_ns, duration_ns)
        found = []
        for at_ns, mantissa, places in zip(
            series.times_ns.tolist(), series.mantissas.tolist(), series.decimals.tolist(), strict=True
        ):
            rate = Fraction(mantissa, 10**places)
            if abs(rate) > _LARGEST:
                text = f"{self.path}, {format_instant(start_ns + at_ns)}: {float(rate)}"
                raise DataFileError("rate", text, "a funding rate is out of range", "a fraction from -0.1 to 0.1")
            if at_ns > 0:
                found.append((at_ns, rate))
        reading = f"{self.path}: settlements at {series.layout.names[series.layout.time]} of {series.layout.value_name}"
        return FundingTape(tuple(found), (reading, *series.notices(self.time_zone)))
