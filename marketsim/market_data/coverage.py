"""Whether a series covers a run: from its start to its end, without gaps that are too long."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataFileError
from marketsim.market_data.series import Series, meant_unit
from marketsim.market_data.spec import DataFileSpec
from marketsim.units import NS_PER_SECOND, format_duration, format_instant

_BARS = 3
_DISTANCES = 10
_MINUTE_NS = 60 * NS_PER_SECOND


def check_coverage(
    series: Series, said: DataFileSpec, name: str, *, start_ns: int, duration_ns: int, max_gap_ns: int | None
) -> None:
    """Refuse a series that does not begin with the run, has a gap, or ends before the run; raises DataFileError.

    max_gap_ns: longest distance of two rows; None: three bars, and of trades and quotes the larger of a minute and ten
    median distances. The last row holds so long too: of bars, and of a table that is as regular, one distance.
    """
    times = series.times_ns
    if times[0] > 0 or times[-1] < 0:
        check_overlap(series, said, name, start_ns, duration_ns)
        _check_beginning(series, name, start_ns)
    gaps = np.diff(times)
    if max_gap_ns is None and not gaps.size and times[-1] < duration_ns:
        raise DataFileError("max_gap", name, "one row does not say how long it holds", "more rows, or a `max_gap`")
    longest_ns, hold_ns = _longest(series, gaps, max_gap_ns)
    if gaps.size and int(gaps.max()) > longest_ns:
        wide = int(np.argmax(gaps > longest_ns))
        gap, at = format_duration(int(gaps[wide])), format_duration(max(int(times[wide]), 0))
        allowed = f"at most {format_duration(longest_ns)}; `max_gap: {gap}` lets this one pass"
        raise DataFileError("path", f"{name}, {at} into the run", f"the file has a gap of {gap}", allowed)
    if int(times[-1]) + hold_ns < duration_ns:
        ends = format_instant(start_ns + int(times[-1]))
        end = format_instant(start_ns + duration_ns)
        raise DataFileError("path", f"{name}, last row {ends}", "the file ends before the run", f"rows to {end}")


def check_overlap(series: Series, said: DataFileSpec, name: str, start_ns: int, duration_ns: int) -> None:
    """Refuse a file of another time than the run's, and say which time; raises DataFileError."""
    run = f"the run goes from {format_instant(start_ns)} to {format_instant(start_ns + duration_ns)}"
    if series.first_ns > start_ns + duration_ns or series.last_ns < start_ns:
        meant = meant_unit(said, series)
        message = f"the file covers another time than the run: {series.covers}"
        key, text = ("time_unit", said.time_unit) if meant else ("path", name)
        raise DataFileError(key, text, message, f"rows of the run; {run}", meant)


def _check_beginning(series: Series, name: str, start_ns: int) -> None:
    if series.times_ns[0] > 0:
        first, text = format_instant(start_ns + int(series.times_ns[0])), f"{name}, taken for {series.layout.called}"
        if series.bar_ns and series.known == "close":
            message = f"the file begins after the run: its first bar closes at {first}"
            allowed = (
                "a clock.start no earlier, or `instant: open`, which takes a bar's value for known at its beginning"
            )
            raise DataFileError("path", text, message, allowed)
        allowed = f"a first row at or before clock.start, {format_instant(start_ns)}"
        raise DataFileError("path", f"{text}, first row {first}", "the file begins after the run", allowed)


def _longest(series: Series, gaps: npt.NDArray[np.int64], max_gap_ns: int | None) -> tuple[int, int]:
    """The longest distance of two rows, and how long the last one holds."""
    if max_gap_ns is not None:
        return max_gap_ns, max_gap_ns
    sort = series.layout.format.sort
    if series.bar_ns and sort == "bars":
        return _BARS * series.bar_ns, series.bar_ns
    median = int(np.median(gaps)) if gaps.size else 0
    is_regular = gaps.size > 0 and int((np.abs(gaps - median) * 100 <= median).sum()) * 2 >= gaps.size
    if sort in ("bars", "table") and is_regular:
        return _BARS * median, median
    longest = max(_MINUTE_NS, _DISTANCES * median)
    return longest, longest
