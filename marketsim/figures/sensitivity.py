"""Which of the varied values matter: the indices that `study.sensitivity` asked for."""

from __future__ import annotations

from marketsim.figures.picture import Axis, LeftOut, Panel, Picture, Series
from marketsim.figures.study_source import StudySource

_COLUMNS = (
    "path",
    "index",
    "estimate",
    "lo",
    "hi",
    "measure",
    "unit",
    "arm",
    "versus",
    "method",
    "samples",
    "left_out",
)
_INDICES = {
    "sobol": "Share of the outcome's variance that a value explains by itself (S1), and with those it acts together"
    " with (ST).",
    "morris": "Mean absolute elementary effect of a value (mu_star), its mean (mu) and its spread (sigma).",
}


def sensitivity(source: StudySource, name: str) -> Picture:
    """A row for each varied path, a series for each index; raises `LeftOut` where the study asked for none."""
    frame = source.table("sensitivity", *_COLUMNS)
    rows = [row for row in frame.iter_rows(named=True) if row["estimate"] is not None]
    if not rows:
        raise LeftOut("no index of sensitivity has an estimate")
    first = rows[0]
    rows = [row for row in rows if all(row[key] == first[key] for key in ("measure", "arm", "versus"))]
    series = []
    for look, index in enumerate(dict.fromkeys(row["index"] for row in rows)):
        own = [row for row in rows if row["index"] == index]
        lo, hi = ([row[key] for row in own] for key in ("lo", "hi"))
        series.append(
            Series(
                index,
                "points",
                [row["estimate"] for row in own],
                [source.short(row["path"]) for row in own],
                lo,
                hi,
                look=look,
            )
        )
    against = "" if first["versus"] is None else f" against {first['versus']}"
    things = "base points" if first["method"] == "sobol" else "trajectories"
    says = [
        _INDICES.get(first["method"], ""),
        f"n = {first['samples']} {things}; {first['left_out'] or 'none'} left out. 95% intervals resample {things}.",
    ]
    unit = f" [{first['unit']}]" if first["method"] == "morris" and first["unit"] not in ("1", "ratio", "share") else ""
    panel = Panel(f"index of {first['measure']}, {first['arm']}{against}{unit}", series, reference=0.0)
    return Picture(name, f"What {first['measure']} depends on", [panel], Axis(panel.quantity), "forest", says)
