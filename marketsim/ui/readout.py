"""The right side of the page: how far a run and its twin are, charts of both, what they differ in, figures, resets."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from nicegui import ui

from marketsim.ui import charts
from marketsim.ui.charts import Frame
from marketsim.ui.live_run import LiveRun
from marketsim.ui.observations import Observations
from marketsim.units import NS_PER_SECOND, format_duration

REST = 8
"""So many times as long as drawing took, nothing is drawn: the page stays quick on a busy machine."""
HINT = "Press run: price, leverage, NAV and resets are drawn here as it goes on."
CHARTS = {
    "price": "price",
    "difference": "difference: run less twin",
    "leverage": "leverage of tokens",
    "nav": "NAV of tokens",
}
_FIGURES = (("name", "latest"), ("run", "run"), ("twin", "twin"), ("difference", "run less twin"))
_RESETS = (
    ("time", "from the start"),
    ("token", "token"),
    ("market", "market"),
    ("trigger", "trigger"),
    ("lots", "lots traded"),
    ("slippage", "slippage, bp"),
    ("leverage", "leverage"),
    ("status", "status"),
)


class Progress:
    """A bar and a sentence about one run."""

    def __init__(self, name: str) -> None:
        self.name = name
        with ui.row().classes("w-full progress items-center").props(f'data-run="{name}"') as self._row:
            self._bar = ui.linear_progress(0, show_value=False, size="6px").props(f'aria-label="progress of {name}"')
            self._words = ui.label().classes("words")
        self._row.visible = False

    def show(self, run: LiveRun | None) -> None:
        """Say how far it is; nothing where there is no such run."""
        self._row.visible = run is not None
        if run is None:
            return
        self._bar.value = run.simulated_ns / run.duration_ns if run.duration_ns else 0.0
        self._words.text = f"{self.name}: {_state(run)}"


def _state(run: LiveRun) -> str:
    if run.state == "finished" and run.manifest is not None:
        return f"finished, {run.manifest['counts']['trades']:,} trades, {run.manifest['path']}"
    if run.state in ("failed", "stopped"):
        return f"{run.state}: {run.said}" if run.state == "failed" else run.said
    if run.state == "stopping":
        return "stopping"
    if run.state == "starting":
        return f"starting: {run.said or 'reading the world'}"
    seconds = NS_PER_SECOND
    return f"{format_duration(run.simulated_ns // seconds * seconds)} of {format_duration(run.duration_ns)}"


class Readout:
    """Shows a run, and its twin where there is one, as they go on."""

    def __init__(self) -> None:
        self._drawn: tuple[Any, ...] = ()
        self._next_s = 0.0
        self._market = ""
        self._bars = [Progress("run"), Progress("twin")]
        self._hint = ui.label(HINT).classes("title")
        self._markets = ui.select([], label="market").classes("market").props("dense")
        self._markets.on_value_change(lambda event: self._turn_to(event.value))
        self._markets.visible = False
        self._charts: dict[str, Any] = {}
        with ui.element("div").classes("charts"):
            for name, title in CHARTS.items():
                with ui.element("section").classes("card") as card:
                    ui.label(title).classes("heading").props('role="heading" aria-level="2"')
                    self._charts[name] = (card, ui.echart({"series": []}, renderer="svg").classes("chart"))
                card.visible = False
        with ui.element("div").classes("tables") as self._tables:
            self._figures = _table("figures", _FIGURES, "name")
            self._resets = _table("resets", _RESETS, "key")
        self._tables.visible = False
        self._run: LiveRun | None = None
        self._twin: LiveRun | None = None
        self._frame = Frame(0, 1, "")

    def follow(self, run: LiveRun, twin: LiveRun | None, frame: Frame) -> None:
        """Turn to other runs."""
        self._run, self._twin, self._frame, self._drawn, self._next_s = run, twin, frame, (), 0.0
        self.refresh()

    def refresh(self) -> None:
        """Show what has come since the last look."""
        for bar, run in zip(self._bars, (self._run, self._twin), strict=True):
            bar.show(run)
        if self._run is None:
            return
        now = (self._market, *(_extent(run) for run in (self._run, self._twin)))
        began_s = monotonic()
        if now != self._drawn and began_s >= self._next_s:
            self._drawn = now
            self._draw(self._run.seen, self._twin.seen if self._twin is not None else None)
            self._next_s = monotonic() + REST * (monotonic() - began_s)

    def _turn_to(self, market: str | None) -> None:
        self._market = market or ""
        self.refresh()

    def _draw(self, run: Observations, twin: Observations | None) -> None:
        markets = list(run.marks)
        if self._market not in markets and markets:
            self._market = markets[0]
        if markets != self._markets.options:
            self._markets.set_options(markets, value=self._market)
        self._markets.visible = len(markets) > 1
        market, frame = self._market, self._frame
        self._tables.visible, self._hint.visible = bool(markets), False
        resets = sorted(set(run.reset_times()))
        self._put("price", charts.chart(frame, frame.currency, charts.price_lines(market, run, twin), resets))
        self._put("leverage", charts.chart(frame, "", charts.token_lines("leverage", run, twin), resets))
        self._put("nav", charts.chart(frame, frame.currency, charts.token_lines("nav", run, twin), resets))
        between = charts.difference_lines(market, run, twin) if twin is not None else []
        self._put("difference", charts.chart(frame, "bp", between, resets))
        self._figures.rows = charts.figures(run, twin)
        self._resets.rows = charts.reset_rows(run)

    def _put(self, name: str, options: dict[str, Any]) -> None:
        card, element = self._charts[name]
        card.visible = bool(options["series"])
        element.options.clear()
        element.options.update(options)
        element.update()


def _extent(run: LiveRun | None) -> tuple[Any, ...]:
    """What changes when there is something new to draw."""
    return () if run is None else (run.state, run.simulated_ns)


def _table(name: str, columns: Sequence[tuple[str, str]], key: str) -> ui.table:
    """A table of texts, its numbers to the right."""
    layout = [
        {"name": field, "label": label, "field": field, "align": "left" if number == 0 else "right"}
        for number, (field, label) in enumerate(columns)
    ]
    table = ui.table(rows=[], columns=layout, row_key=key, pagination=0).classes(f"w-full {name}")
    return table.props('dense flat hide-pagination no-data-label="none yet"')
