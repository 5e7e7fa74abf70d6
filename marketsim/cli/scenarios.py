"""Commands about the language and what is written in it: check, show, list, begin a scenario, its schema."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketsim.cli.options import ScenarioParameter, json_flag, scenario_argument, world_options
from marketsim.cli.output import print_json, print_notices, say

if TYPE_CHECKING:
    from marketsim.errors import Problem

LISTS = ["scenarios", "kinds", "policies", "presets", "plugins", "measures", "claims"]


@click.command()
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True, type=ScenarioParameter())
@json_flag
def validate(scenarios: tuple[Path | str, ...], as_json: bool) -> None:
    """Check scenario files and run nothing."""
    from marketsim.errors import ScenarioError

    found = {str(path): _checked(path) for path in scenarios}
    wrong = [problem for problems, _ in found.values() for problem in problems]
    if as_json:
        files = {path: [vars(problem) for problem in problems] for path, (problems, _) in found.items()}
        notices = {path: told for path, (_, told) in found.items() if told}
        print_json({"valid": not wrong, "files": files, **({"notices": notices} if notices else {})})
    for path, (problems, told) in found.items():
        for problem in problems:
            say(str(problem), err=as_json)
        if not problems:
            say(f"{path}: valid", err=as_json)
        print_notices(told)
    if wrong:
        sys.exit(ScenarioError.exit_code)


def _checked(path: Path | str) -> tuple[list[Problem], tuple[str, ...]]:
    """What is wrong with a scenario file, and what is right there and perhaps not meant."""
    from marketsim.errors import ScenarioError
    from marketsim.scenario import load

    try:
        return [], load(path).notices
    except ScenarioError as error:
        return error.problems, ()


@click.command()
@scenario_argument
@world_options
@click.option("--sentences", is_flag=True, help="Say in words what the scenario means.")
@json_flag
def show(scenario: Path | str, seed: int | None, overrides: tuple[str, ...], sentences: bool, as_json: bool) -> None:
    """Show the resolved scenario and where each value comes from."""
    from marketsim.scenario import load

    world = load(scenario, set=overrides, seed=seed)
    if as_json:
        print_json(world.complete())
        return
    from marketsim.scenario.describe import described

    say(described(world, sentences))
    print_notices(world.notices)


def _rows_of(what: str) -> Sequence[tuple[str, ...]]:
    """The rows of one list, from the room that owns it."""
    if what == "measures":
        from marketsim.analysis.measures.register import listing as measures

        return measures()
    if what == "claims":
        from marketsim.analysis.claims.verdicts import listing as claims

        return claims()
    from marketsim.scenario.registry import listing

    return listing(what)


def _columns_of(what: str) -> tuple[str, ...]:
    from marketsim.scenario.registry import PLUGIN_COLUMNS

    return PLUGIN_COLUMNS if what == "plugins" else ("name", "origin", "about")


@click.command("list")
@click.argument("what", type=click.Choice(LISTS), required=False)
@json_flag
def list_(what: str | None, as_json: bool) -> None:
    """List what there is and where each comes from."""
    tables = {each: _rows_of(each) for each in ([what] if what else LISTS)}
    if as_json:
        columns = {each: _columns_of(each) for each in tables}
        print_json(
            {each: [dict(zip(columns[each], row, strict=True)) for row in rows] for each, rows in tables.items()}
        )
        return
    for each, rows in tables.items():
        if not what:
            click.secho(each, bold=True)
        indent = "" if what else "  "
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
            say((indent + "  ".join(cells)).rstrip())
        if not rows:
            say(f"{indent}none")


@click.command()
@click.argument("name")
@json_flag
def new(name: str, as_json: bool) -> None:
    """Write a commented starter scenario NAME.yaml in this folder."""
    from importlib.resources import files

    from marketsim.datasets.storage import storing
    from marketsim.errors import UsageError

    name = name.removesuffix(".yaml")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UsageError(f"the name {name!r} cannot be a scenario's; allowed: letters, digits, - and _, a letter first")
    text = files("marketsim").joinpath("starter.yaml").read_text(encoding="utf-8")
    path = Path(f"{name}.yaml")
    try:
        with storing(path, "take another name or folder"), path.open("x", encoding="utf-8") as file:
            file.write(text.replace("name: starter", f"name: {name}"))
    except UsageError as error:
        if not isinstance(error.__cause__, FileExistsError):
            raise
        raise UsageError(f"{path} is already there and stays as it is; take another name") from None
    if as_json:
        print_json({"path": str(path)})
    else:
        say(f"{path}: change it, then `marketsim validate {path}` and `marketsim run {path}`")


@click.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from marketsim.scenario.schema import json_schema

    say(json.dumps(json_schema(), indent=2, ensure_ascii=False))
