"""The registered hypotheses of the loop: what was found over what theory predicted, within the margin registered."""

from __future__ import annotations

from typing import Any

from marketsim.figures.picture import Axis, LeftOut, Number, Panel, Picture, Series
from marketsim.figures.study_source import StudySource

_COLUMNS = (
    "hypothesis", "rule", "predicted", "margin", "estimate", "lo", "hi", "lo_90", "hi_90", "verdict", "method", "cells",
    "replications",
)  # fmt: skip
_MULTIPLIERS = {
    "multiplier_predicted": "predicted", "multiplier_rival": "rival", "multiplier_of_orders_sent": "of orders sent",
}  # fmt: skip


def hypotheses(source: StudySource, name: str) -> Picture:
    """A row for each hypothesis with an estimate; raises `LeftOut` where the study registered none."""
    frame = source.table("hypotheses", *_COLUMNS)
    rows = [row for row in frame.iter_rows(named=True) if row["estimate"] is not None]
    rows = [row for row in rows if row["predicted"] is not None]
    if not rows:
        raise LeftOut("no hypothesis has both an estimate and a prediction")
    names = [_name(row) for row in rows]
    estimates = Series(
        "found", "points", [row["estimate"] for row in rows], names, _column(rows, "lo"),
        _column(rows, "hi"), lo_90=_column(rows, "lo_90"), hi_90=_column(rows, "hi_90"),
    )  # fmt: skip
    margins = [row for row in rows if row["margin"] is not None]
    margin = Series(
        "margin", "bars", [row["predicted"] for row in margins], [_name(row) for row in margins],
        [row["predicted"] - row["margin"] for row in margins], [row["predicted"] + row["margin"] for row in margins],
        look=None,
    )  # fmt: skip
    predicted = {row["predicted"] for row in rows}
    panel = Panel("found over predicted", [*([margin] if margins else []), estimates],
                  reference=predicted.pop() if len(predicted) == 1 else None)  # fmt: skip
    verdicts = "; ".join(f"{_name(row)} {row['verdict'] or 'without a verdict'}" for row in rows)
    says = [
        "Grey: the margin registered before the runs. Thick: 90% interval, thin: 95% interval"
        f" ({', '.join(sorted({row['method'] for row in rows if row['method']}))}). Equivalent: the 90% interval lies"
        " within the margin; differs: the 95% interval does not hold what was predicted.",
        f"Verdicts: {verdicts}.",
        f"n = {_span(rows, 'replications')} replications of {_span(rows, 'cells')} cells.",
    ]
    return Picture(name, "Registered hypotheses of the loop of resets", [panel], Axis(panel.quantity), "forest", says)


def _name(row: dict[str, Any]) -> str:
    """The hypothesis, and the rule of the funds where its own name does not say it."""
    return row["hypothesis"] if row["rule"] in row["hypothesis"] else f"{row['hypothesis']} ({row['rule']})"


def _column(rows: list[dict[str, Any]], key: str) -> list[Number]:
    return [row[key] for row in rows]


def _span(rows: list[dict[str, Any]], key: str) -> str:
    least, most = min(row[key] for row in rows), max(row[key] for row in rows)
    return str(least) if least == most else f"{least} to {most}"


def predicted_and_measured(source: StudySource, name: str) -> Picture:
    """The multiplier of each cell against what theory makes of its probes, a panel for each rule of the funds."""
    frame = source.table("loop_cells", "rule", "multiplier", "replications", *_MULTIPLIERS)
    known = frame.filter(frame["multiplier"].is_not_null() & frame["rule"].is_not_null())
    if known.is_empty():
        raise LeftOut("no cell has a measured multiplier")
    panels = []
    for (rule,), own in known.group_by("rule", maintain_order=True):
        series = []
        for look, (column, label) in enumerate(_MULTIPLIERS.items()):
            pairs = own.select(column, "multiplier").drop_nulls()
            if pairs.height:
                series.append(Series(label, "points", list(pairs[column]), list(pairs["multiplier"]), look=look))
        values = [float(each) for one in series for each in (*one.x, *one.y) if each is not None]
        if values:
            ends = [min(values), max(values)]
            series.insert(0, Series("equal", "curve", ends, ends, look=None))
            panels.append(Panel("measured multiplier", series, heading=f"funds size {_RULES.get(str(rule), rule)}"))
    says = [
        "A point a cell, without a free number; on the line both are equal. Rival: worked until nothing is wanted.",
        f"n = {_span(known.to_dicts(), 'replications')} replications a cell, without intervals of their own; over all"
        " cells the figure `hypotheses` has them.",
    ]
    return Picture(name, "Multipliers measured and predicted", panels, Axis("predicted multiplier"), "beside", says)


_RULES = {"once": "once", "children": "each child anew"}
