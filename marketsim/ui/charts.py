"""Charts and figures of a run and its twin, as options of Apache ECharts, which draws them in the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketsim.ui.observations import Observations, Point, Row, log_gap_bps
from marketsim.units import ATOMS_PER_UNIT, NS_PER_SECOND, format_duration

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Told apart by the colour-blind (Okabe and Ito 2008), on white and on black."""
GREY = "#7f858c"
MOST_POINTS = 500
TIMES = {"day": "{MMM} {d}", "hour": "{HH}:{mm}", "minute": "{HH}:{mm}", "second": "{HH}:{mm}:{ss}"}
NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Line:
    """One line of a chart; the twin's are dashed."""

    name: str
    points: Sequence[Point]
    colour: str
    is_twin: bool = False


@dataclass(frozen=True)
class Frame:
    """What charts of one run share: instant of its start [ns since 1970], length [ns], currency of its prices."""

    start_ns: int
    duration_ns: int
    currency: str


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most about MOST_POINTS of them, the last always among them."""
    every = max(1, -(-len(points) // MOST_POINTS))
    kept = list(points[::every])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def chart(frame: Frame, unit: str, lines: Sequence[Line], resets: Sequence[int] = ()) -> dict[str, Any]:
    """A chart of lines over simulated time (UTC), with a thin line at each reset's first fill [ns]."""
    series = [_series(frame, line) for line in lines]
    if series and resets:
        at = [{"xAxis": _ms(frame, t_ns)} for t_ns in resets]
        style = {"color": GREY, "type": "dotted", "width": 1}
        series[0]["markLine"] = {
            "silent": True, "symbol": "none", "label": {"show": False}, "data": at, "lineStyle": style,
        }  # fmt: skip
    text = {"color": GREY}
    faint = {"lineStyle": {"color": GREY, "opacity": 0.25}}
    return {
        "animation": False,
        "useUTC": True,
        "aria": {"enabled": True},
        "textStyle": text,
        "grid": {"left": 8, "right": 16, "top": 56, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "left": 0, "textStyle": text, "itemHeight": 8},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {
            "type": "time",
            "min": _ms(frame, 0),
            "max": _ms(frame, frame.duration_ns),
            "axisLabel": {**text, "hideOverlap": True, "formatter": TIMES},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "scale": True,
            "name": unit,
            "nameTextStyle": {**text, "align": "left"},
            "axisLabel": text,
            "splitLine": faint,
        },
        "series": series,
    }


def _series(frame: Frame, line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "type": "line",
        "showSymbol": False,
        "data": [[_ms(frame, t_ns), value] for t_ns, value in thinned(line.points)],
        "itemStyle": {"color": line.colour},
        "lineStyle": {"color": line.colour, "width": 1.5, "type": "dashed" if line.is_twin else "solid"},
    }


def _ms(frame: Frame, t_ns: int) -> float:
    return (frame.start_ns + t_ns) / NS_PER_MS


def price_lines(market: str, run: Observations, twin: Observations | None) -> list[Line]:
    """Index and mid of a market, and the twin's mid."""
    lines = [Line("index", run.prices(market, "index_price"), GREY)]
    lines += [Line("mid of the twin", twin.prices(market, "mid_price"), COLOURS[1], True)] if twin else []
    return [*lines, Line("mid", run.prices(market, "mid_price"), COLOURS[0])]


def token_lines(column: str, run: Observations, twin: Observations | None) -> list[Line]:
    """A value of every token, and the twin's."""
    lines = []
    for token, colour in zip(run.tokens, COLOURS * len(run.tokens), strict=False):
        lines.append(Line(token, run.values(token, column), colour))
        if twin is not None and token in twin.tokens:
            lines.append(Line(f"{token} of the twin", twin.values(token, column), colour, True))
    return lines


def difference_lines(market: str, run: Observations, twin: Observations) -> list[Line]:
    """What the run has that the twin has not: mid, and every token's NAV [bps, logarithms]."""
    gap = log_gap_bps(run.prices(market, "mid_price"), twin.prices(market, "mid_price"))
    lines = [Line("mid", gap, COLOURS[0])]
    for token, colour in zip(run.tokens, COLOURS[1:] * len(run.tokens), strict=False):
        lines.append(Line(f"NAV of {token}", log_gap_bps(run.values(token, "nav"), twin.values(token, "nav")), colour))
    return lines


def figures(run: Observations, twin: Observations | None) -> list[dict[str, str]]:
    """The latest figures that both have, one a row: of the run, of the twin, and run less twin, all of one instant."""
    both = (run, twin)
    until_ns = min(seen.until_ns for seen in both if seen is not None)
    face = format_duration(until_ns // NS_PER_SECOND * NS_PER_SECOND)
    rows = [{"name": "from the start", "run": face, "twin": face if twin is not None else "", "difference": ""}]
    for market in run.marks:
        for column, name in (("mid_price", "mid"), ("mark_price", "mark"), ("index_price", "index")):
            values = [_latest([] if seen is None else seen.marks.get(market, []), column, until_ns) for seen in both]
            rows.append(_figure(f"{name} of {market}", values, 2))
    for token in run.tokens:
        for column, name, digits in (("nav", "NAV", 4), ("leverage", "leverage", 4), ("equity_atoms", "equity", 2)):
            values = [_latest([] if seen is None else seen.tokens.get(token, []), column, until_ns) for seen in both]
            if column == "equity_atoms":
                values = [None if value is None else value / ATOMS_PER_UNIT for value in values]
            rows.append(_figure(f"{name} of {token}", values, digits))
    for name, times in (("orders of resets", Observations.reset_times), ("liquidations", Observations.liquidated)):
        counts = [None if seen is None else float(sum(t <= until_ns for t in times(seen))) for seen in both]
        rows.append(_figure(name, counts, 0))
    return rows


def _latest(rows: Sequence[Row], column: str, until_ns: int) -> float | None:
    """The value of the last row at an instant or before it."""
    row = next((row for row in reversed(rows) if row["t_ns"] <= until_ns), None)
    return None if row is None else row[column]


def _figure(name: str, values: Sequence[float | None], digits: int) -> dict[str, str]:
    run, twin = values
    gap = None if run is None or twin is None else run - twin
    signed = "" if gap is None else f"{gap:+,.{digits}f}"
    shown = ["" if value is None else f"{value:,.{digits}f}" for value in (run, twin)]
    return {"name": name, "run": shown[0], "twin": shown[1], "difference": signed}


def reset_rows(run: Observations) -> list[dict[str, str]]:
    """Every reset's orders, one a row, newest first."""
    return [
        {
            "key": str(number),
            "time": format_duration(reset["t_ns"] // NS_PER_SECOND * NS_PER_SECOND),
            "token": reset["token"],
            "market": reset["market"],
            "trigger": reset["trigger"] or "",
            "lots": f"{reset['filled_lots']:+,}",
            "slippage": "" if reset["slippage_bps"] is None else f"{reset['slippage_bps']:.2f}",
            "leverage": _from_to(reset["leverage_before"], reset["leverage_after"]),
            "status": reset["status"],
        }
        for number, reset in reversed(list(enumerate(run.resets())))
    ]


def _from_to(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"{before:.3f} to {after:.3f}"
