"""The one layer of charts, for the page of a run, the page of a study and notebooks: frames in, Altair charts out.

Lives here: how a kind of picture is drawn. Not here: what is drawn of a run (sections of the page), how a chart gets
into a page (`embedding`). Charts have a height and no width: who shows one says how wide it is.
"""

from __future__ import annotations

from marketsim.report.charts.estimates import (
    Estimate,
    Named,
    ScatterPoint,
    intervals,
    intervals_by_name,
    intervals_in_order,
    scatter,
)
from marketsim.report.charts.look import BLUE, GREEN, GREY, ORANGE, PALE, PALETTE, PURPLE, RED, SKY
from marketsim.report.charts.matrix import book_over_time, flows
from marketsim.report.charts.over_time import (
    Line,
    Points,
    Span,
    TimeAxis,
    bars_over_time,
    bubbles_over_time,
    over_time,
)
from marketsim.report.charts.waterfall import Step, waterfall

__all__ = [
    "BLUE", "GREEN", "GREY", "ORANGE", "PALE", "PALETTE", "PURPLE", "RED", "SKY",
    "Estimate", "Line", "Named", "Points", "ScatterPoint", "Span", "Step", "TimeAxis",
    "bars_over_time", "book_over_time", "bubbles_over_time", "flows", "intervals", "intervals_by_name",
    "intervals_in_order", "over_time", "scatter", "waterfall",
]  # fmt: skip
