"""From an opening to a closing level in steps: what made the difference, of several things side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from marketsim.report.charts.look import BLUE, GREY, ORANGE

_COLOURS = {"gain": BLUE, "loss": ORANGE, "level": GREY}


@dataclass(frozen=True)
class Step:
    """A bar of a waterfall from `low` to `high`; kind is gain, loss or level; `label` is its amount in words."""

    part: str
    low: float
    high: float
    kind: str
    label: str


def waterfall(steps: Mapping[str, Sequence[Step]], title: str, *, height: int = 210) -> Any:
    """Bars in the order given, each with its amount beside it; a panel for each key of `steps`."""
    rows = [asdict(step) | {"panel": panel} for panel, own in steps.items() for step in own]
    order = list(dict.fromkeys(row["part"] for row in rows))
    bottom, top = min(row["low"] for row in rows), max(row["high"] for row in rows)
    spread = top - bottom or 1.0
    scale = alt.Scale(domain=[bottom, top + 0.22 * spread], nice=False, zero=False)
    y = alt.Y("part:N", sort=order, title=None, axis=alt.Axis(grid=False, labelOverlap=False, minExtent=0))
    x = alt.X("low:Q", title=title, axis=alt.Axis(format=",~r", tickCount=4), scale=scale)
    hue = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    told = [alt.Tooltip("panel:N", title="of"), alt.Tooltip("part:N"), alt.Tooltip("label:N", title="amount")]
    base = alt.Chart().encode(y=y)
    bars = base.mark_bar(height={"band": 0.72}, clip=True).encode(
        x=x, x2="high:Q", color=alt.Color("kind:N", scale=hue, legend=None), tooltip=told
    )
    labels = base.mark_text(align="left", dx=4, fontSize=10).encode(x=alt.X("high:Q"), text="label:N")
    whole = alt.layer(bars, labels, data=alt.InlineData(values=rows)).properties(height=height)
    return whole.facet(alt.Facet("panel:N", sort=list(steps), title=None), columns=3) if len(steps) > 1 else whole
