"""What several commands take: a scenario, overrides and a seed, `--json`, a duration of wall time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class ScenarioParameter(click.Path):
    """A scenario file that is there, as a Path; or the name of a shipped one, `marketsim:NAME`, as the text it is."""

    name = "scenario"

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path or name; what is neither is refused, with the name that was perhaps meant."""
        from marketsim.scenario.shipped import is_reference, reference_meant

        if is_reference(value):
            return value
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            meant = reference_meant(value)
            raise click.BadParameter(f"{error.message} Did you mean {meant}?" if meant else error.message) from None


scenario_argument = click.argument("scenario", metavar="SCENARIO", type=ScenarioParameter())

out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True
)


def json_flag(command: F) -> F:
    """`--json`; remembered in the context, so that a refusal is an object too."""

    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        ctx.ensure_object(dict)["json"] = value
        return value

    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=remember, help="One JSON object on stdout."
    )(command)


def world_options(command: F) -> F:
    """`--seed` and `--set`."""
    overrides = click.option(
        "--set", "overrides", metavar="PATH=VALUE", multiple=True, help="Override one value, as YAML; repeatable."
    )
    return click.option("--seed", type=click.IntRange(min=0), help="Root seed.")(overrides(command))


def wall_time(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Check a duration; it stays the text it is."""
    from marketsim.errors import UnitError
    from marketsim.units import duration_ns

    try:
        if value is not None:
            duration_ns(value)
    except UnitError as error:
        raise click.BadParameter(str(error)) from None
    return value
