"""The effect against time: how far resets push the market, and what is left of it, for each arm."""

from __future__ import annotations

from marketsim.analysis.measures.reset_gaps import TAUS
from marketsim.figures.estimates import by_arm, spread_out, told_apart, unit_of
from marketsim.figures.picture import Axis, LeftOut, Panel, Picture
from marketsim.figures.study_source import StudySource, pairs_and_interval

MOST_CELLS = 4
_TIMES = {"0s": "0", "1min": "1 min", "5min": "5 min", "30min": "30 min", "2h": "2 h", "H": "half-way"}


def effect_over_time(source: StudySource, name: str) -> Picture:
    """The impact gap at its times after the last fill, a panel a cell; raises `LeftOut` with fewer than two times."""
    if source.study.spec.sensitivity is not None:
        raise LeftOut("the cells of a study of sensitivity are points of a sample")
    found = {tau: source.differences(f"impact_gap_{tau}") for tau in TAUS}
    times = [tau for tau, rows in found.items() if rows]
    if len(times) < 2:
        raise LeftOut("impact_gap has estimates at fewer than two times (study.measures: [impact_gap])")
    every = [(tau, row) for tau in times for row in found[tau]]
    cells = sorted({row.cell for _, row in every})
    drawn = spread_out(cells, MOST_CELLS)
    words = {f"impact_gap_{tau}": _TIMES[tau] for tau in times}
    panels, others = [], list[str]()
    for cell in drawn:
        rows = [row for _, row in every if row.cell == cell]
        series, others = told_apart(by_arm(rows, lambda row: words[row.measure], lambda _: "", joined=True))
        heading = source.settings(cell) if len(cells) > 1 else ""
        panels.append(Panel(f"impact gap{unit_of(rows)}", series, heading=heading, reference=0.0))
    axis = Axis("time after the last fill of a reset", "named", names=[_TIMES[tau] for tau in times])
    says = [
        "How far orders of resets moved the mid, in their direction, against the same draws without them"
        f" (arm {source.baseline}), at each time after their last fill.",
        *([f"Cells {', '.join(map(str, drawn))} of {len(cells)}."] if len(drawn) < len(cells) else []),
        *others,
        *(["Half-way: half-way to the next reset, four hours at most."] if "H" in times else []),
        pairs_and_interval([row for _, row in every if row.cell in drawn]),
    ]
    return Picture(name, "The push of resets against time", panels, axis, "beside", says)
