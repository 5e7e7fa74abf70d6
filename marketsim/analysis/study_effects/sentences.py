"""A row of effects.parquet in words: what was found, when it was looked at, from how many runs, by which method."""

from __future__ import annotations

from math import floor, log10

from marketsim.analysis.inference import intervals
from marketsim.analysis.inference.power import MOST_REPLICATIONS
from marketsim.analysis.measures.family import Measure, PairMeasure, Reset
from marketsim.analysis.study_effects.effect_row import EffectRow

_UNITS = {"bps": " bp", "ratio": "", "1": "", "share": " %"}
_METHODS = {
    intervals.STUDENT_T: "Student's t, longer on the side of a skew",
    intervals.JACKKNIFE_T: "Student's t with a jackknife of replications, longer on the side of a skew",
    intervals.CLOPPER_PEARSON: "Clopper and Pearson", intervals.BONETT_PRICE: "Bonett and Price",
}  # fmt: skip


def sentence(row: EffectRow, measure: Measure, reset: Reset | None, *, against_factual: bool) -> str:
    """The row in words, its window included."""
    assert row.estimate is not None
    if row.versus is None:
        found = f"{row.measure} of {row.arm} was {value(row)}{_place(row)} {measure.window}"
    elif isinstance(measure, PairMeasure) and not against_factual:
        found = _effect(row, measure, reset)
    else:
        found = _difference(row, measure)
    return f"{found} ({_basis(row)})."


def what_would_do(replications: int | None) -> str:
    """How many replications would find an effect of the size that was estimated."""
    if replications is None:
        return f"An effect of this size could not be told from none with {MOST_REPLICATIONS:,} replications either."
    return f"About {replications:,} replications would tell an effect of this size from none (80 % power)."


def value(row: EffectRow, *, absolute: bool = False) -> str:
    """The estimate with its interval and unit: `28 bp [21, 35]`."""
    assert row.estimate is not None
    scale = 100.0 if row.unit == "share" else 1.0
    turned = absolute and row.estimate < 0
    known = row.lo is not None and row.hi is not None
    width = scale * (row.hi - row.lo) if row.lo is not None and row.hi is not None else None
    ends = (row.lo, row.hi) if not turned else (row.hi, row.lo)
    shown = [
        _number(scale * (-x if turned else x), width) for x in (row.estimate, *(ends if known else ())) if x is not None
    ]
    unit = _UNITS.get(row.unit, f" {row.unit}")
    return f"{shown[0]}{unit}" + (f" [{shown[1]}, {shown[2]}]" if known else "")


def _effect(row: EffectRow, measure: Measure, reset: Reset | None) -> str:
    """What an arm has that the baseline has not."""
    if not measure.verb:
        return f"{row.measure} of {row.arm} against {row.versus} was {value(row)}{_place(row)} {measure.window}"
    of = "Resets" if reset is None else (
        f"Resets of {_money(reset.assets, reset.currency)} of assets (orders of {_money(reset.order, reset.currency)}"
        f" after moves of {_number(100 * reset.move)} % on average)"
    )  # fmt: skip
    pushed = f"{measure.verb} {row.market or 'the market'} by {value(row)} {measure.window}"
    return f"{of} {pushed}, {row.arm} against {row.versus}"


def _difference(row: EffectRow, measure: Measure) -> str:
    """What an arm adds to another, or takes off."""
    assert row.estimate is not None
    if row.estimate == 0.0:
        return f"{row.measure} of {row.arm} did not differ from that of {row.versus}{_place(row)} {measure.window}"
    if measure.verb:
        did = "took {} off" if row.estimate < 0 else "added {} to"
        pushed = f"what {row.versus} {measure.verb} {row.market or 'the market'} by"
        return f"{row.arm} {did.format(value(row, absolute=True))} {pushed} {measure.window}"
    did = "lower" if row.estimate < 0 else "higher"
    shown = value(row, absolute=True)
    return f"{row.measure} of {row.arm} was {shown} {did} than that of {row.versus}{_place(row)} {measure.window}"


def _basis(row: EffectRow) -> str:
    """How many replications, which interval, which test, and what was left out."""
    told = [f"{row.pairs} replication{'' if row.pairs == 1 else 's'}"]
    method = row.method.removesuffix(intervals.SMALL_N)
    if row.method == intervals.TOO_FEW:
        told.append(f"no interval from fewer than {intervals.FEWEST}")
    elif row.method == intervals.NO_SPREAD:
        told.append("all gave the same")
    elif method in _METHODS:
        few = "" if row.coverage is None else f", which from so few covers {100 * row.coverage:.0f} %"
        told.append(f"95 % interval by {_METHODS[method]}{few}")
    if row.p_adjusted is not None:
        told.append(f"p = {row.p_adjusted:.2g} by sign flips, adjusted for all tests")
    for count, what in (
        (row.failed, "failed"), (row.collapsed, "collapsed"), (row.runaway, "ran away"),
    ):  # fmt: skip
        if count:
            told.append(f"{count} pair{'' if count == 1 else 's'} of runs {what}")
    if row.dropped:
        told.append("1 reset or side" if row.dropped == 1 else f"{row.dropped} resets or sides")
        told[-1] += " could not be read"
    return "; ".join(told)


def _place(row: EffectRow) -> str:
    return f" in {row.market}" if row.market else ""


def _money(amount: float, currency: str) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{_number(amount / size)} {letter}{currency}"
    return f"{_number(amount)} {currency}"


def _number(x: float, width: float | None = None) -> str:
    """A number as finely as the width of its interval tells, to two digits of that; else to three digits."""
    if width is not None and width > 0:
        places = max(0, 1 - floor(log10(width)))
        return f"{round(x, places):,.{places}f}" if places <= 8 else f"{x:.3g}"
    if x and not 1e-4 <= abs(x) < 1e6:
        return f"{x:.3g}"
    places = max(0, 2 - floor(log10(abs(x)))) if x else 0
    return f"{x:,.{places}f}".rstrip("0").rstrip(".") if places else f"{x:,.0f}"
