"""The left side of the page: which world, its parameters as sliders and texts, what is wrong where it is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from nicegui import ui

from marketsim.ui.parameters import Parameter
from marketsim.ui.world import WorldInHand, choices, problems_elsewhere

LOOK_EVERY_S = 0.2


class WorldControls:
    """Lets one choose a world and move its parameters; every change is checked as the command checks it.

    on_checked: called when the world in hand has been checked again.
    """

    def __init__(self, world: WorldInHand, files: list[str], on_checked: Callable[[], None]) -> None:
        self.world = world
        self._on_checked = on_checked
        self._inputs: dict[str, ui.input] = {}
        self._is_changed = self._is_checking = False
        options = choices(files)
        chosen = ui.select(options, value=world.reference, label="world", with_input=True).classes("w-full world")
        chosen.on_value_change(lambda event: self._choose(event.value))
        self._title = ui.label().classes("title")
        self._problems = ui.column().classes("problems w-full")
        self._groups = ui.column().classes("w-full gap-1")
        ui.timer(LOOK_EVERY_S, self._look)
        self._fill()

    def _choose(self, reference: str | None) -> None:
        if reference:
            self.world.reference = reference
            self.world.open()
            self._fill()

    def _fill(self) -> None:
        """Lay out the parameters of the world in hand."""
        self._inputs.clear()
        self._groups.clear()
        with self._groups:
            for number, (part, members) in enumerate(groupby(self.world.parameters, lambda each: each.part)):
                title = "this run" if part == "run" else part.replace(".", " ", 1).replace("s ", " ", 1)
                with ui.expansion(title, value=number == 0 or part == "run").classes("w-full part").props("dense"):
                    for parameter in members:
                        self._add(parameter)
        self._show()

    def _add(self, parameter: Parameter) -> None:
        """One parameter: its text, and a slider where it has a size."""
        text = ui.input(parameter.label, value=parameter.text).classes("w-full value").props("dense")
        text.props(f'data-path="{parameter.path}" bottom-slots')
        if parameter.allowed:
            text.props(f'hint="{parameter.allowed}"')
        self._inputs[parameter.path] = text
        slider = None
        if parameter.steps:
            slider = ui.slider(min=0, max=parameter.steps, value=parameter.step_of(parameter.text) or 0)
            slider.props(f'dense aria-label="{parameter.label} of {parameter.part}"').classes("slider")
            slider.on("update:model-value", partial(self._slide, parameter, text, slider), [], throttle=0.05)
        text.on_value_change(partial(self._type, parameter, slider))

    def _slide(self, parameter: Parameter, text: ui.input, slider: ui.slider) -> None:
        # Where the slider is, not where it was when this event was held back: else `_type` would push it back there.
        text.value = parameter.at(int(slider.value))

    def _type(self, parameter: Parameter, slider: ui.slider | None, event: Any) -> None:
        value = str(event.value or "").strip()
        if value == parameter.text:
            self.world.changes.pop(parameter.path, None)
        else:
            self.world.changes[parameter.path] = value
        step = parameter.step_of(value)
        if slider is not None and step is not None and parameter.at(slider.value) != value:
            slider.value = step
        self._is_changed = True

    async def _look(self) -> None:
        """Check the world where something has changed, in a thread of its own."""
        if not self._is_changed or self._is_checking:
            return
        self._is_changed, self._is_checking = False, True
        try:
            await asyncio.to_thread(self.world.check)
        finally:
            self._is_checking = False
        self._show()

    def _show(self) -> None:
        """Say what is wrong at the values where it is wrong, and the rest on top."""
        world = self.world
        if world.scenario is not None:
            self._title.text = world.scenario.title
        for path, text in self._inputs.items():
            text.error = "; ".join(world.problems[path]) if path in world.problems else None
        self._problems.clear()
        with self._problems:
            for sentence in problems_elsewhere(world.problems, list(self._inputs)):
                ui.label(sentence).classes("problem").props('role="alert"')
        self._on_checked()

    @property
    def is_settled(self) -> bool:
        """Whether the world in hand has been checked as it is and can run."""
        return not self._is_changed and not self._is_checking and self.world.scenario is not None
