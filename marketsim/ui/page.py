"""The page: a world and its parameters, a run of it and its twin, and what lies in the results folder."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nicegui import ui

from marketsim.scenario import Scenario
from marketsim.ui.charts import Frame
from marketsim.ui.controls import WorldControls
from marketsim.ui.live_run import ENDED, LiveRun, RunOrder, stop_all
from marketsim.ui.readout import Readout
from marketsim.ui.results import stored_results
from marketsim.ui.world import ARMS, WorldInHand

REFRESH_EVERY_S = 0.5
STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


@dataclass
class Desk:
    """What all pages of one server share: files that were given, where results are, all runs."""

    files: list[str]
    out: Path
    runs: list[LiveRun] = field(default_factory=list)


class Page:
    """One open page."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.world = WorldInHand(desk.files[0] if desk.files else "marketsim:quickstart")
        self.world.open()
        self._runs: list[LiveRun] = []
        self._following: list[asyncio.Task[None]] = []
        ui.add_css(STYLE)
        ui.dark_mode(None)
        with ui.header().classes("bar items-center"):
            ui.label("marketsim").classes("name")
            with ui.tabs().props("dense no-caps") as tabs:
                ui.tab("world", "world and run")
                ui.tab("results", "results")
        with ui.tab_panels(tabs, value="world").classes("w-full panels").props("keep-alive"):
            with ui.tab_panel("world"), ui.element("div").classes("sides"):
                self._lay_out()
            with ui.tab_panel("results"):
                self._results = ui.column().classes("w-full")
        tabs.on_value_change(self._list_results)
        ui.timer(REFRESH_EVERY_S, self._refresh)
        ui.context.client.on_delete(self.leave)

    def _lay_out(self) -> None:
        with ui.element("aside"):
            self._controls = WorldControls(self.world, self.desk.files, self._settle)
        with ui.element("main"):
            with ui.row().classes("w-full items-center actions"):
                self._go = ui.button("run", on_click=self.run).props("unelevated no-caps")
                self._end = ui.button("stop", on_click=self.stop).props("outline no-caps")
                self._with_twin = ui.checkbox("with a twin:", value=True)
                self._arm = ui.select(list(ARMS), value=ARMS[0]).props('dense aria-label="arm of the twin"')
                self._again = ui.checkbox("again").tooltip("replace a run that is there already")
                self._save = ui.button("save YAML", on_click=self.save).props("outline no-caps")
            self._command = ui.label().classes("command")
            self._readout = Readout()
        self._settle()

    # -- what is pressed

    def run(self) -> None:
        """Run the world in hand, and its twin where one is wanted."""
        scenario = self.world.scenario
        if scenario is None or self._is_busy:
            return
        orders = [self._order(), *([self._order(self._arm.value)] if self._wants_twin(scenario) else [])]
        self._runs = [LiveRun(order) for order in orders]
        self.desk.runs += self._runs
        self._following = [asyncio.create_task(run.follow()) for run in self._runs]
        twin = self._runs[1] if len(self._runs) > 1 else None
        frame = Frame(scenario.clock.start, scenario.clock.duration, scenario.markets[0].currency)
        self._readout.follow(self._runs[0], twin, frame)
        self._settle()

    async def stop(self) -> None:
        """End what runs; nothing of it is kept."""
        await stop_all(self._runs)
        self._refresh()

    def save(self) -> None:
        """Hand over the world as a file that `marketsim run` takes."""
        scenario = self.world.scenario
        if scenario is not None:
            ui.download.content(scenario.to_yaml(), f"{scenario.name}.yaml", "application/yaml")

    async def leave(self) -> None:
        """End what runs when the page is closed."""
        await stop_all(self._runs)

    # -- what is shown

    @property
    def _is_busy(self) -> bool:
        return any(run.state not in ENDED for run in self._runs)

    def _wants_twin(self, scenario: Scenario) -> bool:
        return bool(self._with_twin.value) and bool(scenario.tokens)

    def _order(self, arm: str | None = None) -> RunOrder:
        options = self.world.options if arm is None else self.world.twin_options()
        return RunOrder(self.world.reference, options, self.desk.out, arm, bool(self._again.value))

    def _settle(self) -> None:
        """Let be pressed what can be, and say the command."""
        if not hasattr(self, "_readout"):
            return
        can_run = self._controls.is_settled and not self._is_busy
        self._go.set_enabled(can_run)
        self._save.set_enabled(self._controls.is_settled)
        self._end.set_enabled(self._is_busy)
        has_tokens = self.world.scenario is None or bool(self.world.scenario.tokens)
        self._with_twin.set_enabled(has_tokens)
        self._arm.set_enabled(has_tokens)
        self._command.text = "marketsim " + shlex.join(self._order().arguments)

    def _refresh(self) -> None:
        for task in [task for task in self._following if task.done()]:
            self._following.remove(task)
            task.result()
        self._readout.refresh()
        self._settle()

    def _list_results(self) -> None:
        """What the results folder holds now."""
        self._results.clear()
        with self._results:
            found = stored_results(self.desk.out)
            ui.label(f"{len(found)} runs and studies in {self.desk.out}").classes("title")
            for one in found:
                changed = datetime.fromtimestamp(one.changed, UTC)
                with ui.row().classes("result items-center"):
                    if one.has_report:
                        ui.link(one.place, f"/report/{one.place}", new_tab=True)
                    else:
                        ui.label(f"{one.place} (no page; `marketsim report` writes it)")
                    ui.label(f"{one.kind}, {changed:%Y-%m-%d %H:%M} UTC").classes("when")
